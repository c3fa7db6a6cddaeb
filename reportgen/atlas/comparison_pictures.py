"""Pictures of changed units: one strip a unit, its display picture first, then its scored seeds.

Named by the content keys in it, so that versions with the same pictures share the file. Which units changed
is not known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.atlas.pictures import shrink
from reportgen.images import decode_png, encode_webp
from reportgen.spec import AtlasSpec
from reportgen.store import ModelRecord, Store, StoredRender
from reportgen.units import Layer

TILE_PX = 96
GAP_PX = 4
MOST_SEEDS = 4


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip of a unit's pictures: file name among those of comparisons, how many, width in px."""

    name: str
    n: int
    width: int
    keys: tuple[str, ...]


def strips(store: Store, record: ModelRecord, layer: Layer, units: Sequence[int],
           spec: AtlasSpec) -> dict[int, Strip]:  # fmt: skip
    """Return the strip of each unit that has a picture: display picture, then seeds; happy ones alone."""
    roles = record.roles(layer.name)
    scored, shown = str(roles.get("scored", "")), str(roles.get("shown", ""))
    wanted, found = set(units), {}
    keys: dict[int, list[tuple[int, int, str]]] = {}
    for unit, recipe, sign, seed, key in store.placements(record.id, layer.name):
        if unit in wanted and sign == "happy" and recipe in (scored, shown):
            keys.setdefault(unit, []).append((0 if recipe == shown and shown != scored else 1, seed, key))
    for unit, rows in keys.items():
        chosen = tuple(key for *_, key in sorted(rows)[: MOST_SEEDS + 1])
        name = hashlib.blake2b(f"{chosen} {TILE_PX} {spec.webp_quality}".encode(), digest_size=12).hexdigest()
        width = len(chosen) * TILE_PX + (len(chosen) - 1) * GAP_PX
        found[unit] = Strip(f"{name}.webp", len(chosen), width, chosen)
    return found


def encoded(store: Store, record: ModelRecord, layer: Layer, wanted: Mapping[int, Strip],
            spec: AtlasSpec) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    """Yield `(file name, WebP)` of strips, some units at a time."""
    units = sorted(wanted)
    for start in range(0, len(units), 64):
        some = units[start : start + 64]
        pictures: dict[str, StoredRender] = {}
        for render in store.renders(record.id, layer.name, sign="happy", units=some):
            pictures[render.key] = render
        for unit in some:
            tiles = [_tile(pictures[key]) for key in wanted[unit].keys if key in pictures]
            if tiles:
                yield wanted[unit].name, encode_webp(_side_by_side(tiles), quality=spec.webp_quality)


def _tile(render: StoredRender) -> np.ndarray:
    """Return a picture as a square tile: repeated pixels where it is small, averaged where it is large."""
    pixels = decode_png(render.picture, render.channels)
    if pixels.shape[2] not in (1, 3):
        pixels = pixels[:, :, :1]
    times = max(1, TILE_PX // max(pixels.shape[:2]))
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    if pixels.shape[0] > TILE_PX or pixels.shape[1] > TILE_PX:
        scale = TILE_PX / max(pixels.shape[:2])
        pixels = shrink(pixels, *(max(1, round(side * scale)) for side in pixels.shape[:2]))
    tile = np.full((TILE_PX, TILE_PX, pixels.shape[2]), 119, np.uint8)
    top, left = ((TILE_PX - side) // 2 for side in pixels.shape[:2])
    tile[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return tile


def _side_by_side(tiles: Sequence[np.ndarray]) -> np.ndarray:
    gap = np.full((TILE_PX, GAP_PX, tiles[0].shape[2]), 119, np.uint8)
    parts = [part for tile in tiles for part in (gap, tile)][1:]
    return np.concatenate(parts, axis=1)
