"""What the outputs of a network are called, where a person says so: by a file, or by folders of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.config import Settings
from reportgen.errors import ConfigError
from reportgen.folder import find_pictures
from reportgen.units import Layer

_MOST_NAMES = 2**22
"""Bytes of a file of names that are read."""


def class_names(settings: Settings, layers: Sequence[Layer]) -> tuple[str, ...]:
    """Return the names of classes that the settings give; empty for none.

    Class folders are sorted, as outputs are where a network was trained on them; a file says another order.

    Raises:
        ConfigError: The file or the folder cannot be used, or no layer has as many units as the file names.
    """
    if settings.class_names is not None:
        names = read_class_names(settings.class_names)
        if not any(
            max(2, layer.n_units) == len(names) for layer in layers if layer.head or layer == layers[-1]
        ):
            last = layers[-1]
            raise ConfigError(
                f'class_names "{settings.class_names.name}" has {len(names):,} names, and the last layer '
                f'"{last.name}" {last.n_units:,} units',
                hint="wanted a name for each output, one a line",
            )
        return names
    return find_pictures(settings.images, deep=True).classes if settings.images is not None else ()


def read_class_names(file: Path) -> tuple[str, ...]:
    """Return the names in a file, one a line, blank lines left out.

    Raises:
        ConfigError: It cannot be read, or has a name twice.
    """
    try:
        with file.open("rb") as handle:
            text = handle.read(_MOST_NAMES).decode("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigError(
            f'class_names "{file}" cannot be read: {why}', hint="wanted a file with one name a line"
        ) from None
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ConfigError(f'class_names "{file.name}" has "{twice[:60]}" twice, wanted each name once')
    return names
