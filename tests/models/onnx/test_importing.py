"""Small graphs through the importer, held against onnxruntime; and what is refused, in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import ConfigError, ModelError
from reportgen.models.graph.flatten import flatten
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

SHARED = Path(__file__).parents[4] / "shared" / "models"
RNG = np.random.default_rng(7)


def numbers(*shape, scale=0.3):
    return (RNG.normal(size=shape) * scale).astype(np.float32)


def write(
    tmp_path,
    nodes,
    arrays,
    shape=("N", 3, 12, 12),
    *,
    opset=17,
    kind=TensorProto.FLOAT,
    inputs=(),
    domains=(),
):
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", kind, shape), *inputs],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )
    graph.output[0].type.tensor_type.elem_type = kind
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def equals(path, *, sizes=(1, 3), limit=1e-4, **given):
    imported = read_onnx(
        path, **{"channels": "first", "before_bounds": True, **given}
    )  # lone operators do not tell
    for n in sizes:
        pictures = RNG.normal(size=(n, *imported.model.inputs[0].shape[1:])).astype(np.float32)
        assert max(p.max_rel for p in compare_with_onnxruntime(path, imported, pictures)) <= limit
    return imported


def kinds(imported):
    return [n.kind for n in flatten(imported.model, imported.names)[0]]


CONV = helper.make_node("Conv", ["x", "w", "b"], ["c"], name="/stem/Conv", pads=[1, 1, 1, 1])
WEIGHTS = {"w": numbers(8, 3, 3, 3), "b": numbers(8)}


@pytest.mark.parametrize(
    "name", ["mobilenetv2-imagenet", "efficientnet-lite0-imagenet", "ppocr-v2-cls", "ppocr-v4-det"]
)
def test_a_real_network_gives_what_onnxruntime_gives(name):
    path = SHARED / f"{name}.onnx"
    if not path.exists():
        pytest.skip("the shared models are not beside this checkout")
    size = {"ppocr-v2-cls": (48, 192), "ppocr-v4-det": (224, 224)}.get(name)
    imported = equals(path, input_size=size, sizes=(1, 2))
    assert "transpose" not in kinds(imported)


def test_a_convolution_with_equal_pads_is_one_layer_under_its_true_name(tmp_path):
    imported = equals(write(tmp_path, [CONV, helper.make_node("Relu", ["c"], ["y"])], WEIGHTS))
    nodes, _ = flatten(imported.model, imported.names)
    assert [(n.name, n.kind) for n in nodes] == [("x", "input"), ("/stem/Conv", "conv2d"), ("y", "re_lu")]


def test_pads_before_a_stride_stand_as_a_layer_of_their_own(tmp_path):
    conv = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2])
    assert kinds(equals(write(tmp_path, [conv], WEIGHTS))) == ["input", "zero_padding2d", "conv2d"]


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 2, 1]])
@pytest.mark.parametrize("strides", [[1, 1], [2, 2], [2, 3]])
@pytest.mark.parametrize("group", [1, 3])
def test_a_transposed_convolution_gives_what_onnxruntime_gives(tmp_path, pads, strides, group):
    node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], pads=pads, strides=strides, group=group)
    equals(write(tmp_path, [node], {"w": numbers(3, 2, 4, 4), "b": numbers(2 * group)}))


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_a_convolution_pads_by_itself_as_onnxruntime_does(tmp_path, group, auto_pad):
    node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad=auto_pad, strides=[2, 2], group=group)
    equals(write(tmp_path, [node], {"w": numbers(6, 3 // group, 3, 3)}, ("N", 3, 13, 12)))


@pytest.mark.parametrize("ceil", [0, 1])
@pytest.mark.parametrize("inside", [0, 1])
@pytest.mark.parametrize("kind", ["AveragePool", "MaxPool"])
def test_a_pooling_over_the_rim_gives_what_onnxruntime_gives(tmp_path, ceil, inside, kind):
    more = {"count_include_pad": inside} if kind == "AveragePool" else {}
    node = helper.make_node(
        kind, ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=ceil, **more
    )
    equals(write(tmp_path, [node], {}))


def test_a_flattened_map_goes_into_a_dense_layer_without_a_transposition(tmp_path):
    nodes = [
        CONV,
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("Gemm", ["f", "v", "d"], ["y"], transB=1),
    ]
    path = write(tmp_path, nodes, {**WEIGHTS, "v": numbers(5, 8 * 144), "d": numbers(5)})
    assert kinds(equals(path)) == ["input", "conv2d", "flatten", "dense"]


def test_a_batch_of_one_written_into_a_reshape_is_any_batch_here(tmp_path):
    nodes = [CONV, helper.make_node("Reshape", ["c", "s"], ["r"]), helper.make_node("Relu", ["r"], ["y"])]
    for target in ([1, 2, 4, 144], [1, -1], [1, 8, -1]):
        path = write(tmp_path, nodes, {**WEIGHTS, "s": np.array(target)}, (1, 3, 12, 12))
        assert equals(path).fixed_batch == 1


def test_tokens_of_one_picture_made_a_list_and_parted_again_are_those_of_any_batch(tmp_path):
    nodes = [
        CONV,
        helper.make_node("Reshape", ["c", "rows"], ["r"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[2, 0, 1]),
        helper.make_node("Reshape", ["t", "list"], ["l"]),
        helper.make_node("Gemm", ["l", "v"], ["g"]),
        helper.make_node("Reshape", ["g", "parted"], ["p"]),
        helper.make_node("Transpose", ["p"], ["y"], perm=[1, 0, 2]),
    ]
    sides = {"rows": np.array([1, 8, 144]), "list": np.array([144, 8]), "parted": np.array([144, 1, 6])}
    equals(write(tmp_path, nodes, {**WEIGHTS, **sides, "v": numbers(8, 6)}, (1, 3, 12, 12)))


def test_a_resize_that_writes_out_a_batch_of_one_takes_any_batch(tmp_path):
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], mode="linear")
    equals(write(tmp_path, [node], {"s": np.array([1, 3, 24, 24])}, (1, 3, 12, 12)))


def test_sizes_worked_out_from_shapes_are_folded(tmp_path):
    nodes = [
        CONV,
        helper.make_node("Shape", ["c"], ["s"]),
        helper.make_node("Gather", ["s", "i"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["t"], axis=0),
        helper.make_node("Reshape", ["c", "t"], ["y"]),
    ]
    path = write(tmp_path, nodes, {**WEIGHTS, "i": np.array([0]), "rest": np.array([8, -1])})
    assert equals(path).model.output_shape == (None, 8, 144)


def test_a_class_token_is_repeated_for_each_picture(tmp_path):
    nodes = [
        CONV,
        helper.make_node("Reshape", ["c", "s"], ["r"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
        helper.make_node("Shape", ["t"], ["shape"]),
        helper.make_node("Gather", ["shape", "i"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["e"], axis=0),
        helper.make_node("Expand", ["token", "e"], ["tokens"]),
        helper.make_node("Concat", ["tokens", "t"], ["y"], axis=1),
    ]
    arrays = {
        "s": np.array([0, 8, -1]),
        "i": np.array([0]),
        "rest": np.array([1, 8]),
        "token": numbers(1, 1, 8),
    }
    assert equals(write(tmp_path, nodes, {**WEIGHTS, **arrays})).model.output_shape == (None, 145, 8)


def test_a_graph_with_channels_last_needs_no_transposition(tmp_path):
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w"], ["c"]),
        helper.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1]),
    ]
    imported = equals(write(tmp_path, nodes, WEIGHTS, ("N", 12, 12, 3)), channels="last")
    assert kinds(imported) == ["input", "conv2d"] and imported.channels_last


def test_a_bias_along_another_axis_of_the_same_length_stays_where_it_is(tmp_path):
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["r", "b"], ["y"])]
    for shape in ((3, 1, 1), (1, 1, 3, 1), (3,), (3, 1)):
        equals(write(tmp_path, nodes, {"b": numbers(*shape)}, ("N", 3, 3, 3)))


def test_differences_and_quotients_keep_their_order(tmp_path):
    nodes = [
        helper.make_node("Sub", ["a", "x"], ["s"]),
        helper.make_node("Exp", ["s"], ["e"]),
        helper.make_node("Div", ["a", "e"], ["y"]),
    ]
    equals(write(tmp_path, nodes, {"a": numbers(1, 3, 1, 1)}))


@pytest.mark.parametrize("order", ["x first", "half last", "half of x"])
def test_an_error_function_spelt_out_becomes_gelu(tmp_path, order):
    nodes = [
        helper.make_node("Div", ["x", "root"], ["d"]),
        helper.make_node("Erf", ["d"], ["e"]),
        helper.make_node("Add", ["e", "one"], ["p"]),
    ]
    if order == "half of x":
        nodes += [helper.make_node("Mul", ["x", "half"], ["h"]), helper.make_node("Mul", ["h", "p"], ["y"])]
    else:
        first, second = ("x", "half") if order == "x first" else ("half", "x")
        nodes += [helper.make_node("Mul", ["p", first], ["m"]), helper.make_node("Mul", ["m", second], ["y"])]
    arrays = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
    imported = equals(write(tmp_path, nodes, {k: np.asarray(v) for k, v in arrays.items()}))
    assert kinds(imported) == ["input", "gelu"]


def test_a_hard_swish_spelt_out_becomes_one_activation(tmp_path):
    nodes = [
        helper.make_node("Add", ["x", "three"], ["a"]),
        helper.make_node("Clip", ["a", "zero", "six"], ["c"]),
        helper.make_node("Mul", ["x", "c"], ["m"]),
        helper.make_node("Div", ["m", "six"], ["y"]),
    ]
    arrays = {n: np.asarray(v, np.float32) for n, v in {"three": 3, "zero": 0, "six": 6}.items()}
    assert kinds(equals(write(tmp_path, nodes, arrays))) == ["input", "activation"]


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("how", ["asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"])
@pytest.mark.parametrize("factor", [2.0, 1.7, 0.6])
def test_a_resize_gives_what_onnxruntime_gives(tmp_path, mode, how, factor):
    node = helper.make_node(
        "Resize", ["x", "", "s"], ["y"], mode=mode, coordinate_transformation_mode=how, nearest_mode="floor"
    )
    equals(write(tmp_path, [node], {"s": np.array([1, 1, factor, factor], np.float32)}))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floating_point_types_are_read_as_float32_with_a_note(tmp_path, dtype):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    # onnxruntime has no convolution of these types on every machine; a product will do.
    nodes = [helper.make_node("Mul", ["x", "w"], ["c"]), helper.make_node("Tanh", ["c"], ["y"])]
    path = write(tmp_path, nodes, {"w": numbers(1, 3, 1, 1).astype(dtype)}, kind=kind)
    imported = equals(path, limit=2e-3)
    assert any("32-bit here" in note for note in imported.notes)


def test_weights_that_are_inputs_as_well_are_weights(tmp_path):
    more = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in WEIGHTS.items()]
    path = write(tmp_path, [CONV, helper.make_node("Relu", ["c"], ["y"])], WEIGHTS, inputs=more)
    assert not equals(path).held


def test_another_input_is_held_with_a_note(tmp_path):
    more = [helper.make_tensor_value_info("k", TensorProto.FLOAT, [1])]
    path = write(tmp_path, [CONV, helper.make_node("Add", ["c", "k"], ["y"])], WEIGHTS, inputs=more)
    assert any('"k"' in note and "zero" in note for note in equals(path).notes)
    assert equals(path, held={"k": [0.5]}).held["k"].tolist() == [0.5]
    with pytest.raises(ConfigError, match='no input "z"'):
        read_onnx(path, held={"z": 1})


def test_an_open_size_is_assumed_or_given(tmp_path):
    path = write(tmp_path, [CONV, helper.make_node("Relu", ["c"], ["y"])], WEIGHTS, ("N", 3, "H", "W"))
    assert read_onnx(path).input_size_source == "assumed"
    assert read_onnx(path, input_size=(16, 20)).model.input_shape == (None, 16, 20, 3)


def outside(path, location):
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())
    return data


def test_external_data_is_read_from_the_models_folder_only(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    path = write(folder, [CONV, helper.make_node("Relu", ["c"], ["y"])], WEIGHTS)
    whole = path.read_bytes()
    data = outside(path, "weights.bin")
    (folder / "weights.bin").write_bytes(data)
    equals(path)
    (tmp_path / "secret.bin").write_bytes(data)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    for location in ("../secret.bin", str(tmp_path / "secret.bin"), "link.bin"):
        path.write_bytes(whole)
        outside(path, location)
        with pytest.raises(ModelError, match="outside the model's folder"):
            read_onnx(path)


REFUSED = {
    "QuantizeLinear": "quantized",
    "NonMaxSuppression": "depends on the picture",
    "SequenceLength": "sequences",
    "RandomNormalLike": "random",
    "StringNormalizer": "texts",
    "Attention2": "does not know this operator",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_names_the_node_and_its_operator(tmp_path, kind):
    nodes = [CONV, helper.make_node(kind, ["c"], ["y"], name="the/culprit")]
    with pytest.raises(ModelError, match=f'"the/culprit" is a {kind}.*{REFUSED[kind]}'):
        read_onnx(write(tmp_path, nodes, WEIGHTS))


def test_a_custom_domain_is_refused(tmp_path):
    nodes = [CONV, helper.make_node("FusedConv", ["c"], ["y"], name="f", domain="com.microsoft")]
    with pytest.raises(ModelError, match=r'node "f" is a FusedConv of the custom domain "com.microsoft"'):
        read_onnx(write(tmp_path, nodes, WEIGHTS, domains=("com.microsoft",)))


def test_damaged_files_get_one_line(tmp_path):
    path = write(tmp_path, [CONV, helper.make_node("Relu", ["c"], ["y"])], WEIGHTS)
    whole = path.read_bytes()
    for data in (b"", b"not a network" * 9, whole[: len(whole) // 2], whole[:-40]):
        path.write_bytes(data)
        with pytest.raises(ModelError) as caught:
            read_onnx(path)
        assert "\n" not in str(caught.value)


def test_claims_beyond_the_file_or_the_memory_are_refused(tmp_path):
    path = write(tmp_path, [CONV, helper.make_node("Relu", ["c"], ["y"])], WEIGHTS)
    model = onnx.load(path)
    model.graph.initializer[0].dims[0] = 2**40
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="wanted at most"):
        read_onnx(path)
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["k"]), helper.make_node("Add", ["x", "k"], ["y"])]
    with pytest.raises(ModelError, match="wanted at most"):
        read_onnx(write(tmp_path, nodes, {"s": np.array([1, 3, 2**20, 2**20])}), channels="first")


def test_an_opset_that_is_not_known_is_refused(tmp_path):
    nodes = [CONV, helper.make_node("Relu", ["c"], ["y"])]
    for opset in (6, 999):
        with pytest.raises(ModelError, match="opset"):
            read_onnx(write(tmp_path, nodes, WEIGHTS, opset=opset))


def test_a_stack_of_convolutions_works_at_another_size(tmp_path):
    nodes = [
        CONV,
        helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Resize", ["p", "", "s"], ["u"], mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric"),
        helper.make_node("Concat", ["u", "c"], ["y"], axis=1),
    ]  # fmt: skip
    imported = equals(write(tmp_path, nodes, {**WEIGHTS, "s": np.array([1, 1, 2, 2], np.float32)}))
    import keras

    picture = keras.Input((20, 28, 3))
    tensors = {0: (picture,)}
    nodes, outputs = flatten(imported.model, imported.names)
    for i, node in enumerate(nodes[1:], start=1):
        tensors[i] = node.call([tensors[j][o] for j, o in node.inputs])
    assert tensors[outputs[0][0]][0].shape == (None, 20, 28, 16)


@pytest.mark.parametrize("kind", ["UINT8", "INT8", "UINT16", "INT16", "INT32"])
def test_pictures_of_whole_numbers_are_read(tmp_path, kind):
    cast = helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT)
    conv = helper.make_node("Conv", ["f", "w", "b"], ["y"], pads=[1, 1, 1, 1])
    path = write(tmp_path, [cast, conv], WEIGHTS, kind=getattr(TensorProto, kind))
    proto = onnx.load(path)
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    onnx.save(proto, path)
    imported = read_onnx(path)
    assert imported.picture_dtype == kind.lower() and any(kind.lower() in note for note in imported.notes)
    pictures = RNG.uniform(0, 100, (2, *imported.model.inputs[0].shape[1:])).astype(np.float32)
    assert max(p.max_rel for p in compare_with_onnxruntime(path, imported, pictures)) <= 1e-5


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (helper.make_node("Clip", [], ["y"], name="a"), r'"a" \(Clip\) reads 0 values, wanted 1 to 3'),
        (helper.make_node("Relu", ["x", "x"], ["y"], name="cut"), r'"cut" \(Relu\) reads 2 values, wanted 1'),
        (helper.make_node("Transpose", ["x"], ["y"], name="t", perm=1), r'"t" \(Transpose\) .*"perm" .*ints'),
        (helper.make_node("MaxPool", ["x"], ["y"], name="m"), r'"m" \(MaxPool\) lacks its .* "kernel_shape"'),
        (helper.make_node("Constant", [], [], name="b", value_float=1.0), r'"b" \(Constant\) writes nothing'),
    ],
)  # fmt: skip
def test_a_node_with_another_signature_than_its_operator_is_refused_by_name(tmp_path, node, said):
    path = tmp_path / "net.onnx"
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", (1, 3, 8, 8)), ("y", None))
    ]
    graph = helper.make_graph([node], "net", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(ModelError, match=said):
        read_onnx(path)
