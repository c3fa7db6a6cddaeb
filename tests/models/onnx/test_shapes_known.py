"""Values that depend on sizes alone are computed at import: branches, states common to all pictures."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import ModelError
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

RNG = np.random.default_rng(11)
N = helper.make_node


def numbers(*shape):
    return (RNG.normal(size=shape) / 4).astype(np.float32)


def written(tmp_path, nodes, arrays, shape, opset=17):
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def proved(path, **given):
    imported = read_onnx(path, **given)
    for n in (1, 2):
        pictures = RNG.normal(size=(n, *imported.model.inputs[0].shape[1:])).astype(np.float32)
        assert max(p.max_rel for p in compare_with_onnxruntime(path, imported, pictures)) < 1e-4
    return imported


def branch(name, nodes, output, arrays=None):
    value = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    stored = [numpy_helper.from_array(a, n) for n, a in (arrays or {}).items()]
    return helper.make_graph(nodes, name, [], [value], stored)


def squeeze_where_one():
    """A squeeze of axis 2 as torch exports it where sizes are open; the condition is met for one row."""
    then = branch("then", [N("Squeeze", ["c", "a"], ["inner"])], "inner", {"a": np.array([2])})
    other = branch("else", [N("Identity", ["c"], ["inner"])], "inner")
    nodes = [
        N("Conv", ["x", "w"], ["c"], strides=[4, 1]),
        N("Shape", ["c"], ["s"]),
        N("Gather", ["s", "two"], ["h"]),
        N("Equal", ["h", "one"], ["is"]),
        N("If", ["is"], ["q"], then_branch=then, else_branch=other),
        N("Relu", ["q"], ["y"]),
    ]
    arrays = {"w": numbers(5, 3, 4, 3), "two": np.array(2), "one": np.array(1)}
    return nodes, arrays, ("n", 3, "h", 9)


@pytest.mark.parametrize(("side", "rank"), [(4, 3), (8, 4)])
def test_a_branch_that_sizes_decide_is_taken(tmp_path, side, rank):
    imported = proved(written(tmp_path, *squeeze_where_one()), input_size=(side, 9))
    assert len(imported.model.output_shape) == rank


def test_two_branches_may_use_the_same_names_inside(tmp_path):
    nodes, arrays, shape = squeeze_where_one()
    again = N("If", ["is"], ["z"], then_branch=branch("t", [N("Relu", ["q"], ["inner"])], "inner"),
              else_branch=branch("e", [N("Neg", ["q"], ["inner"])], "inner"))  # fmt: skip
    proved(written(tmp_path, [*nodes[:-1], again, N("Relu", ["z"], ["y"])], arrays, shape), input_size=(8, 9))


def test_a_branch_that_the_picture_decides_is_refused_by_name(tmp_path):
    then, other = (branch(k, [N(k, ["x"], [f"{k}/o"])], f"{k}/o") for k in ("Relu", "Neg"))
    nodes = [
        N("ReduceMax", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        N("Greater", ["m", "nought"], ["is"]),
        N("If", ["is"], ["y"], name="the choice", then_branch=then, else_branch=other),
    ]
    path = written(tmp_path, nodes, {"nought": np.float32(0)}, ("n", 3, 8, 8))
    with pytest.raises(ModelError, match='"the choice" is a If: control flow'):
        read_onnx(path, channels="first")


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_a_recurrent_layer_may_start_from_a_state_made_for_each_picture(tmp_path, kind, fill):
    """Made at the size of the batch, and cut from the states of several layers, as torch writes it."""
    gates = {"LSTM": 4, "GRU": 3}[kind]
    states = ["h", "h"] if kind == "LSTM" else ["h"]
    nodes = [
        N("Conv", ["x", "w"], ["c"], strides=[8, 1]),
        N("Squeeze", ["c", "two"], ["q"]),
        N("Transpose", ["q"], ["t"], perm=[2, 0, 1]),
        N("Shape", ["t"], ["s"]),
        N("Gather", ["s", "one"], ["n"]),
        N("Unsqueeze", ["n", "nought"], ["u"]),
        N("Concat", ["four", "u", "six"], ["sides"], axis=0),
        N("ConstantOfShape", ["sides"], ["all"],
          value=numpy_helper.from_array(np.array([fill], np.float32))),
        N("Slice", ["all", "nought", "ends", "nought"], ["h"]),
        N(kind, ["t", "k", "r", "b", "", *states], ["o"], hidden_size=6, direction="bidirectional"),
        N("Relu", ["o"], ["y"]),
    ]  # fmt: skip
    arrays = {
        "w": numbers(5, 1, 8, 3), "two": np.array([2]), "one": np.array(1), "nought": np.array([0]),
        "four": np.array([4]), "six": np.array([6]), "ends": np.array([2]),
        "k": numbers(2, 6 * gates, 5), "r": numbers(2, 6 * gates, 6), "b": numbers(2, 12 * gates),
    }  # fmt: skip
    proved(written(tmp_path, nodes, arrays, ("n", 1, 8, 9)))
