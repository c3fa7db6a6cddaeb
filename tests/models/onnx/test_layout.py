"""Where an ONNX picture has its channels is read from its graph, never from its sizes, or asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from reportgen import load_model
from reportgen.errors import ConfigError, ModelError
from reportgen.models.onnx import parity, read_onnx

RNG = np.random.default_rng(7)
N = helper.make_node


def written(folder, nodes, shape, arrays, denoted=None):
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])
    if denoted is not None:
        picture.type.tensor_type.shape.dim[denoted].denotation = "DATA_CHANNEL"
    graph = helper.make_graph(
        nodes,
        "g",
        [picture],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def kernel(units, channels):
    return RNG.normal(size=(units, channels, 1, 1)).astype(np.float32)


def number(*values):
    return np.array(values, np.float32)


@settings(max_examples=12, deadline=None)
@given(
    sides=st.tuples(*[st.integers(1, 14)] * 3),
    last=st.booleans(),
    before=st.lists(st.sampled_from(["Sub", "Mul", "Relu", "Identity"]), max_size=3),
)
def test_the_first_convolution_tells_whatever_the_sizes(tmp_path_factory, sides, last, before):
    height, width, channels = sides
    nodes, name, arrays = [], "x", {"c": number(0.5), "w": kernel(4, channels)}
    for i, kind in enumerate(before):
        nodes.append(N(kind, [name, "c"] if kind in ("Sub", "Mul") else [name], [f"a{i}"]))
        name = f"a{i}"
    if last:
        nodes.append(N("Transpose", [name], ["t"], perm=[0, 3, 1, 2]))
        name = "t"
    nodes.append(N("Conv", [name, "w"], ["y"], name="conv"))
    shape = (height, width, channels) if last else (channels, height, width)
    path = written(tmp_path_factory.mktemp("layout"), nodes, shape, arrays)
    imported = read_onnx(path)
    assert imported.channels_last == last
    assert imported.model.input_shape == (None, height, width, channels)
    pictures = RNG.normal(size=(2, height, width, channels)).astype(np.float32)
    assert max(p.max_rel for p in parity(path, imported, pictures)) < 1e-4


@pytest.mark.parametrize(
    ("shape", "node", "arrays", "channels"),
    [
        ((28, 28, 1), N("Reshape", ["x", "s"], ["t"]), {"s": np.array([-1, 1, 28, 28])}, 1),
        ((1, 28, 5), N("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), {}, 5),
        ((5, 28, 1), N("Identity", ["x"], ["t"]), {}, 5),
    ],
)
def test_an_axis_is_followed_through_what_moves_it(tmp_path, shape, node, arrays, channels):
    nodes = [node, N("Conv", ["t", "w"], ["y"])]
    model = read_onnx(written(tmp_path, nodes, shape, {**arrays, "w": kernel(2, channels)})).model
    assert model.input_shape[-1] == channels


FLAT = [N("Flatten", ["m"], ["f"]), N("Gemm", ["f", "g"], ["y"])]
"""What comes before says all there is of channels."""


@pytest.mark.parametrize(
    ("node", "arrays", "last"),
    [
        (N("Sub", ["x", "mean"], ["m"]), {"mean": RNG.normal(size=(1, 1, 6)).astype(np.float32)}, True),
        (N("Sub", ["x", "mean"], ["m"]), {"mean": RNG.normal(size=(6, 1, 1)).astype(np.float32)}, False),
        (N("MatMul", ["x", "p"], ["m"]), {"p": np.eye(6, dtype=np.float32)}, True),
    ],
)
def test_constants_along_one_axis_tell_where_no_convolution_does(tmp_path, node, arrays, last):
    path = written(
        tmp_path, [node, *FLAT], (6, 6, 6), {**arrays, "g": RNG.normal(size=(216, 3)).astype("f4")}
    )
    assert read_onnx(path).channels_last == last


def test_what_the_file_says_of_its_axes_is_believed(tmp_path):
    nodes = [N("Relu", ["x"], ["m"]), *FLAT]
    arrays = {"g": RNG.normal(size=(96, 3)).astype(np.float32)}
    assert read_onnx(written(tmp_path, nodes, (3, 4, 8), arrays, denoted=3)).channels_last
    assert not read_onnx(written(tmp_path, nodes, (3, 4, 8), arrays, denoted=1)).channels_last


def test_a_graph_that_does_not_tell_is_asked_about_in_one_line(tmp_path):
    path = written(
        tmp_path, [N("Relu", ["x"], ["m"]), *FLAT], (5, 4, 8), {"g": RNG.normal(size=(160, 3)).astype("f4")}
    )
    with pytest.raises(ModelError, match=r"which axis of input \"x\".*--channels first") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    assert load_model(path, channels="last").input_shape == (5, 4, 8)
    assert load_model(path, channels="first").input_shape == (4, 8, 5)


def test_saying_what_the_graph_contradicts_is_refused(tmp_path):
    path = written(tmp_path, [N("Conv", ["x", "w"], ["y"])], (3, 8, 8), {"w": kernel(2, 3)})
    with pytest.raises(ConfigError, match="leave --channels out"):
        load_model(path, channels="last")


def test_channels_in_the_middle_are_refused_by_their_axis(tmp_path):
    nodes = [N("Transpose", ["x"], ["t"], perm=[0, 2, 1, 3]), N("Conv", ["t", "w"], ["y"])]
    with pytest.raises(ModelError, match="are its axis 2"):
        read_onnx(written(tmp_path, nodes, (8, 3, 8), {"w": kernel(2, 3)}))
