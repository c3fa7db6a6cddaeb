"""Interval bounds hold for every picture, and are tight for a first convolution."""

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.measure import bounds
from reportgen.measure.bounds import intervals_of
from reportgen.models import cut_model

from .nets import SIZE, loaded, randomise


def branches(x):
    a = layers.Conv2D(4, 3, padding="same", activation="gelu")(x)
    b = layers.SeparableConv2D(4, 3, padding="same", activation="silu")(x)
    return layers.Concatenate()([layers.Add()([a, b]), layers.Multiply()([a, b])])


def pooled(x):
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)(x)
    x = layers.PReLU(shared_axes=[1, 2])(layers.BatchNormalization()(x))
    return layers.AveragePooling2D(3, padding="same")(x)


def gated(x):
    x = layers.Conv2D(6, 3, groups=3, activation="relu6")(layers.ZeroPadding2D(2)(x))
    gate = layers.Dense(6, activation="hard_sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return layers.Multiply()([x, gate])


def swapped(x):
    x = layers.Conv2DTranspose(3, 3, strides=2, activation="mish")(layers.Rescaling(2.0, -1.0)(x))
    return layers.Permute((3, 2, 1))(layers.LeakyReLU(0.1)(x))


def unlike(x):
    x = layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="elu")(x)
    return layers.MaxPooling2D(2)(keras.ops.sigmoid(x) * x + 0.3)


def unusual_settings(x):
    x = layers.Conv2D(4, 3, padding="same", activation=layers.LeakyReLU(0.01))(x)
    x = layers.Conv2D(4, 3, padding="same", activation=layers.ELU(2.0))(keras.ops.squareplus(x, b=0.1))
    x = layers.Conv2D(4, 3, padding="same", activation="soft_shrink")(keras.ops.celu(x, alpha=0.5))
    return layers.Activation("hard_sigmoid")(x) * x


@pytest.mark.parametrize("body", [branches, pooled, gated, swapped, unlike, unusual_settings])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_picture_stays_within_the_bounds(tmp_path, body, seed):
    picture = keras.Input(SIZE)
    x = body(layers.Conv2D(3, 3, padding="same", activation="tanh")(picture))
    head = layers.Dense(3, activation="softmax")(layers.Dense(5, activation="relu")(layers.Flatten()(x)))
    randomise(keras.Model(picture, head), seed)
    model = loaded(tmp_path, picture, head, input_range=(-1, 2))
    found = bounds(model)
    rng = np.random.default_rng(seed)
    flats = np.broadcast_to(rng.random((9, 1, 1, 3)), (9, *SIZE))
    corners = rng.integers(0, 2, (20, *SIZE))
    asked = np.concatenate([rng.random((20, *SIZE)), corners, flats]).astype(np.float32)
    for layer in model.layers:
        ends = found[layer.name]
        for label, value in zip(
            ("pre", "post"), cut_model(model, layer, SIZE[:2]).network(asked), strict=True
        ):
            value = keras.ops.convert_to_numpy(value).reshape(-1, layer.n_units)
            low, high = ends[f"{label}_low"], ends[f"{label}_high"]
            assert np.isfinite(low).all() and np.isfinite(high).all(), layer.name
            slack = 1e-4 * (1 + np.maximum(abs(low), abs(high)))
            assert (value >= low - slack).all(), layer.name
            assert (value <= high + slack).all(), layer.name


@pytest.mark.parametrize(
    ("size", "stride", "padding"),
    [(3, 1, "same"), (3, 2, "same"), (5, 3, "valid"), (4, 2, "same"), (7, 1, "zeros")],
)
def test_bounds_of_a_first_convolution_are_tight(tmp_path, size, stride, padding):
    picture = keras.Input(SIZE)
    x = layers.ZeroPadding2D(3)(picture) if padding == "zeros" else picture
    conv = layers.Conv2D(
        4, size, strides=stride, padding="valid" if padding == "zeros" else padding, name="c"
    )
    x = layers.ReLU()(layers.BatchNormalization()(conv(x)))
    network = keras.Model(picture, x)
    randomise(network, 3)
    model = loaded(tmp_path, picture, x, input_range=(-1, 1))
    found = bounds(model)["c"]
    assert found["exact"]
    raw = cut_model(model, model.layer("c"), SIZE[:2]).raw_network
    # The best picture of every position and unit: the sign of the gradient there, found by linearity.
    zero = keras.ops.convert_to_numpy(raw(np.zeros((1, *SIZE), np.float32))[0])[0]
    basis = np.eye(int(np.prod(SIZE)), dtype=np.float32).reshape(-1, *SIZE)
    gains = keras.ops.convert_to_numpy(raw(basis)[0]) - zero
    assert np.allclose((zero + abs(gains).sum(axis=0)).max(axis=(0, 1)), found["pre_high"], rtol=1e-4)
    assert np.allclose((zero - abs(gains).sum(axis=0)).min(axis=(0, 1)), found["pre_low"], rtol=1e-4)


def test_a_unit_with_a_bias_too_low_for_any_picture_is_proved_dead(tmp_path):
    picture = keras.Input(SIZE)
    conv = layers.Conv2D(2, 3, activation="relu", name="c")
    x = conv(picture)
    conv.set_weights([np.full((3, 3, 3, 2), 0.1, np.float32), np.array([-2.71, -2.69], np.float32)])
    found = bounds(loaded(tmp_path, picture, x))["c"]
    assert found["post_high"][0] == 0
    assert found["post_high"][1] == pytest.approx(0.01, abs=1e-5)


def test_after_an_unknown_operation_bounds_are_unknown_unless_its_weight_is_zero(tmp_path):
    picture = keras.Input(SIZE)
    x = layers.Conv2D(2, 3, name="known")(picture)
    x = layers.LayerNormalization()(x)
    last = layers.Conv2D(2, 1, name="last")
    x = last(x)
    kernel = np.ones((1, 1, 2, 2), np.float32)
    kernel[..., 1] = 0
    last.set_weights([kernel, np.array([0, 0.5], np.float32)])
    found = bounds(loaded(tmp_path, picture, x))
    assert np.isfinite(found["known"]["pre_high"]).all()
    assert np.isnan(found["last"]["pre_high"][0])
    assert found["last"]["pre_high"][1] == found["last"]["pre_low"][1] == 0.5
    assert not found["last"]["exact"]


def test_a_gate_spelt_out_has_the_true_minimum_of_silu(tmp_path):
    picture = keras.Input(SIZE)
    x = layers.Conv2D(1, 1, name="c")
    y = x(picture)
    y = layers.Multiply()([y, layers.Activation("sigmoid")(y)])
    x.set_weights([np.full((1, 1, 3, 1), 10, np.float32), np.array([-15], np.float32)])
    model = loaded(tmp_path, picture, y)
    assert bounds(model)["c"]["post_low"][0] == pytest.approx(-0.27846, abs=1e-5)


def test_every_tensor_of_a_plain_network_has_an_interval(tmp_path):
    picture = keras.Input(SIZE)
    x = layers.Dropout(0.5)(layers.MaxPooling2D()(layers.Conv2D(2, 3)(picture)))
    model = loaded(tmp_path, picture, layers.Dense(2)(layers.GlobalMaxPooling2D()(x)))
    found = intervals_of(model)
    assert all(np.isfinite(found[i, 0].low).all() for i in range(len(model.nodes)))


@pytest.mark.parametrize("axis", [-1, 1])
def test_softmax_is_bounded_over_channels_and_unknown_over_places(tmp_path, axis):
    picture = keras.Input(SIZE)
    shares = layers.Softmax(axis=axis)(layers.Conv2D(3, 3, padding="same")(picture))
    model = loaded(tmp_path, picture, shares)
    last = intervals_of(model)[len(model.nodes) - 1, 0]
    assert np.isnan(last.high).all() == (axis == 1)
    assert axis == 1 or ((last.low > 0).all() and (last.high < 1).all())
