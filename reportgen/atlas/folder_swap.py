"""A new site in the place of the old one at a single moment: two folders change places, where they can.

The new site is made whole next to the old one, of links to the files laid out and to those that stay; the old
one is removed after. Where the folder must stay the one it is, or holds anything of others, or the system has
no such exchange, nothing is done here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from reportgen.atlas.manifest import MANIFEST

_AT_CWD, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def exchange(
    folder: Path, staging: Path, ours: Collection[str], sources: Mapping[str, Path], manifest: str
) -> bool:
    """Make the new site and let it take the old one's place; return whether that was done.

    Args:
        folder: The site's.
        staging: This build's own folder inside of it, which goes with the old site.
        ours: Paths of the old site's files that builds wrote.
        sources: By path of a file of the new site the folder in which it lies now.
        manifest: Of the new site.
    """
    rename, new = _exchanging(), _beside(folder, staging.name)
    try:
        if rename is None or not _is_free(folder, staging, ours):
            return False
        new.mkdir()
        if not _made_alike(folder, new):
            new.rmdir()
            return False
        (new / MANIFEST).write_text(manifest, encoding="utf-8", newline="\n")
        for parent in sorted({(new / path).parent for path in sources}):
            parent.mkdir(parents=True, exist_ok=True)
        for path, source in sources.items():
            os.link(source / path, new / path)
        done = bool(rename(_AT_CWD, os.fsencode(folder), _AT_CWD, os.fsencode(new), _EXCHANGE) == 0)
    except OSError:  # no links, no room, or a parent that may not be written: files are moved one by one
        done = False
    _clear(new)
    return done


def clear_leftovers(folder: Path, prefix: str) -> None:
    """Remove what builds that were killed left next to a site: new sites and old ones.

    Args:
        folder: The site's.
        prefix: What the names of builds' staging folders begin with.
    """
    for left in folder.absolute().parent.glob(_beside(folder, prefix).name + "-*"):
        at_work = folder / left.name.removeprefix(f".{folder.absolute().name}")
        if at_work.exists() or not left.is_dir() or left.is_symlink():
            continue
        names = {entry.name for entry in left.iterdir()}
        if MANIFEST in names or names <= {at_work.name}:
            _clear(left)


def _beside(folder: Path, name: str) -> Path:
    whole = folder.absolute()
    return whole.with_name(f".{whole.name}{name}")


def _is_free(folder: Path, staging: Path, ours: Collection[str]) -> bool:
    """Whether a folder holds what builds wrote and nothing else, and may be put elsewhere."""
    if folder.is_symlink() or folder.is_mount() or Path.cwd().is_relative_to(folder.resolve()):
        return False
    parents = {parent.as_posix() for path in ours for parent in Path(path).parents}
    known, folders = {MANIFEST, *ours}, [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False) and path in parents:
                    folders.append(f"{path}/")
                elif path != staging.name and (path not in known or not entry.is_file(follow_symlinks=False)):
                    return False
    return True


def _made_alike(folder: Path, new: Path) -> bool:
    """Give a new folder another's mode and times; return whether it has its owner too."""
    shutil.copystat(folder, new)
    one, other = folder.stat(), new.stat()
    return (one.st_uid, one.st_gid, one.st_dev) == (other.st_uid, other.st_gid, other.st_dev)


def _exchanging() -> Any:
    """Return the call that lets two folders take each other's name at once; None where there is none."""
    try:
        return ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux, or not its usual library
        return None


def _clear(left: Path) -> None:
    """Remove a site made or replaced here, its manifest last, by which the next build knows what is left."""
    with contextlib.suppress(OSError):
        for entry in sorted(left.iterdir(), key=lambda entry: entry.name == MANIFEST):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        left.rmdir()
