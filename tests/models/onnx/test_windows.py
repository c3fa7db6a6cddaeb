"""Windows of convolutions that say what cannot be: one line that names it."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import ModelError
from reportgen.models import load_model


def written(tmp_path, kind="Conv", **attributes):
    kernel = numpy_helper.from_array(np.full((2, 2, 3, 3), 0.1, np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node(kind, ["x", "w"], ["y"], name="conv", **attributes)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 2, 9, 9))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [kernel],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("kind", "attributes", "said"),
    [
        ("Conv", {"auto_pad": "WHAT"}, 'auto_pad "WHAT"'),
        ("Conv", {"kernel_shape": [5, 5]}, r"declares windows of \(5, 5\), but its kernel is \(3, 3\)"),
        ("Conv", {"pads": [1, 1, 1]}, "3 pads on 2 axes, wanted 4"),
        ("Conv", {"strides": [2, 2], "dilations": [2, 2]}, "strides and dilations above 1 at once"),
        ("ConvTranspose", {"strides": [2, 2], "dilations": [2, 2]}, "strides and dilations above 1 at once"),
    ],
)
def test_windows_that_cannot_be_are_refused_by_name(tmp_path, kind, attributes, said):
    with pytest.raises(ModelError, match=said):
        load_model(written(tmp_path, kind, **attributes))
