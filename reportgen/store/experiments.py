"""Experiments of a store: pictures that somebody tried, in a table of their own.

They lie under the content keys that the atlas's own renders have, but no query for those sees them: what is
scored, counted, published, compared or exported is never an experiment. The table is made by the first
one; a store without it has none.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reportgen.json_values import StoredRow
from reportgen.store.measurements import Measurements
from reportgen.store.records import telemetry_from_json
from reportgen.units import Telemetry

_TABLE = """
CREATE TABLE IF NOT EXISTS experiments(
    key TEXT PRIMARY KEY, picture BLOB NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,
    channels INTEGER NOT NULL, seconds REAL NOT NULL, telemetry TEXT NOT NULL, asked TEXT NOT NULL,
    provenance TEXT NOT NULL) WITHOUT ROWID
"""
_COLUMNS = "key, picture, height, width, channels, seconds, telemetry"


@dataclass(frozen=True, slots=True)
class Experiment:
    """A picture that somebody tried.

    Attributes:
        key: Its content key.
        picture: PNG bytes, see `images.decode_png`.
        height, width, channels: Of the picture.
        seconds: What it took.
        telemetry: What happened.
        asked: What was asked for, JSON values.
        provenance: When, and on what it was computed, JSON values.
    """

    key: str
    picture: bytes
    height: int
    width: int
    channels: int
    seconds: float
    telemetry: Telemetry
    asked: Mapping[str, object] = dataclasses.field(default_factory=dict)
    provenance: Mapping[str, object] = dataclasses.field(default_factory=dict)


class Experiments(Measurements):
    """What was tried, beside what is measured."""

    def put_experiments(self, experiments: Iterable[Experiment]) -> None:
        """Write experiments in one commit; an earlier one under the same key is replaced."""
        rows = [
            (
                e.key, e.picture, e.height, e.width, e.channels, e.seconds,
                json.dumps(dataclasses.asdict(e.telemetry)), json.dumps(e.asked), json.dumps(e.provenance),
            )
            for e in experiments
        ]  # fmt: skip
        with self._commit() as db:
            db.execute(_TABLE)
            db.executemany(
                f"INSERT OR REPLACE INTO experiments({_COLUMNS}, asked, provenance) "
                "VALUES(?,?,?,?,?,?,?,?,?)",
                rows,
            )

    def experiment(self, key: str) -> Experiment | None:
        """Return the experiment of a content key, or None."""
        if not self._has_experiments():
            return None
        query = f"SELECT {_COLUMNS}, asked, provenance FROM experiments WHERE key=?"
        row = next(self._rows(query, (key,)), None)
        return self._made(_experiment, row) if row else None

    def picture_of(self, key: str) -> Experiment | None:
        """Return what is kept under a content key: a render of the atlas that did not fail, or an experiment.

        Of a render `asked` and `provenance` are empty.
        """
        query = f"SELECT {_COLUMNS}, '{{}}', '{{}}' FROM renders WHERE key=? AND failure=''"
        row = next(self._rows(query, (key,)), None)
        return self._made(_experiment, row) if row else self.experiment(key)

    def count_experiments(self) -> int:
        """Return how many experiments are kept."""
        if not self._has_experiments():
            return 0
        return int(next(self._rows("SELECT count(*) FROM experiments"))[0])

    def _has_experiments(self) -> bool:
        query = "SELECT 1 FROM sqlite_master WHERE type='table' AND name='experiments'"
        return next(self._rows(query), None) is not None


def _experiment(row: StoredRow) -> Experiment:
    if not all(type(side) is int and side > 0 for side in row[2:5]):
        raise ValueError(f"a picture of height, width and channels {tuple(row[2:5])!r}")
    key, picture, height, width, channels, seconds, telemetry, asked, provenance = row
    return Experiment(
        key, picture, height, width, channels, seconds, telemetry_from_json(telemetry),
        dict(json.loads(asked)), dict(json.loads(provenance)),
    )  # fmt: skip
