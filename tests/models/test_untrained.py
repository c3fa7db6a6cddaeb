"""Reinitialised weights are those a network would begin its training with; everything else is kept."""

import keras
import numpy as np
import pytest

from reportgen.errors import ModelError
from reportgen.models import load_model
from reportgen.models.untrained import fresh_weights


@pytest.fixture
def network():
    """A trained network with normalisations, a nested model and an initialiser of its own."""
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, kernel_initializer="he_normal", name="first")(picture)
    x = keras.layers.BatchNormalization(name="norm")(x)
    inner = keras.Sequential([keras.Input((14, 14, 8)), keras.layers.DepthwiseConv2D(3, name="deep")])
    x = keras.layers.Flatten()(inner(x))
    made = keras.Model(picture, keras.layers.Dense(5, bias_initializer="ones", name="head")(x))
    for layer in made.layers:
        layer.set_weights([np.full(w.shape, 0.3, np.float32) for w in layer.get_weights()])
    return made


def test_every_weight_is_reinitialised_by_its_own_initialiser(network):
    how = fresh_weights(network, 0, "keras", "net.keras")
    kernel, bias = network.get_layer("first").get_weights()
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / 27), rel=0.25) and not bias.any()
    assert [w.mean() for w in network.get_layer("norm").get_weights()] == [1, 0, 0, 1]
    assert (network.get_layer("head").get_weights()[1] == 1).all()
    assert np.std(network.layers[3].get_weights()[0]) > 0
    assert "initialisers of its file" in how


def test_the_same_seed_draws_the_same_and_another_one_others(network):
    def drawn(seed):
        fresh_weights(network, seed, "keras", "net.keras")
        return network.get_layer("first").get_weights()[0]

    assert (drawn(0) == drawn(0)).all() and not np.allclose(drawn(0), drawn(1))


def test_the_state_of_pythons_random_generator_is_kept(network):
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    fresh_weights(network, 0, "keras", "net.keras")
    assert random.random() == expected


def test_without_initialisers_kernels_follow_hes_rule(network):
    how = fresh_weights(network, 0, "onnx", "net.onnx")
    head, bias = network.get_layer("head").get_weights()
    assert np.std(head) == pytest.approx(np.sqrt(2 / head.shape[0]), rel=0.1) and not bias.any()
    assert np.std(network.layers[3].get_weights()[0]) == pytest.approx(np.sqrt(2 / 9), rel=0.4)
    assert "He's rule" in how


def test_a_loaded_twin_has_other_graph_hashes_and_says_how_it_was_drawn(tmp_path, network):
    path = tmp_path / "net.keras"
    network.save(path)
    trained, twin = load_model(path), load_model(path, untrained=0)
    assert [x.name for x in trained.layers] == [x.name for x in twin.layers]
    assert all(a.graph_hash != b.graph_hash for a, b in zip(trained.layers, twin.layers, strict=True))
    assert any(note.startswith("untrained: ") for note in twin.notes)
    assert twin.file_hash == trained.file_hash


def test_a_layer_that_cannot_be_reinitialised_is_refused_in_one_line(network, monkeypatch):
    monkeypatch.setattr(keras.layers.Dense, "get_config", lambda _: {"nothing": 1})
    with pytest.raises(ModelError, match='layer "head" cannot be reinitialised') as error:
        fresh_weights(network, 0, "keras", "net.keras")
    assert "\n" not in str(error.value)
