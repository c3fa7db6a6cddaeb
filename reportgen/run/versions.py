"""Finds the version that a person names: by a label, a store with or without a label, or a model file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.compare import Version
from reportgen.config import Settings
from reportgen.errors import StoreError, suggestion
from reportgen.models.sources import find_source
from reportgen.store import ModelRecord, Store, open_store

_SQLITE = b"SQLite format 3\0"
_MADE = "keras.applications:"


@dataclass(frozen=True, slots=True)
class NamedVersion:
    """A version as a person named it.

    Attributes:
        store: The store that has it.
        label: `VERSION` or `MODEL/VERSION`; empty for the only one.
        model: The model file to render into the store first; None if the store has it already.
    """

    store: Path
    label: str = ""
    model: str | None = None


def read_name(word: str, settings: Settings) -> NamedVersion:
    """Return the version that a word names.

    Tried in this order: `STORE@VERSION`; a store's file, which holds one version; a model file (or another
    source, such as `keras.applications:NAME`); a version in the store of the settings.
    """
    path, at, label = word.rpartition("@")
    if at and _is_store(Path(path)):
        return NamedVersion(Path(path), label)
    if _is_store(Path(word)):
        return NamedVersion(Path(word))
    # A folder is not a model; an architecture may be named with its weights, joined by a plus.
    if any(Path(part).is_file() for part in (word, word.partition("+")[0])) or word.startswith(_MADE):
        return NamedVersion(settings.store, model=word)
    if not settings.store.exists():
        raise StoreError(
            f'"{word}" is not a file, and there is no store "{settings.store.name}" with that version',
            hint="name a store, STORE@VERSION, or a model file",
        )
    return NamedVersion(settings.store, word)


def named_or_last(word: str | None, settings: Settings) -> NamedVersion:
    """Return the version that a word names; the last one of a store that is named alone, or of the settings'.

    Raises:
        StoreError: The store cannot be read, or holds no model.
    """
    named = read_name(word, settings) if word is not None else NamedVersion(settings.store)
    if named.label or named.model is not None:
        return named
    with open_store(named.store) as store:
        records = store.models()
    if not records:
        raise StoreError(f'store "{named.store.name}" holds no model', hint="render a model first")
    return NamedVersion(named.store, f"{records[-1].name}/{records[-1].version}")


def check_stored(named: NamedVersion) -> None:
    """Refuse a version that is a model file.

    Raises:
        StoreError: It is.
    """
    if named.model is not None:
        raise StoreError(
            f'"{named.model}" is a model file, wanted a version in a store',
            hint="render it, then name its store",
        )


def find_version(store: Store, named: NamedVersion) -> Version:
    """Return the version that was named.

    Raises:
        StoreError: There is no version of that name, or several.
    """
    records = store.models()
    if named.model is not None:
        wanted = find_source(named.model)
        hash_ = wanted.digest()
        found = [r for r in records if r.name == wanted.name and r.file_hash == hash_]
    elif named.label:
        found = [r for r in store.models(twins=True) if named.label in (r.version, f"{r.name}/{r.version}")]
    else:
        found = records
    if len(found) != 1 and not (found and named.model is not None):
        known = [f"{r.name}/{r.version}" for r in records]
        what = f'"{named.label}" matches {len(found)} of them' if named.label else "wanted the name of one"
        near = suggestion(named.label, known + [r.version for r in records], otherwise="")
        raise StoreError(
            f'store "{store.path.name}" holds {len(records)} versions, {what}',
            hint=near if near and not found else f"known: {', '.join(known) or 'none'}",
        )
    return Version(store, found[-1])


@contextlib.contextmanager
def open_versions(names: Sequence[NamedVersion]) -> Iterator[list[Version]]:
    """Yield the named versions; their stores are open within the block."""
    with contextlib.ExitStack() as stack:
        stores: dict[Path, Store] = {}
        versions = []
        for named in names:
            path = named.store.resolve()
            if path not in stores:
                stores[path] = stack.enter_context(open_store(named.store))
            versions.append(find_version(stores[path], named))
        yield versions


def all_versions(path: Path) -> list[NamedVersion]:
    """Return all versions of the only model of a store, in the order in which they were stored.

    Raises:
        StoreError: It holds several models, or fewer than two versions.
    """
    with open_store(path) as store:
        records = store.models()
    names = sorted({r.name for r in records})
    if len(names) > 1 or len(records) < 2:
        what = f"models {', '.join(names)}" if len(names) > 1 else f"{len(records)} version"
        raise StoreError(
            f'store "{path.name}" holds {what}, wanted several versions of one model',
            hint="name the versions to compare",
        )
    return [NamedVersion(path, f"{r.name}/{r.version}") for r in records]


def rendered_already(store: Store, word: str) -> ModelRecord | None:
    """Return the record under which a model file was rendered, whatever its version; None if it was not."""
    source = find_source(word)
    hash_ = source.digest()
    found = [r for r in store.models() if r.name == source.name and r.file_hash == hash_]
    return found[-1] if found else None


def _is_store(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except (OSError, ValueError):
        return False
