"""Short queries of a store: digests of its contents, a layer's units and verdicts, pictures by key.

Digests use content keys of pictures and fingerprints and sizes of measurements, so that nothing large is
read: whoever caches a result made from a layer can check quickly whether it is still valid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reportgen.store.database import Store
from reportgen.store.records import check_placed, layer_owner, model_owner

_PARTS = (
    ("SELECT group_concat(unit || ' ' || recipe || ' ' || sign || ' ' || seed || ' ' || key, char(10)) "
     "FROM placements WHERE model=? AND layer=?"),
    "SELECT group_concat(record, char(10)) FROM scores WHERE model=? AND layer=?",
    "SELECT fingerprint || ' ' || findings FROM scored WHERE model=? AND layer=?",
)  # fmt: skip


class FirstStart(NamedTuple):
    """Numbers of a unit's first picture: height and width in pixels, the objective, the steps taken."""

    height: int
    width: int
    activation_start: float | None
    activation_end: float | None
    steps: int


class StoredPicture(NamedTuple):
    """A render's picture: PNG bytes (see `images.decode_png`), and why it failed, if it did."""

    key: str
    png: bytes
    height: int
    width: int
    channels: int
    failure: str


def layer_digest(store: Store, model: int, layer: str) -> str:
    """Return 32 hexadecimal digits over a layer's placements, scores, findings and measurements."""
    found = hashlib.blake2b(digest_size=16)
    for query in _PARTS:
        (row,) = store.read(query, (model, layer)) or [(None,)]
        found.update(f"{row[0]}\x00".encode("utf-8", "surrogatepass"))
    for row in store.read(
        "SELECT owner, name, fingerprint, length(arrays) FROM measurements "
        "WHERE owner IN (?, ?) OR owner GLOB 'pictures *' ORDER BY owner, name",
        (layer_owner(model, layer), model_owner(model)),
    ):
        found.update(f"{row}\x00".encode("utf-8", "surrogatepass"))
    if removal := store.removal_fingerprint(model):
        found.update(f"{removal} {store.needs(model, layer)}".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def units_of(store: Store, model: int, layer: str) -> tuple[int, ...]:
    """Return the units of a layer that have a render or a score, in order.

    Raises:
        StoreError: The store has an invalid unit.
    """
    query = (
        "SELECT unit FROM placements WHERE model=:m AND layer=:l "
        "UNION SELECT unit FROM scores WHERE model=:m AND layer=:l ORDER BY 1"
    )
    found = tuple(unit for (unit,) in store.read(query, {"m": model, "l": layer}))
    for unit in found:
        check_placed(unit, "happy", 0)
    return found


def units_stamp(store: Store, model: int) -> str:
    """Return a text that changes with a model version's pictures, scores and needs."""
    marks = store.read("SELECT layer, fingerprint FROM scored WHERE model=? ORDER BY layer", (model,))
    (n,) = store.read("SELECT count(*) FROM placements WHERE model=?", (model,))[0]
    return f"{n} {marks} {store.removal_fingerprint(model)}"


def placements_of(store: Store, key: str) -> list[tuple[int, str, int, str, str, int]]:
    """Return where the picture of a content key stands: model, layer, unit, recipe hash, sign and seed each.

    Raises:
        StoreError: The store names a unit, sign or seed that is none.
    """
    columns = "model, layer, unit, recipe, sign, seed"
    found = store.read(f"SELECT {columns} FROM placements WHERE key=? ORDER BY model DESC", (key,))
    for _, _, unit, _, sign, seed in found:
        check_placed(unit, sign, seed)
    return list(found)


def n_placements(store: Store, model: int, layer: str) -> int:
    """Return how many pictures are assigned to units of a layer."""
    query = "SELECT count(*) FROM placements WHERE model=? AND layer=?"
    return int(store.read(query, (model, layer))[0][0])


def run_seconds(store: Store) -> list[tuple[int, float | None]]:
    """Return the number of each run, in order, and how long it took; None if it did not end."""
    return [(run, seconds) for run, seconds in store.read("SELECT id, seconds FROM runs ORDER BY id")]


def verdicts_of(store: Store, model: int, layer: str) -> dict[int, str]:
    """Return the verdict of each scored unit."""
    query = "SELECT unit, verdict FROM scores WHERE model=? AND layer=?"
    return dict(store.read(query, (model, layer)))


def verdict_counts(store: Store, model: int, layer: str) -> dict[str, int]:
    """Return how many units of a layer have each verdict."""
    query = "SELECT verdict, count(*) FROM scores WHERE model=? AND layer=? GROUP BY verdict"
    return dict(store.read(query, (model, layer)))


def first_starts(store: Store, model: int, layer: str, recipe: str) -> dict[int, FirstStart]:
    """Return by unit the numbers of its happy picture of a recipe's first seed."""
    query = (
        "SELECT p.unit, r.height, r.width, r.activation_start, r.activation_end, r.steps "
        "FROM (SELECT unit, key, min(seed) FROM placements "
        "WHERE model=? AND layer=? AND recipe=? AND sign='happy' GROUP BY unit) p "
        "JOIN renders r ON r.key = p.key"
    )
    return {row[0]: FirstStart(*row[1:]) for row in store.read(query, (model, layer, recipe))}


def pictures_by_key(store: Store, keys: Sequence[str]) -> Iterator[StoredPicture]:
    """Yield the pictures of renders by their keys."""
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        marks = ",".join("?" * len(part))
        columns = "key, picture, height, width, channels, failure"
        rows = store.read(f"SELECT {columns} FROM renders WHERE key IN ({marks})", part)
        yield from map(StoredPicture._make, rows)
