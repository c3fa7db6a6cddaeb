"""A table as a separate SQLite file for download."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence


def sqlite_table(name: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return the bytes of an SQLite file that holds one table.

    Args:
        name: The table's name. It and the columns' names must be constants, never read from a store.
        columns: SQLite's type of each column, in order.
        rows: Values in the columns' order.
    """
    definition = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    marks = ",".join("?" * len(columns))
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE TABLE {name}({definition})")
        db.executemany(f"INSERT INTO {name} VALUES({marks})", rows)
        db.commit()
        return bytes(db.serialize())
