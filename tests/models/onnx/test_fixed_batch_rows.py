"""A batch that is written into a file is opened where its rows are one, else named; never an inner number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import ModelError
from reportgen.models import load_model
from reportgen.models.onnx.values import BATCH
from reportgen.models.parity import compare_import
from tests.models.onnx.test_shared_with_held import twins

RNG = np.random.default_rng(7)
SIDE, TOKENS, FEATURES, HEADS = 8, 4, 6, 2
node = helper.make_node


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def saved(
    folder: Path, batch: int | str, nodes: Sequence[onnx.NodeProto], arrays: dict[str, np.ndarray]
) -> Path:
    """Save a convolution that gives `(batch, 6, 2, 2)` as "c", and what follows it, for a batch."""
    first = node("Conv", ["x", "kernel"], ["c"], name="conv", strides=[4, 4])
    arrays = {"kernel": numbers(FEATURES, 3, 4, 4), **arrays}
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    stored = [numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()]
    graph = helper.make_graph([first, *nodes], "net", [x], [y], stored)
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def with_a_class_token(folder: Path, batch: int, rows: np.ndarray) -> Path:
    nodes = [
        node("Reshape", ["c", "flat"], ["t"]), node("Transpose", ["t"], ["u"], perm=[0, 2, 1]),
        node("Concat", ["rows", "u"], ["v"], axis=1), node("Gather", ["v", "first"], ["w"], axis=1),
        node("ReduceMean", ["v"], ["m"], axes=[1], keepdims=0), node("Add", ["w", "m"], ["s"]),
        node("Gemm", ["s", "k"], ["y"], name="end"),
    ]  # fmt: skip
    arrays = {"flat": np.array([batch, FEATURES, -1]), "first": np.array(0), "k": numbers(FEATURES, 3)}
    return saved(folder, batch, nodes, {**arrays, "rows": rows})


def with_learned_queries(folder: Path, batch: int) -> Path:
    """Queries times keys, each by heads, batch and heads one axis, as torch's older exporter writes them."""
    size = FEATURES // HEADS
    query = np.repeat(numbers(1, HEADS, 3, size), batch, axis=0).reshape(batch * HEADS, 3, size)
    nodes = [
        node("Reshape", ["c", "by_heads"], ["k"]), node("MatMul", ["query", "k"], ["scores"]),
        node("Reshape", ["scores", "parted"], ["p"]),
        node("ReduceMean", ["p"], ["m"], axes=[1, 2], keepdims=0),
        node("Gemm", ["m", "w"], ["y"], name="end"),
    ]  # fmt: skip
    arrays = {
        "by_heads": np.array([batch * HEADS, size, TOKENS]), "parted": np.array([batch, HEADS, 3, TOKENS]),
        "query": query, "w": numbers(TOKENS, 2),
    }  # fmt: skip
    return saved(folder, batch, nodes, arrays)


def with_tokens_first(folder: Path, batch: int, tokens_first: bool) -> Path:
    """Attention whose tokens stand before the pictures, or after, and that makes one list of both between."""
    size = FEATURES // HEADS
    rows, pairs = (TOKENS, batch) if tokens_first else (batch, TOKENS), [batch * HEADS, TOKENS, size]
    nodes = [
        node("Reshape", ["c", "flat"], ["t"]),
        node("Transpose", ["t"], ["u"], perm=[2, 0, 1] if tokens_first else [0, 2, 1]),
        node("Reshape", ["u", "list"], ["l"]), node("Gemm", ["l", "w"], ["g"]), node("Relu", ["g"], ["r"]),
        node("Reshape", ["r", "parted"], ["p"]),
        node("Transpose", ["p"], ["n"], perm=[1, 0, 2] if tokens_first else [0, 1, 2]),
        node("Reshape", ["n", "by_heads"], ["h"]), node("Softmax", ["h"], ["s"], axis=1),
        node("Reshape", ["s", "together"], ["o"]), node("ReduceMean", ["o"], ["m"], axes=[1], keepdims=0),
        node("Gemm", ["m", "k"], ["y"], name="end"),
    ]  # fmt: skip
    arrays = {
        "flat": np.array([batch, FEATURES, -1]), "list": np.array([batch * TOKENS, FEATURES]),
        "w": numbers(FEATURES, FEATURES), "parted": np.array([*rows, FEATURES]), "by_heads": np.array(pairs),
        "together": np.array([batch, TOKENS, FEATURES]), "k": numbers(FEATURES, 2),
    }  # fmt: skip
    return saved(folder, batch, nodes, arrays)


def with_a_state(folder: Path, batch: int) -> Path:
    """A recurrent layer whose first state is spread over the pictures by the graph's own arithmetic."""
    nodes = [
        node("Reshape", ["c", "flat"], ["t"]), node("Transpose", ["t"], ["u"], perm=[2, 0, 1]),
        node("Shape", ["u"], ["s"]), node("Slice", ["s", "one", "two"], ["n"]),
        node("Concat", ["one", "n", "hidden"], ["state_shape"], axis=0),
        node("Expand", ["state", "state_shape"], ["begin"]),
        node("GRU", ["u", "w", "r", "", "", "begin"], ["all", "last"], hidden_size=5, name="gru"),
        node("Squeeze", ["last", "zero"], ["l"]), node("Gemm", ["l", "k"], ["y"], name="end"),
    ]  # fmt: skip
    arrays = {
        "flat": np.array([batch, FEATURES, -1]), "one": np.array([1]), "two": np.array([2]),
        "zero": np.array([0]), "hidden": np.array([5]), "state": np.repeat(numbers(1, 1, 5), batch, axis=1),
        "w": numbers(1, 15, FEATURES), "r": numbers(1, 15, 5), "k": numbers(5, 2),
    }  # fmt: skip
    return saved(folder, batch, nodes, arrays)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_class_token_with_a_row_for_each_picture_is_opened(tmp_path: Path, batch: int) -> None:
    path = with_a_class_token(tmp_path, batch, np.repeat(numbers(1, 1, FEATURES), batch, axis=0))
    model = load_model(path)
    assert [layer.name for layer in model.layers] == ["conv", "end"]
    assert compare_import(path, model).same


@pytest.mark.parametrize("batch", [1, 4])
def test_learned_queries_that_are_split_by_heads_are_opened(tmp_path: Path, batch: int) -> None:
    path = with_learned_queries(tmp_path, batch)
    assert compare_import(path, load_model(path)).same


@pytest.mark.parametrize("tokens_first", [True, False])
@pytest.mark.parametrize("batch", [2, TOKENS, 8])
def test_pictures_keep_their_stride_through_lists_of_tokens(
    tmp_path: Path, batch: int, tokens_first: bool
) -> None:
    path = with_tokens_first(tmp_path, batch, tokens_first)
    assert compare_import(path, load_model(path)).same


@pytest.mark.parametrize("batch", [1, 4])
def test_a_recurrent_state_with_a_row_for_each_picture_is_opened(tmp_path: Path, batch: int) -> None:
    path = with_a_state(tmp_path, batch)
    assert compare_import(path, load_model(path)).same


@pytest.mark.parametrize("second", ["k", "copy", "j"])
def test_a_held_input_of_a_fixed_batch_is_opened(tmp_path: Path, second: str) -> None:
    path = twins(tmp_path, second, batch=4)
    model = load_model(path)
    assert [layer.name for layer in model.layers] == ["left", "left_dense"]
    assert compare_import(path, model).same


def test_rows_that_differ_are_refused_with_the_cause_the_place_and_the_way_out(tmp_path: Path) -> None:
    path = with_a_class_token(tmp_path, 4, numbers(4, 1, FEATURES))
    with pytest.raises(ModelError, match=r"net\.onnx: node .*\(Concat\).*a batch of 4 is written.*dynamic"):
        load_model(path)


BREAKING = {
    "another shape": [node("Reshape", ["c", "odd"], ["y"])],
    "weights of another size": [node("Gemm", ["f", "w"], ["y"])],
    "a sum that does not fit": [node("Add", ["f", "seven"], ["y"])],
    "channels of all pictures": [
        node("Reshape", ["c", "together"], ["m"]),
        node("BatchNormalization", ["m", "many", "many", "many", "many"], ["y"]),
    ],
    "a product over pictures": [node("MatMul", ["seven", "f"], ["y"])],
    "pictures parted": [node("Split", ["f"], ["y", "z"], axis=0)],
    "pictures picked": [node("Gather", ["f", "one"], ["y"], axis=0)],
    "a size of the batch": [
        node("Shape", ["c"], ["s"]), node("ReduceProd", ["s"], ["p"], keepdims=1),
        node("Expand", ["seven", "p"], ["y"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("batch", ["n", 1, 4])
@pytest.mark.parametrize("name", BREAKING)
def test_no_line_holds_the_number_that_represents_the_batch(
    tmp_path: Path, name: str, batch: int | str
) -> None:
    arrays = {
        "odd": np.array([4, 5, 7]), "w": numbers(7, 2), "seven": numbers(7, 7), "one": np.array([1]),
        "together": np.array([1, -1, 2, 2]), "many": numbers(24),
    }  # fmt: skip
    path = saved(tmp_path, batch, [node("Flatten", ["c"], ["f"]), *BREAKING[name]], arrays)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    said = str(caught.value)
    assert said.startswith("net.onnx: ")
    assert not [n for n in re.findall(r"\d+", said) if int(n) and int(n) % BATCH == 0], said
    assert "\n" not in said


MIXING = {
    "a softmax": [node("Softmax", ["c"], ["y"], axis=0)],
    "a mean": [node("ReduceMean", ["c"], ["y"], axes=[0], keepdims=1)],
    "pictures joined with others": [node("Concat", ["c", "c"], ["y"], axis=0)],
}


@pytest.mark.parametrize("batch", ["n", 1, 4])
@pytest.mark.parametrize("name", MIXING)
def test_no_other_batch_is_advised_where_pictures_are_worked_on_together(
    tmp_path: Path, name: str, batch: int | str
) -> None:
    with pytest.raises(ModelError, match=r"pictures of a batch.*each processed independently") as caught:
        load_model(saved(tmp_path, batch, MIXING[name], {}))
    assert "without that step" in caught.value.hint
    assert "batch of 1" not in str(caught.value) and "dynamic" not in str(caught.value)


def test_a_reshape_that_joins_pictures_is_refused_with_the_sides_of_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path, 8, [node("Reshape", ["c", "pairs"], ["y"])], {"pairs": np.array([4, -1])})
    with pytest.raises(ModelError, match=r"reshapes \(8, .* to \(4, \d+\), wanted the pictures of a batch"):
        load_model(path)
