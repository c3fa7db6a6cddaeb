"""The JAX backend: `jax.jit`, one `lax.scan`, and pictures distributed over all local devices.

A network's weights are arguments of the compiled program, never constants in it: a version that was trained
further has the same program, and programs are kept between runs where there is a GPU. Pictures of a batch
are independent of each other, so devices do not communicate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

from reportgen.keras_types import Nest, Network, Tensor
from reportgen.render.machine import cache_folder, processor_name
from reportgen.render.seam import Axes, Step, half_of

_PICTURES = "pictures"


class Jax:
    """See `Backend`."""

    name = "jax"

    def use(self, device: str) -> bool:
        """See `Backend.use`."""
        try:
            found = jax.devices() if device == "auto" else jax.devices(device)
        except RuntimeError:
            return False
        jax.config.update("jax_default_device", found[0])
        _devices.cache_clear()
        return True

    def has_bfloat16(self) -> bool:
        """See `Backend.has_bfloat16`. XLA has no mode that does so automatically."""
        return False

    def compiled(
        self, function: Callable[..., Nest], network: Network, axes: Sequence[int], output_axes: Axes, *,
        bfloat16: bool = False,
    ) -> Callable[..., Nest]:  # fmt: skip
        """See `Backend.compiled`."""
        variables = list(network.variables)

        def with_weights(weights: Sequence[Tensor], *arrays: Tensor) -> Nest:
            with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
                return function(*arrays)

        alone, shared = jax.jit(with_weights), _Shared(with_weights, axes, output_axes)

        def run(*arrays: Tensor) -> Nest:
            weights = [v.value for v in variables]
            devices = _sharing(_pictures(arrays, axes))
            return shared(devices, weights, arrays) if len(devices) > 1 else alone(weights, *arrays)

        return run

    def outputs_of(self, network: Network, pictures: Tensor) -> Nest:
        """See `Backend.outputs_of`."""
        return self.compiled(lambda x: network(x, training=False), network, (0,), 0)(pictures)

    def value_and_gradient(
        self, function: Callable[[Tensor], tuple[Tensor, Nest]], x: Tensor
    ) -> tuple[Nest, Tensor]:
        """See `Backend.value_and_gradient`."""
        values, pull, more = jax.vjp(function, x, has_aux=True)
        return (values, more), pull(jnp.ones_like(values))[0]

    def loop(self, step: Step, state: Nest, inputs: Nest, length: int, outs: int) -> tuple[Nest, Nest]:
        """See `Backend.loop`."""
        state, out = jax.lax.scan(step, state, inputs, length=length)
        return state, out

    def shifted(self, pictures: Tensor, transforms: Tensor, around: bool) -> Tensor:
        """See `Backend.shifted`."""
        return _shifted(pictures, jnp.stack([transforms[:, 5], transforms[:, 2]], axis=1), around)

    def turned(self, pictures: Tensor, transforms: Tensor) -> Tensor:
        """See `Backend.turned`."""
        return _turned(pictures, transforms)

    def weighed_waves(self, planes: Tensor, weights: NDArray[np.float32]) -> Tensor:
        """See `Backend.weighed_waves`."""
        return jnp.fft.irfft2(jnp.fft.rfft2(planes) * half_of(weights), s=weights.shape)

    def on_gpu(self) -> bool:
        """See `Backend.on_gpu`."""
        return bool(_devices()[0].platform != "cpu")

    def devices(self) -> int:
        """See `Backend.devices`."""
        return len(_devices())

    def device_name(self) -> str:
        """See `Backend.device_name`."""
        devices = _devices()
        first = devices[0]
        name = processor_name() if first.platform == "cpu" else str(first.device_kind)
        if len(devices) == 1:
            return name
        return f"{len(devices)} devices: {name}" if first.platform == "cpu" else f"{len(devices)} x {name}"


def keep_programs(folder: Path) -> None:
    """Keep compiled programs between runs, in the user's cache folder unless JAX is configured otherwise."""
    if jax.config.jax_compilation_cache_dir:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


@cache
def _devices() -> tuple[Tensor, ...]:
    """Return the devices of this machine that are used: all of the default device's kind."""
    default = jax.config.jax_default_device
    found = jax.local_devices(backend=default.platform) if default is not None else jax.local_devices()
    if found[0].platform != "cpu":
        keep_programs(cache_folder() / "jax")
    return tuple(found)


def _along(axis: int) -> PartitionSpec:
    return PartitionSpec(*[None] * axis, _PICTURES)


def _spec(leaf: Tensor, axis: int) -> PartitionSpec:
    """Return how an array is distributed: along the axis of pictures, or replicated if it has none."""
    return _along(axis) if np.ndim(leaf) > axis else PartitionSpec()


def _pictures(arrays: Sequence[Tensor], axes: Sequence[int]) -> int:
    return next(
        int(np.shape(leaf)[axis])
        for part, axis in zip(arrays, axes, strict=True)
        for leaf in jax.tree.leaves(part)
        if np.ndim(leaf) > axis
    )


def _sharing(pictures: int) -> tuple[Tensor, ...]:
    """Return as many devices as can take equal shares of so many pictures."""
    devices = _devices()
    return devices[: next(n for n in range(len(devices), 0, -1) if pictures % n == 0)]


class _Shared:
    """A function of weights and arrays on several devices; each has all weights and some of the pictures."""

    def __init__(self, function: Callable[..., Nest], axes: Sequence[int], output_axes: Axes) -> None:
        self._function, self._axes, self._output_axes = function, axes, output_axes
        self._programs: dict[object, Callable[..., Nest]] = {}
        self._weights: tuple[list[Tensor], list[Tensor]] = ([], [])

    def __call__(
        self, devices: tuple[jax.Device, ...], weights: list[Tensor], arrays: Sequence[Tensor]
    ) -> Nest:
        mesh = Mesh(np.array(devices), (_PICTURES,))
        specs = tuple(
            jax.tree.map(lambda leaf, axis=axis: _spec(leaf, axis), part)
            for part, axis in zip(arrays, self._axes, strict=True)
        )
        flat, form = jax.tree.flatten(specs)
        key = (devices, tuple(flat), form)
        if key not in self._programs:
            mapped = jax.shard_map(
                self._function, mesh=mesh, in_specs=(PartitionSpec(), *specs),
                out_specs=jax.tree.map(_along, self._output_axes), check_vma=False,
            )  # fmt: skip
            self._programs[key] = jax.jit(mapped)
        given = jax.tree.map(
            lambda x, spec: jax.device_put(x, NamedSharding(mesh, spec)), tuple(arrays), specs
        )
        return self._programs[key](self._everywhere(weights, mesh), *given)

    def _everywhere(self, weights: list[Tensor], mesh: Mesh) -> list[Tensor]:
        """Return the weights replicated on every device; they are sent once."""
        sent, there = self._weights
        if len(sent) != len(weights) or any(a is not b for a, b in zip(sent, weights, strict=True)):
            there = jax.device_put(weights, NamedSharding(mesh, PartitionSpec()))
            self._weights = (weights, there)
        return there


# Resampling. Keras' own interpolates between colours too, and its gradient adds up eight numbers a pixel in
# an order that varies on a GPU. This one gathers, forwards and backwards.


def _shifted(pictures: Tensor, shift: Tensor, around: bool) -> Tensor:
    """Return `(n, h, w, c)` pictures read `shift` (n, 2) whole pixels down and to the right."""

    def plain(x: Tensor, by: Tensor) -> Tensor:
        rows = _index_within(jnp.arange(x.shape[1]) + by[:, :1], x.shape[1], around)
        columns = _index_within(jnp.arange(x.shape[2]) + by[:, 1:], x.shape[2], around)
        return jax.vmap(lambda p, i, j: p[i][:, j])(x, rows, columns)

    read = jax.custom_vjp(plain)
    read.defvjp(
        lambda x, by: (read(x, by), by), lambda by, gradient: (read(gradient, -by), np.zeros(by.shape, _NONE))
    )
    return read(pictures, jnp.round(shift).astype("int32"))


def _turned(pictures: Tensor, transforms: Tensor) -> Tensor:
    """Return `(n, h, w, c)` pictures resampled between four neighbours, mirrored beyond the edges."""
    read = jax.custom_vjp(jax.vmap(_resampled))
    # The gradient is resampled with the inverse transform, as in TensorFlow, not scattered.
    read.defvjp(
        lambda x, affine: (read(x, affine), affine),
        lambda affine, gradient: (read(gradient, _inverse(affine)), jnp.zeros_like(affine)),
    )
    return read(pictures, transforms[:, :6])


def _resampled(picture: Tensor, affine: Tensor) -> Tensor:
    height, width, _ = picture.shape
    y, x = jnp.meshgrid(
        jnp.arange(height, dtype="float32"), jnp.arange(width, dtype="float32"), indexing="ij"
    )
    across = affine[0] * x + affine[1] * y + affine[2]
    down = affine[3] * x + affine[4] * y + affine[5]
    left, top = jnp.floor(across), jnp.floor(down)
    columns = [_index_within(left.astype("int32") + k, width, False) for k in (0, 1)]
    rows = [_index_within(top.astype("int32") + k, height, False) for k in (0, 1)]
    upper, lower = (_between(picture[r, columns[0]], picture[r, columns[1]], across - left) for r in rows)
    return _between(upper, lower, down - top)


def _between(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    return (1.0 - share[..., None]) * one + share[..., None] * other


def _index_within(index: Tensor, size: int, around: bool) -> Tensor:
    """Return indices within 0..size-1: wrapped around, or mirrored with the outermost pixel repeated."""
    if around:
        return index % size
    index = index % (2 * size)
    return jnp.minimum(index, 2 * size - 1 - index)


def _inverse(affine: Tensor) -> Tensor:
    a, b, c, d, e, f = (affine[:, i] for i in range(6))
    scale = 1.0 / (a * e - b * d)
    return jnp.stack([e, -b, b * f - c * e, -d, a, c * d - a * f], axis=1) * scale[:, None]


_NONE = jax.dtypes.float0
"""The type that JAX wants for the gradient of integers."""
