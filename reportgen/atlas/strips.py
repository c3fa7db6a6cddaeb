"""Which pictures a unit has on a site, and in which files: one that leads, the others side by side in strips.

A strip is one file for the starts of a unit: a third of the files, and one request when a reader points
at the unit. Its tiles are squares whose side is a multiple of eight, so that the encoder's blocks do not
cross from one into the next; a page shows one of them by its place. Names come from content keys and sizes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from reportgen.atlas.faint import Faint
from reportgen.atlas.pictures import PagePicture, Sizes, page_picture, page_pixels, page_size
from reportgen.atlas.rows import LayerRows, RenderRow, lead_of
from reportgen.images import WEBP_METHOD, encode_webp
from reportgen.json_values import Parsed
from reportgen.store import ModelRecord
from reportgen.verdicts import verdict_of

MOST_TILES = 8
GRID_RECIPES = ("scored", "display")
"""What a grid shows of every unit: the picture that is scored, or the one made to be looked at."""
_BLOCK = 8
_GREY = 119


@dataclass(frozen=True, slots=True)
class Strip:
    """Pictures side by side in one file; `keys` from left to right, each in a square of `side` pixels."""

    name: str
    side: int
    keys: tuple[str, ...]

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return self.name.removesuffix(".webp")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in a file: its stem, size in pixels, and its place among `n` tiles (one: the whole file)."""

    stem: str
    width: int
    height: int
    at: int = 0
    n: int = 1


@dataclass(frozen=True)
class UnitPictures:
    """The pictures a site has of one unit.

    Attributes:
        lead: The one that stands for the unit, and its render.
        strips: The others; starts of the scored recipe come first.
        left_out: Starts of the scored recipe that the site has no room for.
        kinds: What each picture of the first strip is: the seed of a start, or `sad`, `shown`, `sweep`.
        of_recipe: The render that a grid of one recipe shows, by name, where there is one.
        faint: How pictures are hard to see, by content key, of those that are.
    """

    lead: tuple[PagePicture, RenderRow] | None
    strips: tuple[Strip, ...]
    left_out: int = 0
    kinds: tuple[int | str, ...] = ()
    of_recipe: Mapping[str, RenderRow] = field(default_factory=dict)
    faint: Mapping[str, Faint] = field(default_factory=dict)

    def in_grid(self, recipe: str) -> RenderRow | None:
        """Return the render that a grid of a recipe shows: the one that leads where there is none of it."""
        return self.of_recipe.get(recipe) or (self.lead[1] if self.lead else None)

    def find(self, key: str) -> Shown | None:
        """Return where the picture of a render is; None where the site has it not."""
        if self.lead is not None and self.lead[1].key == key:
            page = self.lead[0]
            return Shown(page.stem, page.width, page.height)
        for strip in self.strips:
            if key in strip.keys:
                return Shown(strip.stem, strip.side, strip.side, strip.keys.index(key), len(strip.keys))
        return None


def unit_pictures(renders: Sequence[RenderRow], roles: Parsed, verdict: str, sizes: Sizes) -> UnitPictures:
    """Return the pictures of a unit with these renders.

    Args:
        renders: All of the unit's, in the store's order.
        roles: The layer's recipes by role.
        verdict: Of the unit; where seeds are few, one without a pattern shows one start.
        sizes: Of the site.
    """
    lead = lead_of(renders, roles, verdict)
    scored = [r for r in renders if r.recipe == roles.get("scored") and r.sign == "happy" and r is not lead]
    judged = verdict_of(verdict)
    kept = scored[:1] if sizes.few_seeds and (judged.noise or not judged.informative) else scored
    shown = {roles.get("scored"), roles.get("shown"), *(roles.get("sweep") or ())}
    others = [r for r in renders if r.recipe in shown and r is not lead and r not in scored]
    page = (page_picture(lead.key, lead.height, lead.width, sizes), lead) if lead else None
    strips = tuple(_strips([*kept, *others], sizes))
    of = {r.key: _kind(r, roles) for r in (*kept, *others)} if strips else {}
    kinds = tuple(of[key] for key in strips[0].keys) if strips else ()
    found = UnitPictures(page, strips, len(scored) - len(kept), kinds)
    return replace(
        found, of_recipe={name: r for name, r in of_recipe(renders, roles).items() if found.find(r.key)}
    )


def grid_recipes(record: ModelRecord) -> list[str]:
    """Return the recipes that grids of a model version can show (see `GRID_RECIPES`)."""
    roles = [record.roles(layer.name) for layer in record.layers]
    named = zip(GRID_RECIPES, ("scored", "shown"), strict=True)
    return [name for name, role in named if any(own.get(role) for own in roles)]


def of_recipe(renders: Sequence[RenderRow], roles: Parsed) -> dict[str, RenderRow]:
    """Return a unit's first happy render that did not fail, of each recipe of `GRID_RECIPES`."""
    found: dict[str, RenderRow] = {}
    for name, role in zip(GRID_RECIPES, ("scored", "shown"), strict=True):
        own = (r for r in renders if r.recipe == roles.get(role) and r.sign == "happy" and not r.failure)
        if (first := next(own, None)) is not None:
            found[name] = first
    return found


def _kind(render: RenderRow, roles: Parsed) -> int | str:
    """Return what a render is among its unit's: the seed of a scored start, or a word."""
    if render.sign == "sad":
        return "sad"
    if render.recipe == roles.get("scored"):
        return render.seed
    return "shown" if render.recipe == roles.get("shown") else "sweep"


def _strips(renders: Iterable[RenderRow], sizes: Sizes) -> list[Strip]:
    """Return strips of renders whose tiles have one side, in order of their first."""
    by_side: dict[int, list[str]] = {}
    for r in renders:
        by_side.setdefault(tile_side(r.height, r.width, sizes), []).append(r.key)
    return [
        make_strip(keys[i : i + MOST_TILES], side, sizes)
        for side, keys in by_side.items()
        for i in range(0, len(keys), MOST_TILES)
    ]


def tile_side(height: int, width: int, sizes: Sizes) -> int:
    """Return the side of the square in which a strip holds a render of that size."""
    tall, wide, enlarge = page_size(height, width, sizes.picture_px)
    return -(-max(tall, wide) * enlarge // _BLOCK) * _BLOCK


def make_strip(keys: Sequence[str], side: int, sizes: Sizes) -> Strip:
    """Return the strip of these renders: its name is made from their keys and how they are encoded."""
    text = f"strip:{':'.join(keys)}:{side}:{sizes.picture_px}:webp:{sizes.webp_quality}:{WEBP_METHOD}"
    return Strip(hashlib.blake2b(text.encode(), digest_size=12).hexdigest() + ".webp", side, tuple(keys))


def null_strip(rows: LayerRows, sizes: Sizes) -> Strip | None:
    """Return the strip of a layer's first null pictures, keyed by setting and place; None without any."""
    if not rows.null_setting:
        return None
    keys = [f"null:{rows.null_setting}:{i}" for i in range(min(rows.n_null, MOST_TILES))]
    return make_strip(keys, tile_side(*rows.null_size, sizes), sizes)


def encode_strip(strip: Strip, pixels: Mapping[str, np.ndarray], sizes: Sizes) -> bytes:
    """Return the WebP of a strip.

    Args:
        strip: What it holds.
        pixels: `(h, w, c)` uint8 by key, as rendered; a key that is not there leaves its tile grey.
        sizes: Of the site.
    """
    side = strip.side
    whole = np.full((side, side * len(strip.keys), 3), _GREY, np.uint8)
    for i, key in enumerate(strip.keys):
        if key in pixels:
            whole[:, i * side : (i + 1) * side] = squared(page_pixels(pixels[key], sizes.picture_px), side)
    return encode_webp(whole, quality=sizes.webp_quality)


def squared(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return `(h, w, 1 or 3)` as `(side, side, 3)`: edges repeated by up to a block, grey beyond that."""
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels
    height, width = pixels.shape[:2]
    if (height, width) == (side, side):
        return pixels
    if side - height < _BLOCK and side - width < _BLOCK:
        return np.pad(pixels, ((0, side - height), (0, side - width), (0, 0)), mode="edge")
    whole = np.full((side, side, 3), _GREY, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    whole[top : top + height, left : left + width] = pixels
    return whole
