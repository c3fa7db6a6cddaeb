"""The TensorFlow half of the seam: `tf.function`, one `while` loop, a gradient to the picture only.

XLA is never asked for: on CPUs it was measured two to seven times slower, and on GPUs it has no kernel for
the resampling that moves pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from keras import ops

from reportgen.errors import ConfigError
from reportgen.render.backend import Axes, Tensor, processor_name

# Each cut is traced once, but there are many, and TensorFlow takes their loops for one that is retraced.
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
                    f"device is {device}, but this process computes on another already",
                    hint="a process of its own",
                ) from None
        return bool(gpus) or device != "gpu"

    def compiled(
        self, function: Callable[..., Any], network: Any, axes: Sequence[int], gives: Axes
    ) -> Callable[..., Any]:
        """See `Backend.compiled`."""
        graph: Callable[..., Any] = tf.function(function, autograph=False)
        return graph

    def called(self, network: Any, pictures: Any) -> Any:
        """See `Backend.called`."""
        return network(pictures, training=False)

    def value_and_gradient(
        self, function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor
    ) -> tuple[Any, Tensor]:
        """See `Backend.value_and_gradient`."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            values, more = function(x)
        gradient = tape.gradient(values, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return (values, more), gradient

    def loop(
        self, step: Callable[[Any, Any], tuple[Any, Any]], state: Any, inputs: Any, length: int
    ) -> tuple[Any, Any]:
        """See `Backend.loop`."""
        # The first step stands before the loop: it tells how many outs there are and of which type.
        state, out = step(state, tuple(x[0] for x in inputs))
        arrays = tuple(
            tf.TensorArray(o.dtype, size=length, element_shape=o.shape, clear_after_read=False).write(0, o)
            for o in out
        )
        if length == 1:
            return state, tuple(a.stack() for a in arrays)

        def body(i: Any, state: Any, arrays: Any) -> Any:
            state, out = step(state, tuple(x[i] for x in inputs))
            return i + 1, state, tuple(a.write(i, o) for a, o in zip(arrays, out, strict=True))

        _, state, arrays = tf.while_loop(
            lambda i, *_: i < length, body, (tf.constant(1), state, arrays), parallel_iterations=1
        )
        return state, tuple(a.stack() for a in arrays)

    def shifted(self, pictures: Tensor, transforms: Tensor, around: bool) -> Tensor:
        """See `Backend.shifted`."""
        return _affine(pictures, transforms, "wrap" if around else "reflect")

    def turned(self, pictures: Tensor, transforms: Tensor) -> Tensor:
        """See `Backend.turned`."""
        return _affine(pictures, transforms, "reflect")

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


def _affine(pictures: Tensor, transforms: Tensor, beyond: str) -> Tensor:
    return ops.image.affine_transform(pictures, transforms, fill_mode=beyond, data_format="channels_last")
