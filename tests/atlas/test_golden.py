"""Pages as a reader gets them, without markup, against stored text.

`python tests/atlas/test_golden.py` writes the stored text anew; read the difference before keeping it.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

GOLDEN = Path(__file__).parent.parent / "golden"
PAGES = {
    "index": "index.html",
    "model": "m/garden/v1/index.html",
    "layer": "m/garden/v1/fc.html",
    "unit": "m/garden/v1/conv1/17.html",
    "method": "method.html",
    "about": "about.html",
}


class Reader(HTMLParser):
    """Collects text, alternative texts and where links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.lines.append(f"-> {given.get('href')}")
        for name in ("alt", "aria-label"):
            if given.get(name):
                self.lines.append(f"[{given[name]}]")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.lines.append(" ".join(data.split()))


def read(page: Path) -> str:
    """Return a page as text; the version of this program and hashes of content taken out."""
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    text = "\n".join(reader.lines) + "\n"
    return re.sub(r"reportgen \d+\.\d+\S*?(?=[.;]?\s)", "reportgen VERSION", text)


@pytest.mark.golden
@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_as_it_did(built_small: Path, name: str) -> None:
    assert read(built_small / PAGES[name]) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    import tempfile

    from sample_store import write_sample_store

    from reportgen.atlas import write_atlas

    with tempfile.TemporaryDirectory() as folder:
        write_atlas(write_sample_store(Path(folder) / "s.db", hostile=False), Path(folder) / "site")
        for key, path in PAGES.items():
            (GOLDEN / f"{key}.txt").write_text(read(Path(folder) / "site" / path), encoding="utf-8")
