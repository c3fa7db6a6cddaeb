"""The TensorFlow half of the seam: `tf.function`, one `while` loop, a gradient to the picture only.

XLA is never asked for: on CPUs it was measured two to seven times slower, and on GPUs it has no kernel for
the resampling that moves pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from reportgen.render.backend import Tensor, processor_name

# Each cut is traced once, but there are many, and TensorFlow takes their loops for one that is retraced.
logging.getLogger("tensorflow").addFilter(
    lambda record: "triggered tf.function retracing" not in record.getMessage()
)


class TensorFlow:
    """See `Backend`."""

    name = "tensorflow"

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """See `Backend.compiled`."""
        graph: Callable[..., Any] = tf.function(function, autograph=False)
        return graph

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

    def on_gpu(self) -> bool:
        """See `Backend.on_gpu`."""
        return bool(tf.config.list_logical_devices("GPU"))

    def device_name(self) -> str:
        """See `Backend.device_name`."""
        gpus = tf.config.list_physical_devices("GPU")
        if not gpus:
            return processor_name()
        details = tf.config.experimental.get_device_details(gpus[0])
        return str(details.get("device_name", "GPU"))
