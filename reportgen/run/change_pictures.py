"""One picture of what changed between two versions: the largest changes, before and after, side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reportgen.comparison import Comparison, LayerPair, Side, UnitChange, VersionId
from reportgen.run.store_atlas import Atlas, open_atlas
from reportgen.units import visible_line

N_CHANGES = 10
SIDE_PX = 112
_GAP_PX = 8
_TEXT_PX = 330
_PAPER, _INK, _FAINT = "#ffffff", "#1a1a1a", "#e4e4e4"


def change_picture(pairs: Sequence[Comparison], stores: Sequence[tuple[Path, Path]]) -> bytes:
    """Return a PNG of the largest changes of each pair of versions: a row for each, with a line of text.

    Args:
        pairs: What was compared.
        stores: Of each pair, the stores of the version before and of the one after.
    """
    rows: list[Image.Image] = []
    for c, (before, after) in zip(pairs, stores, strict=True):
        atlases = _atlas(before, c.a), _atlas(after, c.b)
        changes = c.largest(N_CHANGES)
        rows.append(_line(f"{c.a} to {c.b}" + ("" if changes else ": no unit changed")))
        rows += [_row(pair, change, atlases) for pair, change in changes]
    height = sum(row.height + _GAP_PX for row in rows) + _GAP_PX
    sheet = Image.new("RGB", (2 * SIDE_PX + 3 * _GAP_PX + _TEXT_PX, height), _PAPER)
    at = _GAP_PX
    for row in rows:
        sheet.paste(row, (_GAP_PX, at))
        at += row.height + _GAP_PX
    data = io.BytesIO()
    sheet.save(data, "PNG", optimize=True)
    return data.getvalue()


def _atlas(store: Path, version: VersionId) -> Atlas:
    return open_atlas(store, version.model, version.version)


def _line(text: str) -> Image.Image:
    row = Image.new("RGB", (2 * SIDE_PX + _TEXT_PX, 20), _PAPER)
    ImageDraw.Draw(row).text((0, 2), visible_line(text), fill=_INK, font=ImageFont.load_default(13))
    return row


def _row(pair: LayerPair, change: UnitChange, atlases: tuple[Atlas, Atlas]) -> Image.Image:
    row = Image.new("RGB", (2 * SIDE_PX + _GAP_PX + _TEXT_PX, SIDE_PX), _PAPER)
    sides = (pair.layer_a, change.a, atlases[0]), (pair.layer_b, change.b, atlases[1])
    for i, (layer, side, atlas) in enumerate(sides):
        row.paste(_picture(atlas, layer, side), (i * (SIDE_PX + _GAP_PX), 0))
    said = [change.state, *(_side(layer, side) for layer, side, _ in sides)]
    text = "\n".join(visible_line(line)[:60] for line in said if line)
    place = (2 * (SIDE_PX + _GAP_PX), _GAP_PX)
    ImageDraw.Draw(row).multiline_text(place, text, fill=_INK, font=ImageFont.load_default(13), spacing=6)
    return row


def _side(layer: str, side: Side | None) -> str:
    return "" if side is None else f"{layer} {side.unit}: {side.verdict or 'not scored'}"


def _picture(atlas: Atlas, layer: str, side: Side | None) -> Image.Image:
    """Return a unit's main picture; an empty field where it has none."""
    if side is None or layer not in atlas or side.unit not in [unit.number for unit in atlas[layer]]:
        return Image.new("RGB", (SIDE_PX, SIDE_PX), _FAINT)
    found = [picture for picture in atlas[layer][side.unit].pictures if picture.png and not picture.failure]
    if not found:
        return Image.new("RGB", (SIDE_PX, SIDE_PX), _FAINT)
    pixels = found[0].array
    shown = pixels if pixels.shape[-1] == 3 else pixels.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    image = Image.fromarray(shown.astype(np.uint8))
    scale = SIDE_PX / max(image.size)
    size = tuple(max(1, round(n * scale)) for n in image.size)
    filter_ = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    return image.resize((size[0], size[1]), filter_)
