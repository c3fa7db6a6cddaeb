"""Weights in and out: planted links are found through operations without units."""

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.measure import weights

from .nets import SIZE, loaded, randomise


def test_a_planted_link_is_the_strongest_both_ways(tmp_path):
    picture = keras.Input(SIZE)
    first, second = layers.Conv2D(5, 3, name="first"), layers.Conv2D(4, 3, name="second")
    x = layers.Dropout(0.1)(layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(first(picture)))))
    out = second(x)
    kernel = np.full((3, 3, 5, 4), 0.01, np.float32)
    kernel[:, :, 3, 2] = -1
    second.set_weights([kernel, np.zeros(4)])
    found = weights(loaded(tmp_path, picture, out))
    assert (found["second"]["in_layer"][2, 0], found["second"]["in_unit"][2, 0]) == ("first", 3)
    assert found["second"]["in_weight"][2, 0] == pytest.approx(-9)
    assert found["second"]["in_norm"][2, 0] == pytest.approx(3)
    assert (found["first"]["out_layer"][3, 0], found["first"]["out_unit"][3, 0]) == ("second", 2)
    assert found["first"]["out_total"][3] == pytest.approx(9 + 3 * 0.09)


def test_flattened_maps_add_up_over_positions_whatever_their_order(tmp_path):
    for order in ((1, 2, 3), (3, 2, 1)):
        picture = keras.Input((6, 5, 1))
        x = layers.Permute(order)(layers.Conv2D(3, 3, name="conv")(picture))
        dense = layers.Dense(2, name="dense")
        out = dense(layers.Flatten()(x))
        kernel = np.zeros((4, 3, 3, 2), np.float32)
        kernel[:, :, 1, 0] = 0.5
        stored = kernel.transpose(*(o - 1 for o in order), 3).reshape(-1, 2)
        dense.set_weights([stored, np.zeros(2)])
        found = weights(loaded(tmp_path, picture, out))
        assert found["dense"]["in_unit"][0].tolist() == [1]
        assert found["dense"]["in_weight"][0, 0] == pytest.approx(6)
        assert found["conv"]["out_total"].tolist() == pytest.approx([0, 6, 0])


def test_joins_lead_back_to_every_branch(tmp_path):
    picture = keras.Input(SIZE)
    a, b = (layers.Conv2D(2, 3, name=name)(picture) for name in "ab")
    joined = layers.Concatenate()([layers.Add()([a, b]), b])
    last = layers.Conv2D(1, 1, name="last", use_bias=False)
    out = last(joined)
    last.set_weights([np.array([1, 2, 3, 4], np.float32).reshape(1, 1, 4, 1)])
    found = weights(loaded(tmp_path, picture, out))
    columns = (found["last"][f"in_{k}"][0] for k in ("layer", "unit", "weight"))
    links = {(str(name), int(unit), float(weight)) for name, unit, weight in zip(*columns, strict=True)}
    assert links == {("a", 0, 1), ("a", 1, 2), ("b", 0, 1), ("b", 1, 2), ("b", 0, 3), ("b", 1, 4)}
    assert found["b"]["out_total"].tolist() == [4, 6]


def test_a_depthwise_unit_is_fed_by_its_own_channel_alone(tmp_path):
    picture = keras.Input(SIZE)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="deep")(layers.Conv2D(3, 1, name="conv")(picture))
    found = weights(loaded(tmp_path, picture, x))
    assert found["deep"]["in_unit"].tolist() == [[0], [0], [1], [1], [2], [2]]
    assert found["conv"]["out_unit"][1].tolist() in ([2, 3], [3, 2])


def test_only_a_unit_proved_unused_has_a_zero_total(tmp_path):
    picture = keras.Input(SIZE)
    x = layers.Conv2D(3, 3, name="conv")(picture)
    reads = layers.Conv2D(2, 1, name="reads")
    y = reads(x)
    kernel = np.ones((1, 1, 3, 2), np.float32)
    kernel[:, :, 1] = 0
    reads.set_weights([kernel, np.zeros(2)])
    plain = weights(loaded(tmp_path, picture, y))
    assert plain["conv"]["out_total"][1] == 0
    assert (plain["conv"]["out_unit"][1] == -1).all()
    assert np.isinf(plain["reads"]["out_total"]).all(), "an output is used"
    mixed = weights(loaded(tmp_path, picture, reads(layers.LayerNormalization()(x))))
    assert np.isnan(mixed["conv"]["out_total"]).all(), "a normalisation over channels reads them all"
    shown = weights(loaded(tmp_path, picture, [y, layers.Flatten()(x)]))
    assert np.isinf(shown["conv"]["out_total"]).all()


def test_at_most_sixteen_links_are_kept_and_they_are_the_strongest(tmp_path):
    picture = keras.Input(SIZE)
    x = layers.Conv2D(40, 1, name="conv")(picture)
    network_out = layers.Conv2D(20, 3, name="next")(x)
    network = keras.Model(picture, network_out)
    randomise(network, 0)
    kernel = network.layers[-1].get_weights()[0]
    found = weights(loaded(tmp_path, picture, network_out))
    norms = np.sqrt((kernel**2).sum(axis=(0, 1)))
    assert found["next"]["in_norm"].shape == (20, 16)
    assert np.allclose(found["next"]["in_norm"], -np.sort(-norms.T, axis=1)[:, :16], rtol=1e-5)
    assert np.allclose(found["conv"]["out_norm"], -np.sort(-norms, axis=1)[:, :16], rtol=1e-5)


def test_only_a_convolution_that_reads_the_picture_shows_its_kernel(tmp_path):
    picture = keras.Input(SIZE)
    first = layers.Conv2D(3, 3, name="first")
    found = weights(loaded(tmp_path, picture, layers.Conv2D(2, 3, name="second")(first(picture))))
    assert np.array_equal(found["first"]["kernel"], first.get_weights()[0])
    assert found["first"]["in_unit"].shape == (3, 0)
    assert "kernel" not in found["second"]
