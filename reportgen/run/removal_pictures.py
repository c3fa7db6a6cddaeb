"""A person's own pictures for removal: which are read, their classes, and which set each is in.

Sets never overlap: a picture used for the order of units is used neither for their number nor for the report,
even if the folder has it twice under different names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reportgen.config import Settings
from reportgen.errors import ConfigError, ReportgenError, suggestion
from reportgen.folder import Folder, evenly, find_pictures
from reportgen.images import fitted_photograph
from reportgen.prune.sets import FEWEST_PICTURES, SHARES, PictureSet, SetName, set_of_each
from reportgen.removal import PictureCounts
from reportgen.run.class_names import read_class_names

MOST: dict[SetName, int] = {"order": 256, "choose": 400, "report": 600}
"""Most pictures of a set that are used, balanced over classes."""

MOST_BYTES = 2**29
"""Memory that all pictures may use."""


@dataclass(frozen=True)
class RemovalPictures:
    """Pictures in three sets.

    Attributes:
        sets: By name.
        counts: How many there are, and where they came from.
        classes: Names by output unit; empty without classes.
        unread: Files that could not be read.
        unused: Pictures beyond what a set, or the memory, takes.
        left_out: Files that are not used: outside the class folders, links out of the folder, too large.
        twice: Files with the same picture as another, which are left out.
        content: Hash of all pictures that are used and of their sets.
    """

    sets: Mapping[SetName, PictureSet]
    counts: PictureCounts
    classes: tuple[str, ...]
    unread: int
    twice: int
    content: str
    unused: int = 0
    left_out: int = 0


def read_removal_pictures(settings: Settings, shape: tuple[int, int, int], file_name: str) -> RemovalPictures:
    """Return the pictures that the settings name, as a network takes them.

    Args:
        settings: `images`, and perhaps `judge`, `group` and `class_names`.
        shape: Height, width and channels of the network's input.
        file_name: Of the model, for messages.

    Raises:
        ConfigError: The pictures cannot be used: none, too few, one class, classes without an output.
    """
    if settings.images is None:
        raise ConfigError("images: no folder is given", hint="--images DIR")
    if shape[2] not in (1, 3):
        raise ConfigError(f"images: {file_name} takes pictures of {shape[2]} channels, wanted 1 or 3")
    folder = find_pictures(settings.images, deep=True)
    judging = find_pictures(settings.judge, deep=True) if settings.judge is not None else None
    classes = _classes(folder, judging, settings.class_names)
    shares = {name: s for name, s in SHARES.items() if judging is None or name != "report"}
    used = _assigned(folder, settings.group, shares, shape)
    if judging is not None:
        _refuse_same(folder, judging, settings.group)
        chosen = _evenly(judging, range(len(judging.names)), min(MOST["report"], _room(shape)))
        used["report"] = [(judging, i) for i in chosen]
    sets: dict[SetName, PictureSet] = {}
    unread = twice = 0
    seen: set[bytes] = set()
    content = hashlib.blake2b(digest_size=16)
    for name in SHARES:
        shown, labels = [], []
        for where, index in used.get(name, []):
            try:
                picture = fitted_photograph(where.read(where.names[index]), shape[:2], shape[2])
            except ReportgenError:
                unread += 1
                continue
            digest = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
            if digest in seen:
                twice += 1
                continue
            seen.add(digest)
            shown.append(picture)
            labels += [classes.index(where.classes[where.labels[index]])] if classes else []
            described = (name, where.names[index], *map(str, labels[-1:]), "")
            content.update("\0".join(described).encode("utf-8", "surrogatepass") + digest)
        pictures = np.stack(shown) if shown else np.empty((0, *shape), np.uint8)
        sets[name] = PictureSet(pictures, np.asarray(labels, np.int64), len(classes))
    _refuse_few(sets, unread, settings)
    counts = PictureCounts(
        **{name: len(s.pictures) for name, s in sets.items()},
        groups=len({g for f in (folder, judging) if f is not None for g in _groups(f, settings.group) or ()}),
        source=settings.images.resolve().name,
        judge="" if settings.judge is None else settings.judge.resolve().name,
    )
    folders = [f for f in (folder, judging) if f is not None]
    return RemovalPictures(
        sets, counts, classes, unread, twice, content.hexdigest(),
        unused=sum(f.n_found for f in folders) - sum(map(len, used.values())),
        left_out=sum(f.n_left_out for f in folders),
    )  # fmt: skip


def _classes(folder: Folder, judging: Folder | None, file: Path | None) -> tuple[str, ...]:
    """Return the names of classes by output unit.

    Raises:
        ConfigError: There is only one class, or a folder's name is not a class of the file.
    """
    folders = folder.classes
    if judging is not None and judging.classes != folders and bool(judging.classes) != bool(folders):
        raise ConfigError(
            "judge: only one of --judge and --images has class folders, wanted them in both or in neither"
        )
    if not folders:
        return ()
    if len(folders) == 1:
        raise ConfigError(
            f'images: there is only one class folder, "{folders[0]}", so that every decision would be right',
            hint=f"name the folder inside it to count equal decisions: --images {folder.path / folders[0]}",
        )
    names = tuple(folders) if file is None else read_class_names(file)
    for name in (*folders, *(judging.classes if judging is not None else ())):
        if name not in names:
            where = "--images" if file is None else file.name
            raise ConfigError(
                f'class folder "{name}" is not a class of {where}', hint=suggestion(name, names)
            )
    return names


def _groups(folder: Folder, regex: str | None) -> list[str] | None:
    """Return each picture's group, which stays in one set; None if there are no groups.

    Raises:
        ConfigError: The expression does not match a picture's path.
    """
    if regex is None:
        return list(folder.inner) if any(folder.inner) else None
    found = []
    for name in folder.names:
        match = re.search(regex, name)
        if match is None:
            raise ConfigError(
                f'group "{regex}" does not match "{name}"', hint="it is searched in every picture's path"
            )
        found.append("\0".join(x or "" for x in match.groups()) if match.groups() else match[0])
    return found


def _assigned(folder: Folder, regex: str | None, shares: dict[SetName, float],
              shape: tuple[int, int, int]) -> dict[SetName, list[tuple[Folder, int]]]:  # fmt: skip
    where = set_of_each(folder.names, folder.labels, _groups(folder, regex), shares)
    used: dict[SetName, list[tuple[Folder, int]]] = {}
    for name, share in shares.items():
        some = [i for i, s in enumerate(where) if s == name]
        most = min(MOST[name], int(_room(shape) * share / sum(shares.values())))
        used[name] = [(folder, i) for i in _evenly(folder, some, most)]
    return used


def _room(shape: tuple[int, int, int]) -> int:
    return max(FEWEST_PICTURES, MOST_BYTES // (shape[0] * shape[1] * shape[2]))


def _evenly(folder: Folder, some: Sequence[int], most: int) -> list[int]:
    """Return at most that many pictures, balanced over classes."""
    if len(some) <= most:
        return list(some)
    labels = folder.labels or (0,) * len(folder.names)
    groups = [[i for i in some if labels[i] == c] for c in range(max(1, len(folder.classes)))]
    return sorted(i for group in evenly(groups, most) for i in group)


def _refuse_same(folder: Folder, judging: Folder, regex: str | None) -> None:
    """Refuse a folder for the report that shares pictures, or groups such as people, with the other sets."""
    if folder.path.resolve() == judging.path.resolve():
        raise ConfigError("judge: this is the folder of --images, wanted pictures that are not in it")
    if lacking := sorted(set(folder.classes) - set(judging.classes)):
        raise ConfigError(f'judge: no pictures of class "{lacking[0]}", which --images has')
    both = sorted(set(_groups(folder, regex) or ()) & set(_groups(judging, regex) or ()) - {""})
    if both:
        raise ConfigError(
            f'judge: group "{both[0]}" is also in --images, so that the report would not be independent',
            hint="remove it from one of the two, or rename its folder if it is another group",
        )


def _refuse_few(sets: Mapping[SetName, PictureSet], unread: int, settings: Settings) -> None:
    n = sum(len(s.pictures) for s in sets.values())
    if n < FEWEST_PICTURES:
        unreadable = f", {unread} that cannot be read" if unread else ""
        raise ConfigError(
            f'images "{settings.images}": {n} pictures{unreadable}, wanted at least {FEWEST_PICTURES}',
            hint="they are split in three: for the order of units, for their number, and for the report",
        )
    empty = [name for name, s in sets.items() if not len(s.pictures)]
    if empty:
        raise ConfigError(
            f'images: no pictures remain for set "{empty[0]}"',
            hint="add groups, or give pictures for the report with --judge DIR",
        )
