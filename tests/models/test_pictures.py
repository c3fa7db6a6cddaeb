"""Rows of parts of pictures are told from rows of pictures, whatever their shape looks like."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.models import load_model

RNG = np.random.default_rng(3)


def saved(tmp_path, picture, answer):
    path = tmp_path / "net.keras"
    keras.Model(picture, answer).save(path)
    return load_model(path)


def test_a_dense_layer_over_a_list_of_tokens_is_skipped_by_name(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 4, strides=4, name="patches")(picture)
    x = keras.layers.Dense(5, name="tokens")(keras.ops.reshape(x, (-1, 6)))
    x = keras.layers.GlobalAveragePooling2D()(keras.ops.reshape(x, (-1, 4, 4, 5)))
    model = saved(tmp_path, picture, keras.layers.Dense(2, name="head")(x))
    assert [layer.name for layer in model.layers] == ["patches", "head"]
    assert [name for name, _ in model.skipped] == ["tokens"]
    assert "over tokens" in dict(model.skipped)["tokens"]


def test_a_convolution_over_windows_of_pictures_is_skipped_by_name(tmp_path):
    picture = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="whole")(picture)
    windows = keras.ops.reshape(keras.ops.transpose(keras.ops.reshape(x, (-1, 2, 8, 2, 8, 4)),
                                                    (0, 1, 3, 2, 4, 5)), (-1, 8, 8, 4))  # fmt: skip
    x = keras.layers.Conv2D(4, 3, name="windowed")(windows)
    answer = keras.layers.GlobalAveragePooling2D()(keras.ops.reshape(x, (-1, 12, 12, 4)))
    model = saved(tmp_path, picture, answer)
    assert [layer.name for layer in model.layers] == ["whole"]
    assert "parts of a picture" in dict(model.skipped)["windowed"]


@pytest.mark.parametrize("batch", [1, "n"])
def test_the_output_projection_of_attention_in_an_onnx_graph_is_no_layer_of_pictures(tmp_path, batch):
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
