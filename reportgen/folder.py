"""A folder of a person's own pictures: the files that are used, their classes, and a hash of their content.

The folder may come from anyone: links that lead out of it, special files and too large files are left out,
and the number of files is limited. Files are not decoded here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reportgen.errors import ConfigError

MOST_PICTURES = 2000
"""Most pictures of a folder that are used; of more, an equal number of each class, evenly spread."""

MOST_BYTES = 64 * 2**20
"""Largest file that is read."""

MOST_ENTRIES = 1_000_000
"""Most entries of a folder that are examined."""

_Item = TypeVar("_Item")

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class Folder:
    """Pictures chosen from a folder.

    Attributes:
        path: The folder.
        names: Files relative to it, with `/`, sorted.
        classes: Names of class folders, sorted; empty if pictures are in the folder itself.
        labels: Index of each picture's class; empty without classes.
        n_found: Pictures among which these were chosen.
        n_left_out: Files with a picture's ending that were not considered: links out of the folder, special
            or too large files, and files next to class folders.
        inner: For each picture its folder inside the class folder; empty if there is none.
    """

    path: Path
    names: tuple[str, ...]
    classes: tuple[str, ...]
    labels: tuple[int, ...]
    n_found: int
    n_left_out: int = 0
    inner: tuple[str, ...] = ()

    def read(self, name: str) -> bytes:
        """Return the bytes of a file; none if it cannot be read any more."""
        try:
            with (self.path / name).open("rb") as file:
                return file.read(MOST_BYTES)
        except OSError:
            return b""

    def content_hash(self) -> str:
        """Return 32 hexadecimal digits that change with any name, class or byte of the chosen pictures."""
        found = hashlib.blake2b(digest_size=16)
        for name in self.names:
            inner = hashlib.blake2b(self.read(name), digest_size=16).hexdigest()
            found.update(f"{name}\0{inner}\n".encode("utf-8", "surrogatepass"))
        return found.hexdigest()


def find_pictures(path: str | Path, most: int = MOST_PICTURES, *, deep: bool = False) -> Folder:
    """Return the pictures of a folder: those directly in it, or those in its folders, one class each.

    Args:
        path: The folder.
        most: Largest number of pictures to choose.
        deep: Whether pictures in folders inside a class folder belong to that class too.

    Raises:
        ConfigError: There is no such folder, it cannot be read, or it has no pictures.
    """
    folder = Path(path)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ConfigError(f'images "{folder}" {what}', hint="name a folder of pictures")
    own, left_out, inner = _entries(folder, folder.resolve())
    classes: dict[str, list[str]] = {}
    for name in sorted(inner):
        found, out, further = _entries(folder / name, folder.resolve())
        left_out += out
        files = [f"{name}/{file}" for file in found]
        for more in sorted(further) if deep else ():
            found, out, _ = _entries(folder / name / more, folder.resolve())
            left_out += out
            files += [f"{name}/{more}/{file}" for file in found]
        if files:
            classes[name] = files
    if classes:
        left_out += len(own)
    groups = list(classes.values()) if classes else [own]
    if not any(groups):
        raise ConfigError(
            f'images "{folder}": there are no pictures in it',
            hint="wanted files ending in " + ", ".join(ENDINGS),
        )
    chosen = evenly(groups, most)
    return Folder(
        path=folder,
        names=tuple(name for group in chosen for name in group),
        classes=tuple(classes),
        labels=tuple(i for i, group in enumerate(chosen) for _ in group) if classes else (),
        n_found=sum(map(len, groups)),
        n_left_out=left_out,
        inner=tuple("/".join(name.split("/")[1:-1]) for group in chosen for name in group),
    )


def _entries(folder: Path, root: Path) -> tuple[list[str], int, list[str]]:
    """Return the names of pictures in a folder, sorted, how many were left out, and its folders."""
    pictures, left_out, folders = [], 0, []
    for entry in _scanned(folder):
        inside = not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root)
        if _is(entry, folder=True):
            folders += [entry.name] if inside and not entry.name.startswith(".") else []
        elif entry.name.lower().endswith(ENDINGS) and not entry.name.startswith("."):
            fits = inside and _is(entry, folder=False) and entry.stat().st_size <= MOST_BYTES
            pictures += [entry.name] if fits else []
            left_out += not fits
    return sorted(pictures), left_out, folders


def _scanned(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_ENTRIES:
                    raise ConfigError(
                        f'images "{folder}": it has more than {MOST_ENTRIES:,} entries, '
                        "the most that are read"
                    )
                yield entry
    except OSError as error:
        raise ConfigError(f'images "{folder}" cannot be read: {error.strerror or error}') from None


def _is(entry: os.DirEntry[str], *, folder: bool) -> bool:
    """Whether an entry, or the target of a link, is a folder (or else a regular file)."""
    try:
        return entry.is_dir() if folder else entry.is_file()
    except OSError:
        return False


def evenly(groups: Sequence[Sequence[_Item]], most: int) -> list[list[_Item]]:
    """Return at most `most` items, balanced over groups and evenly spread within each group.

    Example:
        >>> evenly(["a", "bcdefg"], 4)
        [['a'], ['b', 'd', 'f']]
    """
    room: int = most
    chosen: dict[int, list[_Item]] = {}
    for place, (size, index) in enumerate(sorted((len(g), i) for i, g in enumerate(groups))):
        take = min(size, room // (len(groups) - place))
        room -= take
        chosen[index] = [groups[index][k * size // take] for k in range(take)]
    return [chosen[i] for i in range(len(groups))]
