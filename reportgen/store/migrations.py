"""Upgrades of stores with an earlier schema: numbered steps, taken all in one transaction.

A store is copied before it is upgraded; the copy is kept next to it. To change the schema, add a step at the
end, never alter one that was released, and keep a small store of the schema before in `tests/data/stores`. A
new store is created with the first schema and takes all steps, so that both ways lead to the same tables.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from reportgen.errors import StoreError
from reportgen.store.locking import rendering_lock
from reportgen.store.records import current_findings_in_json, current_score_in_json

STEPS: tuple[tuple[str, ...], ...] = (
    (  # 1 to 2: results of removal for model versions and units.
        "CREATE TABLE removals("
        "model INTEGER PRIMARY KEY REFERENCES models(id) ON DELETE CASCADE, "
        "fingerprint TEXT NOT NULL, record TEXT NOT NULL)",
        "CREATE TABLE needs("
        "model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE, layer TEXT NOT NULL, "
        "unit INTEGER NOT NULL, need REAL NOT NULL, need_rank INTEGER NOT NULL, changed INTEGER, "
        "pictures INTEGER NOT NULL, hurt TEXT NOT NULL, hurt_pictures INTEGER NOT NULL, "
        "PRIMARY KEY(model, layer, unit)) WITHOUT ROWID",
    ),
    (  # 2 to 3: scores are typed data; before, they were a table of numbers by name, and sentences.
        "UPDATE scores SET record = current_score(record)",
        "UPDATE scored SET findings = current_findings(findings)",
    ),
    (  # 3 to 4: fields of scores and findings have the names of the field.
        "UPDATE scores SET record = current_score(record)",
        "UPDATE scored SET findings = current_findings(findings)",
    ),
)
"""The statements that upgrade from schema 1 to 2, from 2 to 3, and so on.

`current_score` and `current_findings` recognise the form of a row by its keys; a current one is unchanged.
"""

SCHEMA_VERSION = 1 + len(STEPS)

_PATIENCE = 1.0
"""Seconds to wait for a run that renders into the store."""


def upgrade(connection: sqlite3.Connection, path: Path) -> Path | None:
    """Take the steps that are due, and return the copy made before; None if no step was due.

    Args:
        connection: The store, open for writing.
        path: Its file.

    Raises:
        StoreLocked: A run renders into it.
        StoreError: It cannot be copied or changed; it is unchanged, and no copy is left.
    """
    if schema_of(connection) == SCHEMA_VERSION:
        return None
    lock = rendering_lock(path, _PATIENCE)
    try:
        return _copied_and_changed(connection, path.resolve())
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f'store "{path.name}" cannot be upgraded: {error}',
            hint=f"it is unchanged; a copy of it needs {_megabytes(path)} MB of space in the same folder",
        ) from None
    finally:
        lock.release()


def take_steps(connection: sqlite3.Connection) -> None:
    """Take all steps that are due, inside the transaction of the caller."""
    connection.create_function("current_score", 1, current_score_in_json, deterministic=True)
    connection.create_function("current_findings", 1, current_findings_in_json, deterministic=True)
    for statements in STEPS[schema_of(connection) - 1 :]:
        for statement in statements:
            connection.execute(statement)
    connection.execute("UPDATE about SET value=? WHERE key='schema'", (str(SCHEMA_VERSION),))


def schema_of(connection: sqlite3.Connection) -> int:
    """Return the number of a store's schema; 0 if it has none."""
    row = connection.execute("SELECT value FROM about WHERE key='schema'").fetchone()
    return int(row[0]) if row and str(row[0]).isascii() and str(row[0]).isdigit() else 0


def _copied_and_changed(connection: sqlite3.Connection, path: Path) -> Path | None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        schema = schema_of(connection)
        if schema == SCHEMA_VERSION:  # Another process was faster.
            return None
        copy = _free_name(path, schema)
        _copy(path, copy)
        try:
            take_steps(connection)
            connection.commit()
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
    return copy


def _free_name(path: Path, schema: int) -> Path:
    """Return an unused file name: an earlier copy is never overwritten."""
    copy, n = path.with_name(f"{path.name}.schema{schema}.bak"), 1
    while copy.exists():
        n += 1
        copy = path.with_name(f"{path.name}.schema{schema}-{n}.bak")
    return copy


def _copy(path: Path, copy: Path) -> None:
    """Copy a store, including its write-ahead log, completely or not at all.

    It is read over a second connection: SQLite waits forever if the connection that reads also writes.
    """
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(part)) as target,
        ):
            source.backup(target)
        part.replace(copy)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _megabytes(path: Path) -> str:
    return f"{max(1, round(path.stat().st_size / 1e6)):,}"
