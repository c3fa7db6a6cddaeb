"""Rows for parts of pictures are distinguished from rows for pictures, whatever their shape."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.models import load_model

RNG = np.random.default_rng(3)


def saved(tmp_path, picture, outputs):
    path = tmp_path / "net.keras"
    keras.Model(picture, outputs).save(path)
    return load_model(path)


def test_a_dense_layer_over_a_list_of_tokens_is_skipped_by_name(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 4, strides=4, name="patches")(picture)
    x = keras.layers.Dense(5, name="tokens")(keras.ops.reshape(x, (-1, 6)))
    x = keras.layers.GlobalAveragePooling2D()(keras.ops.reshape(x, (-1, 4, 4, 5)))
    model = saved(tmp_path, picture, keras.layers.Dense(2, name="head")(x))
    assert [layer.name for layer in model.layers] == ["patches", "head"]
    assert [name for name, _ in model.skipped] == ["tokens"]
    assert "tokens of all pictures in one list" in dict(model.skipped)["tokens"]


def test_a_convolution_over_windows_of_pictures_is_skipped_by_name(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="whole")(picture)
    windows = keras.ops.reshape(keras.ops.transpose(keras.ops.reshape(x, (-1, 2, 8, 2, 8, 4)),
                                                    (0, 1, 3, 2, 4, 5)), (-1, 8, 8, 4))  # fmt: skip
    x = keras.layers.Conv2D(4, 3, name="windowed")(windows)
    outputs = keras.layers.GlobalAveragePooling2D()(keras.ops.reshape(x, (-1, 12, 12, 4)))
    model = saved(tmp_path, picture, outputs)
    assert [layer.name for layer in model.layers] == ["whole"]
    assert "parts of a picture" in dict(model.skipped)["windowed"]


@pytest.mark.parametrize("batch", [1, "n"])
def test_the_output_projection_of_attention_in_an_onnx_graph_is_skipped(tmp_path, batch):
    def weight(name, *shape):
        return numpy_helper.from_array((RNG.normal(size=shape) / 4).astype("float32"), name)

    def sides(name, *numbers):
        return numpy_helper.from_array(np.array(numbers, "int64"), name)

    first = 1 if batch == 1 else -1
    nodes = [
        helper.make_node("Conv", ["x", "wp"], ["p"], strides=[4, 4], name="patches"),
        helper.make_node("Reshape", ["p", "s1"], ["f"]),
        helper.make_node("Transpose", ["f"], ["t"], perm=[2, 0, 1]),
        helper.make_node("Reshape", ["t", "s2"], ["rows"]),
        helper.make_node("Gemm", ["rows", "wo"], ["o"], name="projection"),
        helper.make_node("Reshape", ["o", "s3"], ["tokens"]),
        helper.make_node("Transpose", ["tokens"], ["back"], perm=[1, 2, 0]),
        helper.make_node("Reshape", ["back", "s4"], ["map"]),
        helper.make_node("Conv", ["map", "wc"], ["y"], name="last"),
    ]
    arrays = [
        weight("wp", 16, 3, 4, 4), sides("s1", first, 16, 64), sides("s2", 64 if batch == 1 else -1, 16),
        weight("wo", 16, 16), sides("s3", 64, first, 16), sides("s4", first, 16, 8, 8),
        weight("wc", 4, 16, 1, 1),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], arrays,
    )  # fmt: skip
    path = tmp_path / "net.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    model = load_model(path)
    assert [layer.name for layer in model.layers] == ["patches", "last"]
    assert [name for name, _ in model.skipped] == ["projection"]


def windowed(x, side, inner):
    """Return `(n, windows, tokens, channels)` of maps `(n, side, side, channels)`."""
    n, channels = side // inner, x.shape[-1]
    x = keras.layers.Permute((1, 3, 2, 4, 5))(keras.layers.Reshape((n, inner, n, inner, channels))(x))
    return keras.layers.Reshape((n * n, inner * inner, channels))(x)


def put_back(x, side, inner):
    n, channels = side // inner, x.shape[-1]
    x = keras.layers.Permute((1, 3, 2, 4, 5))(keras.layers.Reshape((n, n, inner, inner, channels))(x))
    return keras.layers.Reshape((side, side, channels))(x)


def looked_at(model):
    return [layer.name for layer in model.layers], [name for name, _ in model.skipped]


def test_dense_layers_over_windows_and_tokens_are_skipped_and_those_over_the_restored_map_are_not(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 2, strides=2, name="patches")(picture)
    x = keras.layers.Dense(6, name="attended")(windowed(x, 8, 4))
    x = keras.layers.Dense(4, name="mapped")(put_back(x, 8, 4))
    x = keras.layers.Conv2D(5, 3, name="conv")(x)
    model = saved(tmp_path, picture, keras.layers.GlobalAveragePooling2D()(x))
    assert looked_at(model) == (["patches", "mapped", "conv"], ["attended"])
    assert "its positions are windows" in dict(model.skipped)["attended"]


def test_dense_layers_over_height_and_width_are_skipped(tmp_path):
    picture = keras.Input((16, 12, 3))
    x = keras.layers.Conv2D(8, 2, strides=2, name="patches")(picture)
    down = keras.layers.Dense(8, name="down")(keras.layers.Permute((3, 2, 1))(x))
    across = keras.layers.Dense(6, name="across")(keras.ops.swapaxes(x, 2, 3))
    both = [keras.layers.Permute((3, 2, 1))(down), keras.ops.moveaxis(across, 2, 3)]
    x = keras.layers.Add()([*both, keras.layers.Dense(8, name="places")(x)])
    model = saved(tmp_path, picture, keras.layers.Conv2D(3, 1, name="end")(x))
    assert looked_at(model) == (["patches", "places", "end"], ["down", "across"])


def test_a_convolution_over_tokens_and_features_is_skipped_by_name(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 4, strides=4, name="patches")(picture)
    x = keras.layers.Conv2D(2, 3, name="mixed")(keras.layers.Reshape((16, 6, 1))(x))
    model = saved(tmp_path, picture, keras.layers.GlobalAveragePooling2D()(x))
    assert looked_at(model) == (["patches"], ["mixed"])


def test_patches_cut_by_reshaping_have_places_of_the_picture(tmp_path):
    picture = keras.Input((16, 12, 3))
    x = keras.layers.Permute((1, 3, 2, 4, 5))(keras.layers.Reshape((4, 4, 3, 4, 3))(picture))
    x = keras.layers.Dense(6, name="patches")(keras.layers.Reshape((4, 3, 48))(x))
    tokens = keras.layers.Dense(5, name="tokens")(keras.layers.Reshape((12, 6))(x))
    x = keras.layers.Conv2D(3, 2, name="conv")(keras.layers.Reshape((4, 3, 5))(tokens))
    groups = keras.layers.Permute((1, 2, 4, 3))(keras.layers.Reshape((3, 2, 3, 1))(x))
    x = keras.layers.Conv2D(4, 2, name="shuffled")(keras.layers.Reshape((3, 2, 3))(groups))
    model = saved(tmp_path, picture, x)
    assert looked_at(model) == (["patches", "tokens", "conv", "shuffled"], [])


def test_a_map_made_of_tokens_without_a_class_token_has_places(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Reshape((16, 6))(keras.layers.Conv2D(6, 4, strides=4, name="patches")(picture))
    x = keras.ops.concatenate([keras.ops.mean(x, axis=1, keepdims=True), x], axis=1)
    x = keras.layers.Reshape((4, 4, 6))(keras.layers.Dense(6, name="tokens")(x)[:, 1:])
    model = saved(tmp_path, picture, keras.layers.Conv2D(3, 2, name="conv")(x))
    assert looked_at(model) == (["patches", "tokens", "conv"], [])


def test_products_over_the_width_or_over_windows_of_an_onnx_graph_are_skipped(tmp_path):
    def array(name, values, of_type="float32"):
        return numpy_helper.from_array(np.asarray(values, of_type), name)

    node = helper.make_node
    nodes = [
        node("Conv", ["x", "k"], ["c"], name="conv"),
        node("MatMul", ["c", "w"], ["m"], name="over_width"),
        node("Reshape", ["c", "cut"], ["a"]),
        node("Transpose", ["a"], ["t"], perm=[0, 2, 4, 3, 5, 1]),
        node("Reshape", ["t", "windows"], ["u"]),
        node("MatMul", ["u", "v"], ["q"], name="over_windows"),
    ]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, 12])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in ("m", "q")],
        [array("k", RNG.normal(size=(4, 3, 3, 3))), array("w", RNG.normal(size=(10, 7))),
         array("v", RNG.normal(size=(4, 12))), array("cut", [-1, 4, 2, 7, 2, 5], "int64"),
         array("windows", [-1, 4, 35, 4], "int64")],
    )  # fmt: skip
    path = tmp_path / "net.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    assert looked_at(load_model(path)) == (["conv"], ["over_width", "over_windows"])


def test_a_convolution_that_reads_a_series_is_skipped_as_such(tmp_path):
    picture = keras.Input((32, 16, 3))
    x = keras.layers.ConvLSTM2D(4, 3, name="series")(keras.layers.Reshape((4, 8, 16, 3))(picture))
    x = keras.layers.Conv2D(3, 3, name="conv")(x)
    model = saved(tmp_path, picture, keras.layers.GlobalAveragePooling2D()(x))
    assert "series step by step" in dict(model.skipped)["series"]


def test_reordering_channels_does_not_widen_the_receptive_field(tmp_path):
    picture = keras.Input((16, 12, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(keras.ops.take(picture, [2, 1, 0], axis=-1))
    model = saved(tmp_path, picture, x)
    assert model.layer("conv").receptive_field_px == (3, 3)
