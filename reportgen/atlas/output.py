"""A site as files: written whole or not at all, nothing twice, nothing of others touched.

New and changed files are first laid out in a staging folder inside the site; only when all of them
are there does the new site take the old one's place: at once where the folder holds nothing of others and the
system can (`exchange`). Else files move one by one, what is new before what refers to it, the start page
last, and nothing is removed before, so that a build that is killed leaves pages that are whole and links
that lead somewhere. A manifest names every file a build wrote, so that the next one can remove what is gone,
and only that. What the files say is not known here.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from reportgen.atlas.addresses import WRITTEN
from reportgen.atlas.folder_swap import clear_leftovers, exchange
from reportgen.atlas.manifest import MANIFEST, Manifest, SitePart, check_path, read_manifest
from reportgen.atlas.site_map import RESERVED, START
from reportgen.errors import BudgetError, SiteError

_STAGING = ".atlas-staging"
_LOCK = "lock"
_YOUNG_SECONDS = 60.0
_MARK, _MARK_WITHIN = b'<meta name="generator" content="reportgen', 2000


@dataclass(frozen=True)
class Written:
    """A file of a site that is being built: its path, its bytes, and whether it waits to be moved."""

    path: str
    size: int
    staged: bool


@dataclass(frozen=True)
class Stage:
    """Where a build lays out its files; may be sent to another process.

    Attributes:
        folder: The site's.
        staging: This build's own, inside of it.
    """

    folder: Path
    staging: Path

    def has(self, path: str) -> bool:
        """Whether a file of that path is in place."""
        return (self.folder / path).is_file()

    def keep(self, path: str) -> Written:
        """Take a file that is in place into the new site as it is.

        Raises:
            SiteError: The path is none of a site.
        """
        check_path(path)
        return Written(path, (self.folder / path).stat().st_size, staged=False)

    def put(self, path: str, data: bytes) -> Written:
        """Stage a file, unless the same bytes are in place.

        Raises:
            SiteError: The path is none of a site.
        """
        check_path(path)
        place = self.folder / path
        if place.is_file() and place.stat().st_size == len(data) and place.read_bytes() == data:
            return Written(path, len(data), staged=False)
        staged = self.staging / path
        try:
            staged.write_bytes(data)
        except FileNotFoundError:
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(data)
        return Written(path, len(data), staged=True)


class SiteFiles:
    """The files of one site: what is there, and what a build is about to put there.

    A site is made of parts, each with a text that says what it was made from; a part whose text is the same
    and whose files are in place need not be made again.

    Args:
        folder: The site's folder; made when the first file is staged.

    Raises:
        SiteError: The folder holds a manifest that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = read_manifest(folder)
        self.before: dict[str, int] = {**self._manifest.files, **self._manifest.moving}
        self.parts_before = self._manifest.parts
        self.now: dict[str, int] = {}
        self.parts: dict[str, SitePart] = {}
        self._staged: dict[str, None] = {}
        self._folders: set[Path] = set()
        self._staging: Path | None = None
        self._lock: FileLock | None = None

    @property
    def stage(self) -> Stage:
        """Where files are laid out."""
        return Stage(self.folder, self._own_staging() / "files")

    def add(self, written: Iterable[Written]) -> None:
        """Take files that were laid out into the new site.

        Raises:
            SiteError: A file of that path is there which no build wrote.
        """
        for one in written:
            if one.staged:
                self._check_place(one.path)
                self._staged[one.path] = None
            self.now[one.path] = one.size

    def _check_place(self, path: str) -> None:
        """Refuse to put a file where others have a file, a folder, or a link that leads elsewhere."""
        place, taken = self.folder / path, None
        if place.is_dir() or (os.path.lexists(place) and not self._is_own(path)):
            taken = place
        for parent in place.parents:
            if parent == self.folder or parent in self._folders:
                break
            if os.path.lexists(parent) and (not parent.is_dir() or not _inside(parent, self.folder)):
                taken = parent
            self._folders.add(parent)
        if taken is not None:
            raise SiteError(
                f'"{taken}" is there and was not written by reportgen',
                hint="move it away, or choose another folder",
            )

    def put(self, path: str, data: bytes) -> None:
        """Lay out one file and take it into the new site."""
        self.add([self.stage.put(path, data)])

    def keep(self, path: str) -> None:
        """Take a file that is in place into the new site as it is."""
        self.add([Stage(self.folder, self.folder).keep(path)])

    def add_part(self, name: str, made_from: str, written: Sequence[Written]) -> None:
        """Take a part that was made into the new site."""
        self.add(written)
        self.parts[name] = SitePart(made_from, tuple(one.path for one in written))

    def keep_part(self, name: str, made_from: str, present: Mapping[str, int]) -> bool:
        """Take a part into the new site as it is, and return whether it still holds.

        Args:
            name: The part.
            made_from: What it would be made from now.
            present: What is in place, see `present`.
        """
        part = self.parts_before.get(name)
        if part is None or part.made_from != made_from:
            return False
        if any(path not in self.before or present.get(path) != self.before[path] for path in part.paths):
            return False
        self.now.update((path, self.before[path]) for path in part.paths)
        self.parts[name] = part
        return True

    def present(self) -> dict[str, int]:
        """Return the files in place that earlier builds wrote, with their bytes, reading no content."""
        found: dict[str, int] = {}
        for folder in sorted({posixpath.dirname(path) for path in self.before}):
            try:
                with os.scandir(self.folder / folder) as entries:
                    prefix = f"{folder}/" if folder else ""
                    found.update((prefix + e.name, e.stat().st_size) for e in entries if e.is_file())
            except OSError:
                continue
        return found

    @property
    def n_staged(self) -> int:
        """Files that will be new or changed."""
        return len(self._staged)

    def _is_own(self, path: str) -> bool:
        """Whether a file in place may be a build's: of its size, or for a page with a build's mark in it.

        Other damaged files of ours cannot be distinguished from those of others; the manifest decides.
        """
        place = self.folder / path
        if path not in self.before or not place.is_file():
            return False
        if self._is_as_written(path) or not path.endswith(".html"):
            return True
        with place.open("rb") as file:
            return _MARK in file.read(_MARK_WITHIN)

    def _is_as_written(self, path: str) -> bool:
        """Whether a file in place has the size that a build gave it."""
        try:
            return self._manifest.has(path, (self.folder / path).stat().st_size)
        except OSError:
            return False

    def publish(self) -> None:
        """Put the new site in the place of the old one.

        What earlier builds wrote and this one did not goes; files of others stay.

        Raises:
            SiteError: What was laid out is not there any more: another build took its place.
        """
        laid_out = self._own_staging() / "files" if self._staged else self.folder
        if not all((laid_out / path).is_file() for path in self._staged):
            raise SiteError(
                f'site "{self.folder}" was written by another build meanwhile', hint="run it again"
            )
        ours = {path for path in self.before if self._is_certainly_own(path)}
        gone = sorted(ours - set(self.now))
        if self._staged or gone:
            own = Manifest(self.now, {}, self.parts)
            sources = {path: laid_out if path in self._staged else self.folder for path in self.now}
            if exchange(self.folder, self._own_staging(), ours, sources, own.text()):
                self._forget_staging()
                return
        self._move_into_place(gone)

    def _is_certainly_own(self, path: str) -> bool:
        """Whether a file is an earlier build's by its name and its size, whatever else a manifest says."""
        return WRITTEN.fullmatch(path) is not None and self._is_as_written(path)

    def _move_into_place(self, gone: list[str]) -> None:
        """Move staged files into place one by one, and then remove what is gone.

        The manifest says at every moment what must be there, and what may be there besides or have another
        size, so that a build that is cut off knows its files; it keeps no part then.
        """
        if self._staged or gone or self.before != self.now:
            both = {path: self.before[path] for path in self.before.keys() & self.now.keys()}
            self._write_manifest(Manifest(both, {**self.before, **self.now}, {}))
        made: set[Path] = set()
        for path in sorted(self._staged, key=self._turn):
            place = self.folder / path
            if place.parent not in made:
                place.parent.mkdir(parents=True, exist_ok=True)
                made.add(place.parent)
            (self._own_staging() / "files" / path).replace(place)
        if gone:
            self._write_manifest(Manifest(self.now, {path: self.before[path] for path in gone}, {}))
        for path in gone:
            _remove(self.folder, path)
        self._write_manifest(Manifest(self.now, {}, self.parts))

    def _turn(self, path: str) -> tuple[bool, int, str, bool, str]:
        """Return what orders the moves: what is new, then layer by layer, then what leads to them."""
        stem, html, _ = path.rpartition(".html")
        _, _, name = stem.rpartition("/")
        group, rank = posixpath.dirname(path), 0
        if html and path.count("/") == 3 and name not in RESERVED:
            group = stem  # a layer's page, right after what it is drawn from
        elif html:
            rank = 1 if path.count("/") > 3 else 4 if path == START.address else 3 if name == "index" else 2
        return path in self.before, rank, group, bool(html), path

    def _write_manifest(self, manifest: Manifest) -> None:
        text, place = manifest.text(), self.folder / MANIFEST
        if place.is_file() and place.read_text(encoding="utf-8") == text:
            return
        part = self._own_staging() / MANIFEST
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(place)

    def discard(self) -> None:
        """Remove what was staged and did not take its place."""
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
        self._forget_staging()

    def _forget_staging(self) -> None:
        if self._lock is not None:
            self._lock.release()
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
        clear_leftovers(folder, _STAGING)
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
    if not _inside(place.parent, folder) or (place.is_dir() and not place.is_symlink()):
        return
    place.unlink(missing_ok=True)
    for parent in place.parents:
        if parent == folder:
            return
        try:
            parent.rmdir()  # Refused where it holds something; to list a folder of pictures takes long.
        except OSError:
            return


def _inside(place: Path, folder: Path) -> bool:
    """Whether a folder lies within the site's, links followed."""
    return place.resolve().is_relative_to(folder.resolve())
