"""How fast this machine renders, measured once and cached: seconds for a counted number of operations.

A small network is rendered for a few steps. How much longer a step takes than a matrix product of as many
multiplications is a property of the device and the framework, and is kept in the user's cache. The current
speed of a matrix product, on a machine that others may use, is measured each time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import math
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.spec import RECIPES

if TYPE_CHECKING:
    from reportgen.models import Cut

CALIBRATION_VERSION = 1
"""Increased whenever the way of measuring changes."""

OVERHEAD_A_NUMBER = 4
"""Multiplications that take as long as writing and reading one number, the cost of elementwise and depthwise
operations."""

_CANVAS, _PICTURES, _SIDE = (64, 64), 8, 768


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast this machine does counted work.

    Attributes:
        program_seconds: Seconds to build the program of one layer and recipe.
        slower: Factor by which a multiplication takes longer in a step than in a matrix product.
    """

    program_seconds: float = 4.0
    slower: float = 1.0


UNKNOWN = Speed()
"""Assumed for a machine that was not measured: programs took 2 to 6 s on two cores."""


def calibrated(file: Path | None = None) -> Speed:
    """Return this machine's speed from the cache; else measure and cache it, which takes seconds.

    Args:
        file: The cache file; one in the user's cache folder by default.
    """
    file = file or _file()
    key, known = _key(), _read_cache(file)
    if key not in known:
        known[key] = dataclasses.asdict(measured_speed())
        _write_cache(file, known)
    return Speed(**known[key])


def cached_speed(file: Path | None = None) -> Speed:
    """Return this machine's speed from the cache, else `UNKNOWN`; measures nothing."""
    found = _read_cache(file or _file()).get(_key())
    return Speed(**found) if found else UNKNOWN


def measured_speed() -> Speed:
    """Return this machine's speed, measured on a small network for a few steps."""
    from reportgen.measure import null_cuts
    from reportgen.render import Job, render_units

    cut = null_cuts(_CANVAS, 3, "map")[0]
    jobs = [Job(n % cut.n_units, "happy", n) for n in range(_PICTURES)]

    def seconds(windows: int) -> float:
        steps = windows * RECIPES["default"].window
        recipe = dataclasses.replace(RECIPES["default"], steps=steps, min_steps=steps, plateau=0.0)
        began = time.perf_counter()
        for _ in render_units(cut, jobs, recipe, batch=_PICTURES):
            pass
        return time.perf_counter() - began

    built, one = seconds(1), seconds(1)
    more = statistics.median(seconds(3) - one for _ in range(3)) / 2
    a_step = max(more, one / 4, 1e-6) / (_PICTURES * RECIPES["default"].window)
    return Speed(max(built - one, 0.0), a_step * multiplications_a_second() / (3 * work_of_cut(cut)))


def multiplications_a_second() -> float:
    """Return how many multiplications of a matrix product this machine currently does in a second."""
    matrix = np.ones((_SIDE, _SIDE), np.float32)
    matrix @ matrix
    seconds = []
    for _ in range(9):
        began = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - began)
    return _SIDE**3 / statistics.median(seconds)


def work_of(output_shape: tuple[int | None, ...], weights: Any) -> int:
    """Return the work of one operation in multiplications: by its weights at every place, and for writing.

    Args:
        output_shape: Batch first, channels last.
        weights: Its variables.
    """
    positions = math.prod(n or 1 for n in output_shape[1:-1])
    by_weights = sum(math.prod(map(int, w.shape)) for w in weights if len(w.shape) > 1)
    return positions * (OVERHEAD_A_NUMBER * (output_shape[-1] or 1) + by_weights)


def work_of_cut(cut: Cut) -> int:
    """Return the work of a forward pass of one picture, in multiplications."""
    layers = cut.network.layers
    return sum(work_of(tuple(layer.output.shape), layer.weights) for layer in layers)


def _file() -> Path:
    from reportgen.render.machine import cache_folder

    return cache_folder() / "speed.json"


def _key() -> str:
    from reportgen.render import arithmetic, device_name

    keras = importlib.metadata.version("keras")
    return f"{CALIBRATION_VERSION}: {device_name()}, Keras {keras}, {arithmetic()}"


def _read_cache(file: Path) -> dict[str, dict[str, float]]:
    """Return the speeds in a file by machine; empty if there is no such file or it has another format."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(key): value for key, value in found.items() if _is_speed(value)}


def _is_speed(value: object) -> bool:
    names = {field.name for field in dataclasses.fields(Speed)}
    return (
        isinstance(value, dict)
        and set(value) == names
        and all(isinstance(v, (int, float)) and math.isfinite(v) and v >= 0 for v in value.values())
    )


def _write_cache(file: Path, speeds: dict[str, dict[str, float]]) -> None:
    """Write the speeds completely or not at all; a cache that cannot be written is ignored."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.write_text(json.dumps(speeds, indent=1), encoding="utf-8")
        fresh.replace(file)
