"""Which units' pictures can be seen, of those that are shown as the best of a layer or a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from reportgen.atlas.rows import SHOWCASE_CONTRAST, LayerRows, ranked, render_rows
from reportgen.images import decode_png
from reportgen.score.colour import contrast
from reportgen.store import Store, pictures_by_key


def showcase_rows(store: Store, rows: LayerRows, n_pictures: int) -> LayerRows:
    """Return a layer with the renders of its best units; pictures nearly of one colour make them `dim`.

    Half as many again as are to be shown are looked at, so that there are others in the place of the dim.
    """
    best = ranked(rows)[: n_pictures + n_pictures // 2]
    known = with_renders(store, rows, best)
    leads = {lead.key: unit for unit in best if (lead := known.lead(unit)) is not None}
    pictures = pictures_by_key(store, list(leads))
    dim = {leads[p.key] for p in pictures if p.png and is_dim(decode_png(p.png, p.channels))}
    return dataclasses.replace(known, dim=frozenset(dim))


def with_renders(store: Store, rows: LayerRows, units: Iterable[int]) -> LayerRows:
    """Return a layer with the renders of these units added."""
    lacking = sorted(set(units) - set(rows.renders))
    found = render_rows(store, rows.record, rows.layer, lacking) if lacking else {}
    return dataclasses.replace(rows, renders={**rows.renders, **found})


def is_dim(pixels: np.ndarray) -> bool:
    """Return whether a picture, `(h, w, c)` uint8, is nearly of one colour."""
    return float(contrast(np.asarray(pixels[None], np.float32) / np.float32(255))[0]) < SHOWCASE_CONTRAST
