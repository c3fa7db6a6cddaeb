"""Classes and functions of the user's own that a model file names: `--custom module:name`.

Importing a module runs it, so this happens only where the user also trusts the model.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from reportgen.errors import ConfigError

_FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def check_custom(custom: Iterable[str], *, trust_model: bool) -> None:
    """Refuse names not of the form `module:name`, and all names if the model is not trusted.

    Raises:
        ConfigError: A name has another form, or the model is not trusted.
    """
    for text in custom:
        if not _FORM.fullmatch(text):
            raise ConfigError(f"custom {text!r}: wanted module:name such as mylayers:Swirl")
        if not trust_model:
            raise ConfigError(
                f"custom {text!r} runs code of that module, and the model is not trusted",
                hint="add --trust-model",
            )


def custom_objects(custom: Iterable[str], *, trust_model: bool) -> dict[str, object]:
    """Return the user's classes and functions by name.

    Modules are also searched in the current folder.

    Raises:
        ConfigError: The model is not trusted, or a module or name cannot be imported.
    """
    custom = list(custom)
    check_custom(custom, trust_model=trust_model)
    found: dict[str, object] = {}
    for text in custom:
        module_name, _, name = text.partition(":")
        module = _module(module_name, text)
        if not callable(getattr(module, name, None)):
            raise ConfigError(f"custom {text!r}: module {module_name} has no class or function {name}")
        found[name] = getattr(module, name)
    return found


def under_all_names(objects: dict[str, object], config: object) -> dict[str, object]:
    """Return the objects, also under names with a package, `pack>Swirl`, as a configuration has them."""
    result = dict(objects)
    stack = [config]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += value
        elif isinstance(value, dict):
            stack += value.values()
            for key in ("registered_name", "class_name"):
                name = value.get(key)
                if isinstance(name, str) and name.rpartition(">")[2] in objects:
                    result[name] = objects[name.rpartition(">")[2]]
    return result


def _module(name: str, text: str) -> ModuleType:
    here = str(Path.cwd())
    added = here not in sys.path and "" not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except Exception as error:  # the user's own code may raise any error
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ConfigError(f"custom {text!r}: module {name} cannot be imported: {cause}") from None
    finally:
        if added:
            sys.path.remove(here)
