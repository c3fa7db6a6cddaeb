"""Writes the reference of the Python interface as HTML: `make docs`, or `python docs/reference.py FOLDER`.

The page of `reportgen` has the public names, which the package itself loads when they are first used; the
pages next to it have what these give back and take. Needs the extra `docs`.
"""

import importlib
import sys
import types
import warnings
from pathlib import Path

import reportgen

BESIDE = (
    "reportgen.run.store_atlas",
    "reportgen.run.unit_pictures",
    "reportgen.run.removal_report",
    "reportgen.run.results",
    "reportgen.run.options",
    "reportgen.run.progress",
    "reportgen.errors",
)
"""Modules of what public functions give back, take and raise."""


def public() -> types.ModuleType:
    """Return a module with the public names alone; the package itself has rooms of some of their names."""
    module = types.ModuleType("reportgen", reportgen.__doc__)
    module.__all__ = list(reportgen.__all__)  # type: ignore[attr-defined]
    for name in reportgen.__all__:
        setattr(module, name, getattr(reportgen, name))
    return module


def write(folder: Path) -> Path:
    """Write the reference into a folder and return the page to open; what pdoc warns of is an error."""
    import pdoc.doc
    import pdoc.render

    warnings.simplefilter("error")
    # A TypedDict forgets which of those it is made of a key is from.
    warnings.filterwarnings("ignore", r"Cannot determine where reportgen\.run\.options\.")
    pdoc.render.configure(
        docformat="google", show_source=False, footer_text=f"reportgen {reportgen.__version__}"
    )
    modules = {"reportgen": pdoc.doc.Module(public())}
    modules |= {name: pdoc.doc.Module(importlib.import_module(name)) for name in BESIDE}
    for name, module in modules.items():
        page = folder / f"{name.replace('.', '/')}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(pdoc.render.html_module(module, modules), encoding="utf-8")
    (folder / "index.html").write_text(pdoc.render.html_index(modules), encoding="utf-8")
    (folder / "search.js").write_text(pdoc.render.search_index(modules), encoding="utf-8")
    return folder / "reportgen.html"


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
