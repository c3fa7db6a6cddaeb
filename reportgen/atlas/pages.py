"""The templates as pages: what every page of a site shares, where styles and scripts stand.

Everything a template gets is a plain value made elsewhere; the templates lay it out and escape it. No
file is written and no picture encoded.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import rcssmin
import rjsmin

import reportgen
from reportgen import sentences
from reportgen.atlas import words
from reportgen.atlas.addresses import Place, relative, root_of
from reportgen.atlas.plots import number, tenths
from reportgen.atlas.sandbox import Sandbox, rendered
from reportgen.atlas.site_map import ASSETS, NOT_FOUND, PICTURES, model_links, site_links
from reportgen.atlas.terms import MEANINGS, explained
from reportgen.errors import SiteError
from reportgen.json_values import Parsed
from reportgen.verdicts import MARKS, VERDICTS

_ASSETS = (
    "atlas.css", "unit.css", "wall.css", "atlas.js", "theme.js", "recipe.js", "unit.js", "layer.js",
    "units.js", "query.js", "wall.js", "plots.js",
)  # fmt: skip
_EXPLORER_ASSETS = (
    "explorer.css", "explorer.js", "bench.js", "curve.js", "easel.js", "form.js", "strips.js",
)  # fmt: skip


@dataclass(frozen=True)
class Pages:
    """Renders templates into pages of one site.

    Attributes:
        title: Of the site.
        made_with: Name and version of this program.
        tables: Paths of the verdict table's files.
        assumed: What is not known of the models' inputs, a sentence each.
        folders: Where templates are looked for, in order; the last holds all of them.
        url: Absolute address the site will have, with a slash at its end, or empty.
        compared: Whether there are pages that hold versions against each other.
    """

    title: str
    made_with: str
    tables: Sequence[str] = ()
    assumed: Sequence[str] = ()
    folders: tuple[Path, ...] = ()
    url: str = ""
    compared: bool = False

    @property
    def _folders(self) -> tuple[Path, ...]:
        return self.folders or (template_folder(),)

    def asset_files(self) -> dict[str, bytes]:
        """Return a site's styles and scripts under names that change with their content."""
        return {path: data for name, (path, data) in _assets(self._folders).items() if name in _ASSETS}

    def explorer_files(self) -> dict[str, bytes]:
        """Return the explorer's styles and scripts, a site's among them."""
        return dict(_assets(self._folders).values())

    def asset(self, name: str) -> str:
        """Return the path of a style or script from the site's root."""
        return _assets(self._folders)[name][0]

    def page(self, template: str, path: str, *, preview: str = "", **values: object) -> bytes:
        """Return a page.

        Args:
            template: File name of its template.
            path: Where it will stand.
            preview: Path of a picture for link previews, where there is one.
            values: What the template shows.

        Raises:
            SiteError: The template fails, or asks for more than values.
        """
        opened: list[str] = []

        def link(target: str) -> str:
            return relative(path, target)

        def opens(key: str) -> str:
            opened.extend([key] if key not in opened else [])
            return key

        values = {
            "opens": opens,
            "opened": opened,
            "path": path,
            "root": root_of(path),
            "link": link,
            "site_title": self.title,
            "made_with": self.made_with,
            "tables": self.tables,
            "assumed": self.assumed,
            "compared": self.compared,
            "site_links": site_links(compared=self.compared),
            "asset": self.asset,
            "site_url": self.url,
            "preview": preview if self.url else "",
            **values,
        }
        return rendered(_environment(self._folders), template, values).encode("utf-8", "replace")

    def not_found(self) -> bytes:
        """Return `404.html`: served at any depth, so its style is its own, allowed by its hash."""
        source = _minified(self._folders, "404.css")
        return self.page(NOT_FOUND.template, NOT_FOUND.address, style=source, style_hash=_hash_of(source))

    def self_contained(
        self, template: str, path: str, styles: Sequence[str], scripts: Sequence[str], values: Parsed
    ) -> bytes:
        """Return a page that holds its styles and scripts, each allowed by its hash.

        Args:
            template: File name of its template; gets `style`, `scripts` and `hashes` of both, for its policy.
            path: Where it would stand on a site.
            styles, scripts: Names of assets, in order.
            values: What the template shows.

        Raises:
            SiteError: The template fails, or a script cannot stand in a page.
        """
        texts = {name: _minified(self._folders, name) for name in (*styles, *scripts)}
        for name, text in texts.items():
            if _ENDS_ELEMENT.search(text):
                raise SiteError(f'"assets/{name}" holds "</script", "</style" or "<!--", which a page cannot')
        style, found = "\n".join(texts[name] for name in styles), [texts[name] for name in scripts]
        hashes = {"style": _hash_of(style), "scripts": [_hash_of(text) for text in found]}
        return self.page(template, path, style=style, scripts=found, hashes=hashes, **values)

    @cached_property
    def digest(self) -> str:
        """A text that changes with anything that pages are made of besides the store."""
        own = (self.title, self.made_with, self.url, *self.tables, *self.assumed, self.compared)
        return content_digest(f"{own}\x00{_sources(self._folders)}".encode())


def template_folder() -> Path:
    """Return where the templates are: next to the package in a wheel, at the top of a checkout.

    Raises:
        SiteError: Neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_templates", package.parent / "templates"):
        if (folder / "base.html").is_file():
            return folder
    raise SiteError("the page templates are not installed", hint="install reportgen again")


def template_folders(own: str | Path | None) -> tuple[Path, ...]:
    """Return where templates are looked for: a folder of the user's first, where there is one.

    Raises:
        SiteError: The user's is no folder, or holds no file that stands in for a template.
    """
    for cached in (_environment, _assets, _sources):
        cached.cache_clear()  # a folder is read anew for every build
    if own is None:
        return (template_folder(),)
    folder, known = Path(own), template_folder()
    if not folder.is_dir():
        raise SiteError(f'templates "{folder}" is not a folder')
    names = {p.relative_to(known).as_posix() for p in known.rglob("*") if p.is_file()}
    for place in folder.rglob("*"):
        if not place.resolve().is_relative_to(folder.resolve()):
            name = place.relative_to(folder).as_posix()
            raise SiteError(f'templates "{folder}": link "{name}" leads out of it', hint="put a copy there")
    if not any((folder / name).is_file() for name in names):
        raise SiteError(
            f'templates "{folder}" holds none of the templates',
            hint="name a file as the one it stands in for, such as layer.html or assets/atlas.css",
        )
    return (folder, known)


def content_digest(data: bytes) -> str:
    """Return ten hexadecimal digits for the name of a file with that content."""
    return hashlib.blake2b(data, digest_size=5).hexdigest()


@functools.lru_cache(8)
def _environment(folders: tuple[Path, ...]) -> Sandbox:
    functions = {
        "counts_in_words": words.counts_in_words,
        "mark": words.mark,
        "meanings": {v.word: v.meaning for v in VERDICTS},
        "unfinished": words.unfinished,
        "bar": bar,
        "terms": MEANINGS,
        "opens": str,
        "explained": explained,
        "number": number,
        "tenths": tenths,
        "pictures": PICTURES,
        "model_links": model_links(),
        "colours": _colours,
    }
    return Sandbox(folders, functions, callable_kinds=(Place,))


@functools.lru_cache(8)
def _assets(folders: tuple[Path, ...]) -> Mapping[str, tuple[str, bytes]]:
    """Return `(path from the site's root, content)` of styles and scripts by name."""
    found = {}
    for name in (*_ASSETS, *_EXPLORER_ASSETS):
        data, (stem, _, ending) = _minified(folders, name).encode(), name.partition(".")
        found[name] = (f"{ASSETS}/{stem}.{content_digest(data)}.{ending}", data)
    return found


def _minified(folders: Sequence[Path], name: str) -> str:
    """Return a style or script without comments and needless spaces, with line feeds alone."""
    text = _read(folders, f"assets/{name}").decode("utf-8", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return str(rjsmin.jsmin(text) if name.endswith(".js") else rcssmin.cssmin(text))


_ENDS_ELEMENT = re.compile(r"</(?:script|style)|<!--", re.IGNORECASE)
"""What ends a script or a style where it stands in a page."""


def _hash_of(text: str) -> str:
    """Return the SHA-256 of a style or script, as a policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.lru_cache(8)
def _sources(folders: tuple[Path, ...]) -> str:
    """Return a hash of the templates and of this program: its version, and the text of what pages say."""
    found = hashlib.blake2b(reportgen.__version__.encode(), digest_size=16)
    rooms = [Path(__file__).parent, Path(sentences.__file__).parent]
    own = [*(p for room in rooms for p in sorted(room.glob("*.py"))), _beside("verdicts")]
    for path in [*own, *(p for f in folders for p in sorted(f.rglob("*")) if p.is_file())]:
        found.update(path.name.encode("utf-8", "surrogatepass") + b"\x00" + path.read_bytes() + b"\x00")
    return found.hexdigest()


@functools.lru_cache(1)
def picture_sources() -> str:
    """Return a hash of the text that makes pictures from renders."""
    names = ("build_layer", "faint", "pictures", "preview", "sheets", "strips", "rows")
    own = [Path(__file__).with_name(f"{name}.py") for name in names]
    own += [_beside("images"), _beside("verdicts")]
    text = b"\x00".join(path.read_bytes() for path in own)
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _beside(module: str) -> Path:
    """Return the file of a module of the package itself."""
    return Path(reportgen.__file__).with_name(f"{module}.py")


def _read(folders: Sequence[Path], name: str) -> bytes:
    return next((folder / name).read_bytes() for folder in folders if (folder / name).is_file())


def bar(counts: Mapping[str, int]) -> list[tuple[str, float, float]]:
    """Return `(mark, left, width)` in per cent, in the order of the verdicts."""
    total = sum(counts.values()) or 1
    found, left = [], 0.0
    for word, letter in MARKS.items():
        if counts.get(word):
            share = counts[word] / total * 100
            found.append((letter, round(left, 3), round(share, 3)))
            left += share
    return found


def _colours(text: str) -> list[str]:
    """Return `rrggbb` codes that stand one after another in `text`."""
    return [text[i : i + 6] for i in range(0, len(text), 6)]
