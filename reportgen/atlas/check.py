"""Whether a site holds: links, origins, scripts, texts for pictures, ids, manifest, sizes.

Reads only the files of the site, as a browser and a publisher would; it knows no store.
"""

from __future__ import annotations

import gzip
import posixpath
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reportgen.arguments import checked
from reportgen.atlas.manifest import MANIFEST, read_manifest
from reportgen.atlas.site_map import NOT_FOUND, OF_SITE, START
from reportgen.errors import SiteError
from reportgen.spec import AtlasSpec

_MOST_BYTES = AtlasSpec().max_site_bytes
MOST_PAGE_BYTES = 350_000
"""Of a page's HTML; a layer of 2,048 units stays within it."""
MOST_PACKED_BYTES = 60_000
"""Of a page's HTML, style and scripts, compressed, without pictures and data."""
_FOREIGN = re.compile(
    r"""(?:https?:)?//(?!www\.w3\.org/)[a-z0-9-]+\.[a-z]{2,}[^\s"')]*|\bfetch\s*\(|XMLHttpRequest|@import"""
)
_VIEW = re.compile(r"(q|sort)=")
_LINKING = {"href", "src", "srcset", "poster", "data", "action", "formaction"}


class _Page(HTMLParser):
    """Collects a page's links and ids, and what a page must not hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, str]] = []
        self.ids: set[str] = set()
        self.problems: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img" and "alt" not in given:
            self.problems.append(f"has a picture without alternative text: {(given.get('src') or '')[:60]}")
        if tag == "script" and not given.get("src"):
            self.problems.append("has a script of its own, not from a file")
        if tag in ("iframe", "object", "embed", "base", "form"):
            self.problems.append(f"has a <{tag}>")
        for name, value in attrs:
            if name == "content" and given.get("property", "").startswith("og:"):  # type: ignore[union-attr]
                continue  # for those who show links; a browser does not load it
            if name.startswith("on"):
                self.problems.append(f"has an event handler {name!r} on <{tag}>")
            if name == "style":
                self.problems.append(f"has a style attribute on <{tag}>")
            if name == "id" and value:
                if value in self.ids:
                    self.problems.append(f'uses the id "{value}" twice')
                self.ids.add(value)
            if name in _LINKING and value is not None:
                self.links.append((tag, value))
            if name == "data-parts" and value:
                self.links += [(tag, part) for part in value.split()[::2]]


@checked
def check_site(site_dir: str | Path, max_site_bytes: int = _MOST_BYTES) -> list[str]:
    """Return what is wrong with a site, a line each; empty if it holds.

    Args:
        site_dir: A folder that `write_atlas` wrote.
        max_site_bytes: The most bytes it may have.

    Raises:
        SiteError: There is no site, or its manifest cannot be read.

    Example:
        >>> import reportgen
        >>> _ = reportgen.write_atlas("reportgen.db", "site")
        >>> reportgen.check_site("site")
        []
    """
    folder = Path(site_dir)
    said = read_manifest(folder)
    manifest, moving = said.files, said.moving
    if not manifest:
        raise SiteError(f'"{folder}" holds no atlas', hint="write one first: reportgen site")
    problems = list(_manifest_problems(folder, manifest, moving))
    pages: dict[str, _Page] = {}
    for path in sorted({*manifest, *moving}):
        if path.endswith(".html") and (folder / path).is_file():
            pages[path] = _Page()
            pages[path].feed((folder / path).read_text(encoding="utf-8", errors="replace"))
    own = {path: page for path, page in pages.items() if path in manifest}
    for path, page in own.items():
        problems += [f"{path} {what}" for what in page.problems]
        problems += [f"{path}: {what}" for what in _link_problems(folder, path, page, pages)]
    problems += _asset_problems(folder, manifest)
    problems += _budget_problems(folder, own)
    total = sum(manifest.values())
    if total > max_site_bytes:
        problems.append(f"the site has {total / 1e6:.1f} MB, more than {max_site_bytes / 1e6:.1f} MB")
    return problems


def _manifest_problems(folder: Path, manifest: Mapping[str, int], moving: Mapping[str, int]) -> Iterator[str]:
    """Yield files that are missing or changed; of a build that was cut off, either of two sizes is right."""
    for path, size in sorted(manifest.items()):
        place = folder / path
        if not place.is_file():
            yield f"{path} is missing"
        elif place.stat().st_size not in (size, moving.get(path, size)):
            yield f"{path} has {place.stat().st_size} bytes, the manifest says {size}"
    for name in (*(kind.address for kind in OF_SITE if not kind.compared), ".nojekyll"):
        if name not in manifest:
            yield f"{name} is not in {MANIFEST}"


def _asset_problems(folder: Path, manifest: Mapping[str, int]) -> Iterator[str]:
    """Yield what styles and scripts must not hold: other origins, and other ways to ask for files."""
    for path in sorted(manifest):
        if path.startswith("assets/") and (folder / path).is_file():
            text = (folder / path).read_text(encoding="utf-8", errors="replace")
            for found in sorted(set(_FOREIGN.findall(text))):
                yield f"{path} names another origin or asks for files: {found[:60]}"


def _budget_problems(folder: Path, pages: Mapping[str, _Page]) -> Iterator[str]:
    """Yield pages that are too large: compressed, with their styles and scripts, or plain."""
    packed: dict[str, int] = {}

    def size(path: str) -> int:
        if path not in packed:
            packed[path] = (
                len(gzip.compress((folder / path).read_bytes(), 6)) if (folder / path).is_file() else 0
            )
        return packed[path]

    for path, page in pages.items():
        plain = (folder / path).stat().st_size
        if plain > MOST_PAGE_BYTES:
            yield f"{path} has {plain / 1000:.0f} kB, more than {MOST_PAGE_BYTES / 1000:.0f} kB"
        near = {_resolved(path, link) for tag, link in page.links if tag in ("script", "link")}
        total = size(path) + sum(size(p) for p in near if p.startswith("assets/"))
        if total > MOST_PACKED_BYTES:
            most = f"{MOST_PACKED_BYTES / 1000:.0f} kB"
            yield f"{path} takes {total / 1000:.0f} kB compressed, more than {most}"


def _resolved(path: str, link: str) -> str:
    """Return where a relative link on a page leads, from the site's root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(urlsplit(link).path)))


def _link_problems(folder: Path, path: str, page: _Page, pages: dict[str, _Page]) -> Iterator[str]:
    for tag, link in dict.fromkeys(page.links):
        parts = urlsplit(link)
        if parts.scheme == "data" and tag in ("img", "link"):
            continue
        if parts.scheme or parts.netloc:
            canonical = tag == "link" and parts.scheme in ("http", "https") and link.endswith(path)
            if not canonical and (tag != "a" or parts.scheme not in ("http", "https")):
                yield f"<{tag}> asks another origin: {link[:80]}"
        elif parts.path.startswith("/"):
            yield f"<{tag}> has an absolute path: {link[:80]}"
        else:
            yield from _target_problems(folder, path, link, page, pages)


def _target_problems(
    folder: Path, path: str, link: str, page: _Page, pages: dict[str, _Page]
) -> Iterator[str]:
    parts = urlsplit(link)
    target = _resolved(path, link) if parts.path else path
    if path == NOT_FOUND.address and posixpath.basename(target) == START.address:
        return  # it is served in place of pages at any depth, and leads up from each
    if target.startswith("..") or not (folder / target).is_file():
        yield f"leads nowhere: {link[:80]}"
    elif parts.fragment and target.endswith(".html"):
        aim = page if target == path else pages.get(target)
        if aim is not None and _VIEW.match(parts.fragment) and aim.ids & {"grid", "units"}:
            return  # a filter and an order of the view of all units, or of a layer's sheet
        if aim is None or unquote(parts.fragment) not in aim.ids:
            yield f"leads to no such place: {link[:80]}"
