"""Resizes by factors and repeated edges mean the same on any canvas, and have a field there."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.models import cut_model, load_model

RNG = np.random.default_rng(3)


def written(path, middle, arrays, side):
    """Write conv -> middle ("c" to "m") -> conv for pictures of one side; "" leaves it open."""
    stored = {
        "w": RNG.normal(size=(4, 3, 3, 3)), "v": RNG.normal(size=(2, 4, 3, 3)), **arrays,
    }  # fmt: skip
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], strides=[2, 2], name="before"),
            middle,
            helper.make_node("Conv", ["m", "v"], ["y"], name="after"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_empty_tensor_value_info("y")],
        [
            numpy_helper.from_array(np.asarray(a, np.int64 if n == "p" else np.float32), n)
            for n, a in stored.items()
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


CASES = {
    "a fraction, linear": ("linear", "half_pixel", [1, 1, 1.5, 2.25], (8, 7)),
    "corners aligned": ("linear", "align_corners", [1, 1, 2, 2], (7, 7)),
    "a fraction, nearest": ("nearest", "asymmetric", [1, 1, 1.5, 1.5], (6, 6)),
    "cubic": ("cubic", "half_pixel", [1, 1, 2, 2], (11, 11)),
}


def resize(mode, how):
    return helper.make_node(
        "Resize", ["c", "", "s"], ["m"], mode=mode, coordinate_transformation_mode=how, nearest_mode="floor"
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_resize_by_factors_is_that_of_onnxruntime_at_another_size_too(case, tmp_path):
    mode, how, scales, field = CASES[case]
    seed = np.random.default_rng(0)
    arrays = {"s": scales, "w": seed.normal(size=(4, 3, 3, 3)), "v": seed.normal(size=(2, 4, 3, 3))}
    model = load_model(written(tmp_path / "a.onnx", resize(mode, how), arrays, 41))
    other = written(tmp_path / "b.onnx", resize(mode, how), arrays, 29)
    after = model.layer("after")
    assert after.receptive_field_px == field
    check(model, after, other, 29)


def test_edges_that_are_repeated_keep_the_field(tmp_path):
    seed = np.random.default_rng(0)
    arrays = {
        "p": [0, 0, 1, 2, 0, 0, 2, 1],
        "w": seed.normal(size=(4, 3, 3, 3)),
        "v": seed.normal(size=(2, 4, 3, 3)),
    }
    node = helper.make_node("Pad", ["c", "p"], ["m"], mode="edge")
    model = load_model(written(tmp_path / "a.onnx", node, arrays, 41))
    other = written(tmp_path / "b.onnx", node, arrays, 29)
    assert model.layer("after").receptive_field_px == (7, 7)
    check(model, model.layer("after"), other, 29)


def test_a_resize_to_a_size_written_out_sees_the_whole_input(tmp_path):
    node = helper.make_node("Resize", ["c", "", "", "p"], ["m"], mode="linear")
    model = load_model(written(tmp_path / "a.onnx", node, {"p": [1, 4, 33, 27]}, 41))
    assert model.layer("after").field_px is None


def check(model, layer, path, side):
    """Hold a cut at another canvas against onnxruntime on a file of that size."""
    seen = np.random.default_rng(1).random((1, side, side, 3), dtype=np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"x": seen.transpose(0, 3, 1, 2)})
    ours = np.asarray(cut_model(model, layer, (side, side)).network(seen)[0])
    np.testing.assert_allclose(ours, theirs.transpose(0, 2, 3, 1), atol=2e-4)
