"""How a picture grew: what it looked like on its way, kept in memory for those that were rendered here."""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.images import decode_webp, encode_animation
from reportgen.json_values import JsonObject

MOST_BYTES = 64 * 2**20
"""Of all frames that are kept; beyond it the oldest pictures' are forgotten."""

LEAST_PX = 256
"""Least longer side of an animation: smaller pictures are enlarged by whole factors, to keep pixels hard."""

FRAME_MS, LAST_MS, QUALITY = 90, 1500, 85


@dataclass(frozen=True, slots=True)
class Frame:
    """What a picture looked like.

    Attributes:
        step: Steps taken.
        picture: WebP.
    """

    step: int
    picture: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """A picture's way, in order of steps; the last frame is the finished picture."""

    frames: tuple[Frame, ...]

    def as_json(self) -> JsonObject:
        """Return it for the page: `steps`, and the `frames` as data addresses."""
        return {
            "steps": [frame.step for frame in self.frames],
            "frames": [
                "data:image/webp;base64," + base64.b64encode(frame.picture).decode() for frame in self.frames
            ],
        }

    def animated(self) -> bytes:
        """Return it as an animated WebP."""
        pictures = [_enlarged(decode_webp(frame.picture)) for frame in self.frames]
        shown = [FRAME_MS] * (len(pictures) - 1) + [LAST_MS]
        return encode_animation(pictures, milliseconds=shown, quality=QUALITY)


class Growths:
    """Growths by content key; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Growth] = OrderedDict()
        self._bytes = 0

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._kept

    def find(self, key: str) -> Growth | None:
        """Return how the picture of a content key grew; None where it was not rendered here lately."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: str, frames: Sequence[Frame]) -> None:
        """Keep the frames of a finished picture, the last of them the picture itself."""
        with self._lock:
            self._drop(key)
            self._kept[key] = Growth(tuple(frames))
            self._bytes += _size(self._kept[key])
            while self._bytes > MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        if key in self._kept:
            self._bytes -= _size(self._kept.pop(key))


def _size(growth: Growth) -> int:
    return sum(len(frame.picture) for frame in growth.frames)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    factor = -(-LEAST_PX // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)
