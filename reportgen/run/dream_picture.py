"""A dream: a picture that was optimised outside of any store, and how it was made, also within its file."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import reportgen
from reportgen.errors import ConfigError, ReportgenError
from reportgen.images import encode_png, png_with_notes, webp_with_notes
from reportgen.spec import RenderSpec
from reportgen.spec.unit_sums import terms_text
from reportgen.units import Sign, Telemetry, activation_of

ENDINGS = (".png", ".webp")
MOST_SHOWN_PX = 1280
"""Longest side of a dream that a notebook embeds."""


@dataclass(frozen=True)
class Dream:
    """A picture, and how it was made.

    Attributes:
        picture: `(h, w, c)` uint8.
        model, layer: Names of the model and of the layer.
        terms: Pairs of unit and coefficient; empty for the layer as a whole.
        sign: `happy` if it was maximised, `sad` if minimised.
        seed: Of the random start, and of the transforms.
        photograph: Name of the file it started from; empty for noise.
        octaves: Height and width of each octave in pixels, the smallest first; the last are the picture's.
        recipe: How each octave was optimised.
        telemetry: What was recorded of the last octave on the way; `steps` are those of all.
        path: The file it was written to; None for none.
    """

    picture: np.ndarray
    model: str
    layer: str
    terms: tuple[tuple[int, float], ...]
    sign: Sign
    seed: int
    photograph: str
    octaves: tuple[tuple[int, int], ...]
    recipe: RenderSpec
    telemetry: Telemetry
    path: Path | None = None

    @property
    def words(self) -> str:
        """What it shows, in words."""
        what = "units" if len(self.terms) > 1 else "unit"
        aim = f"{what} {terms_text(self.terms)} of" if self.terms else "all of"
        return f"{'sad, ' if self.sign == 'sad' else ''}{aim} {self.layer}, {self.model}"

    @property
    def activation(self) -> float:
        """Of the finished picture; of a whole layer the mean square of its activations."""
        return activation_of(self.telemetry.activation_end, self.sign)

    def as_dict(self) -> dict[str, object]:
        """Return how it was made, as JSON values."""
        return {
            "made_with": f"reportgen {reportgen.__version__}",
            "model": self.model,
            "layer": self.layer,
            "terms": [list(term) for term in self.terms] or "layer",
            "sign": self.sign,
            "seed": self.seed,
            "from": self.photograph or None,
            "canvas_px": list(self.picture.shape[:2]),
            "octaves_px": [list(size) for size in self.octaves],
            "recipe": dataclasses.asdict(self.recipe),
            "activation": self.activation if math.isfinite(self.activation) else None,
            "steps": self.telemetry.steps,
        }

    def encoded(self, ending: str) -> bytes:
        """Return it as a PNG or a lossless WebP that says in itself how it was made."""
        notes = json.dumps(self.as_dict(), ensure_ascii=True, allow_nan=False)
        made_with = f"reportgen {reportgen.__version__}"
        if ending == ".webp":
            return webp_with_notes(self.picture, description=notes, software=made_with)
        texts = {"Software": made_with, "Title": self.words, "reportgen": notes}
        return png_with_notes(encode_png(self.picture), texts)

    def _repr_html_(self) -> str:
        from reportgen.run.notebook_html import figure, picture

        captions = (self.words, f"{self.telemetry.steps} steps, activation {self.activation:.3g}")
        height, across = self.picture.shape[:2]
        width, side_px = min(max(across, 256), 640), min(max(height, across), MOST_SHOWN_PX)
        shown = picture(self.picture, self.words, width=width, side_px=side_px)
        return figure(shown, captions, width=width)


def check_out(path: Path | None) -> None:
    """Refuse a file name that a dream cannot be written to.

    Raises:
        ConfigError: It has another ending, or is a folder.
    """
    if path is not None and (path.suffix.lower() not in ENDINGS or path.is_dir()):
        raise ConfigError(f'out "{path}": wanted a file name that ends in {" or ".join(ENDINGS)}')


def written(made: Dream, path: Path) -> Dream:
    """Write a dream into a file, whole or not at all, and return it with its path.

    Raises:
        ReportgenError: The file cannot be written.
    """
    data, part = made.encoded(path.suffix.lower()), path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise ReportgenError(f'"{path}" cannot be written: {error.strerror or error}') from None
    return dataclasses.replace(made, path=path)
