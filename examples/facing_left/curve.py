"""The removal curve of the example as a picture for documents, from the measurement that travels with it.

python examples/facing_left/curve.py                      (writes docs/pictures/removal.svg)
"""

import html
from pathlib import Path as FilePath

from reportgen.atlas.drawing import Box, Dot, Mark, Path
from reportgen.atlas.removal_curve import WIDE, removal_curve
from reportgen.run.removal_file import read_measurements

HERE = FilePath(__file__).resolve().parent
OUT = HERE.parents[1] / "docs" / "pictures" / "removal.svg"

STYLE = """
svg {
  --paper: #fcfcfb; --ink: #1c1c1a; --soft: #5c5b57; --rule: #dfded9; --need: #1a4f8b; --pale: #cdd8e6;
  --u: #b05f00; --m: #6247aa; --t: #77756f;
  font: 13px system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  svg {
    --paper: #151514; --ink: #e9e7e2; --soft: #a9a7a0; --rule: #363530; --need: #9cc3f0; --pale: #30383f;
    --u: #e89b45; --m: #c0aeff; --t: #b9b7b0;
  }
}
.paper { fill: var(--paper); }
text { fill: var(--soft); }
.title { fill: var(--ink); font-weight: 600; }
polyline { fill: none; stroke: var(--soft); stroke-linejoin: round; }
.grid { stroke: var(--rule); }
.majority { stroke: var(--ink); stroke-dasharray: 5 4; }
.random { stroke: var(--t); stroke-width: 1.6; }
.spread { fill: var(--t); opacity: .2; }
.looks { stroke: var(--u); stroke-width: 1.8; stroke-dasharray: 8 3; }
.structured { stroke: var(--m); stroke-width: 1.8; stroke-dasharray: 2.5 2.5; }
.need { stroke: var(--need); stroke-width: 3; }
.drop { stroke: var(--need); stroke-dasharray: 2 3; }
.interval { stroke: var(--need); stroke-width: 1.4; }
.chosen { fill: var(--need); stroke: var(--paper); stroke-width: 2; }
text[class^="of-"] { paint-order: stroke; stroke: var(--paper); stroke-width: 3.5px; }
.of-need { fill: var(--need); font-weight: 600; }
.of-chosen { fill: var(--ink); font-weight: 700; }
.of-looks { fill: var(--u); }
.of-structured { fill: var(--m); }
.of-random { fill: var(--t); }
.goes { fill: var(--pale); }
.stays { fill: var(--need); }
text.on-stays { fill: var(--paper); font-weight: 600; }
text.on-goes { fill: var(--ink); }
"""


def element(mark: Mark) -> str:
    """A mark of a drawing as SVG."""
    if isinstance(mark, Path):
        shape = "polyline" if mark.shape == "line" else "polygon"
        return f'<{shape} class="{mark.style}" points="{mark.points}"/>'
    if isinstance(mark, Box):
        place = f'x="{mark.x}" y="{mark.y}" width="{mark.width}" height="{mark.height}"'
        return f'<rect class="{mark.style}" {place}/>'
    if isinstance(mark, Dot):
        return f'<circle class="{mark.style}" cx="{mark.x}" cy="{mark.y}" r="{mark.radius}"/>'
    place = f'x="{mark.x}" y="{mark.y}" text-anchor="{mark.anchor}"'
    return f'<text class="{mark.style}" {place}>{html.escape(mark.text)}</text>'


def main() -> None:
    """Draw the first measurement, that of version v1."""
    drawn = removal_curve(read_measurements(HERE / "removal.json")[0].removal, WIDE)
    width, height = drawn.width + 24, drawn.height + 16
    body = "\n".join(map(element, drawn.marks))
    title = html.escape(drawn.alt)
    OUT.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -8 {width} {height}" '
        f'width="{width}" height="{height}" role="img"><title>{title}</title><style>{STYLE}</style>\n'
        f'<rect class="paper" x="-12" y="-8" width="{width}" height="{height}"/>\n{body}\n</svg>\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
