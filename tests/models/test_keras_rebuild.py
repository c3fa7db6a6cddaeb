"""Networks with channels first or several inputs are rebuilt for one picture, with the same results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.errors import ConfigError
from reportgen.models import Model, cut_model, load_model
from reportgen.models.keras.reading import read_keras
from reportgen.models.opening import open_network
from reportgen.models.sources import find_source
from tests.models.nets import loaded, pictures, stirred


def result(model: Model, shown: np.ndarray, name: str, **options: Any) -> np.ndarray:
    """Return a layer's activations for pictures in the model's own range."""
    cut = cut_model(model, model.layer(name), shown.shape[1:3], **options)
    return np.asarray(cut.raw_network(shown)[1])


def network(order: str) -> Any:
    """A network with every layer that depends on the axis order; the same weights in either order."""
    axis = 1 if order == "channels_first" else 3
    spatial = [2, 3] if order == "channels_first" else [1, 2]
    o = {"data_format": order}
    x = keras.Input((4, 16, 14) if order == "channels_first" else (16, 14, 4))
    y = layers.Rescaling(0.5)(x)
    y = layers.ZeroPadding2D(((1, 0), (2, 1)), **o)(y)
    y = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="conv", **o)(y)
    y = layers.BatchNormalization(axis=axis, name="bn")(y)
    y = layers.PReLU(shared_axes=spatial, name="prelu")(y)
    left = layers.DepthwiseConv2D(3, padding="same", name="deep", **o)(y)
    right = layers.SeparableConv2D(6, 3, padding="same", name="apart", **o)(y)
    gate = layers.GlobalAveragePooling2D(keepdims=True, **o)(right)
    gate = layers.Conv2D(6, 1, activation="sigmoid", name="gate", **o)(gate)
    y = layers.Concatenate(axis=axis)([layers.Multiply()([left, gate]), right])
    y = layers.SpatialDropout2D(0.2, **o)(y)
    y = layers.MaxPooling2D(2, **o)(layers.UpSampling2D(2, **o)(y))
    y = layers.Conv2DTranspose(3, 3, strides=2, name="wide", **o)(layers.AveragePooling2D(2, **o)(y))
    y = layers.Cropping2D(1, **o)(layers.LayerNormalization(axis=axis)(layers.LeakyReLU(0.1)(y)))
    return keras.Model(x, layers.Dense(3, activation="softmax", name="end")(layers.Flatten(**o)(y)))


def test_a_network_with_channels_first_gives_what_its_twin_gives(tmp_path: Path) -> None:
    twin, net = stirred(network("channels_last")), network("channels_first")
    for new, old in zip(net.weights, twin.weights, strict=True):
        new.assign(np.reshape(old, new.shape))
    model, last = loaded(net, tmp_path), loaded(twin, tmp_path)
    assert model.input_shape == (16, 14, 4)
    assert any("channels first" in note for note in model.notes)
    assert [layer.name for layer in model.layers] == [layer.name for layer in last.layers]
    shown = pictures(2, 16, 14, 4)
    for mine, other in zip(model.layers, last.layers, strict=True):
        assert (mine.receptive_field_px, mine.map_size) == (other.receptive_field_px, other.map_size), (
            mine.name
        )
        found, wanted = result(model, shown, mine.name), result(last, shown, mine.name)
        np.testing.assert_allclose(found, wanted, atol=1e-5, err_msg=mine.name)


def test_flat_pictures_keep_the_order_in_which_they_were_trained(tmp_path: Path) -> None:
    """Flatten without a data format takes channels first in memory order."""
    x = keras.Input((2, 3, 5))
    y = layers.ReLU()(layers.MaxPooling2D(1, data_format="channels_first")(x))
    net = stirred(keras.Model(x, layers.Dense(4, name="end")(layers.Flatten(data_format="channels_last")(y))))
    shown = pictures(2, 3, 5, 2)
    dense = net.get_layer("end")
    wanted = shown.transpose(0, 3, 1, 2).reshape(2, -1) @ np.asarray(dense.kernel) + np.asarray(dense.bias)
    np.testing.assert_allclose(result(loaded(net, tmp_path), shown, "end"), wanted, atol=1e-5)


@pytest.mark.parametrize("pool", ["layer", "operation"])
def test_channels_first_inside_a_channels_last_network(tmp_path: Path, pool: str) -> None:
    x = keras.Input((8, 6, 3))
    y = layers.Permute((3, 1, 2))(layers.Conv2D(3, 3, padding="same", name="conv")(x))
    if pool == "layer":
        y = layers.MaxPooling2D(2, data_format="channels_first")(y)
    else:
        y = keras.ops.max_pool(y, 2, data_format="channels_first")
    net = stirred(keras.Model(x, layers.Dense(4, name="end")(layers.Flatten()(y))))
    shown = pictures(2, 8, 6, 3)
    conv, dense = net.get_layer("conv"), net.get_layer("end")
    maps = np.asarray(conv(shown)).reshape(2, 4, 2, 3, 2, 3).max(axis=(2, 4))
    wanted = maps.transpose(0, 3, 1, 2).reshape(2, -1) @ np.asarray(dense.kernel) + np.asarray(dense.bias)
    model = loaded(net, tmp_path)
    assert model.layer("conv").receptive_field_px == (3, 3)
    np.testing.assert_allclose(result(model, shown, "end"), wanted, atol=1e-5)


def test_a_nested_model_with_channels_first_keeps_the_names_of_its_layers(tmp_path: Path) -> None:
    o = {"data_format": "channels_first"}
    inner = keras.Sequential([keras.Input((3, 9, 9)), layers.Conv2D(2, 3, name="conv", **o)], name="inner")
    x = keras.Input((3, 9, 9))
    y = layers.Conv2D(2, 1, name="conv", **o)(layers.Add()([inner(x), inner(layers.ReLU()(x))]))
    model = loaded(stirred(keras.Model(x, y)), tmp_path)
    assert [layer.name for layer in model.layers] == ["inner/conv", "inner/conv#2", "conv"]
    assert model.input_shape == (9, 9, 3)


def test_a_reshape_into_channels_first_maps(tmp_path: Path) -> None:
    """A decoder: a vector becomes maps channels first, and a transposed convolution enlarges them."""
    o = {"data_format": "channels_first"}
    x = keras.Input((3, 8, 8))
    y = layers.Dense(2 * 3 * 5, name="code")(layers.GlobalAveragePooling2D(**o)(layers.ReLU()(x)))
    y = layers.Conv2DTranspose(4, 2, strides=2, name="wide", **o)(layers.Reshape((2, 3, 5))(y))
    net = stirred(keras.Model(x, y))
    shown = pictures(1, 8, 8, 3)
    code, wide = net.get_layer("code"), net.get_layer("wide")
    maps = np.asarray(code(shown.mean(axis=(1, 2)))).reshape(1, 2, 3, 5).transpose(0, 2, 3, 1)
    kernel = np.asarray(wide.kernel)  # (2, 2, 4, 2); with stride 2 no two kernels overlap
    wanted = np.einsum("nhwc,abkc->nhawbk", maps, kernel).reshape(1, 6, 10, 4) + np.asarray(wide.bias)
    np.testing.assert_allclose(result(loaded(net, tmp_path), shown, "wide"), wanted, atol=1e-5)


# Several inputs and outputs


def two_inputs(tmp_path: Path) -> tuple[Path, Any]:
    x, age = keras.Input((8, 8, 3), name="photo"), keras.Input((2,), name="age")
    y = layers.Conv2D(4, 3, activation="relu", name="conv")(layers.Rescaling(1 / 255)(x))
    y = layers.Concatenate()([layers.GlobalAveragePooling2D()(y), age])
    net = stirred(keras.Model([age, x], [layers.Dense(3, activation="softmax", name="kind")(y), y]))
    net.save(tmp_path / "net.keras")
    return tmp_path / "net.keras", net


@pytest.mark.parametrize(
    ("hold", "value"), [(None, [0, 0]), ({"age": 0.5}, [0.5, 0.5]), ({"age": [1, 2]}, [1, 2])]
)
def test_an_input_other_than_the_picture_is_held_with_a_note(
    tmp_path: Path, hold: Any, value: list[float]
) -> None:
    path, net = two_inputs(tmp_path)
    model = load_model(path, hold=hold)
    shown = pictures(2, 8, 8, 3)
    wanted = np.asarray(net([np.tile(np.float32(value), (2, 1)), shown])[0])
    np.testing.assert_allclose(result(model, shown, "kind", heads=True), wanted, atol=1e-5)
    assert model.layer("kind").head == "softmax"
    said = " ".join(model.notes)
    assert 'The picture is input "photo" (8, 8, 3).' in said and 'Input "age" (2) is held at' in said
    assert model.input_range.high == (255.0,)


def test_held_values_change_only_the_hashes_of_later_layers(tmp_path: Path) -> None:
    path, _ = two_inputs(tmp_path)
    plain, held = load_model(path), load_model(path, hold={"age": 1.0})
    assert plain.layer("conv").graph_hash == held.layer("conv").graph_hash
    assert plain.layer("kind").graph_hash != held.layer("kind").graph_hash


def test_of_two_pictures_the_one_not_held_is_rendered(tmp_path: Path) -> None:
    a, b = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 1), name="right")
    net = stirred(keras.Model([a, b], layers.Conv2D(2, 3, name="conv")(layers.Concatenate()([a, b]))))
    net.save(tmp_path / "net.keras")
    left = load_model(tmp_path / "net.keras", hold={"right": 0.25})
    assert left.layer("conv").receptive_field_px == (3, 3)
    right = load_model(tmp_path / "net.keras", hold={"left": [0.1, 0.2, 0.3]})
    assert (left.input_shape, right.input_shape) == ((8, 8, 3), (8, 8, 1))
    shown = pictures(1, 8, 8, 1)
    grey = np.broadcast_to(np.float32([0.1, 0.2, 0.3]), (1, 8, 8, 3))
    np.testing.assert_allclose(result(right, shown, "conv"), np.asarray(net([grey, shown])), atol=1e-5)
    assert cut_model(right, right.layer("conv"), (5, 4)).network(shown[:, :5, :4])[0].shape == (1, 3, 2, 2)


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        ({"agee": 1.0}, 'hold names "agee", which is not an input (inputs: "age", "photo")'),
        ({"age": [1, 2, 3]}, "wanted one number or 2"),
        ({"age": float("nan")}, "wanted one number or 2"),
    ],
)
def test_a_value_that_cannot_be_held_is_refused(tmp_path: Path, hold: Any, said: str) -> None:
    path, _ = two_inputs(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_model(path, hold=hold)
    assert said in str(caught.value)


def test_the_only_input_cannot_be_held(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3), name="photo")
    keras.Model(x, layers.Conv2D(2, 3)(x)).save(tmp_path / "net.keras")
    with pytest.raises(ConfigError, match="the only input"):
        load_model(tmp_path / "net.keras", hold={"photo": 1.0})


def test_a_network_that_fits_as_it_is_is_not_rebuilt(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3))
    keras.Model(x, layers.Conv2D(2, 3)(x)).save(tmp_path / "net.keras")
    assert open_network(find_source(tmp_path / "net.keras")).names == {}
    assert read_keras(tmp_path / "net.keras")[1] == []
