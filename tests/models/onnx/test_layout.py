"""Where an ONNX picture has its channels is read from its graph, never from its sizes, or asked."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from reportgen import load_model
from reportgen.errors import ConfigError, ModelError
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

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


def made(folder, nodes, arrays, shape):
    return written(folder, nodes, shape[1:], arrays)


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
def test_the_first_convolution_shows_the_axis_whatever_the_sizes(tmp_path_factory, sides, last, before):
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
    assert max(p.max_rel for p in compare_with_onnxruntime(path, imported, pictures)) < 1e-4


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
    ("node", "arrays"),
    [
        (N("Sub", ["x", "mean"], ["m"]), {"mean": RNG.normal(size=(1, 1, 6)).astype(np.float32)}),
        (N("Mul", ["x", "window"], ["m"]), {"window": RNG.normal(size=6).astype(np.float32)}),
        (N("MatMul", ["x", "p"], ["m"]), {"p": np.eye(6, dtype=np.float32)}),
    ],
)
def test_what_is_of_channels_or_of_columns_is_asked(tmp_path, node, arrays):
    path = written(
        tmp_path, [node, *FLAT], (6, 6, 6), {**arrays, "g": RNG.normal(size=(216, 3)).astype("f4")}
    )
    with pytest.raises(ModelError, match=r"which axis of input \"x\".*--channels first"):
        read_onnx(path)
    assert read_onnx(path, channels="last").channels_last
    assert not read_onnx(path, channels="first").channels_last


def test_what_the_file_says_of_its_axes_is_believed(tmp_path):
    nodes = [N("Relu", ["x"], ["m"]), *FLAT]
    arrays = {"g": RNG.normal(size=(96, 3)).astype(np.float32)}
    assert read_onnx(written(tmp_path, nodes, (3, 4, 8), arrays, denoted=3)).channels_last
    assert not read_onnx(written(tmp_path, nodes, (3, 4, 8), arrays, denoted=1)).channels_last


def test_an_ambiguous_channel_axis_is_reported_in_one_line(tmp_path):
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


def test_channels_are_picked_scaled_and_joined_one_by_one_as_torchvision_does(tmp_path):
    nodes, names, arrays = [], [], {"axis": np.array([1]), "w": kernel(4, 3)}
    for i in range(3):
        arrays |= {f"i{i}": np.array(i), f"c{i}": number(0.5 + i).reshape(())}
        nodes += [
            N("Gather", ["x", f"i{i}"], [f"g{i}"], axis=1),
            N("Unsqueeze", [f"g{i}", "axis"], [f"u{i}"]),
            N("Mul", [f"u{i}", f"c{i}"], [f"m{i}"]),
        ]
        names.append(f"m{i}")
    nodes += [N("Concat", names, ["t"], axis=1), N("Conv", ["t", "w"], ["y"])]
    assert not proved(made(tmp_path, nodes, arrays, ("n", 3, 9, 8))).channels_last


def test_saying_what_a_network_of_keras_contradicts_is_refused(tmp_path):
    picture = keras.Input((8, 8, 3))
    keras.Model(picture, keras.layers.Conv2D(2, 3)(picture)).save(tmp_path / "net.keras")
    with pytest.raises(ConfigError, match="leave --channels out"):
        load_model(tmp_path / "net.keras", channels="first")
    assert load_model(tmp_path / "net.keras", channels="last").input_shape == (8, 8, 3)


def numbers(*shape):
    return (RNG.normal(size=shape) / 4).astype(np.float32)


def proved(path, **given):
    imported = read_onnx(path, **given)
    pictures = RNG.normal(size=(2, *imported.model.inputs[0].shape[1:])).astype(np.float32)
    assert max(p.max_rel for p in compare_with_onnxruntime(path, imported, pictures)) < 1e-4
    return imported


SIZES = [(32, 32, 12), (40, 40, 2), (4, 128, 1), (3, 20, 5), (16, 4, 3), (1, 32, 6), (12, 1, 4), (24, 3, 103)]
FRONTS = {
    "at once": [N("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])],
    "after a scaling": [
        N("Mul", ["x", "scale"], ["m"]),
        N("Cast", ["m"], ["k"], to=1),
        N("Transpose", ["k"], ["t"], perm=[0, 3, 1, 2]),
    ],
    "after a padding": [
        N("Pad", ["x", "pads"], ["m"]),
        N("Transpose", ["m"], ["t"], perm=[0, 3, 1, 2]),
    ],
    "with its channels turned round": [
        N("Gather", ["x", "turned"], ["m"], axis=3),
        N("Transpose", ["m"], ["t"], perm=[0, 3, 1, 2]),
    ],
    "in two steps": [
        N("Transpose", ["x"], ["m"], perm=[0, 2, 1, 3]),
        N("Identity", ["m"], ["i"]),
        N("Transpose", ["i"], ["t"], perm=[0, 3, 2, 1]),
    ],
}
FRONT_ARRAYS = {"scale": np.float32(0.5), "pads": np.array([0, 1, 1, 0, 0, 1, 1, 0])}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("front", FRONTS)
def test_channels_last_is_read_from_a_transposition_at_any_size(tmp_path, size, front):
    conv = N("Conv", ["t", "w"], ["y"], pads=[1, 1, 1, 1])
    turned = np.arange(size[2])[::-1].copy()
    arrays = {**FRONT_ARRAYS, "turned": turned, "w": numbers(5, size[2], 3, 3)}
    imported = proved(made(tmp_path, [*FRONTS[front], conv], arrays, ("n", *size)))
    assert imported.channels_last and imported.model.input_shape == (None, *size)


@pytest.mark.parametrize("size", SIZES)
def test_channels_first_is_read_from_a_convolution_at_any_size(tmp_path, size):
    high, wide, bands = size
    conv = N("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    imported = proved(made(tmp_path, [conv], {"w": numbers(5, bands, 3, 3)}, ("n", bands, high, wide)))
    assert not imported.channels_last and imported.model.input_shape == (None, *size)


def test_a_reshape_that_moves_a_side_of_one_is_a_transposition(tmp_path):
    nodes = [N("Reshape", ["x", "s"], ["t"]), N("Conv", ["t", "w"], ["y"])]
    arrays = {"s": np.array([-1, 1, 4, 128]), "w": numbers(2, 1, 3, 3)}
    assert proved(made(tmp_path, nodes, arrays, ("n", 4, 128, 1))).channels_last


@pytest.mark.parametrize("last", [True, False])
def test_a_normalisation_before_anything_else_shows_the_axis(tmp_path, last):
    bands = 7
    shape = ("n", 9, 5, bands) if last else ("n", bands, 9, 5)
    turn = [N("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])] if last else [N("Identity", ["x"], ["t"])]
    nodes = [*turn, N("BatchNormalization", ["t", "g", "b", "m", "v"], ["y"])]
    arrays = {k: abs(numbers(bands)) + 1 for k in "gbmv"}
    assert proved(made(tmp_path, nodes, arrays, shape)).channels_last == last


@pytest.mark.parametrize("mean", [(7, 1, 1), (1, 7, 1, 1)])
def test_means_over_height_and_width_show_the_axis_without_a_convolution(tmp_path, mean):
    shape = ("n", 7, 6, 5)
    nodes = [
        N("Sub", ["x", "mean"], ["s"]),
        N("Flatten", ["s"], ["f"]),
        N("Gemm", ["f", "w"], ["y"]),
    ]
    path = made(tmp_path, nodes, {"mean": numbers(*mean), "w": numbers(210, 3)}, shape)
    assert not proved(path).channels_last


@pytest.mark.parametrize("last", [True, False])
def test_patches_cut_by_reshaping_leave_the_channels_whole(tmp_path, last):
    shape, parted, perm = (
        (("n", 8, 8, 6), [-1, 2, 4, 2, 4, 6], [0, 1, 3, 2, 4, 5])
        if last
        else (("n", 6, 8, 8), [-1, 6, 2, 4, 2, 4], [0, 2, 4, 3, 5, 1])
    )
    nodes = [
        N("Reshape", ["x", "s"], ["p"]),
        N("Transpose", ["p"], ["t"], perm=perm),
        N("Reshape", ["t", "rows"], ["r"]),
        N("MatMul", ["r", "w"], ["y"]),
    ]
    arrays = {"s": np.array(parted), "rows": np.array([-1, 4, 96]), "w": numbers(96, 3)}
    assert proved(made(tmp_path, nodes, arrays, shape)).channels_last == last


def test_channels_left_open_are_those_that_a_convolution_sums_over(tmp_path):
    path = made(tmp_path, [N("Conv", ["x", "w"], ["y"])], {"w": numbers(2, 5, 3, 3)}, ("n", "c", "h", "w"))
    assert proved(path, input_size=(8, 9)).model.input_shape == (None, 8, 9, 5)
