"""A site as files: written whole or not at all, nothing twice, nothing of others touched.

New and changed files are first laid out in a staging folder inside the site; only when all of them
are there do they take their places. A manifest names every file a build wrote, so that the next one can
remove what is gone, and only that. What the files say is not known here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from reportgen.errors import BudgetError, SiteError

MANIFEST = "atlas-manifest.json"
_STAGING = ".atlas-staging"
_LOCK = "lock"
_YOUNG_SECONDS = 60.0
_PATH = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")


class SiteFiles:
    """The files of one site: what is there, and what a build is about to put there.

    Args:
        folder: The site's folder; made when the first file is staged.

    Raises:
        SiteError: The folder holds a manifest that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = read_manifest(folder)
        self.now: dict[str, int] = {}
        self._staged: list[str] = []
        self._staging: Path | None = None
        self._lock: FileLock | None = None

    def has(self, path: str) -> bool:
        """Whether a file of that path is in place."""
        return (self.folder / path).is_file()

    def keep(self, path: str) -> int:
        """Take a file that is in place into the new site as it is, and return its bytes.

        Raises:
            SiteError: The path is none of a site.
        """
        _check_path(path)
        self.now[path] = (self.folder / path).stat().st_size
        return self.now[path]

    def put(self, path: str, data: bytes) -> None:
        """Stage a file, unless the same bytes are in place.

        Raises:
            SiteError: A file of that path is there which no build wrote, or the path is none of a site.
        """
        _check_path(path)
        place = self.folder / path
        self.now[path] = len(data)
        if place.is_file() and place.stat().st_size == len(data) and place.read_bytes() == data:
            return
        if os.path.lexists(place) and path not in self.before:
            raise SiteError(
                f'"{place}" is there and was not written by reportgen',
                hint="move it away, or choose another folder",
            )
        staged = self._own_staging() / "files" / path
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(data)
        self._staged.append(path)

    @property
    def n_staged(self) -> int:
        """Files that will be new or changed."""
        return len(self._staged)

    def publish(self) -> None:
        """Move staged files into place, remove what earlier builds wrote and this one did not."""
        gone = sorted(set(self.before) - set(self.now))
        if self._staged or gone or self.before != self.now:
            # Named before they are moved: a build that is cut off here still knows its files.
            self._write_manifest({**self.before, **self.now})
        for path in self._staged:
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            (self._own_staging() / "files" / path).replace(place)
        for path in gone:
            _remove(self.folder, path)
        self._write_manifest(self.now)

    def _write_manifest(self, files: Mapping[str, int]) -> None:
        text = json.dumps({"format": 1, "files": dict(sorted(files.items()))}, indent=0) + "\n"
        place = self.folder / MANIFEST
        if place.is_file() and place.read_text(encoding="utf-8") == text:
            return
        part = self._own_staging() / MANIFEST
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(place)

    def discard(self) -> None:
        """Remove what was staged and did not take its place."""
        if self._lock is not None:
            self._lock.release()
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
        self._staging = self._lock = None

    def _own_staging(self) -> Path:
        """Return this build's staging folder, made and locked when it is first needed."""
        if self._staging is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._staging = Path(tempfile.mkdtemp(prefix=_STAGING + "-", dir=self.folder))
            self._lock = FileLock(self._staging / _LOCK)
            self._lock.acquire(timeout=0)
        return self._staging


@contextmanager
def site_files(folder: Path) -> Iterator[SiteFiles]:
    """Open a site for a build; errors of the file system become one line.

    Raises:
        SiteError: The folder cannot be written, or the disk is full. What was in place is as it was.
    """
    files = SiteFiles(folder)
    try:
        _remove_leftovers(folder)
        yield files
    except OSError as error:
        hint = (
            "free some space; the site is as it was"
            if error.errno in (28, 122)
            else "is the folder writable?"
        )
        raise SiteError(f'site "{folder}" cannot be written: {error.strerror or error}', hint=hint) from None
    finally:
        files.discard()


def read_manifest(folder: Path) -> dict[str, int]:
    """Return the files that earlier builds wrote, with their bytes; empty where there is no site.

    Raises:
        SiteError: The manifest is damaged, or names a file outside the folder.
    """
    place = folder / MANIFEST
    try:
        if not place.is_file():
            return {}
        files = json.loads(place.read_text(encoding="utf-8"))["files"]
        found = {str(path): int(size) for path, size in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SiteError(f'"{place}" is not a manifest', hint="remove the site and build it again") from None
    for path in found:
        if not _is_of_a_site(path):
            raise SiteError(f'"{place}" names {path!r}, which is no file of a site')
    return found


def check_budget(n_bytes: int, limit: int, *, estimated: bool, hint: str) -> None:
    """Refuse a site that is larger than it may be.

    Raises:
        BudgetError: It is.
    """
    if n_bytes > limit:
        about = "about " if estimated else ""
        raise BudgetError(
            f"the site would have {about}{n_bytes / 1e6:.1f} MB, "
            f"more than max_site_bytes allows ({limit / 1e6:.1f} MB)",
            hint=hint,
        )


def _is_of_a_site(path: str) -> bool:
    return path == ".nojekyll" or _PATH.fullmatch(path) is not None


def _check_path(path: str) -> None:
    if not _is_of_a_site(path):
        raise SiteError(f"{path!r} is no file of a site")


def _remove_leftovers(folder: Path) -> None:
    """Remove the staging folders of builds that were killed; those of builds at work are locked."""
    for left in [folder / _STAGING, *sorted(folder.glob(_STAGING + "-*"))]:
        if left.is_symlink() or not left.is_dir():
            continue
        lock = left / _LOCK
        if lock.exists():
            try:
                with FileLock(lock, timeout=0):
                    pass
            except Timeout:
                continue
        elif left.name != _STAGING and time.time() - left.stat().st_mtime < _YOUNG_SECONDS:
            continue  # made a moment ago, and about to be locked
        shutil.rmtree(left, ignore_errors=True)


def _remove(folder: Path, path: str) -> None:
    """Remove a file and the folders it leaves empty; never through a link that leads elsewhere."""
    place = folder / path
    if not place.parent.resolve().is_relative_to(folder.resolve()):
        return
    place.unlink(missing_ok=True)
    for parent in place.parents:
        if parent == folder or not parent.is_dir() or any(parent.iterdir()):
            return
        parent.rmdir()
