"""Pictures to take away: a PNG that says in itself how it was made, and the names of files."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass

import reportgen
from reportgen.explorer.atlas_pictures import finite_or_none
from reportgen.explorer.render_request import Asked
from reportgen.images import png_with_notes
from reportgen.store import Experiment
from reportgen.units import activation_of

NOTE = "reportgen"
"""Keyword of the PNG text that holds all values, as JSON."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to take away; its name is of Latin letters, figures, hyphens and points alone."""

    name: str
    data: bytes


def described_png(kept: Experiment, asked: Asked | None) -> bytes:
    """Return a kept picture as a PNG with texts in it: what it shows, in words and as values.

    Args:
        kept: The picture.
        asked: What asked for it; None where that is not known.
    """
    telemetry, made_with = kept.telemetry, f"reportgen {reportgen.__version__}"
    activation = activation_of(telemetry.activation_end, asked.sign if asked else "happy")
    values = {
        "key": kept.key,
        "made_with": made_with,
        "asked": asked.as_dict() if asked else None,
        "recipe": dataclasses.asdict(asked.recipe) if asked else None,
        "activation": finite_or_none(activation),
        "steps": telemetry.steps,
    }
    notes = {"Software": made_with, NOTE: json.dumps(values, ensure_ascii=False, allow_nan=False)}
    if asked:
        notes["Title"] = f"{asked.of}, {asked.layer}, {asked.words}"
        start = f"seed {asked.seed}" if asked.start is None else "from a picture"
        notes["Description"] = (
            f"Optimised for {asked.words} of layer {asked.layer}, model {asked.of}; "
            f"recipe {asked.recipe.name}, {start}, {telemetry.steps} steps, activation {activation:.4g}."
        )
        notes["Comment"] = asked.to_toml()
    return png_with_notes(kept.picture, notes)


def file_name(asked: Asked | None, key: str, ending: str) -> str:
    """Return what a file is called: model, version, layer and units, as far as names have Latin letters."""
    parts = (asked.model, asked.version, asked.layer, asked.words) if asked else ("picture",)
    text = re.sub(r"[^A-Za-z0-9]+", "-", " ".join(parts)).strip("-").lower()
    return f"{text[:80]}-{key[:8]}.{ending}"
