"""What a graph of ONNX does to the channels of each place alone leaves fields and canvases as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.models import load_model
from reportgen.models.graph.submodel import cut_model
from reportgen.models.parity import compare_import

RNG = np.random.default_rng(5)
node = helper.make_node


def shuffled(*sizes: int, order: tuple[int, ...], last: bool = False) -> list[Any]:
    """Channels parted by sizes and put together in another order, channels second or last."""
    at = (3, 4, 5)[: len(sizes)] if last else (1, 2, 3)[: len(sizes)]
    perm = (
        [0, 1, 2, *(at[i] for i in order)]
        if last
        else [0, *(at[i] for i in order), *range(1 + len(at), 3 + len(at))]
    )
    nodes = [
        node("Reshape", ["m", "apart"], ["p"]), node("Transpose", ["p"], ["q"], perm=perm),
        node("Reshape", ["q", "whole"], ["r"]),
    ]  # fmt: skip
    if last:
        before, after = (
            node("Transpose", ["c"], ["m"], perm=[0, 2, 3, 1]),
            node("Transpose", ["r"], ["d"], perm=[0, 3, 1, 2]),
        )
        return [before, *nodes, after]
    return [node("Identity", ["c"], ["m"]), *nodes, node("Identity", ["r"], ["d"])]


def spelt_out_layer_norm() -> list[Any]:
    return [
        node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1]),
        node("ReduceMean", ["t"], ["mean"], axes=[-1]), node("Sub", ["t", "mean"], ["rest"]),
        node("Mul", ["rest", "rest"], ["square"]), node("ReduceMean", ["square"], ["variance"], axes=[-1]),
        node("Add", ["variance", "little"], ["sum"]), node("Sqrt", ["sum"], ["root"]),
        node("Div", ["rest", "root"], ["even"]), node("Mul", ["even", "each"], ["scaled"]),
        node("Transpose", ["scaled"], ["d"], perm=[0, 3, 1, 2]),
    ]  # fmt: skip


WHOLE = [0, 12, 14, 14]
CASES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a channel shuffle": (shuffled(3, 4, order=(1, 0)), {"apart": [0, 3, 4, 14, 14], "whole": WHOLE}),
    "one of an open batch": (
        shuffled(3, 4, order=(1, 0)), {"apart": [-1, 3, 4, 14, 14], "whole": [-1, 12, 14, 14]},
    ),
    "one of three parts": (
        shuffled(2, 3, 2, order=(2, 0, 1)), {"apart": [0, 2, 3, 2, 14, 14], "whole": WHOLE},
    ),
    "one that changes nothing": (shuffled(3, 4, order=(0, 1)), {"apart": [0, 3, 4, 14, 14], "whole": WHOLE}),
    "one with channels last": (
        shuffled(3, 4, order=(1, 0), last=True), {"apart": [0, 14, 14, 3, 4], "whole": [0, 14, 14, 12]},
    ),
    "channels picked": (
        [node("Gather", ["c", "reversed"], ["d"], axis=1)], {"reversed": list(range(11, -1, -1))},
    ),
    "channels backwards": (
        [node("Slice", ["c", "begin", "end", "axis", "step"], ["d"])],
        {"begin": [-1], "end": [-(2**31)], "axis": [1], "step": [-1]},
    ),
    "a normalization spelt out": (
        spelt_out_layer_norm(), {"little": np.float32(1e-5), "each": RNG.normal(size=12).astype("float32")},
    ),
    "the mean of channels": (
        [node("ReduceMean", ["c"], ["e"], axes=[1]), node("Sub", ["c", "e"], ["d"])], {},
    ),
}  # fmt: skip


def saved(folder: Path, nodes: list[Any], arrays: dict[str, Any]) -> Path:
    """Save two convolutions of 3x3 over 16x16 pixels, and between them what turns "c" into "d"."""
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
        for n, s in (("x", ["n", 3, 16, 16]), ("y", None))
    ]
    kernels = {"k": RNG.normal(size=(12, 3, 3, 3)), "l": RNG.normal(size=(5, 12, 3, 3))}
    stored = {**{n: a.astype("float32") for n, a in kernels.items()}, **arrays}
    graph = helper.make_graph(
        [node("Conv", ["x", "k"], ["c"], name="one"), *nodes, node("Conv", ["d", "l"], ["y"], name="two")],
        "net", ends[:1], ends[1:], [numpy_helper.from_array(np.asarray(a), n) for n, a in stored.items()],
    )  # fmt: skip
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_the_field_goes_through_and_a_smaller_canvas_gives_the_same_numbers(
    tmp_path: Path, name: str
) -> None:
    path = saved(tmp_path, *CASES[name])
    model = load_model(path)
    assert model.layer("two").receptive_field_px == (5, 5)
    assert compare_import(path, model).same
    pictures = RNG.random((2, 16, 16, 3)).astype(np.float32)
    whole = cut_model(model, model.layer("two"), (16, 16)).network(pictures)[0]
    part = cut_model(model, model.layer("two"), (9, 9)).network(pictures[:, :9, :9])[0]
    np.testing.assert_allclose(part, np.asarray(whole)[:, :5, :5], rtol=1e-4, atol=1e-4)


def test_places_that_change_among_themselves_are_still_seen_as_a_whole(tmp_path: Path) -> None:
    nodes = [
        node("Reshape", ["c", "apart"], ["p"]), node("Transpose", ["p"], ["q"], perm=[0, 1, 3, 2, 4]),
        node("Reshape", ["q", "whole"], ["d"]),
    ]  # fmt: skip
    path = saved(tmp_path, nodes, {"apart": [0, 12, 2, 7, 14], "whole": WHOLE})
    model = load_model(path)
    assert model.layer("two").receptive_field_px is None
    assert compare_import(path, model).same
