"""The probe picture, the weights, and what is kept of a tensor: by formula, so that none of it is stored.

Needs numpy alone, of any version: it runs inside the environment of each framework.
"""

from __future__ import annotations

from typing import Any

import numpy as np

N_ENTRIES = 8


def picture(size: tuple[int, int, int], low: Any, high: Any, shift: float = 0.0) -> np.ndarray:
    """Return the probe picture `(h, w, c)`, float32, in the network's own range: slanted waves."""
    h, w, c = size
    y, x, z = np.meshgrid(np.arange(h), np.arange(w), np.arange(c), indexing="ij")
    wave = np.sin(0.37 * y + 0.61 * x + 1.3 * z + shift) + np.sin(0.11 * x * (z + 1) - 0.23 * y + 2 * shift)
    unit = 0.5 + 0.24 * wave
    low, high = (np.asarray(end, np.float64) for end in (low, high))
    return (low + unit * (high - low)).astype(np.float32)


def weight(name: str, shape: tuple[int, ...], index: int) -> np.ndarray:
    """Return values of a weight, on a coarse grid: positive variances, scales about 1, kernels by fan-in."""
    drawn = np.random.RandomState(1000 + index).standard_normal(shape)
    word = name.lower().rsplit("/", 1)[-1]
    if "var" in word:
        values = 0.5 + np.abs(drawn)
    elif "gamma" in word or "scale" in word:
        values = 1 + 0.25 * drawn
    elif len(shape) < 2 or "alpha" in word:
        values = 0.2 * drawn
    else:
        values = drawn * np.sqrt(2.0 / max(1, np.prod(shape[:-1])))
    return (np.round(values * 256) / 256).astype(np.float32)


def places(size: int) -> np.ndarray:
    """Return which entries of a flat tensor are kept."""
    return (np.arange(1, N_ENTRIES + 1, dtype=np.int64) * 2654435761 + 97) % size


def kept(values: Any) -> dict[str, Any]:
    """Return what is kept of one picture's tensor: shape, entries, mean and spread."""
    flat = np.asarray(values, np.float64).reshape(-1)
    numbers = [float(f"{v:.7g}") for v in flat[places(flat.size)]]
    spread = float(f"{flat.max() - flat.min():.5g}")
    return {
        "shape": list(np.shape(values)),
        "entries": numbers,
        "mean": float(f"{flat.mean():.7g}"),
        "spread": spread,
    }


def differs(found: Any, said: dict[str, Any], tolerance: float) -> str:
    """Return in what a tensor differs from what was kept of its source; empty if in nothing."""
    if list(np.shape(found)) != said["shape"]:
        return f"shape {list(np.shape(found))}, the source has {said['shape']}"
    flat = np.asarray(found, np.float64).reshape(-1)
    wanted = np.array([*said["entries"], said["mean"]])
    has = np.array([*flat[places(flat.size)], flat.mean()])
    scale = max(said["spread"], float(np.abs(wanted).max()), 1e-6)
    off = float(np.abs(has - wanted).max() / scale)
    return "" if off <= tolerance else f"values off by {off:.2g} of their range"
