"""Runs the notebooks of the examples and writes them as pages: `make notebooks`.

    python docs/notebooks.py FOLDER [--guide ../reference/guide]

Each is run from top to bottom in a copy of `examples/`, so that the checkout keeps no outputs and no stores;
an error in a cell ends the run. Pages load nothing from elsewhere.
With REPORTGEN_QUICK set, few units are rendered in few steps. Needs the extra `notebooks`.
"""

import argparse
import html
import posixpath
import re
import shutil
import tempfile
from pathlib import Path

import nbformat
from pages import STYLE

ROOT = Path(__file__).resolve().parent.parent
SECONDS_A_CELL = 3600

OWN_STYLE = """
body { max-width: 62rem }
.input { margin-top: 1.4rem } .input pre { margin: 0 }
.prompt { font: .75rem ui-monospace, monospace; opacity: .6 } .output_prompt { display: none }
.output { overflow-x: auto; margin: 0 0 1.2rem } .output table { display: table }
.output pre { background: none; padding: 0; white-space: pre-wrap }
"""


def notebooks() -> list[str]:
    """Return the paths of the notebooks from the top of the checkout, in the order in which they are read."""
    found = (p.relative_to(ROOT).as_posix() for p in (ROOT / "examples").rglob("*.ipynb"))
    return sorted((name for name in found if ".ipynb_checkpoints" not in name), key=_place)


def run(source: Path) -> nbformat.NotebookNode:
    """Return a notebook as it is after a run from top to bottom, in its own folder.

    Raises:
        CellExecutionError: A cell failed.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(source, as_version=4)
    folder = {"metadata": {"path": str(source.parent)}}
    NotebookClient(notebook, timeout=SECONDS_A_CELL, resources=folder).execute()
    return notebook


def page(name: str, notebook: nbformat.NotebookNode, guide: str) -> str:
    """Return a notebook with its outputs as a page.

    Args:
        name: Its path in the checkout.
        notebook: After a run.
        guide: Where the documents are, as a path from the folder of all notebook pages; empty for nowhere.
    """
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    exporter = HTMLExporter(template_name="basic", mathjax_url="", require_js_url="")
    body, _ = exporter.from_notebook_node(notebook)
    title = next(c.source for c in notebook.cells if c.cell_type == "markdown").splitlines()[0].lstrip("# ")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    code = f"{HtmlFormatter().get_style_defs('.highlight')}\n@media (prefers-color-scheme: dark) {{ {dark} }}"
    style = f"<style>{STYLE}{OWN_STYLE}{code}</style>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{style}'
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{html.escape(title)}</title></head>'
        f"<body>{_menu(name)}<main>{_with_links(body, name, guide)}</main></body></html>\n"
    )


def write(folder: Path, guide: str = "") -> list[Path]:
    """Run all notebooks and return the pages written into a folder."""
    written = []
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "examples"
        kept = shutil.ignore_patterns("*.db*", "__pycache__", ".ipynb_checkpoints", "your_model_site")
        shutil.copytree(ROOT / "examples", copy, ignore=kept)
        for name in notebooks():
            target = folder / _address(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(page(name, run(Path(place) / name), guide), encoding="utf-8")
            written.append(target)
    return written


def _place(name: str) -> tuple[bool, bool, str]:
    """Return the place of a notebook: the five-minute start, then the first pass, then the others."""
    return "your_model" not in name, "first_pass" not in name, name


def _address(name: str) -> str:
    return name.removeprefix("examples/").removesuffix(".ipynb") + ".html"


def _menu(name: str) -> str:
    up = "../" * _address(name).count("/")
    links = (
        f'<a href="{up}{_address(other)}">{Path(other).stem.replace("_", " ").capitalize()}</a>'
        for other in notebooks()
    )
    return f"<nav>{''.join(links)}</nav>"


def _with_links(body: str, name: str, guide: str) -> str:
    """Return HTML whose links to notebooks and documents lead to their pages; others become plain text."""
    known, up = notebooks(), "../" * _address(name).count("/")

    def linked(match: re.Match[str]) -> str:
        path, hash_, anchor = match[1].partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        if path.startswith("file:"):  # A site that the run wrote is not published with it.
            return match[2]
        if not path or "://" in path:
            return match[0]
        if target in known:
            return f'<a href="{up}{_address(target)}{hash_}{anchor}">{match[2]}</a>'
        if guide and target.endswith(".md"):
            return f'<a href="{up}{guide}/{target.removesuffix(".md")}.html{hash_}{anchor}">{match[2]}</a>'
        return match[2]

    body = re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", body)
    return re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', linked, body, flags=re.DOTALL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--guide", default="", help="where the documents are, from that folder")
    options = parser.parse_args()
    for path in write(options.folder, options.guide):
        print(path)
