"""A graph that leaves its picture's size open and works on some sizes only is read at one of these."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen import load_model
from reportgen.errors import ModelError
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

RNG = np.random.default_rng(3)


def recogniser(folder, shape=("n", 3, "h", "w")):
    """A reader of lines of text: the height is brought down to one, and written so into a reshape."""
    arrays = {
        "w1": RNG.normal(size=(8, 3, 3, 3)).astype(np.float32) / 5,
        "w2": RNG.normal(size=(8, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c"], pads=[1] * 4, strides=[8, 8], name="conv"),
        helper.make_node("AveragePool", ["c"], ["p"], kernel_shape=[6, 1], strides=[6, 1]),
        helper.make_node("Transpose", ["p"], ["t"], perm=[0, 2, 3, 1]),
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["full"], axis=0),
        helper.make_node("Reshape", ["t", "full"], ["r"]),
        helper.make_node("MatMul", ["r", "w2"], ["y"], name="read"),
    ]
    arrays |= {"zero": np.array([0]), "rest": np.array([1, 40, 8])}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )
    path = folder / "line.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("shape", [("n", 3, "h", "w"), ("n", 3, 48, "w")])
def test_a_line_recogniser_is_read_at_a_size_on_which_it_works_with_a_note(tmp_path, shape):
    path = recogniser(tmp_path, shape=shape)
    imported = read_onnx(path)
    assert imported.model.input_shape == (None, 48, 320, 3) and imported.input_size_source == "assumed"
    assert any("48x320 is assumed" in note for note in imported.notes)
    for n in (1, 2):
        pictures = RNG.normal(size=(n, 48, 320, 3)).astype(np.float32)
        assert compare_with_onnxruntime(path, imported, pictures)[0].max_rel < 1e-4
    assert [layer.name for layer in load_model(path).layers] == ["conv", "read"]


def test_a_given_size_is_not_replaced(tmp_path):
    with pytest.raises(ModelError):
        read_onnx(recogniser(tmp_path), input_size=(224, 224))


def test_a_single_place_is_no_picture(tmp_path):
    weights = numpy_helper.from_array(RNG.normal(size=(8, 4, 3, 3)).astype(np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8, 1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (tmp_path / "latent.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="a single place"):
        load_model(tmp_path / "latent.onnx")
