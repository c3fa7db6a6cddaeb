"""HDF5 files checked before anything is read from them: no references outside, no oversized arrays.

An HDF5 file can refer to other files (external links, external and virtual datasets) and can declare arrays
of any size in a few bytes. Neither occurs in a model file, so both are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

from reportgen.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    import h5py


_EXPANSION_FLOOR, _EXPANSION_LIMIT = 64 << 20, 100
_MAX_OBJECTS, _MAX_DEPTH = 200_000, 100
_DISTRUST = "do not trust this file"


def h5py_module() -> Any:
    """Return the imported `h5py`.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise MissingExtra("tensorflow", needed_for="reading an HDF5 model") from None
    return h5py


@contextmanager
def stored_weights(path: Path, file_name: str) -> Iterator[h5py.File]:
    """Open a file of weights; any error while it is read becomes one line.

    Args:
        path: The file.
        file_name: For messages.

    Raises:
        ModelError: It is damaged.
    """
    h5py = h5py_module()
    try:
        with h5py.File(path, "r") as file:
            yield file
    except ModelError:
        raise
    except Exception as error:  # h5py raises errors of any class for damaged files
        raise ModelError(
            f"{file_name}: the weights cannot be read ({first_line(error)})",
            hint="copy or download the file again",
        ) from None


def check_hdf5(source: Path | BinaryIO, file_name: str, stored_bytes: int, max_memory: int) -> int:
    """Return the bytes of all arrays in an HDF5 file that is safe to read.

    Args:
        source: The file.
        file_name: For messages.
        stored_bytes: Size of the file.
        max_memory: Limit for its arrays, in bytes.

    Raises:
        ModelError: It refers to other files, declares more than it holds or than is allowed, or is damaged.
    """
    h5py = h5py_module()
    try:
        with h5py.File(source, "r") as file:
            total = _walk(h5py, file, file_name, stored_bytes)
    except ModelError:
        raise
    except MemoryError:
        raise ModelError(
            f"{file_name}: the HDF5 file claims more than the memory holds", hint=_DISTRUST
        ) from None
    except Exception as error:  # h5py raises errors of any class for damaged files
        raise ModelError(
            f"{file_name}: the HDF5 file is cut short or damaged ({first_line(error)})",
            hint="copy or download the file again",
        ) from None
    if total > max_memory:
        raise ModelError(
            f"{file_name}: its arrays take {total:,} bytes, at most {max_memory:,} are read",
            hint="raise --max-memory",
        )
    return total


def _walk(h5py: ModuleType, file: h5py.File, file_name: str, stored_bytes: int) -> int:
    """Return the bytes of all arrays; each object counts once, however often it is linked."""
    limit = max(_EXPANSION_FLOOR, _EXPANSION_LIMIT * stored_bytes)
    seen: set[object] = set()
    stack: list[tuple[Any, str, int]] = [(file, "", 0)]
    total = 0
    while stack:
        group, path, depth = stack.pop()
        for key in group:
            where = f"{path}/{key}"
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ModelError(
                    f'{file_name}: "{where}" is a link to {_target(link)}, which is never followed',
                    hint=_DISTRUST,
                )
            item = group[key]
            mark = h5py.h5o.get_info(item.id).addr
            if mark in seen:
                continue
            seen.add(mark)
            if len(seen) > _MAX_OBJECTS or depth > _MAX_DEPTH:
                raise ModelError(
                    f"{file_name}: has more or deeper groups than any model file", hint=_DISTRUST
                )
            if isinstance(item, h5py.Group):
                stack.append((item, where, depth + 1))
            elif isinstance(item, h5py.Dataset):
                total += _array_bytes(item, where, file_name)
                if total > limit:
                    raise ModelError(
                        f'{file_name}: {stored_bytes:,} bytes claim arrays of {total:,} bytes at "{where}" '
                        f"{item.shape}, which no model file does",
                        hint=_DISTRUST,
                    )
    return total


def _array_bytes(item: h5py.Dataset, where: str, file_name: str) -> int:
    if item.external or item.is_virtual:
        raise ModelError(
            f'{file_name}: "{where}" keeps its numbers in another file, which is never opened', hint=_DISTRUST
        )
    size = int(item.dtype.itemsize)
    for side in item.shape or ():
        size *= int(side)
    return size


def _target(link: object) -> str:
    file, path = getattr(link, "filename", None), getattr(link, "path", "")
    text = f'"{path}" of file "{file}"' if file else f'"{path}"'
    return text[:160]


def first_line(error: BaseException) -> str:
    """Return an error's message in one short line."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]
