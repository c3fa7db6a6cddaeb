"""Transposed convolutions of ONNX have the size their file gives them, trimmed where they reach past it."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen import load_model
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

RNG = np.random.default_rng(7)


def write(folder, nodes, arrays):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 7, 7])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )
    path = folder / "net.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("more", "pads"), [([1, 1], [1, 1, 1, 1]), ([0, 0], [0, 0, 1, 1]), ([0, 0], [1, 1, 1, 1])]
)
@pytest.mark.parametrize("biased", [True, False])
def test_a_transposed_convolution_has_the_size_that_onnx_gives_it(tmp_path, more, pads, biased):
    arrays = {
        "w": RNG.normal(size=(3, 4, 3, 3)).astype(np.float32),
        "b": RNG.normal(size=4).astype(np.float32),
    }
    nodes = [
        helper.make_node(
            "ConvTranspose", ["x", "w", *(["b"] if biased else [])], ["c"], strides=[2, 2], pads=pads,
            output_padding=more, name="up",
        ),
        helper.make_node("Relu", ["c"], ["y"]),
    ]  # fmt: skip
    path = write(tmp_path, nodes, arrays)
    pictures = RNG.normal(size=(2, 7, 7, 3)).astype(np.float32)
    assert compare_with_onnxruntime(path, read_onnx(path), pictures)[0].max_rel < 1e-4
    (layer,) = load_model(path).layers
    session = onnxruntime.InferenceSession(str(path))
    (output,) = session.run(None, {"x": np.zeros((1, 3, 7, 7), np.float32)})
    assert (layer.map_size, layer.activation) == (output.shape[2:], "relu")
