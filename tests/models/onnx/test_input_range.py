"""The scaling that an ONNX graph begins with shows its input range, whatever operations spell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.models import load_model

_WEIGHTS = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
_MEANS = np.array([123.675, 116.28, 103.53], np.float32).reshape(1, 3, 1, 1)
_DEVIATIONS = np.array([58.395, 57.12, 57.375], np.float32).reshape(1, 3, 1, 1)
_TRIPLE = np.float32([0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5])
_SHIFT = np.float32([(0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5])


def node(kind: str, *names: str, **attributes: Any) -> Any:
    return helper.make_node(kind, list(names[:-1]), [names[-1]], **attributes)


def split_channels() -> tuple[list[Any], dict[str, Any]]:
    """Channels gathered, scaled each on its own, and joined, as torchvision's `transform_input` exports."""
    nodes, arrays = [], {"axis": np.array([1], np.int64)}
    for i in range(3):
        arrays |= {f"i{i}": np.int64(i), f"a{i}": _TRIPLE[i], f"b{i}": _SHIFT[i]}
        nodes += [
            node("Gather", "x", f"i{i}", f"g{i}", axis=1),
            node("Unsqueeze", f"g{i}", "axis", f"u{i}"),
            node("Mul", f"u{i}", f"a{i}", f"m{i}"),
            node("Add", f"m{i}", f"b{i}", f"s{i}"),
        ]
    return [*nodes, node("Concat", "s0", "s1", "s2", "p", axis=1)], arrays


REVERSED = {"st": [-1], "en": [-(2**62)], "ax": [1], "sp": [-1]}
CHAINS: dict[str, tuple[list[Any], dict[str, Any], int, str]] = {
    "less means, over deviations": (
        [node("Sub", "x", "m", "a"), node("Div", "a", "d", "p")],
        {"m": _MEANS, "d": _DEVIATIONS}, TensorProto.FLOAT, "0..255",
    ),
    "constant first": (
        [node("Mul", "k", "x", "p")], {"k": np.float32(1 / 65535)}, TensorProto.FLOAT, "0..65535",
    ),
    "a cast from bytes": (
        [node("Cast", "x", "f", to=1), node("Div", "f", "k", "p")],
        {"k": np.float32(255)}, TensorProto.UINT8, "0..255",
    ),
    "a cast from 16 bits": (
        [node("Cast", "x", "f", to=1), node("Mul", "f", "k", "p")],
        {"k": np.float32(1 / 4095)}, TensorProto.UINT16, "0..4095",
    ),
    "reversed": (
        [node("Slice", "x", "st", "en", "ax", "sp", "r"), node("Mul", "r", "k", "p")],
        {**{n: np.array(v, np.int64) for n, v in REVERSED.items()}, "k": np.float32(1 / 255)},
        TensorProto.FLOAT, "0..255",
    ),
    "split and joined": (*split_channels(), TensorProto.FLOAT, "imagenet"),
    "no scaling": ([node("Identity", "x", "p")], {}, TensorProto.FLOAT, "0..1"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_the_chain_is_followed(tmp_path: Path, name: str) -> None:
    nodes, arrays, kind, wanted = CHAINS[name]
    graph = helper.make_graph(
        [*nodes, node("Conv", "p", "w", "y")],
        "net",
        [helper.make_tensor_value_info("x", kind, (1, 3, 16, 16))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in {**arrays, "w": _WEIGHTS}.items()],
    )
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    found = load_model(path, channels="first").input_range
    if wanted == "imagenet":
        assert np.allclose(found.low, [-2.1179, -2.0357, -1.8044], atol=1e-3)
    else:
        assert str(found) == wanted
    assert found.source == ("assumed" if name == "no scaling" else "graph")
