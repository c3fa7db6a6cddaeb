"""Creating and opening a store: its schema, and the checks before anything is read."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from reportgen.arguments import checked
from reportgen.errors import StoreError, StoreVersion, in_brief
from reportgen.store.database import Store
from reportgen.store.migrations import SCHEMA_VERSION, schema_of, take_steps, upgrade

_FIRST_SCHEMA = """
CREATE TABLE about(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE models(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, file_name TEXT NOT NULL,
    file_hash TEXT NOT NULL, options TEXT NOT NULL, plan TEXT NOT NULL, record TEXT NOT NULL,
    UNIQUE(name, version));
CREATE TABLE layers(
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE, position INTEGER NOT NULL,
    name TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY(model, name)) WITHOUT ROWID;
CREATE TABLE recipes(hash TEXT PRIMARY KEY, name TEXT NOT NULL, spec TEXT NOT NULL);
CREATE TABLE renders(
    key TEXT PRIMARY KEY, height INTEGER NOT NULL, width INTEGER NOT NULL, channels INTEGER NOT NULL,
    activation_start REAL, activation_end REAL, steps INTEGER NOT NULL, seconds REAL NOT NULL,
    failure TEXT NOT NULL, run INTEGER NOT NULL, telemetry TEXT NOT NULL, picture BLOB NOT NULL);
CREATE TABLE placements(
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE, layer TEXT NOT NULL,
    unit INTEGER NOT NULL,
    recipe TEXT NOT NULL, sign TEXT NOT NULL, seed INTEGER NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY(model, layer, unit, recipe, sign, seed)) WITHOUT ROWID;
CREATE TABLE measurements(
    owner TEXT NOT NULL, name TEXT NOT NULL, fingerprint TEXT NOT NULL, arrays BLOB NOT NULL,
    PRIMARY KEY(owner, name)) WITHOUT ROWID;
CREATE TABLE scores(
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE, layer TEXT NOT NULL,
    unit INTEGER NOT NULL,
    verdict TEXT NOT NULL, structure REAL, record TEXT NOT NULL, PRIMARY KEY(model, layer, unit))
    WITHOUT ROWID;
CREATE TABLE scored(
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE, layer TEXT NOT NULL,
    fingerprint TEXT NOT NULL, findings TEXT NOT NULL, PRIMARY KEY(model, layer)) WITHOUT ROWID;
CREATE TABLE runs(id INTEGER PRIMARY KEY, started TEXT NOT NULL, provenance TEXT NOT NULL, seconds REAL);
"""
# In `renders` the picture is the last column, because columns after it are only found by reading it; and a
# table without row numbers would read whole rows, with pictures, to compare two keys. Older stores have both,
# and the same queries read them, more slowly; the index finds a run's renders without reading the table.
_INDEX = "CREATE INDEX IF NOT EXISTS renders_by_run ON renders(run);"


@checked
def open_store(path: str | Path, *, create: bool = False, write: bool = False) -> Store:
    """Open a store of renders, measurements and scores.

    Args:
        path: The SQLite file.
        create: Create it if it does not exist; it is then open for writing.
        write: Whether it will be written: a store of an earlier schema is then upgraded, after a copy was
            made next to it (`Store.backup`). Otherwise such a store is read without upgrading it.

    Returns:
        The open store, to be used in a `with` statement or closed.

    Raises:
        StoreError: Missing, unreadable, not a store, or it cannot be upgraded.
        StoreVersion: Written by a later schema version.

    Example:
        >>> import reportgen
        >>> with reportgen.open_store("reportgen.db") as store:
        ...     [(model.name, layer.name) for model in store.models() for layer in model.layers]
        [('tiny', 'conv'), ('tiny', 'head')]
    """
    path = Path(path)
    if path.is_dir():
        raise StoreError(
            f'store "{path}" is a folder, wanted a file', hint="name the file in it, such as reportgen.db"
        )
    if not path.exists() and not create:
        raise StoreError(f'store "{path.name}" does not exist', hint="render a model first, or use --store")
    try:
        writable = create or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
        connection = _connect(path) if writable else _connect_to_read(path)
        try:
            copy = _prepare(connection, path, create=create, write=create or write, writable=writable)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        raise StoreError(
            f'store "{path.name}" cannot be opened: {error}', hint="check that its folder is writable"
        ) from None
    except sqlite3.DatabaseError as error:
        raise StoreError(f'"{path.name}" is not a reportgen store: {error}') from None
    return Store(path, connection, backup=copy)


def _connect(database: str | Path, *, uri: bool = False) -> sqlite3.Connection:
    """Return a connection that has read the file once; it is closed if that fails."""
    connection = sqlite3.connect(database, timeout=10.0, uri=uri)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Return a connection to a file that cannot be written.

    A file in WAL mode needs its two companion files even for reading. If they cannot be created, and an
    existing log has no commits, the file is read as immutable.
    """
    address = path.resolve().as_uri()
    try:
        return _connect(f"{address}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _connect(f"{address}?immutable=1", uri=True)


def _prepare(
    connection: sqlite3.Connection, path: Path, *, create: bool, write: bool, writable: bool
) -> Path | None:
    """Create the tables if requested, check the schema, and set how the file is written.

    Returns:
        The copy made before the store was upgraded; None if it was not.
    """
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        if not create:
            what = "is an SQLite file but not a reportgen store" if path.stat().st_size else "is empty"
            raise StoreError(f'"{path.name}" {what}', hint="render a model first")
        _create(connection)
    schema = _checked_schema(connection, path)
    connection.execute("PRAGMA synchronous=NORMAL")
    if schema < SCHEMA_VERSION and not (write and writable):
        connection.execute("PRAGMA query_only=ON")
        return None
    copy = upgrade(connection, path)
    if writable and connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    if writable:
        connection.execute(_INDEX)
    connection.execute("PRAGMA foreign_keys=ON")
    return copy


def _create(connection: sqlite3.Connection) -> None:
    with connection:
        connection.executescript(
            "BEGIN;" + _FIRST_SCHEMA + _INDEX + "INSERT INTO about(key, value) VALUES('schema','1');"
        )
        take_steps(connection)


def _checked_schema(connection: sqlite3.Connection, path: Path) -> int:
    try:
        row = connection.execute("SELECT value FROM about WHERE key='schema'").fetchone()
    except sqlite3.OperationalError:
        raise StoreError(f'"{path.name}" is an SQLite file but not a reportgen store') from None
    schema = schema_of(connection)
    if not 1 <= schema <= SCHEMA_VERSION:
        found = "none" if row is None else schema or in_brief(row[0])
        raise StoreVersion(
            f'store "{path.name}" has schema version {found}, this reportgen reads up to {SCHEMA_VERSION}',
            hint="it was not changed: use the reportgen that wrote it, or render into a new --store",
        )
    return schema
