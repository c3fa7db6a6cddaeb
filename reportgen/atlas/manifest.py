"""The manifest of a site: which files builds wrote, how large, and what each part was made from.

It lies in the site and may be anybody's: it names files of a site alone, whatever it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import SiteError

MANIFEST = "atlas-manifest.json"
_PATH = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")


@dataclass(frozen=True)
class SitePart:
    """A part of a site: a text that says what it was made from, and the paths of its files."""

    made_from: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a site's manifest says.

    Attributes:
        files: Paths that must be there, with their bytes.
        moving: Of a build that was cut off: what may be there besides, or be there in their place.
        parts: By name.
    """

    files: Mapping[str, int]
    moving: Mapping[str, int]
    parts: Mapping[str, SitePart]

    def has(self, path: str, size: int) -> bool:
        """Whether a build may have written a file of that path and size."""
        return size in (self.files.get(path), self.moving.get(path))

    def text(self) -> str:
        """Return what is written."""
        body: dict[str, object] = {
            "format": 1,
            "files": dict(sorted(self.files.items())),
            "pieces": {name: [part.made_from, *part.paths] for name, part in sorted(self.parts.items())},
        }
        if self.moving:
            body["moving"] = dict(sorted(self.moving.items()))
        return json.dumps(body, separators=(",\n", ":")) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a site, an empty one where there is none.

    Raises:
        SiteError: The manifest is damaged, or names a file outside the folder.
    """
    place = folder / MANIFEST
    try:
        if not place.is_file():
            return Manifest({}, {}, {})
        said = json.loads(place.read_text(encoding="utf-8"))
        files, moving = (
            {str(path): int(size) for path, size in named.items()}
            for named in (said["files"], said.get("moving", {}))
        )
        parts = {
            str(name): SitePart(str(own[0]), tuple(map(str, own[1:])))
            for name, own in said.get("pieces", {}).items()
        }
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
        RecursionError,
    ):
        raise SiteError(f'"{place}" is not a manifest', hint="remove the site and build it again") from None
    for path in (*files, *moving):
        if not is_of_a_site(path):
            raise SiteError(f'"{place}" names {path!r}, which is no file of a site')
    return Manifest(files, moving, parts)


def is_of_a_site(path: str) -> bool:
    """Whether a path may be one of a site's files."""
    return path == ".nojekyll" or _PATH.fullmatch(path) is not None


def check_path(path: str) -> None:
    """Refuse a path that may be none of a site's files.

    Raises:
        SiteError: It is none.
    """
    if not is_of_a_site(path):
        raise SiteError(f"{path!r} is no file of a site")
