"""What a file records about a call: flags of training, the layer in a wrapper, weights used twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from reportgen.judgement import ConsistencyReference, Responsiveness
from reportgen.models import cut_model, load_model
from reportgen.models.keras.parity import compare_with_keras
from reportgen.models.model import Model
from reportgen.models.parity import compare_cuts
from reportgen.models.sources import find_source
from reportgen.score.evidence import LayerEvidence
from reportgen.score.layer_summary import layer_findings
from reportgen.units import UnitScore

SIDE = 12


def saved(tmp_path: Path, outputs: Any, inputs: Any) -> Path:
    path = tmp_path / "net.keras"
    keras.Model(inputs, outputs).save(path)
    return path


def pictures(channels: int = 3, n: int = 3) -> Any:
    return np.random.default_rng(0).random((n, SIDE, SIDE, channels)).astype(np.float32)


def shifted(normalization: Any) -> None:
    """Give a BatchNormalization stored moments that no picture has."""
    normalization.moving_mean.assign(np.full(normalization.moving_mean.shape, 2.0))
    normalization.moving_variance.assign(np.full(normalization.moving_variance.shape, 4.0))


def normalised(tmp_path: Path, flag: bool | None, *, frozen: bool = False, nested: bool = False) -> Path:
    keras.utils.set_random_seed(0)
    normalise = layers.BatchNormalization(name="bn")
    x = keras.Input((SIDE, SIDE, 3))
    y = layers.Conv2D(4, 3, name="down")(x)
    if nested:
        inner = keras.Input(y.shape[1:])
        y = keras.Model(inner, normalise(inner), name="block")(y, training=flag)
    else:
        y = normalise(y, training=flag)
    y = layers.Conv2D(3, 3, name="up")(layers.ReLU()(y))
    shifted(normalise)
    normalise.trainable = not frozen
    return saved(tmp_path, y, x)


def last_layer(model: Model, x: Any) -> Any:
    return np.asarray(cut_model(model, model.layer("up"), (SIDE, SIDE)).network(x)[0])


@pytest.mark.parametrize("form", [{}, {"nested": True}], ids=str)
def test_training_recorded_for_a_normalisation_takes_each_pictures_own_moments_in_any_batch(
    tmp_path: Path, form: dict[str, bool]
) -> None:
    path = normalised(tmp_path, True, **form)
    theirs = [np.asarray(keras.saving.load_model(path)(x[None])) for x in pictures()]
    model = load_model(path)
    np.testing.assert_allclose(last_layer(model, pictures()), np.concatenate(theirs), atol=1e-5)
    assert compare_with_keras(find_source(path), model).same
    assert compare_cuts(model).same
    assert any("recorded with training=True" in note and "bn" in note for note in model.notes)


@pytest.mark.parametrize(("flag", "frozen"), [(None, False), (False, False), (True, True)])
def test_stored_moments_are_used_where_the_file_asks_for_no_training_or_the_layer_is_frozen(
    tmp_path: Path, flag: bool | None, frozen: bool
) -> None:
    path = normalised(tmp_path, flag, frozen=frozen)
    model = load_model(path)
    theirs = keras.saving.load_model(path)(pictures(), training=False)
    np.testing.assert_allclose(last_layer(model, pictures()), np.asarray(theirs), atol=1e-5)
    assert compare_with_keras(find_source(path), model).same


def test_a_plain_normalisation_after_one_in_training_takes_stored_moments_and_the_proof_does_so(
    tmp_path: Path,
) -> None:
    first, second = layers.BatchNormalization(name="own"), layers.BatchNormalization(name="stored")
    x = keras.Input((SIDE, SIDE, 3))
    y = layers.Conv2D(4, 3, name="down")(x)
    middle = layers.Conv2D(4, 3, name="middle")(layers.ReLU()(first(y, training=True)))
    z = layers.Conv2D(3, 3, name="up")(second(middle))
    shifted(first), shifted(second)
    network = keras.Model(x, [y, z])
    path = saved(tmp_path, [y, z], x)
    model = load_model(path)
    for picture in pictures():
        early = first(network(picture[None], training=False)[0], training=True)
        late = network.get_layer("middle")(keras.ops.relu(early))
        expected = network.get_layer("up")(second(late, training=False))
        np.testing.assert_allclose(last_layer(model, picture[None]), np.asarray(expected), atol=1e-5)
    assert compare_with_keras(find_source(path), model).same
    assert any('"own" is recorded' in note and "after it as well" in note for note in model.notes)


def test_a_layer_that_each_call_changes_is_not_compared_and_the_reason_given(tmp_path: Path) -> None:
    x = keras.Input((SIDE, SIDE, 3))
    y = layers.SpectralNormalization(layers.Conv2D(4, 3), name="spectral")(x, training=True)
    path = saved(tmp_path, y, x)
    assert '"spectral" as in training' in compare_with_keras(find_source(path), load_model(path)).reason


def test_the_recorded_flag_is_part_of_what_a_picture_depends_on(tmp_path: Path) -> None:
    hashes = []
    for flag in (True, None):
        folder = tmp_path / str(flag)
        folder.mkdir()
        hashes.append(load_model(normalised(folder, flag)).layer("up").graph_hash)
    assert hashes[0] != hashes[1]


def test_no_unit_is_proved_dead_after_moments_of_the_picture(tmp_path: Path) -> None:
    from reportgen.measure.bounds import bounds

    found = bounds(load_model(normalised(tmp_path, True)))
    assert np.isnan(found["up"]["pre_high"]).all()
    assert np.isfinite(found["down"]["pre_high"]).all()


def test_a_normalisation_in_training_survives_the_network_being_made_anew(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    x, held = keras.Input((SIDE, SIDE, 3), name="x"), keras.Input((4,), name="held")
    normalise = layers.BatchNormalization()
    y = normalise(layers.Conv2D(4, 3)(x), training=True)
    shifted(normalise)
    y = layers.Conv2D(3, 3, name="up")(y + layers.Dense(4)(held)[:, None, None, :])
    path = saved(tmp_path, y, [x, held])
    theirs = [keras.saving.load_model(path)([p[None], np.zeros((1, 4), np.float32)]) for p in pictures()]
    model = load_model(path)
    np.testing.assert_allclose(last_layer(model, pictures()), np.concatenate(theirs), atol=1e-5)
    assert compare_with_keras(find_source(path), model).same


def test_dropout_recorded_in_training_mode_is_left_out_with_a_note(tmp_path: Path) -> None:
    x = keras.Input((SIDE, SIDE, 3))
    y = layers.Dropout(0.5, name="chance")(layers.Conv2D(4, 3)(x), training=True)
    path = saved(tmp_path, layers.Conv2D(3, 3, name="up")(y), x)
    model = load_model(path)
    np.testing.assert_array_equal(last_layer(model, pictures()), last_layer(model, pictures()))
    assert any('"chance" is recorded with training=True' in note for note in model.notes)
    assert "chance" in compare_with_keras(find_source(path), model).reason


def test_a_convolution_in_spectral_normalisation_has_units_under_both_names(tmp_path: Path) -> None:
    x = keras.Input((SIDE, SIDE, 3))
    y = layers.SpectralNormalization(layers.Conv2D(5, 3, activation="relu", name="conv"), name="spectral")(x)
    path = saved(tmp_path, layers.Conv2D(3, 3, name="up")(y), x)
    model = load_model(path)
    assert next((a.name, a.n_units, a.activation) for a in model.layers) == ("spectral/conv", 5, "relu")
    theirs = keras.saving.load_model(path)(pictures())
    np.testing.assert_allclose(last_layer(model, pictures()), np.asarray(theirs), atol=1e-5)


def encoder() -> Any:
    parts = [layers.Conv2D(4, 3, activation="relu", name="conv"), layers.GlobalAveragePooling2D(),
             layers.Dense(4, name="dense")]  # fmt: skip
    return keras.Sequential([keras.Input((SIDE, SIDE, 1)), *parts], name="encoder")


@pytest.mark.parametrize("seen", ["left", "right"])
def test_of_one_encoder_on_two_inputs_the_call_that_sees_the_picture_is_listed_once(
    tmp_path: Path, seen: str
) -> None:
    encode = encoder()
    left, right = (keras.Input((SIDE, SIDE, 1), name=name) for name in ("left", "right"))
    distance = ops.abs(encode(left) - encode(right))
    path = saved(tmp_path, layers.Dense(1, name="same")(distance), [left, right])
    model = load_model(path, hold={{"left": "right", "right": "left"}[seen]: 0.5})
    assert [layer.name for layer in model.layers] == ["encoder/conv", "encoder/dense", "same"]
    assert [layer.shared_with for layer in model.layers] == [("encoder/conv#2",), ("encoder/dense#2",), ()]
    assert [name for name, _ in model.skipped] == ["encoder/conv#2", "encoder/dense#2"]
    drawn = [name for name, kind in model.graph.nodes if kind != "input"]
    assert not any("#2" in name for name in drawn)


def test_an_encoder_called_twice_on_the_same_picture_is_two_layers_of_shared_weights(tmp_path: Path) -> None:
    encode = encoder()
    x = keras.Input((SIDE, SIDE, 1))
    path = saved(tmp_path, layers.Dense(1, name="same")(encode(x) * encode(1 - x)), x)
    model = load_model(path)
    assert model.layer("encoder/conv").shared_with == ("encoder/conv#2",)
    assert model.layer("encoder/conv#2").shared_with == ("encoder/conv",)
    assert model.layer("same").shared_with == ()


def test_copies_of_one_kernel_in_two_layers_are_shared_and_equal_starts_are_not(tmp_path: Path) -> None:
    x = keras.Input((SIDE, SIDE, 1))
    first, second, plain, other = (layers.Conv2D(2, 3, name=n, kernel_initializer="ones") for n in "abcd")
    y = layers.Concatenate()([first(x), second(1 - x), plain(x), other(x)])
    kernel = np.random.default_rng(0).normal(size=first.kernel.shape)
    first.kernel.assign(kernel)
    second.kernel.assign(kernel)
    model = load_model(saved(tmp_path, layers.Conv2D(1, 1, name="up")(y), x))
    assert {layer.name: layer.shared_with for layer in model.layers if layer.shared_with} == {
        "a": ("b",),
        "b": ("a",),
    }


def test_shared_weights_are_never_called_superfluous_by_one_call(tmp_path: Path) -> None:
    encode = encoder()
    x = keras.Input((SIDE, SIDE, 1))
    model = load_model(saved(tmp_path, layers.Dense(1, name="same")(encode(x) * encode(1 - x)), x))
    proved = Responsiveness("dead", proof="bounds", bound=0)
    dead = UnitScore(0, "dead", "", "", borderline=False, responsiveness=proved)
    found = {
        name: layer_findings(
            [dead], LayerEvidence(model.layer(name), {}), ConsistencyReference(0), None, None
        )
        for name in ("encoder/conv", "same")
    }
    assert found["encoder/conv"].certainly_superfluous == ()
    assert "encoder/conv#2" in " ".join(found["encoder/conv"].summary)
    assert found["same"].certainly_superfluous == (0,)


@pytest.mark.parametrize("front", [layers.Pipeline, keras.Sequential])
def test_augmentation_in_front_is_no_training_that_anybody_recorded(tmp_path: Path, front: Any) -> None:
    picture = keras.Input((SIDE, SIDE, 3))
    moved = front([layers.RandomFlip(), layers.RandomRotation(0.1)])(picture)
    path = saved(tmp_path, layers.Conv2D(2, 3)(layers.RandomContrast(0.2)(moved)), picture)
    model = load_model(path)
    assert not any("training" in note for note in model.notes)
    assert compare_with_keras(find_source(path), model).same
