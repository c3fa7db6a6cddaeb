"""Models, layers and units as self-contained HTML for notebooks.

Pictures are embedded, and nothing is loaded from elsewhere. Colours are those of the notebook, light or dark;
pictures have the same grey background as in the atlas.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from reportgen.atlas.pictures import page_pixels
from reportgen.errors import ReportgenError
from reportgen.images import encode_png
from reportgen.units import visible

if TYPE_CHECKING:
    from reportgen.run.store_atlas import Atlas, AtlasLayer, AtlasUnit, UnitPicture

SIDE_PX = 128
"""Side of a picture on the screen."""

_WHOLE = "color:inherit;background:transparent;font-family:inherit"
_FIGURE = "display:inline-block;vertical-align:top;margin:0 8px 8px 0;width:{width}px"
_IMAGE = "display:block;margin:0;width:{width}px;max-width:none;background:#777;image-rendering:pixelated"
_CAPTION = "font-size:85%;line-height:1.3;margin-top:2px;overflow-wrap:anywhere"


def atlas_html(atlas: Atlas) -> str:
    """Return a model version: its name, and each layer with the verdicts of its units."""
    head = f"<b>{as_html(atlas.model)}</b> {as_html(atlas.version)}"
    return _whole(head, atlas.verdicts._repr_html_())


def layer_html(layer: AtlasLayer, shown: Sequence[tuple[AtlasUnit, Sequence[UnitPicture]]]) -> str:
    """Return a layer: its name, and for each unit that is shown the picture that represents it."""
    more = f", the first {len(shown)} of them shown" if len(shown) < len(layer) else ""
    head = f"<b>{as_html(layer.name)}</b>: {as_html(layer.kind)}, {len(layer)} of {layer.n_units} units{more}"
    figures = (
        _figure(
            pictures[0] if pictures else None, f"{unit.number} {unit.verdict or 'not scored'}", SIDE_PX // 2
        )
        for unit, pictures in shown
    )
    return _whole(head, "".join(figures))


def unit_html(unit: AtlasUnit) -> str:
    """Return a unit: its verdict with the reason, and all its pictures."""
    head = f"<b>{as_html(unit.layer.name)}, unit {unit.number}: {as_html(unit.verdict or 'not scored')}</b>"
    reason = f"<div>{as_html(unit.reason)}</div>" if unit.reason else ""
    return _whole(head + reason, "".join(_figure(p, _caption(p), SIDE_PX) for p in unit.pictures))


def picture_html(picture: UnitPicture) -> str:
    """Return a picture with its caption."""
    caption = f"unit {picture.unit} of {picture.layer}, {_caption(picture)}"
    return _whole("", _figure(picture, caption, SIDE_PX))


def as_html(text: str) -> str:
    """Return a text as HTML; control characters in names, which may come from anyone, are made visible."""
    return escape(visible(text))


def _whole(head: str, body: str) -> str:
    return f'<div style="{_WHOLE}"><div style="margin-bottom:6px">{head}</div>{body}</div>'


def _caption(picture: UnitPicture) -> str:
    return f"{picture.sign}, {picture.recipe} {picture.seed}"


def _figure(picture: UnitPicture | None, caption: str, width: int) -> str:
    image = "" if picture is None else _image(picture, width)
    text = f'<div style="{_CAPTION}">{as_html(caption)}</div>'
    return f'<div style="{_FIGURE.format(width=width)}">{image}{text}</div>'


def _image(picture: UnitPicture, width: int) -> str:
    """Return the picture as a data URI; a line of text if there is none or it cannot be read."""
    try:
        data = encode_png(page_pixels(picture.array, SIDE_PX))
    except ReportgenError as error:
        return f'<div style="{_CAPTION}">{as_html(picture.failure or error.message)}</div>'
    text = base64.b64encode(data).decode()
    alt = f"unit {picture.unit} of {picture.layer}, {picture.sign}"
    style = _IMAGE.format(width=width)
    return f'<img style="{style}" alt="{as_html(alt)}" src="data:image/png;base64,{text}">'
