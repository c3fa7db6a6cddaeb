"""Experiments in a store: pictures that a person tried in the explorer, in a separate table.

They have content keys like the atlas's renders, but no query for those returns them: an experiment is never
scored, counted, published, compared or exported. The table is created with the first experiment.
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
    """A picture that a person tried.

    Attributes:
        key: Its content key.
        picture: PNG bytes, see `images.decode_png`.
        height, width, channels: Of the picture.
        seconds: Time to render it.
        telemetry: What was recorded while rendering.
        asked: The request, as JSON values.
        provenance: When and on what device it was computed, as JSON values.
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
    """The store's experiments, in addition to its measurements."""

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
        """Return the picture with a content key: a render of the atlas that did not fail, or an experiment.

        For a render `asked` and `provenance` are empty.
        """
        query = f"SELECT {_COLUMNS}, '{{}}', '{{}}' FROM renders WHERE key=? AND failure=''"
        row = next(self._rows(query, (key,)), None)
        return self._made(_experiment, row) if row else self.experiment(key)

    def count_experiments(self) -> int:
        """Return how many experiments are stored."""
        if not self._has_experiments():
            return 0
        return int(next(self._rows("SELECT count(*) FROM experiments"))[0])

    def _has_experiments(self) -> bool:
        query = "SELECT 1 FROM sqlite_master WHERE type='table' AND name='experiments'"
        return next(self._rows(query), None) is not None


def _experiment(row: StoredRow) -> Experiment:
    if not all(type(side) is int and side > 0 for side in row[2:5]):
        raise ValueError(f"height, width and channels of a picture are {tuple(row[2:5])!r}")
    key, picture, height, width, channels, seconds, telemetry, asked, provenance = row
    return Experiment(
        key, picture, height, width, channels, seconds, telemetry_from_json(telemetry),
        dict(json.loads(asked)), dict(json.loads(provenance)),
    )  # fmt: skip
