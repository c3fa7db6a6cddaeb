"""Where results go: into memory at once, into the store as soon as it may be written.

A run that renders into the store holds its lock for as long as it lasts and is never disturbed: results
wait here until it is done. Reading takes no lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import StoreError, StoreLocked
from reportgen.images import decode_png, encode_webp
from reportgen.store import Experiment, ModelRecord, open_store

WEBP_QUALITY = 85
"""Of pictures shown one at a time; an atlas of thousands is served smaller ones."""

MOST_WAITING_BYTES = 256 * 2**20
"""Results that wait to be written, at most; beyond it the oldest are forgotten."""

_KEPT = 256


@dataclass(frozen=True, slots=True)
class Result:
    """A finished picture.

    Attributes:
        picture: WebP.
        steps: Steps that were taken.
        curve: Pairs of step and objective, each under its step's transform, at most 32.
        objective: Of the finished picture itself.
        seconds: What it took.
    """

    picture: bytes
    steps: int
    curve: tuple[tuple[int, float], ...]
    objective: float
    seconds: float


class Ledger:
    """Results by content key. Safe for threads.

    Args:
        store: The store's file.
    """

    def __init__(self, store: Path) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._recent: OrderedDict[str, Result] = OrderedDict()
        self._waiting: OrderedDict[str, Experiment] = OrderedDict()
        self._trouble = ""

    def record(self, model: str, version: str) -> ModelRecord | None:
        """Return a model version of the store, or None."""
        with open_store(self.store) as store:
            return store.find_model(model, version)

    def records(self) -> list[ModelRecord]:
        """Return all model versions of the store."""
        with open_store(self.store) as store:
            return store.models()

    def find(self, key: str) -> Result | None:
        """Return the picture of a content key: one that was tried, or the atlas's own; None for neither."""
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        with open_store(self.store) as store:
            kept = store.picture_of(key)
        return None if kept is None else self._remember(kept)

    def original(self, key: str) -> Experiment | None:
        """Return what is kept under a content key as it was made, lossless; None for nothing."""
        with self._lock:
            if key in self._waiting:
                return self._waiting[key]
        with open_store(self.store) as store:
            return store.picture_of(key)

    def keep(self, experiment: Experiment) -> Result:
        """Take a new result; it is written by the next `flush` that may."""
        with self._lock:
            self._waiting[experiment.key] = experiment
            while sum(len(e.picture) for e in self._waiting.values()) > MOST_WAITING_BYTES:
                self._waiting.popitem(last=False)
        return self._remember(experiment)

    def _remember(self, kept: Experiment) -> Result:
        pixels = decode_png(kept.picture, kept.channels)
        telemetry = kept.telemetry
        result = Result(
            encode_webp(pixels, quality=WEBP_QUALITY),
            telemetry.steps,
            telemetry.curve,
            telemetry.activation_end,
            kept.seconds,
        )
        with self._lock:
            self._recent[kept.key] = result
            self._recent.move_to_end(kept.key)
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)
        return result

    def flush(self, patience: float) -> bool:
        """Write what waits; return whether nothing waits any more.

        Args:
            patience: Seconds to wait for a run that renders into the store.
        """
        with self._writing:
            with self._lock:
                waiting = dict(self._waiting)
            if not waiting:
                return True
            try:
                with open_store(self.store, write=True) as store:
                    store.lock_for_rendering(patience)
                    store.put_experiments(waiting.values())
            except StoreLocked:
                trouble = "a run is rendering into the store; the picture is kept here and written after it"
            except (StoreError, OSError) as error:
                trouble = f"kept here only: {error}"
            else:
                trouble = ""
            with self._lock:
                self._trouble = trouble
                if not trouble:
                    self._waiting = OrderedDict(
                        (key, e) for key, e in self._waiting.items() if waiting.get(key) is not e
                    )
                return not self._waiting

    def unsaved(self) -> int:
        """Return how many results wait to be written."""
        with self._lock:
            return len(self._waiting)

    def trouble(self, key: str) -> str:
        """Return why a result is not written yet, in a line; empty where it is, or is about to be."""
        with self._lock:
            return self._trouble if key in self._waiting else ""
