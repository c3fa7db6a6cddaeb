"""The parts of what notebooks show, as self-contained HTML: figures, tables, verdicts, drawings.

Pictures are embedded, and nothing is loaded from elsewhere. Text, rules and backgrounds have the colours of
the notebook, light or dark, since they inherit them; the few other colours can be seen on both, and pictures
have the same grey background as in the atlas. There is no style sheet: notebooks on the web remove those.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from reportgen.atlas.drawing import Box, Dot, Drawing, Mark, Path
from reportgen.atlas.pictures import page_pixels
from reportgen.images import encode_png
from reportgen.units import visible
from reportgen.verdicts import MARKS, verdict_of

SIDE_PX = 128
"""Side of a picture on the screen."""

COLOURS: Mapping[str, str] = {
    "s": "#2e9b72",
    "u": "#cc7a1f",
    "m": "#8f78d8",
    "t": "#85837d",
    "f": "#a68a14",
    "d": "currentColor",
    "n": "#85837d",
    "x": "#d9534a",
    "o": "#85837d",
}
"""By letter of a verdict, a colour with a contrast of at least 3 to white and to black."""

_LINES: Mapping[str, str] = {
    "s": "3px solid",
    "u": "3px dashed",
    "m": "3px double",
    "t": "3px dotted",
    "f": "1px solid",
    "d": "1px dotted",
    "n": "1px dashed",
    "x": "2px solid",
    "o": "1px dotted",
}
"""By letter of a verdict, the line under a picture, as in the atlas."""

_WHOLE = "color:inherit;background:transparent;font-family:inherit"
_FIGURE = "display:inline-block;vertical-align:top;margin:0 8px 10px 0;width:{width}px"
_IMAGE = (
    "display:block;margin:0;width:{width}px;height:auto;max-width:none;"
    "background:#777;outline:1px solid rgba(128,128,128,.5);image-rendering:pixelated"
)
_CAPTION = "font-size:85%;line-height:1.3;margin-top:3px;overflow-wrap:anywhere"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;border:0"
_SOFT = "opacity:.75"


def as_html(text: str) -> str:
    """Return a text as HTML; control characters in names, which may come from anyone, are made visible."""
    return escape(visible(text))


def whole(head: str, *bodies: str) -> str:
    """Return an object: a heading, and what belongs to it, all HTML."""
    body = "".join(bodies)
    return f'<div style="{_WHOLE}"><div style="margin-bottom:6px">{head}</div>{body}</div>'


def lines(texts: Iterable[str]) -> str:
    """Return texts as lines of small type."""
    return "".join(f'<div style="{_CAPTION};{_SOFT}">{as_html(text)}</div>' for text in texts)


def folded(title: str, texts: Sequence[str]) -> str:
    """Return texts that open under a title; empty without any."""
    return f"<details><summary>{as_html(title)}</summary>{lines(texts)}</details>" if texts else ""


def figure(image: str, captions: Sequence[str], *, width: int, verdict: str | None = None) -> str:
    """Return a picture over its captions.

    Args:
        image: From `picture` or `failed`.
        captions: Lines; the first is bold.
        width: On the screen, in px.
        verdict: Drawn as a line under the picture; None for none.
    """
    mark = "" if verdict is None else f'<div style="border-bottom:{_line(verdict)};margin-top:2px"></div>'
    first = "".join(f'<div style="{_CAPTION}"><b>{as_html(text)}</b></div>' for text in captions[:1])
    return f'<div style="{_FIGURE.format(width=width)}">{image}{mark}{first}{lines(captions[1:])}</div>'


def picture(pixels: np.ndarray, alt: str, *, width: int, side_px: int = SIDE_PX) -> str:
    """Return `(h, w, c)` uint8 pixels as an embedded picture of that width on the screen.

    Args:
        pixels: Those of the picture; made smaller if a side is longer than `side_px`.
        alt: What it shows.
        width: On the screen, in px.
        side_px: Longest side of what is embedded.
    """
    text = base64.b64encode(encode_png(page_pixels(pixels, side_px))).decode()
    style = _IMAGE.format(width=width)
    return f'<img style="{style}" alt="{as_html(alt)}" src="data:image/png;base64,{text}">'


def failed(reason: str) -> str:
    """Return the reason for which there is no picture, in its place."""
    return f'<div style="{_CAPTION}">{as_html(reason)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are HTML."""
    top = "".join(f'<th style="{_CELL}">{as_html(name)}</th>' for name in head)
    body = "".join(
        f"<tr>{''.join(f'<td style={_quoted(_CELL)}>{cell}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<table style="border-collapse:collapse;border:0"><tr>{top}</tr>{body}</table>'


def verdict_bar(counts: Mapping[str, int], width: int = 220) -> str:
    """Return units by verdict as a bar; its text stands next to it, from `verdict_counts`."""
    total = sum(counts.values())
    known = sorted(counts, key=_order)
    parts = "".join(
        f'<span style="display:inline-block;height:10px;width:{width * counts[word] / total:.1f}px;'
        f'background:{COLOURS[verdict_of(word).mark]}"></span>'
        for word in known
        if counts[word]
    )
    return f'<span aria-hidden="true" style="white-space:nowrap">{parts}</span>'


def verdict_counts(counts: Mapping[str, int]) -> str:
    """Return units by verdict in words."""
    return as_html(", ".join(f"{counts[word]} {word or 'not scored'}" for word in sorted(counts, key=_order)))


_HUES = {
    "need": "#3b83c9",
    "looks": COLOURS["u"],
    "structured": COLOURS["m"],
    "random": COLOURS["t"],
    "spread": COLOURS["t"],
    "chosen": "#3b83c9",
    "interval": "#3b83c9",
    "drop": "#3b83c9",
    "stays": "#3b83c9",
    "needs": "#3b83c9",
}
"""Colours of the marks of a drawing by style; all others have the colour of the text."""
_FAINT = {"grid": 0.2, "tick": 0.6, "spread": 0.25, "goes": 0.15, "has": 0.15, "majority": 0.7}
_DASHES = {"looks": "8 3", "structured": "2.5 2.5", "majority": "5 4", "drop": "2 3"}
_WIDTHS = {"need": 3.0, "looks": 1.8, "structured": 1.8, "random": 1.6, "interval": 1.4}


def drawing_svg(drawn: Drawing) -> str:
    """Return a drawing as SVG, in the colours of the notebook."""
    marks = "".join(map(_svg, drawn.marks))
    size = f'width="{drawn.width}" height="{drawn.height}" viewBox="-4 0 {drawn.width + 12} {drawn.height}"'
    style = "max-width:100%;height:auto;display:block;font:13px sans-serif;color:inherit"
    return f'<svg {size} role="img" aria-label="{as_html(drawn.alt)}" style="{style}">{marks}</svg>'


def _svg(mark: Mark) -> str:
    hue = _HUES.get(mark.style, "currentColor")
    faint = f' opacity="{_FAINT[mark.style]}"' if mark.style in _FAINT else ""
    if isinstance(mark, Path) and mark.shape == "line":
        dash = f' stroke-dasharray="{_DASHES[mark.style]}"' if mark.style in _DASHES else ""
        wide = f' stroke-width="{_WIDTHS.get(mark.style, 1.0):g}"'
        return f'<polyline fill="none" stroke="{hue}"{wide}{dash}{faint} points="{mark.points}"/>'
    if isinstance(mark, Path):
        return f'<polygon fill="{hue}"{faint} points="{mark.points}"/>'
    if isinstance(mark, Box):
        place = f'x="{mark.x}" y="{mark.y}" width="{mark.width}" height="{mark.height}"'
        return f'<rect fill="{hue}"{faint} {place}/>'
    if isinstance(mark, Dot):
        return f'<circle fill="{hue}"{faint} cx="{mark.x}" cy="{mark.y}" r="{mark.radius}"/>'
    bold = ' font-weight="600"' if mark.style in ("title", "of-chosen", "of-need") else ""
    fill = "#fff" if mark.style == "on-stays" else _HUES.get(mark.style.removeprefix("of-"), "currentColor")
    place = f'x="{mark.x}" y="{mark.y}" text-anchor="{mark.anchor}"'
    return f'<text fill="{fill}"{bold} {place}>{as_html(mark.text)}</text>'


def _line(verdict: str) -> str:
    mark = verdict_of(verdict).mark
    return f"{_LINES[mark]} {COLOURS[mark]}"


def _order(word: str) -> int:
    known = list(MARKS)
    return known.index(word) if word in known else len(known)


def _quoted(text: str) -> str:
    return f'"{text}"'
