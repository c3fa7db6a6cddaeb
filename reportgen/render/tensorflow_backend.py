"""The TensorFlow backend: `tf.function`, one `while` loop, a gradient with respect to the picture only.

XLA is never used: on CPUs it was measured two to seven times slower, and on GPUs it has no kernel for the
resampling of pictures.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from reportgen.errors import ConfigError
from reportgen.keras_types import Nest, Network, Tensor
from reportgen.render.machine import processor_flags, processor_name
from reportgen.render.seam import Axes, Step, half_of
from reportgen.render.sums import MAX_TERMS, longest_sum

# Each cut is traced once, but there are many, and TensorFlow mistakes their loops for one that is retraced.
logging.getLogger("tensorflow").addFilter(
    lambda record: "triggered tf.function retracing" not in record.getMessage()
)


class TensorFlow:
    """See `Backend`."""

    name = "tensorflow"

    def use(self, device: str) -> bool:
        """See `Backend.use`."""
        gpus = tf.config.list_physical_devices("GPU")
        if device == "auto":
            return True
        wanted = [] if device == "cpu" else gpus
        if tf.config.get_visible_devices("GPU") != wanted:
            try:
                tf.config.set_visible_devices(wanted, "GPU")
            except RuntimeError:
                raise ConfigError(
                    f"device is {device}, but this process already computes on another device",
                    hint="start another Python process for this device",
                ) from None
        return bool(gpus) or device != "gpu"

    def compiled(
        self, function: Callable[..., Nest], network: Network, axes: Sequence[int], output_axes: Axes, *,
        bfloat16: bool = False,
    ) -> Callable[..., Nest]:  # fmt: skip
        """See `Backend.compiled`."""
        graph: Callable[..., Nest] = tf.function(function, autograph=False)
        if longest_sum(network) > MAX_TERMS:
            graph = _with_option(graph, "arithmetic_optimization", during=False, after=True)
        return _in_bfloat16(graph) if bfloat16 else graph

    @functools.cache  # noqa: B019 (there is one of it)
    def has_bfloat16(self) -> bool:
        """See `Backend.has_bfloat16`."""
        if self.on_gpu() or not {"avx512_bf16", "amx_bf16"} & processor_flags():
            return False
        # Check the results: another build, or oneDNN turned off, would silently compute in float32.
        numbers = tf.random.stateless_uniform((2, 64, 64, 16), seed=(1, 2))
        kernel = tf.random.stateless_uniform((3, 3, 16, 16), seed=(3, 4))

        def convolved(x: Tensor) -> Tensor:
            return tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))

        plain, short = tf.function(convolved), _in_bfloat16(tf.function(convolved))
        return bool(tf.reduce_max(tf.abs(plain(numbers) - short(numbers))) > 1e-3)

    def outputs_of(self, network: Network, pictures: Tensor) -> Nest:
        """See `Backend.outputs_of`."""
        return network(pictures, training=False)

    def value_and_gradient(
        self, function: Callable[[Tensor], tuple[Tensor, Nest]], x: Tensor
    ) -> tuple[Nest, Tensor]:
        """See `Backend.value_and_gradient`."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            values, more = function(x)
        gradient = tape.gradient(values, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return (values, more), gradient

    def loop(self, step: Step, state: Nest, inputs: Nest, length: int, outs: int) -> tuple[Nest, Nest]:
        """See `Backend.loop`."""
        arrays = tuple(tf.TensorArray(tf.float32, size=length) for _ in range(outs))
        state = tf.nest.map_structure(tf.convert_to_tensor, state)

        def body(i: Tensor, state: Nest, arrays: Nest) -> Nest:
            state, out = step(state, tuple(x[i] for x in inputs))
            return i + 1, state, tuple(a.write(i, o) for a, o in zip(arrays, out, strict=True))

        _, state, arrays = tf.while_loop(
            lambda i, *_: i < length, body, (tf.constant(0), state, arrays), parallel_iterations=1
        )
        return state, tuple(a.stack() for a in arrays)

    def shifted(self, pictures: Tensor, transforms: Tensor, around: bool) -> Tensor:
        """See `Backend.shifted`."""
        return _shifted(pictures, tf.cast(tf.round(tf.gather(transforms, (5, 2), axis=1)), tf.int32), around)

    def turned(self, pictures: Tensor, transforms: Tensor) -> Tensor:
        """See `Backend.turned`."""
        return ops.image.affine_transform(
            pictures, transforms, fill_mode="reflect", data_format="channels_last"
        )

    def weighed_waves(self, planes: Tensor, weights: NDArray[np.float32]) -> Tensor:
        """See `Backend.weighed_waves`."""
        waves = tf.signal.rfft2d(planes)
        return tf.signal.irfft2d(waves * half_of(weights).astype(np.complex64), weights.shape)

    def on_gpu(self) -> bool:
        """See `Backend.on_gpu`."""
        return bool(tf.config.list_logical_devices("GPU"))

    def devices(self) -> int:
        """See `Backend.devices`."""
        return 1

    def device_name(self) -> str:
        """See `Backend.device_name`."""
        gpus = tf.config.get_visible_devices("GPU")
        if not gpus:
            return processor_name()
        details = tf.config.experimental.get_device_details(gpus[0])
        return str(details.get("device_name", "GPU"))


def _in_bfloat16(graph: Callable[..., Nest]) -> Callable[..., Nest]:
    """Return a graph whose convolutions and products oneDNN computes in bfloat16, between float32 numbers."""
    return _with_option(graph, "auto_mixed_precision_onednn_bfloat16", during=True, after=False)


def _with_option(
    graph: Callable[..., Nest], option: str, *, during: bool, after: bool
) -> Callable[..., Nest]:
    """Return the graph, to be run with an option of TensorFlow's graph optimiser set."""

    def run(*arrays: Tensor) -> Nest:
        tf.config.optimizer.set_experimental_options({option: during})
        try:
            return graph(*arrays)
        finally:
            tf.config.optimizer.set_experimental_options({option: after})

    return run


def _shifted(pictures: Tensor, shift: Tensor, around: bool) -> Tensor:
    """Return pictures read `shift` (n, 2) whole pixels down and to the right.

    One `gather` each way takes a fifth of the time of a resampling and of its gradient.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def read(x: Tensor) -> Nest:
        return _read(x, shift, around), lambda gradient: _read(gradient, -shift, around)

    return read(pictures)


def _read(x: Tensor, by: Tensor, around: bool) -> Tensor:
    _, height, width, channels = x.shape
    n = tf.shape(x)[0]
    rows = _index_within(tf.range(height) + by[:, :1], height, around)
    columns = _index_within(tf.range(width) + by[:, 1:], width, around)
    places = ((tf.range(n)[:, None] * height + rows) * width)[:, :, None] + columns[:, None, :]
    found = tf.gather(tf.reshape(x, (-1, channels)), tf.reshape(places, (-1,)))
    return tf.reshape(found, (-1, height, width, channels))


def _index_within(index: Tensor, size: int, around: bool) -> Tensor:
    """Return indices within 0..size-1: wrapped around, or mirrored with the outermost pixel repeated."""
    if around:
        return tf.math.floormod(index, size)
    index = tf.math.floormod(index, 2 * size)
    return tf.minimum(index, 2 * size - 1 - index)
