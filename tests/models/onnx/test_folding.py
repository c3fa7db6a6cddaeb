"""What is answered before any picture is there: by the graph's own opset, and within a budget."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import ModelError
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

WEIGHTS = {"w": np.random.default_rng(3).normal(size=(4, 1, 3, 3)).astype(np.float32)}
CONV = helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1])


def written(tmp_path, nodes, arrays, opset=17):
    """Write a graph that begins with a convolution "c" of 4 units and ends in "y"; return its path."""
    graph = helper.make_graph(
        [CONV, *nodes],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 1, 16, 16))],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in {**WEIGHTS, **arrays}.items()],
    )
    graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_shape_arithmetic_of_an_old_opset_is_folded_with_its_attributes(tmp_path):
    nodes = [
        helper.make_node("Shape", ["c"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"]),
        helper.make_node("Unsqueeze", ["n"], ["n1"], axes=[0]),
        helper.make_node("Slice", ["s"], ["sides"], starts=[2], ends=[3], axes=[0]),
        helper.make_node("Squeeze", ["sides"], ["side"], axes=[0]),
        helper.make_node("Unsqueeze", ["side"], ["side1"], axes=[0]),
        helper.make_node("Split", ["s"], ["a", "b"], axis=0, split=[2, 2]),
        helper.make_node("ReduceSum", ["b"], ["both"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["both", "side1"], ["other"]),
        helper.make_node("Concat", ["n1", "other", "rest"], ["to"], axis=0),
        helper.make_node("Reshape", ["c", "to"], ["y"]),
    ]
    path = written(tmp_path, nodes, {"first": np.int64(0), "rest": np.array([-1])}, opset=9)
    imported = read_onnx(path)
    assert imported.model.output_shape == (None, 16, 64)
    pictures = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype(np.float32)
    assert compare_with_onnxruntime(path, imported, pictures)[0].max_rel < 1e-4


def test_a_softmax_of_constants_is_folded_with_the_meaning_of_its_opset(tmp_path):
    nodes = [helper.make_node("Softmax", ["v"], ["p"]), helper.make_node("Mul", ["c", "p"], ["y"])]
    pictures = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype(np.float32)
    path = written(tmp_path, nodes, {"v": np.arange(4.0, dtype=np.float32).reshape(1, 4, 1, 1)}, opset=11)
    assert compare_with_onnxruntime(path, read_onnx(path), pictures)[0].max_rel < 1e-4


def claimed(*sides, name="big"):
    """Return a node that makes a constant of a claimed size from a few bytes, and what it reads."""
    shape = np.array(sides)
    return helper.make_node("ConstantOfShape", [f"{name}_sides"], [name]), {f"{name}_sides": shape}


HEAVY = {
    "a matrix product": ("MatMul", [(1 << 12, 1 << 12), (1 << 12, 1 << 12)], {}),
    "a product with a matrix": ("Gemm", [(1 << 12, 1 << 12), (1 << 12, 1 << 12)], {}),
    "a convolution": ("Conv", [(1, 64, 512, 512), (64, 64, 7, 7)], {}),
    "a transposed convolution": ("ConvTranspose", [(1, 64, 256, 256), (64, 64, 9, 9)], {}),
    "a pooling": ("MaxPool", [(1, 16, 1024, 1024)], {"kernel_shape": [63, 63]}),
    "a mean over windows": ("AveragePool", [(1, 16, 1024, 1024)], {"kernel_shape": [63, 63]}),
    "a resize": ("Upsample", [(1, 8, 1024, 1024), [1, 1, 4, 4]], {}),
    "a recurrence": ("LSTM", [(100_000, 1, 64), (1, 256, 64), (1, 256, 64)], {"hidden_size": 64}),
    "a sum over axes": ("Einsum", [(1 << 11, 1 << 11), (1 << 11, 1 << 11)], {"equation": "ab,bc->ac"}),
    "an error function": ("Erf", [(1 << 13, 1 << 12)], {}),
    "a sampling": ("GridSample", [(1, 64, 512, 512), (1, 4096, 512, 2)], {}),
    "a matrix with ones": ("EyeLike", [(1 << 13, 1 << 13)], {}),
}


@pytest.mark.parametrize("what", HEAVY)
def test_heavy_work_on_constants_is_refused_before_it_is_done(tmp_path, what):
    kind, shapes, attributes = HEAVY[what]
    nodes, arrays, names = [], {}, []
    for index, shape in enumerate(shapes):
        name = f"big{index}"
        names.append(name)
        if isinstance(shape, list):
            arrays[name] = np.array(shape, np.float32)
            continue
        node, sides = claimed(*shape, name=name)
        nodes.append(node)
        arrays |= sides
    opset = {"Upsample": 9, "GridSample": 16}.get(kind, 12)
    nodes += [
        helper.make_node(kind, names, ["z"], name="heavy", **attributes),
        helper.make_node("ReduceMax", ["z"], ["m"], keepdims=0),
        helper.make_node("Add", ["c", "m"], ["y"]),
    ]
    with pytest.raises(ModelError, match=r'"heavy".*(operations|numbers|bytes)'):
        read_onnx(written(tmp_path, nodes, arrays, opset), max_memory=600 << 20)


def test_many_small_products_are_counted_together(tmp_path):
    node, arrays = claimed(1024, 1024)
    nodes = [node]
    for n in range(40):
        nodes.append(
            helper.make_node("MatMul", ["big", f"m{n - 1}" if n else "big"], [f"m{n}"], name=f"p{n}")
        )
    nodes += [helper.make_node("ReduceMax", ["m39"], ["m"], keepdims=0)]
    nodes += [helper.make_node("Add", ["c", "m"], ["y"])]
    with pytest.raises(ModelError, match=r"operations on constants, all before it counted"):
        read_onnx(written(tmp_path, nodes, arrays))


def test_positions_made_larger_are_folded(tmp_path):
    table = np.random.default_rng(1).normal(size=(1, 4, 8, 8)).astype(np.float32)
    nodes = [
        helper.make_node("Resize", ["table", "", "by"], ["large"], mode="cubic"),
        helper.make_node("Add", ["c", "large"], ["y"]),
    ]
    path = written(tmp_path, nodes, {"table": table, "by": np.array([1, 1, 2, 2], np.float32)})
    pictures = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype(np.float32)
    assert compare_with_onnxruntime(path, read_onnx(path), pictures)[0].max_rel < 1e-4
