"""Responses of a layer's units to given pictures, read inside their maps.

Units are judged by the activation (`post`), not by the pre-activation that a picture maximises. Positions
at the rim of a map are left out, because zero padding makes silent units fire there. The reductions are
part of the network that is run, so whole maps never leave the device. Which pictures are shown is up to the
caller; `score` interprets the responses.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ShapeError
from reportgen.keras_types import Network, Tensor
from reportgen.units import without_rim

if TYPE_CHECKING:
    from reportgen.models import Cut

RIM = 0.06
"""Share of the map left out on each side."""

SAMPLES = 16
"""Positions of a map at which responses are kept one by one; 1 for vectors."""

Arrays = dict[str, np.ndarray]


def sample_positions(size: tuple[int, int]) -> NDArray[np.intp]:
    """Return `(16, 2)` rows and columns of a map at which samples are taken.

    They lie at fixed shares of the inside (a Halton sequence, so that the first few are spread as well
    as all): samples of maps of different sizes are comparable. Small maps repeat positions.
    """
    shares = np.array([[_halton(i + 1, 2), _halton(i + 1, 3)] for i in range(SAMPLES)])
    spans = [without_rim(n, RIM) for n in size]
    lengths = np.array([s.stop - s.start for s in spans])
    return np.asarray(np.floor(shares * lengths) + [s.start for s in spans], np.intp)


def responses(cut: Cut, pictures: np.ndarray, *, batch: int = 32) -> Arrays:
    """Return the response of every unit of a layer to every picture.

    Args:
        cut: The layer.
        pictures: `(n, h, w, c)` of the cut's canvas, uint8 0..255 or float in [0,1].
        batch: Pictures run at once; the last batch is filled up with grey, so nothing is compiled twice.

    Returns:
        `max`, `min`, `mean`: `(n, K)` float32 activations over the inside of the map (see `inside`).
        `samples`: `(n, P, K)` float32 at `sample_positions`, P = 16; P = 1 for vectors. Activations
        beyond what float16 holds are clipped to it there, so that a store may keep them as such.

    Raises:
        ShapeError: The pictures are not of the cut's canvas, or of a type that is not a picture's.
    """
    _check(cut, pictures)
    reader = _reader(cut.network, cut.canvas_px, cut.channels)
    n, k = len(pictures), cut.n_units
    found: Arrays = {name: np.empty((n, k), np.float32) for name in ("max", "min", "mean")}
    found["samples"] = np.empty((n, SAMPLES if cut.is_map else 1, k), np.float32)
    size = max(1, batch)
    for start in range(0, n, size):
        part = _unit_range(pictures[start : start + size])
        full = np.full((size, *part.shape[1:]), 0.5, np.float32)
        full[: len(part)] = part
        for name, values in reader.predict_on_batch(full).items():
            found[name][start : start + len(part)] = np.asarray(values, np.float32)[: len(part)]
    limit = float(np.finfo(np.float16).max)
    np.clip(found["samples"], -limit, limit, out=found["samples"])
    return found


def flat_curve(cut: Cut, *, batch: int = 32) -> Arrays:
    """Return the response of every unit to uniform pictures.

    Args:
        cut: The layer.
        batch: Pictures run at once; give the batch of `responses`, so nothing is compiled twice.

    Returns:
        `level`: `(9,)` float32 from 0 to 1, the same in all channels, and `response`: `(9, K)`, the mean of
        the inside. With 3 channels also `colour`: `(18, 3)`, the corners and edge middles of the colour cube
        that are not grey, and `colour_response`: `(18, K)`.
    """
    levels = np.linspace(0, 1, 9, dtype=np.float32)
    flats = np.repeat(levels[:, None], cut.channels, axis=1)
    colours = _colours() if cut.channels == 3 else np.empty((0, cut.channels), np.float32)
    wanted = np.concatenate([flats, colours])[:, None, None, :]
    pictures = np.broadcast_to(wanted, (len(wanted), *cut.canvas_px, cut.channels))
    found = responses(cut, pictures, batch=batch)["mean"]
    curve: Arrays = {"level": levels, "response": found[:9]}
    if cut.channels == 3:
        curve |= {"colour": colours, "colour_response": found[9:]}
    return curve


def _colours() -> NDArray[np.float32]:
    cube = np.array(list(product((0.0, 0.5, 1.0), repeat=3)), np.float32)
    on_edge = (cube == 0.5).sum(axis=1) <= 1
    grey = np.ptp(cube, axis=1) == 0
    return np.asarray(cube[on_edge & ~grey])


def _check(cut: Cut, pictures: np.ndarray) -> None:
    wanted = (*cut.canvas_px, cut.channels)
    if pictures.ndim != 4 or pictures.shape[1:] != wanted:
        raise ShapeError(f"pictures have shape {pictures.shape}, wanted (n, {', '.join(map(str, wanted))})")
    if pictures.dtype != np.uint8 and not np.issubdtype(pictures.dtype, np.floating):
        raise ShapeError(f"pictures have type {pictures.dtype}, wanted uint8 or floating point")


def _unit_range(pictures: np.ndarray) -> NDArray[np.float32]:
    if pictures.dtype == np.uint8:
        return pictures.astype(np.float32) / np.float32(255)
    return pictures.astype(np.float32)


def _halton(index: int, base: int) -> float:
    value, share = 0.0, 1.0
    while index:
        index, digit = divmod(index, base)
        share /= base
        value += digit * share
    return value


@lru_cache(maxsize=2)
def _reader(network: Network, canvas_px: tuple[int, int], channels: int) -> Network:
    """Return a model from pictures to the reductions of `post`.

    The last two are kept: a layer is read three times in a row, and compiling a deep cut takes a second.
    """
    import keras  # Slow to import; reading probes needs none of it.

    pictures = keras.Input((*canvas_px, channels), dtype="float32")
    post = keras.ops.cast(network(pictures)[1], "float32")
    if len(post.shape) == 2:
        outputs = {"max": post, "min": post, "mean": post, "samples": post[:, None, :]}
        return keras.Model(pictures, outputs)
    size = _map_size(network, post, canvas_px, channels)
    rows, columns = (without_rim(n, RIM) for n in size)
    inner = post[:, rows, columns, :]
    flat = keras.ops.reshape(post, (-1, size[0] * size[1], post.shape[-1]))
    chosen = np.ravel_multi_index(tuple(sample_positions(size).T), size)
    outputs = {
        "max": keras.ops.max(inner, axis=(1, 2)),
        "min": keras.ops.min(inner, axis=(1, 2)),
        "mean": keras.ops.mean(inner, axis=(1, 2)),
        "samples": keras.ops.take(flat, chosen, axis=1),
    }
    return keras.Model(pictures, outputs)


def _map_size(network: Network, post: Tensor, canvas_px: tuple[int, int], channels: int) -> tuple[int, int]:
    """Return the size of the map, by running one picture where the graph leaves it open."""
    if None not in post.shape[1:3]:
        return int(post.shape[1]), int(post.shape[2])
    found = network(np.zeros((1, *canvas_px, channels), np.float32))[1]
    return int(found.shape[1]), int(found.shape[2])
