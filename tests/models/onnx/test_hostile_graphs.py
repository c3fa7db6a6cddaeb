"""Graphs that are small as files and large, deep or broken once they are read: one line, soon."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from reportgen.errors import ModelError
from reportgen.models import load_model
from reportgen.models.onnx import read_onnx

WEIGHTS = np.full((2, 1, 3, 3), 0.1, np.float32)


def written(tmp_path, nodes, *, functions=(), weights=None, domains=()):
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["v0"], name="conv"), *nodes],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 1, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [weights if weights is not None else numpy_helper.from_array(WEIGHTS, "w")],
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def row(n, kind="Relu", last="y"):
    names = [f"v{i}" for i in range(n)] + [last]
    return [helper.make_node(kind, [a], [b]) for a, b in itertools.pairwise(names)]


@pytest.mark.parametrize("n", [1200, pytest.param(2500, marks=pytest.mark.slow)])
def test_thousands_of_operations_in_a_row_are_read(tmp_path, n):
    model = load_model(written(tmp_path, row(n)))
    assert len(model.nodes) == n + 2


@pytest.mark.slow
def test_a_row_that_is_too_long_is_refused_with_its_number(tmp_path):
    with pytest.raises(ModelError, match=r"after 10000 .*operations on the picture"):
        load_model(written(tmp_path, row(20_000)))


def function(name, body, opsets=("f",)):
    imports = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in opsets)]
    return helper.make_function("f", name, ["a"], ["b"], body, imports)


def doubled(level, within_if):
    """Return a function that calls the next one twice, in its body or in the branches of an If."""
    called = f"f{level + 1}"
    if not within_if:
        calls = [("a", "t"), ("t", "b")]
        return function(f"f{level}", [helper.make_node(called, [i], [o], domain="f") for i, o in calls])
    branches = {}
    for branch in ("then_branch", "else_branch"):
        inner = helper.make_node(called, ["a"], [branch], domain="f")
        out = helper.make_empty_tensor_value_info(branch)
        branches[branch] = helper.make_graph([inner], branch, [], [out])
    yes = helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("t", TensorProto.BOOL, [], [1]))
    return function(f"f{level}", [yes, helper.make_node("If", ["yes"], ["b"], **branches)])


@pytest.mark.parametrize("within_if", [False, True])
def test_functions_that_double_at_each_level_are_refused_before_they_are_written_out(tmp_path, within_if):
    functions = [doubled(level, within_if) for level in range(40)]
    functions.append(function("f40", [helper.make_node("Relu", ["a"], ["b"])]))
    call = helper.make_node("f0", ["v0"], ["y"], domain="f")
    with pytest.raises(ModelError, match="inline to more than 50000 operations"):
        read_onnx(written(tmp_path, [call], functions=functions, domains=["f"]))


def test_a_function_with_large_constants_is_not_written_out_a_thousand_times(tmp_path):
    large = numpy_helper.from_array(np.ones(1 << 18, np.float32), "large")
    body = [helper.make_node("Constant", [], ["c"], value=large), helper.make_node("Relu", ["a"], ["b"])]
    calls = [
        helper.make_node("g", [f"v{i}"], ["y" if i == 999 else f"v{i + 1}"], domain="f") for i in range(1000)
    ]
    with pytest.raises(ModelError, match="bytes"):
        read_onnx(written(tmp_path, calls, functions=[function("g", body)], domains=["f"]))


@pytest.mark.parametrize("through", ["f0", "f1"])
def test_functions_that_call_themselves_are_refused_by_name(tmp_path, through):
    functions = [
        function("f0", [helper.make_node(through, ["a"], ["b"], domain="f")]),
        function("f1", [helper.make_node("f0", ["a"], ["b"], domain="f")]),
    ]
    call = helper.make_node("f0", ["v0"], ["y"], domain="f")
    with pytest.raises(ModelError, match="calls itself"):
        read_onnx(written(tmp_path, [call], functions=functions, domains=["f"]))


def test_functions_in_one_another_are_read(tmp_path):
    functions = [doubled(level, False) for level in range(3)]
    functions.append(function("f3", [helper.make_node("Relu", ["a"], ["b"])]))
    call = helper.make_node("f0", ["v0"], ["y"], domain="f")
    assert read_onnx(written(tmp_path, [call], functions=functions, domains=["f"])).outputs == ("y",)


def broken(change):
    tensor = numpy_helper.from_array(WEIGHTS, "w")
    change(tensor)
    return tensor


def outside(location):
    def change(tensor):
        tensor.ClearField("raw_data")
        tensor.data_location = tensor.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


def typed(kind, field, numbers):
    def change(tensor):
        tensor.ClearField("raw_data")
        tensor.data_type = kind
        getattr(tensor, field).extend(numbers)

    return change


BROKEN = {
    "a byte too many": lambda t: setattr(t, "raw_data", t.raw_data + b"\0"),
    "a number too few": lambda t: setattr(t, "raw_data", t.raw_data[:-4]),
    "no numbers": lambda t: t.ClearField("raw_data"),
    "a null byte in its path": outside("a\0b"),
    "a path of nothing": outside("."),
    "a path that is too long": outside("a" * 5000),
    "halves beyond their type": typed(TensorProto.FLOAT16, "int32_data", [1 << 20] * 18),
    "bytes beyond their type": typed(TensorProto.INT8, "int32_data", [1 << 20] * 18),
    "a type of no name": lambda t: setattr(t, "data_type", 99),
    "a negative side": lambda t: t.dims.__setitem__(0, -2),
    "sides beyond all memory": lambda t: t.dims.__setitem__(0, 2**62),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_tensor_is_named(tmp_path, what):
    with pytest.raises(ModelError, match='"w"') as caught:
        read_onnx(written(tmp_path, row(1), weights=broken(BROKEN[what])))
    assert "\n" not in str(caught.value)


def test_a_node_without_outputs_is_named(tmp_path):
    node = helper.make_node("Relu", ["v0"], [], name="empty")
    with pytest.raises(ModelError, match=r'"empty".*writes nothing'):
        read_onnx(written(tmp_path, [node, *row(1)]))


def test_an_attribute_of_no_type_is_named(tmp_path):
    node = helper.make_node("LeakyRelu", ["v0"], ["y"], name="leaky")
    node.attribute.append(AttributeProto(name="alpha"))
    with pytest.raises(ModelError, match=r'"leaky".*"alpha" of no type'):
        read_onnx(written(tmp_path, [node]))
