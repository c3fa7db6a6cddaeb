"""The measurements of a store: arrays by owner and name, over one SQLite connection.

`records` defines the owners; nothing here knows what the arrays mean.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from reportgen.errors import StoreError, in_brief
from reportgen.json_values import StoredRow
from reportgen.store.arrays import pack_arrays, unpack_arrays

_Made = TypeVar("_Made")
_WRONG_JSON = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


_TEXTS = (
    "asked", "failure", "file_hash", "file_name", "findings", "fingerprint", "hash", "hurt", "key", "layer",
    "name", "options", "owner", "plan", "provenance", "recipe", "record", "sign", "spec", "started",
    "telemetry", "verdict", "version",
)  # fmt: skip
_WHOLE = (
    "channels", "height", "hurt_pictures", "id", "model", "need_rank", "pictures", "position", "run", "seed",
    "steps", "unit", "width",
)  # fmt: skip
_NUMBERS = ("activation_end", "activation_start", "seconds", "structure")
KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(_TEXTS, ((str,), "a text")),
    **dict.fromkeys(_WHOLE, ((int,), "a whole number")),
    **dict.fromkeys(_NUMBERS, ((int, float, type(None)), "a number")),
    "need": ((int, float), "a number"),
    "changed": ((int, type(None)), "a whole number"),
    **dict.fromkeys(("arrays", "picture"), ((bytes,), "bytes")),
}
"""The types of a column's values, by its name: SQLite itself accepts any type in any column."""


class Measurements:
    """Measured arrays, and the access to the SQLite file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection

    @contextlib.contextmanager
    def _commit(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._db:
                yield self._db
        except sqlite3.OperationalError as error:
            hint = "free some space; everything committed so far is kept" if "full" in str(error) else ""
            raise StoreError(f'store "{self.path.name}" cannot be written: {error}', hint=hint) from None
        except sqlite3.DatabaseError as error:
            raise StoreError(f'store "{self.path.name}" is damaged: {error}') from None

    def read(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[StoredRow]:
        """Return all rows that a query finds."""
        return list(self._rows(query, values))

    def _rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> Iterator[Any]:
        """Yield the rows that a query finds, with their types checked; all reads use this."""
        try:
            cursor = self._db.execute(query, values)
            names = [name for name, *_ in cursor.description or ()]
            wanted = [(at, KINDS[name]) for at, name in enumerate(names) if name in KINDS]
            for row in cursor:
                for at, (kinds, kind_name) in wanted:
                    if type(row[at]) not in kinds:
                        self._refuse(names[at], row[at], kind_name)
                yield row
        except sqlite3.DatabaseError as error:
            raise StoreError(f'store "{self.path.name}" cannot be read: {error}') from None

    def _refuse(self, column: str, value: object, wanted: str) -> NoReturn:
        raise StoreError(
            f'the store "{self.path.name}" is damaged: {column} is {in_brief(value)}, wanted {wanted}'
        )

    def _made(self, make: Callable[[Any], _Made], stored: Any) -> _Made:
        """Return `make(stored)`, for stored JSON that may be invalid."""
        try:
            return make(stored)
        except _WRONG_JSON as error:
            raise StoreError(
                f'store "{self.path.name}" is damaged: {type(error).__name__}: {error}'
            ) from None

    def put_measurement(
        self, owner: str, name: str, fingerprint: str, arrays: Mapping[str, np.ndarray]
    ) -> None:
        """Store arrays under `owner` (see `layer_owner`) and `name`; earlier ones are replaced.

        Args:
            fingerprint: Hash of everything that the arrays depend on; if it differs, they are outdated.
            arrays: No object arrays.
        """
        with self._commit() as db:
            db.execute(
                "INSERT OR REPLACE INTO measurements(owner, name, fingerprint, arrays) VALUES(?,?,?,?)",
                (owner, name, fingerprint, pack_arrays(arrays)),
            )

    def measurement(self, owner: str, name: str) -> dict[str, np.ndarray] | None:
        """Return the arrays stored under `owner` and `name`, or None."""
        query = "SELECT arrays FROM measurements WHERE owner=? AND name=?"
        row = next(self._rows(query, (owner, name)), None)
        return unpack_arrays(row[0]) if row else None

    def measurement_fingerprint(self, owner: str, name: str) -> str:
        """Return the fingerprint stored under `owner` and `name`, or an empty text."""
        query = "SELECT fingerprint FROM measurements WHERE owner=? AND name=?"
        row = next(self._rows(query, (owner, name)), None)
        return str(row[0]) if row else ""

    def drop_measurements(self, owner: str) -> None:
        """Delete everything that is stored under `owner`."""
        with self._commit() as db:
            db.execute("DELETE FROM measurements WHERE owner=?", (owner,))
