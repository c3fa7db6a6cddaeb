"""Pictures that people bring to start from: read one at a time, the last of them kept in memory.

May be used from any thread. What is started from them is not known here.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np

from reportgen.errors import ConfigError, ReportgenError
from reportgen.images import fitted_pixels, read_photograph

MOST_UPLOAD_BYTES, MOST_UPLOAD_PIXELS = 8_000_000, 40_000_000
"""A picture that somebody brings, at most."""

_KEPT, _KEPT_PX = 32, 1024
_MOST_AT_ONCE = 32  # That are read or wait for it; each holds up to eight megabytes.


class Starts:
    """The last 32 pictures, by the hash of their pixels."""

    def __init__(self) -> None:
        self._pixels: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self._room, self._turn = threading.BoundedSemaphore(_MOST_AT_ONCE), threading.Lock()

    def add(self, data: bytes) -> str:
        """Keep a picture, and return its hash.

        Raises:
            ReportgenError: No picture, too large, or too many are waiting to be read.
        """
        if len(data) > MOST_UPLOAD_BYTES:
            raise ReportgenError(
                f"the picture has {len(data) / 1e6:.1f} MB, wanted at most {MOST_UPLOAD_BYTES // 1_000_000}"
            )
        with self._reading():
            pixels = read_photograph(data, most_pixels=MOST_UPLOAD_PIXELS, most_px=_KEPT_PX)
        text = f"{pixels.shape}".encode() + pixels.tobytes()
        hash_ = hashlib.blake2b(text, digest_size=16).hexdigest()
        with self._lock:
            self._pixels[hash_] = pixels
            self._pixels.move_to_end(hash_)
            while len(self._pixels) > _KEPT:
                self._pixels.popitem(last=False)
        return hash_

    def fitted(self, hash_: str, canvas: tuple[int, int], channels: int) -> np.ndarray:
        """Return a picture `(h, w, c)` at the size of a canvas.

        Raises:
            ConfigError: It is not kept any more, or the network takes no photographs.
        """
        with self._lock:
            pixels = self._pixels.get(hash_)
        if pixels is None:
            raise ConfigError("the picture to start from is not here any more", hint="add it again")
        if channels not in (1, 3):
            raise ConfigError(f"a network of {channels} channels cannot start from a photograph")
        return fitted_pixels(pixels, canvas, channels)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Take turns: a picture in memory is fifty times its file, so one is read at a time, and few wait."""
        if not self._room.acquire(blocking=False):
            raise ReportgenError("many pictures are being read", hint="try again in a moment")
        try:
            with self._turn:
                yield
        finally:
            self._room.release()
