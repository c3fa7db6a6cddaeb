"""The interface between the engine and the framework: gradients, compiled loops, the device.

Everything else in the engine is `keras.ops` and numpy. Only what differs between backends is here: it knows
no network, no recipe and no picture. Another backend is another `Backend`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.keras_types import Nest, Network, Tensor

Axes = int | tuple[int, ...]
Step = Callable[[Nest, Nest], tuple[Nest, Nest]]
"""One iteration of a loop: takes the state and one input, returns the state and one output."""


class Backend(Protocol):
    """What the engine needs from a framework."""

    name: str

    def use(self, device: str) -> bool:
        """Compute on `cpu`, `gpu` or, for `auto`, the best device there is; return whether there is one.

        Raises:
            ConfigError: This process already computes on another device.
        """

    def has_bfloat16(self) -> bool:
        """Return whether convolutions can be computed in bfloat16, faster and from float32 numbers."""

    def compiled(
        self, function: Callable[..., Nest], network: Network, axes: Sequence[int], output_axes: Axes, *,
        bfloat16: bool = False,
    ) -> Callable[..., Nest]:  # fmt: skip
        """Return `function` of arrays as a compiled graph; it is traced once for each set of shapes.

        Args:
            function: Its result for one picture must not depend on the others.
            network: The network that it calls; its weights may be passed to the graph.
            axes: For each argument, the axis of its arrays that counts pictures; arrays with fewer axes
                belong to all pictures.
            output_axes: The same for each part of what it returns.
            bfloat16: Whether to compute in it, where `has_bfloat16`.
        """

    def outputs_of(self, network: Network, pictures: Tensor) -> Nest:
        """Return the network's outputs for a few pictures, in a call that is made once."""

    def value_and_gradient(
        self, function: Callable[[Tensor], tuple[Tensor, Nest]], x: Tensor
    ) -> tuple[Nest, Tensor]:
        """Return `function(x)`, which is `(values, more)`, and the gradient of the sum of `values` at `x`.

        Where value i depends on row i of `x` alone, row i of the gradient is that of value i.
        """

    def loop(self, step: Step, state: Nest, inputs: Nest, length: int, outs: int) -> tuple[Nest, Nest]:
        """Run `state, out = step(state, inputs[i])` for i < `length`; return the state and stacked outputs.

        `inputs` and outputs are tuples of tensors; inputs have `length` as their first axis. There are `outs`
        outputs, float32: given as an argument so that no trace is needed to count them.
        """

    def shifted(self, pictures: Tensor, transforms: Tensor, around: bool) -> Tensor:
        """Return `(n, h, w, c)` pictures shifted by whole pixels, around the edges or mirrored beyond them.

        Args:
            transforms: `(n, 8)`, from places after to places before, of which only the shift counts.
        """

    def turned(self, pictures: Tensor, transforms: Tensor) -> Tensor:
        """Return `(n, h, w, c)` pictures resampled bilinearly, mirrored beyond the edges.

        The gradient is the gradient resampled at the inverse, not the exact transpose: see `transforms`.

        Args:
            transforms: `(n, 8)`, affine, from places after to places before.
        """

    def weighed_waves(self, planes: Tensor, weights: NDArray[np.float32]) -> Tensor:
        """Return planes `(..., h, w)` whose Fourier coefficients are multiplied by `weights` (h, w).

        Weights are even, like those of frequencies, so that real planes stay real.
        """

    def on_gpu(self) -> bool:
        """Return whether a GPU computes."""

    def devices(self) -> int:
        """Return how many devices share the pictures of a batch."""

    def device_name(self) -> str:
        """Return the name of the computing device, such as a processor or a GPU."""


def half_of(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the columns of weights `(h, w)` whose waves the transform of real planes has: w // 2 + 1."""
    return weights[:, : weights.shape[1] // 2 + 1]
