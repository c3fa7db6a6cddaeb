"""The seam between the engine and the framework: gradients, compiled loops, the device.

Everything else in the engine is `keras.ops` and numpy. What is here differs between backends and
nothing more: it knows no network, no recipe and no picture. Another backend is another `Backend`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from reportgen.keras_types import Nest, Network, Tensor

Axes = int | tuple[int, ...]
Step = Callable[[Nest, Nest], tuple[Nest, Nest]]
"""One turn of a loop: state and one of the inputs in, state and one of the outs out."""


class Backend(Protocol):
    """What the engine asks of a framework."""

    name: str

    def use(self, device: str) -> bool:
        """Compute on `cpu`, `gpu` or, for `auto`, on the best there is; return whether there is one.

        Raises:
            ConfigError: This process computes on another already.
        """

    def has_bfloat16(self) -> bool:
        """Return whether convolutions can be computed in bfloat16, faster and from float32 numbers."""

    def compiled(
        self, function: Callable[..., Nest], network: Network, axes: Sequence[int], gives: Axes, *,
        bfloat16: bool = False,
    ) -> Callable[..., Nest]:  # fmt: skip
        """Return `function` of arrays as a compiled graph; it is traced once for each set of shapes.

        Args:
            function: What becomes of one picture does not depend on the others.
            network: What it calls; its weights may be handed to the graph.
            axes: For each argument, along which axis of its arrays pictures lie; arrays with fewer axes
                belong to all pictures.
            gives: The same of what it returns, by part.
            bfloat16: Whether to compute in it, where `has_bfloat16`.
        """

    def called(self, network: Network, pictures: Tensor) -> Nest:
        """Return what a network answers to a few pictures, once."""

    def value_and_gradient(
        self, function: Callable[[Tensor], tuple[Tensor, Nest]], x: Tensor
    ) -> tuple[Nest, Tensor]:
        """Return `function(x)`, which is `(values, more)`, and the gradient of the sum of `values` at `x`.

        Where value i depends on row i of `x` alone, row i of the gradient is that of value i.
        """

    def loop(self, step: Step, state: Nest, inputs: Nest, length: int, outs: int) -> tuple[Nest, Nest]:
        """Run `state, out = step(state, inputs[i])` for i < `length`; return the state and the stacked outs.

        `inputs` and outs are tuples of tensors; inputs have `length` as their first axis. There are `outs`
        outs, float32: told beforehand, so that nothing is traced only to find out.
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

    def on_gpu(self) -> bool:
        """Return whether it is a GPU that computes."""

    def devices(self) -> int:
        """Return how many devices share the pictures of a batch."""

    def device_name(self) -> str:
        """Return the computing device in words, such as a processor's or a GPU's name."""
