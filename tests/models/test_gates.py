"""Gates pool the whole map: what follows depends on everything, and has a local receptive field as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnx.numpy_helper
import pytest
from keras import layers

from reportgen.models import cut_model, load_model
from reportgen.plan import canvas_for
from reportgen.spec import RECIPES
from tests.models.nets import loaded
from tests.models.test_receptive_field import SIDE, measured, positive


def squeezed(x: Any) -> Any:
    """A squeeze-and-excite block as in MobileNetV3: pooled maps with sides of 1."""
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(2, 1, activation="relu", name="squeeze")(y)
    return layers.Multiply()([x, layers.Conv2D(x.shape[-1], 1, activation="hard_sigmoid", name="gate")(y)])


def reshaped(x: Any) -> Any:
    """The same as in EfficientNet: a vector, reshaped to sides of 1."""
    y = layers.Reshape((1, 1, x.shape[-1]))(layers.GlobalMaxPooling2D()(x))
    return layers.Multiply()([layers.Conv2D(x.shape[-1], 1, activation="sigmoid", name="gate")(y), x])


def dense(x: Any) -> Any:
    """A vector through dense layers, by operations."""
    y = layers.Dense(x.shape[-1], name="gate")(keras.ops.mean(x, axis=(1, 2)))
    return x + keras.ops.expand_dims(keras.ops.expand_dims(y, 1), 1)


def back_to_front(x: Any) -> Any:
    """Text detectors: the map, plus itself times its gate."""
    return layers.Add()([x, squeezed(x)])


GATES: dict[str, Callable[[Any], Any]] = {
    "squeezed": squeezed,
    "reshaped": reshaped,
    "dense": dense,
    "back to front": back_to_front,
}


def gated(gate: Callable[[Any], Any], side: int = SIDE) -> Any:
    x = keras.Input((side, side, 1))
    y = gate(layers.Conv2D(3, 3, strides=2, name="before")(x))
    return keras.Model(x, layers.Conv2D(2, 3, name="after")(y))


@pytest.mark.parametrize("name", GATES)
def test_after_a_gate_a_layer_has_the_whole_input_and_a_local_field(name: str, tmp_path: Path) -> None:
    model = loaded(positive(gated(GATES[name])), tmp_path)
    after = model.layer("after")
    assert (after.receptive_field_px, after.local_field_px, after.stride_px) == (None, (7, 7), (2, 2))
    assert after.gated and not model.layer("before").gated
    assert model.layer("before").local_field_px == model.layer("before").receptive_field_px == (3, 3)
    gate = model.layer("gate")
    assert (gate.receptive_field_px, gate.local_field_px) == (None, None)
    cut = cut_model(model, after, (24, 32))
    assert tuple(cut.network(np.zeros((1, 24, 32, 1), np.float32))[0].shape) == (1, 9, 13, 2)
    assert cut.field_places == (4, 4)


@pytest.mark.parametrize("name", GATES)
def test_the_local_field_is_that_measured_with_the_gate_held_constant(name: str, tmp_path: Path) -> None:
    net = positive(gated(GATES[name]))
    kernel = net.get_layer("gate").kernel
    kernel.assign(np.zeros(kernel.shape))
    model = loaded(net, tmp_path)
    after = model.layer("after")
    for axis in (0, 1):
        size, step = measured(model, after, axis)
        assert after.local_field_px is not None and size == after.local_field_px[axis]
        assert step == pytest.approx(2, abs=0.6)


def test_a_canvas_after_a_gate_follows_the_local_field(tmp_path: Path) -> None:
    model = loaded(positive(gated(squeezed, side=224)), tmp_path)
    canvas = canvas_for(model.layer("after"), (224, 224), RECIPES["default"])
    assert max(canvas) < 64
    assert canvas_for(model.layer("gate"), (224, 224), RECIPES["default"]) == (224, 224)


@pytest.mark.parametrize(
    "gate",
    [
        lambda x: x * layers.Reshape((1, 1, 3))(layers.Dense(3)(layers.Flatten()(x))),
        lambda x: x * layers.AveragePooling2D(23)(x),
        lambda x: x * layers.UpSampling2D(23)(layers.GlobalAveragePooling2D(keepdims=True)(x)),
        lambda x: x + layers.Reshape((23, 23, 3))(layers.Dense(23 * 23 * 3)(layers.GlobalMaxPooling2D()(x))),
        lambda x: layers.Reshape((23, 23, 3))(layers.Reshape((-1, 3))(x)),
    ],
    ids=["flattened", "a window", "enlarged", "written out", "reshaped"],
)
def test_a_gate_built_for_one_size_keeps_the_whole_input(gate: Callable[[Any], Any], tmp_path: Path) -> None:
    model = loaded(gated(gate), tmp_path)
    after = model.layer("after")
    assert (after.receptive_field_px, after.local_field_px, after.stride_px) == (None, None, None)
    assert canvas_for(after, (SIDE, SIDE), RECIPES["default"]) == (SIDE, SIDE)


def test_a_gate_after_an_operation_of_one_size_keeps_the_whole_input(tmp_path: Path) -> None:
    x = keras.Input((SIDE, SIDE, 1))
    fixed = layers.Reshape((SIDE, SIDE, 1))(layers.Reshape((-1, 1))(x))
    model = loaded(keras.Model(x, layers.Conv2D(2, 3, name="after")(squeezed(fixed))), tmp_path)
    assert model.layer("after").local_field_px is None


def u_net(side: int) -> Any:
    """Two downsamplings, and two upsamplings merged with the maps of their size."""
    x = keras.Input((side, side, 1))
    one = layers.Conv2D(3, 3, padding="same", name="one")(x)
    two = layers.Conv2D(3, 3, strides=4, padding="same", name="two")(one)
    three = layers.Conv2D(3, 3, strides=4, padding="same", name="three")(two)
    up = layers.Add()([layers.UpSampling2D(4)(three), two])
    up = layers.Concatenate()([layers.UpSampling2D(4, interpolation="bilinear")(up), one])
    return keras.Model(x, layers.Conv2D(2, 3, name="end")(up))


def test_upsampled_branches_get_canvases_on_which_sizes_match(tmp_path: Path) -> None:
    model = loaded(u_net(512), tmp_path)
    assert [x.canvas_multiple_px for x in model.layers] == [(1, 1), (1, 1), (1, 1), (16, 16)]
    end = model.layer("end")
    canvas = canvas_for(end, (512, 512), RECIPES["default"])
    assert max(canvas) < 512
    assert cut_model(model, end, canvas).network(np.zeros((1, *canvas, 1), np.float32))[0].shape[0] == 1


def onnx_gate(path: Path, pooling: str) -> Path:
    """Write a convolution, a gate with explicit sides for a batch of one, and a convolution."""
    helper = onnx.helper
    rng = np.random.default_rng(0)
    arrays = {
        "w": rng.normal(size=(4, 3, 3, 3)), "g": rng.normal(size=(4, 4)), "v": rng.normal(size=(2, 4, 3, 3)),
    }  # fmt: skip
    stored = [onnx.numpy_helper.from_array(a.astype(np.float32), n) for n, a in arrays.items()]
    stored.append(onnx.numpy_helper.from_array(np.array([1, 4, 1, 1], np.int64), "sides"))
    pool = {
        "global": helper.make_node("GlobalAveragePool", ["c"], ["p"]),
        "mean": helper.make_node("ReduceMean", ["c"], ["p"], axes=[2, 3]),
        "window": helper.make_node("AveragePool", ["c"], ["p"], kernel_shape=[46, 46]),
    }[pooling]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="before"),
        pool,
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "g"], ["d"], name="gate"),
        helper.make_node("Sigmoid", ["d"], ["s"]),
        helper.make_node("Reshape", ["s", "sides"], ["r"]),
        helper.make_node("Mul", ["c", "r"], ["m"]),
        helper.make_node("Conv", ["m", "v"], ["y"], name="after"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 3, 48, 48])],
        [helper.make_tensor_value_info("y", 1, [1, 2, 44, 44])],
        stored,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize(("pooling", "local"), [("global", (5, 5)), ("mean", (5, 5)), ("window", None)])
def test_onnx_gates_are_recognised_and_windows_as_large_as_the_map_are_not(
    pooling: str, local: tuple[int, int] | None, tmp_path: Path
) -> None:
    model = load_model(onnx_gate(tmp_path / "net.onnx", pooling))
    after = model.layer("after")
    assert (after.receptive_field_px, after.local_field_px) == (None, local)
    if local:
        shown = np.zeros((1, 32, 40, 3), np.float32)
        assert tuple(cut_model(model, after, (32, 40)).network(shown)[0].shape) == (1, 28, 36, 2)
