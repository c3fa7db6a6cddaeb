"""Reading ONNX: seconds to import a graph, and what the imported network costs next to the same one of Keras.

    python -m benchmarks.importing                a MobileNetV2 with random weights, written as ONNX in place
    python -m benchmarks.importing model.onnx     a file; seconds alone, for there is nothing to compare with

The ratio is of CPU seconds of forward pass and gradient to the picture, interleaved, medians; both networks
have the same weights and are frozen, and their answers are compared first.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIDE, BATCH = 224, 2


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, help="an ONNX file")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args(arguments)
    if asked.model is not None:
        _print_seconds(asked.model, asked.repeats)
        return
    with tempfile.TemporaryDirectory() as folder:
        native = _native()
        path = _written(native, Path(folder) / "mobilenetv2.onnx")
        _print_seconds(path, asked.repeats)
        _print_ratio(native, path, max(asked.repeats, 5))


def _print_seconds(path: Path, repeats: int) -> None:
    """Print how long `load_model` takes, the framework loaded before."""
    from reportgen.models import load_model
    from reportgen.models.framework import keras_module

    keras_module()
    wall, cpu = [], []
    for _ in range(repeats):
        began, busy = time.perf_counter(), time.process_time()
        load_model(path)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - busy)
    print(
        f"import: {path.name} in {statistics.median(wall):.1f} s, {statistics.median(cpu):.1f} s of CPU "
        f"(first {wall[0]:.1f} s)"
    )


def _print_ratio(native: Any, path: Path, repeats: int) -> None:
    """Print what an image costs in the imported network, as a share of the native one."""
    from reportgen.models.onnx import read_onnx

    imported = read_onnx(path).model
    native.trainable = False
    pictures = np.random.default_rng(0).random((BATCH, SIDE, SIDE, 3), np.float32)
    theirs, ours = np.asarray(native(pictures)), np.asarray(imported(pictures))
    apart = float(np.abs(theirs - ours).max() / np.ptp(theirs))
    first, second = _gradient(imported, pictures), _gradient(native, pictures)
    shares, each = [], []
    for turn in range(repeats + 1):
        a, b = _seconds(first), _seconds(second)
        if turn:  # the first turn traces
            shares.append(a / b)
            each.append(b)
    print(
        f"import: forward and gradient cost {statistics.median(shares):.3f} of the native network's "
        f"{1000 * statistics.median(each) / BATCH:.0f} ms of CPU a picture "
        f"(from {min(shares):.3f} to {max(shares):.3f} in {repeats} turns; answers {apart:.1e} apart)"
    )


def _seconds(call: Callable[[], Any]) -> float:
    began = time.process_time()
    for _ in range(3):
        call()
    return (time.process_time() - began) / 3


def _gradient(network: Any, pictures: np.ndarray) -> Callable[[], Any]:
    import tensorflow as tf

    given = tf.constant(pictures)

    @tf.function
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(network(x, training=False)[:, 0])
        return tape.gradient(value, x)

    return lambda: gradient(given).numpy()


def _native() -> Any:
    from reportgen.models.framework import keras_module

    keras = keras_module()
    keras.utils.set_random_seed(0)
    return keras.applications.MobileNetV2((SIDE, SIDE, 3), weights=None, classifier_activation=None)


def _written(model: Any, path: Path) -> Path:
    """Write a Keras network of MobileNetV2's layers as ONNX, the way exporters do: channels first."""
    import onnx

    graph = _Graph()
    names = {id(model.inputs[0]): "picture"}
    for layer in model.layers[1:]:
        into = [names[id(t)] for t in (layer.input if isinstance(layer.input, list) else [layer.input])]
        names[id(layer.output)] = graph.add(layer, into)
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (
            ("picture", [None, 3, SIDE, SIDE]),
            (names[id(model.outputs[0])], [None, model.outputs[0].shape[-1]]),
        )
    ]
    made = onnx.helper.make_graph(graph.nodes, "mobilenetv2", ends[:1], ends[1:], graph.stored)
    onnx.save(
        onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path
    )
    return path


class _Graph:
    """Nodes and stored tensors so far, and pads that wait for their convolution."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self.pads: dict[str, list[int]] = {}

    def add(self, layer: Any, into: list[str]) -> str:
        """Add a layer's node; return the name of its output."""
        kind, out = type(layer).__name__, layer.name
        if kind == "ZeroPadding2D":
            (top, bottom), (left, right) = layer.padding
            self.pads[out] = [top, left, bottom, right]
            self.nodes.append(_node("Identity", into, out))
        elif kind in ("Conv2D", "DepthwiseConv2D"):
            self._convolution(layer, into, kind == "DepthwiseConv2D")
        elif kind == "BatchNormalization":
            moments = [layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance]
            names = [self._store(f"{out}.{i}", np.asarray(m)) for i, m in enumerate(moments)]
            self.nodes.append(_node("BatchNormalization", [*into, *names], out, epsilon=layer.epsilon))
        elif kind == "ReLU":
            low, high = self._store(f"{out}.low", np.float32(0)), self._store(f"{out}.high", np.float32(6))
            self.nodes.append(_node("Clip", [*into, low, high], out))
        elif kind == "Add":
            self.nodes.append(_node("Add", into, out))
        elif kind == "GlobalAveragePooling2D":
            self.nodes.append(_node("GlobalAveragePool", into, f"{out}.map"))
            self.nodes.append(_node("Flatten", [f"{out}.map"], out))
        elif kind == "Dense":
            names = [self._store(f"{out}.{i}", np.asarray(w)) for i, w in enumerate(layer.weights)]
            self.nodes.append(_node("Gemm", [*into, *names], out))
        else:
            raise ValueError(f"{out} is a {kind}, which MobileNetV2 has not")
        return out

    def _convolution(self, layer: Any, into: list[str], depthwise: bool) -> None:
        kernel = np.asarray(layer.kernel)
        kernel = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
        where: dict[str, Any] = {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {}
        if into[0] in self.pads:
            where = {"pads": self.pads[into[0]]}
        groups = kernel.shape[0] if depthwise else 1
        weights = self._store(f"{layer.name}.kernel", kernel)
        self.nodes.append(
            _node("Conv", [into[0], weights], layer.name, strides=list(layer.strides), group=groups, **where)
        )

    def _store(self, name: str, array: Any) -> str:
        from onnx import numpy_helper

        self.stored.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name


def _node(kind: str, into: list[str], out: str, **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(kind, into, [out], name=out, **attributes)


if __name__ == "__main__":
    main()
