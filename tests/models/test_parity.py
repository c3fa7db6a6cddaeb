"""Comparisons detect an import or a cut that differs from the file's network."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from reportgen.models import load_model
from reportgen.models import parity as parity_module
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx
from reportgen.models.parity import Difference, Parity, compare_cuts, compare_import, probe_inputs
from tests.models.nets import loaded, nested_twice, plain, skipping


def small_onnx(path: Path, metadata: dict[str, str] | None = None) -> Path:
    """Write a convolution and a ReLU as ONNX."""
    helper = onnx.helper
    kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
            helper.make_node("Relu", ["c"], ["y"], name="relu"),
        ],
        "g",
        [helper.make_tensor_value_info("x", 1, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("y", 1, ["n", 4, 14, 14])],
        [onnx.numpy_helper.from_array(kernel, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("net", [plain, skipping, nested_twice])
def test_every_cut_gives_what_the_layer_gives_in_the_whole_network(tmp_path: Path, net: Any) -> None:
    model = loaded(net(), tmp_path, input_range=(-3, 7))
    parity = compare_cuts(model)
    assert [d.name for d in parity.found] == [layer.name for layer in model.layers]
    assert parity.same and parity.of == len(model.layers)


def test_a_cut_of_another_network_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(plain(), tmp_path)
    right = parity_module.cut_model

    def wrong(whole: Any, layer: Any, canvas: Any) -> Any:
        other = dataclasses.replace(whole, input_range=dataclasses.replace(whole.input_range, high=(1.01,)))
        return right(other, layer, canvas)

    monkeypatch.setattr(parity_module, "cut_model", wrong)
    parity = compare_cuts(model)
    assert parity.same is False and parity.max_rel is not None and parity.max_rel > 1e-4


def test_an_import_gives_what_onnxruntime_gives(tmp_path: Path) -> None:
    path = small_onnx(tmp_path / "net.onnx")
    parity = compare_import(path, load_model(path))
    assert [d.name for d in parity.found] == ["y"]
    assert parity.same and parity.max_rel is not None and 0 <= parity.max_rel < 1e-5


def test_without_onnxruntime_there_are_no_numbers_but_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_onnx(tmp_path / "net.onnx")
    model = load_model(path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    parity = compare_import(path, model)
    assert (parity.max_abs, parity.max_rel, parity.same) == (None, None, None)
    assert "onnxruntime" in parity.reason and "not installed" in parity.reason


def test_a_network_that_overflows_is_reported_without_an_error(tmp_path: Path) -> None:
    net = plain()
    net.get_layer("hidden").kernel.assign(np.full(net.get_layer("hidden").kernel.shape, 3e38))
    parity = compare_cuts(loaded(net, tmp_path))
    assert parity.max_abs is not None and not np.isfinite(parity.max_abs) and parity.same is False


def test_a_result_that_is_not_finite_is_never_called_the_same() -> None:
    parity = Parity((Difference("a", 0.0, 0.0), Difference("b", float("nan"), float("nan"))), 2)
    assert parity.same is False


def test_probe_inputs_are_the_same_every_time_and_fill_the_range() -> None:
    one, two = probe_inputs((20, 30, 3)), probe_inputs((20, 30, 3))
    assert np.array_equal(one, two) and one.shape == (2, 20, 30, 3)
    assert one.min() >= 0 and one.max() <= 1 and one.std() > 0.1


def saturated_onnx(path: Path, end: str, factor: float = 1.0) -> Path:
    """Write a convolution and a nearly constant bounded output, which spans some 1e-5 of its range."""
    helper = onnx.helper
    rng = np.random.default_rng(3)
    kernel = (rng.normal(size=(2, 3, 3, 3)) * factor).astype(np.float32)
    start = np.array([-13.0, -13.0] if end != "Softmax" else [0.0, 25.0], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
            helper.make_node("Mul", ["c", "little"], ["m"]),
            helper.make_node("Add", ["m", "start"], ["a"]),
            helper.make_node(end, ["a"], ["y"], name="end", **({"axis": 1} if end == "Softmax" else {})),
        ],
        "g",
        [helper.make_tensor_value_info("x", 1, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("y", 1, ["n", 2, 14, 14])],
        [
            onnx.numpy_helper.from_array(kernel, "w"),
            onnx.numpy_helper.from_array(np.float32(0.05), "little"),
            onnx.numpy_helper.from_array(start.reshape(1, 2, 1, 1), "start"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("end", ["Sigmoid", "Tanh"])
def test_rounding_near_a_bound_is_no_difference_and_a_wrong_weight_is(tmp_path: Path, end: str) -> None:
    path = saturated_onnx(tmp_path / "net.onnx", end)
    parity = compare_import(path, load_model(path))
    assert parity.same and [d.name for d in parity.found] == ["y"]
    # The comparison reads the file itself: what onnxruntime runs is put in its place, a thousandth off.
    other = saturated_onnx(tmp_path / "other.onnx", end, factor=1.001)
    imported = read_onnx(path, before_bounds=True)
    pictures = probe_inputs((16, 16, 3))
    assert max(found.max_rel for found in compare_with_onnxruntime(other, imported, pictures)) > 5e-4
    assert max(found.max_rel for found in compare_with_onnxruntime(path, imported, pictures)) < 1e-4


def test_another_function_with_the_same_bound_is_detected(tmp_path: Path) -> None:
    path = saturated_onnx(tmp_path / "net.onnx", "Sigmoid")
    imported = read_onnx(path, before_bounds=True)
    other = saturated_onnx(tmp_path / "other.onnx", "HardSigmoid")
    found = {p.name: p for p in compare_with_onnxruntime(other, imported, probe_inputs((16, 16, 3)))}
    assert found["a"].max_rel < 1e-4 < found["y"].max_rel


def half_onnx(path: Path, deep: int = 12, factor: float = 1.0) -> Path:
    """Write a chain of convolutions on pictures of 0 to 255 that works in 16 bits throughout."""
    helper, rng = onnx.helper, np.random.default_rng(5)
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=onnx.TensorProto.FLOAT16),
        helper.make_node("Constant", [], ["s"], value=onnx.numpy_helper.from_array(np.float16(1 / 255))),
        helper.make_node("Mul", ["h", "s"], ["v0"]),
    ]
    weights = []
    for i in range(deep):
        kernel = rng.normal(0, 0.25, (4, 3 if i == 0 else 4, 3, 3)) * (factor if i == deep // 2 else 1.0)
        weights.append(onnx.numpy_helper.from_array(kernel.astype(np.float16), f"w{i}"))
        nodes.append(helper.make_node("Conv", [f"v{i}", f"w{i}"], [f"c{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"v{i + 1}"]))
    end, float16 = f"v{deep}", onnx.TensorProto.FLOAT16
    given = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 16, 16])]
    made = [helper.make_tensor_value_info(end, float16, ["n", 4, 16, 16])]
    graph = helper.make_graph(nodes, "g", given, made, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_rounding_to_16_bits_is_no_difference_and_a_wrong_weight_in_16_bits_is(tmp_path: Path) -> None:
    path = half_onnx(tmp_path / "net.onnx")
    assert compare_import(path, load_model(path, input_range=(0, 255))).same
    imported, pictures = read_onnx(path), probe_inputs((16, 16, 3)) * 255
    other = half_onnx(tmp_path / "other.onnx", factor=1.005)
    assert max(found.max_rel for found in compare_with_onnxruntime(path, imported, pictures)) < 1e-5
    assert max(found.max_rel for found in compare_with_onnxruntime(other, imported, pictures)) > 1e-3
