"""reportgen: renders and scores what every unit of an image network responds to, and publishes an atlas.

The names below are the public interface; each imports what it needs on first use, so that importing the
package imports neither TensorFlow nor Dash.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reportgen.atlas import check_site, export_node_data, export_pictures, export_table, write_atlas
    from reportgen.errors import ReportgenError
    from reportgen.models import load_model
    from reportgen.run import (
        atlas,
        check_model,
        compare,
        dream,
        gate,
        inspect_model,
        open,
        prune,
        prune_list,
        render,
        report,
        score,
        verdicts,
    )
    from reportgen.spec import AtlasSpec, RenderSpec, ScoreSpec
    from reportgen.store import open_store

__version__ = "0.2.0"

_ROOMS = {
    "AtlasSpec": "spec",
    "RenderSpec": "spec",
    "ReportgenError": "errors",
    "ScoreSpec": "spec",
    "atlas": "run",
    "check_model": "run",
    "check_site": "atlas",
    "compare": "run",
    "dream": "run",
    "export_node_data": "atlas",
    "export_pictures": "atlas",
    "export_table": "atlas",
    "gate": "run",
    "inspect_model": "run",
    "load_model": "models",
    "open": "run",
    "open_store": "store",
    "prune": "run",
    "prune_list": "run",
    "render": "run",
    "report": "run",
    "score": "run",
    "verdicts": "run",
    "write_atlas": "atlas",
}

__all__ = [
    "AtlasSpec",
    "RenderSpec",
    "ReportgenError",
    "ScoreSpec",
    "atlas",
    "check_model",
    "check_site",
    "compare",
    "dream",
    "export_node_data",
    "export_pictures",
    "export_table",
    "gate",
    "inspect_model",
    "load_model",
    "open",
    "open_store",
    "prune",
    "prune_list",
    "render",
    "report",
    "score",
    "verdicts",
    "write_atlas",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'reportgen' has no attribute {name!r}")
    return getattr(importlib.import_module(f"reportgen.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


class _Package(ModuleType):
    """The package itself, whose public functions keep their names.

    `render`, `score` and `atlas` are public functions and also subpackages. Importing a subpackage would bind
    its module over the function, and the meaning of `reportgen.render` would depend on what ran before.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _ROOMS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
