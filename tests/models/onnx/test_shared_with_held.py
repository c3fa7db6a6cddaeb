"""Weights that the branch of a held input uses as well are shared, though no picture reaches it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from reportgen.models import load_model
from reportgen.models.parity import compare_import

RNG = np.random.default_rng(4)


def array(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(RNG.normal(size=shape).astype("float32"), name)


def twins(folder: Path, second: str = "k", batch: str | int = "n") -> Path:
    """Save a network of two pictures and one encoder; `second` names the kernel of the other branch."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "k"], ["c1"], name="left"), node("GlobalAveragePool", ["c1"], ["g1"]),
        node("Conv", ["other", second], ["c2"], name="right"), node("GlobalAveragePool", ["c2"], ["g2"]),
        node("Flatten", ["g1"], ["f1"]), node("Flatten", ["g2"], ["f2"]),
        node("Gemm", ["f1", "w"], ["d1"], name="left_dense"),
        node("MatMul", ["f2", "w"], ["d2"], name="right_dense"),
        node("Sub", ["d1", "d2"], ["y"]),
    ]  # fmt: skip
    shape = [batch, 3, 12, 12]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("x", "other")]
    arrays = [array("k", 4, 3, 3, 3), array("w", 4, 5), array("j", 4, 3, 3, 3)]
    if second == "copy":
        arrays.append(numpy_helper.from_array(numpy_helper.to_array(arrays[0]).copy(), "copy"))
    graph = helper.make_graph(
        nodes, "net", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], arrays
    )
    path = folder / "twins.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_held_branch_is_listed_and_shares_its_weights(tmp_path: Path) -> None:
    for second in ("k", "copy"):
        model = load_model(twins(tmp_path, second))
        assert [layer.name for layer in model.layers] == ["left", "left_dense"]
        assert [layer.shared_with for layer in model.layers] == [("right",), ("right_dense",)]
        assert [name for name, _ in model.skipped] == ["right", "right_dense"]
        assert "held inputs" in dict(model.skipped)["right"]


def test_a_held_branch_with_its_own_weights_is_listed_as_sharing_none(tmp_path: Path) -> None:
    model = load_model(twins(tmp_path, "j"))
    assert model.layer("left").shared_with == ()
    assert "right" in dict(model.skipped)


def test_the_proof_feeds_the_held_input_as_often_as_there_are_pictures(tmp_path: Path) -> None:
    for batch in ("n", 1):
        path = twins(tmp_path, batch=batch)
        assert compare_import(path, load_model(path)).same


def test_weights_under_another_name_are_the_same(tmp_path: Path) -> None:
    path = twins(tmp_path, "alias")
    model = onnx.load(path)
    model.graph.node.insert(0, helper.make_node("Identity", ["k"], ["alias"]))
    onnx.save(model, path)
    assert load_model(path).layer("left").shared_with == ("right",)
