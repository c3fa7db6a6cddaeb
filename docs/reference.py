"""Writes the reference of the Python interface as HTML: `make docs`, or `python docs/reference.py FOLDER`.

The page of `reportgen` has the public names, which the package itself loads when they are first used; the
pages next to it have what these give back and take. Needs the extra `docs`.
"""

import importlib
import sys
import types
import warnings
from collections.abc import Sequence
from pathlib import Path

import reportgen

BESIDE = {
    "reportgen.run.store_atlas": (),
    "reportgen.run.unit_pictures": (),
    "reportgen.run.removal_report": (),
    "reportgen.run.results": (),
    "reportgen.run.model_run": ("RenderSummaries", "RenderSummary"),
    "reportgen.run.gating": ("GateResult",),
    "reportgen.run.model_check": ("ModelCheck", "Fault", "FaultKind"),
    "reportgen.run.dream_picture": ("Dream",),
    "reportgen.run.pruning": ("Pruned",),
    "reportgen.atlas.build": ("AtlasSummary",),
    "reportgen.atlas.report": ("ReportSummary", "Amount"),
    "reportgen.models.model": ("Model",),
    "reportgen.score.removable": ("LayerPruneList", "UnitReason"),
    "reportgen.store.database": ("Store",),
    "reportgen.run.options": (),
    "reportgen.run.progress": (),
    "reportgen.errors": (),
}
"""Modules of what public functions give back, take and raise, with the names that are shown: none for all."""


def public() -> types.ModuleType:
    """Return a module with the public names alone; the package itself has rooms of some of their names."""
    return part_of(reportgen, reportgen.__all__)


def part_of(module: types.ModuleType, names: Sequence[str]) -> types.ModuleType:
    """Return a module of the same name with some of its names alone."""
    part = types.ModuleType(module.__name__, module.__doc__)
    part.__all__ = list(names)  # type: ignore[attr-defined]
    for name in names:
        setattr(part, name, getattr(module, name))
    return part


def shown(name: str) -> types.ModuleType:
    """Return what is shown of a module of `BESIDE`."""
    module = importlib.import_module(name)
    return part_of(module, BESIDE[name]) if BESIDE[name] else module


def write(folder: Path) -> Path:
    """Write the reference into a folder and return the page to open; what pdoc warns of is an error."""
    import pdoc.doc
    import pdoc.render

    warnings.simplefilter("error")
    # A TypedDict forgets which of those it is made of a key is from.
    warnings.filterwarnings("ignore", r"Cannot determine where reportgen\.run\.options\.")
    # A type that is made of itself is shown by its name.
    warnings.filterwarnings("ignore", r"Error parsing type annotation .* Import of Json failed")
    pdoc.render.configure(
        docformat="google", show_source=False, footer_text=f"reportgen {reportgen.__version__}"
    )
    modules = {"reportgen": pdoc.doc.Module(public())}
    modules |= {name: pdoc.doc.Module(shown(name)) for name in BESIDE}
    for name, module in modules.items():
        page = folder / f"{name.replace('.', '/')}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(pdoc.render.html_module(module, modules), encoding="utf-8")
    (folder / "index.html").write_text(pdoc.render.html_index(modules), encoding="utf-8")
    (folder / "search.js").write_text(pdoc.render.search_index(modules), encoding="utf-8")
    return folder / "reportgen.html"


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
