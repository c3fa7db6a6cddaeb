"""Where templates run: they lay out values, and reach nothing else.

A folder of templates may be anybody's. A template sees plain values, this program's frozen values and the
functions it was given; methods are called on texts, numbers and containers alone, nothing is changed, and no
name that begins with an underscore is looked up. Which templates there are is not known here.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reportgen.errors import SiteError
from reportgen.json_values import Parsed
from reportgen.units import visible

_PLAIN = frozenset(
    {str, int, float, bool, type(None), list, tuple, dict, set, frozenset, range, markupsafe.Markup}
)
_HOUSE = "reportgen"


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, with attributes limited to a closed list of kinds.

    Args:
        folders: Where templates are looked for, in order.
        functions: What every template may use, by name.
        callable_kinds: Values of this program whose methods may be called; of others only data is seen.
    """

    def __init__(
        self, folders: tuple[Path, ...], functions: Parsed, callable_kinds: tuple[type, ...] = ()
    ) -> None:
        super().__init__(
            loader=jinja2.FileSystemLoader(folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=_shown,
        )
        self.folders = folders
        self.globals.update(functions)
        self._callable_kinds = _PLAIN | set(callable_kinds)

    def is_safe_attribute(self, obj: object, attr: str, value: Any) -> bool:
        """Whether a template may look it up: on plain values, values of this program, and Jinja's own."""
        kind = type(obj)
        return super().is_safe_attribute(obj, attr, value) and (
            kind in self._callable_kinds
            or kind.__module__.startswith("jinja2.")
            or (kind.__module__.startswith(f"{_HOUSE}.") and not callable(value))
        )


def _shown(value: Any) -> Any:
    """Return a value as a page shows it: a text without control characters."""
    return visible(value) if type(value) is str else value


def rendered(templates: Sandbox, name: str, values: Parsed) -> str:
    """Return a template filled in.

    Raises:
        SiteError: A folder of the user's takes part, and the template fails or asks for more than values.
    """
    if len(templates.folders) == 1:
        return templates.get_template(name).render(values)
    try:
        return templates.get_template(name).render(values)
    except MemoryError:
        raise
    except Exception as error:  # whatever a template does wrong
        where = _where(error, templates.folders) or f'"{name}"'
        raise SiteError(f"template {where}: {type(error).__name__}: {error}") from error


def _where(error: Exception, folders: tuple[Path, ...]) -> str:
    """Return the template and the line at which an error arose."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f'"{error.name}", line {error.lineno}'
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).parent in folders]
    return f'"{Path(frames[-1].filename).name}", line {frames[-1].lineno}' if frames else ""
