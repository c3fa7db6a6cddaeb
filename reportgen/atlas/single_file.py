"""A page as one file: its pictures put into it, and its links leading within it or to where the site is.

Links keep the addresses that they have on a site until here, so that every template and drawing can be used
in a page of its own. What the page shows is not known here.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote

from reportgen.errors import SiteError

_PICTURED = {"img": "src", "image": "href"}
_ENDS_OF_TYPES = {"webp": "image/webp", "png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Surroundings:
    """What a page refers to.

    Attributes:
        path: Where the page would stand on a site.
        files: Pictures by their path on a site.
        anchors: Ids on the page by the address on a site of what they show; an address without its fragment
            stands for all of that page.
        url: Address of the site, with a slash at its end, or empty: where links out of the page lead.
    """

    path: str
    files: Mapping[str, bytes]
    anchors: Mapping[str, str]
    url: str = ""


def single_file(page: bytes, around: Surroundings) -> bytes:
    """Return a page that needs no other file.

    Pictures become data URIs. A link leads to the place of the page that shows what it leads to, else to the
    site, else it is none: its text stays.

    Raises:
        SiteError: A picture of the page is not among the files.
    """
    text = page.decode("utf-8")
    ids = _Ids()
    ids.feed(text)
    writer = _Writer(around, ids.found)
    writer.feed(text)
    writer.close()
    return "".join(writer.parts).encode("utf-8")


class _Ids(HTMLParser):
    """Collects the ids of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.update(value for name, value in attrs if name == "id" and value)


class _Writer(HTMLParser):
    """Writes a page again, with other addresses; everything else stays as it is, letter by letter.

    Names are written in small letters where a tag is made anew: in HTML those of SVG are read in any case.
    """

    def __init__(self, around: Surroundings, ids: set[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._around, self._ids = around, ids
        self._encoded: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        name = "href" if tag == "a" else _PICTURED.get(tag)
        address = dict(attrs).get(name) if name else None
        if name is None or address is None:
            self.parts.append(raw)
            return
        kept = {key: value for key, value in attrs if key not in (name, "loading")}
        kept |= self._link(address) if tag == "a" else {name: self._data_uri(address)}
        words = "".join(f' {key}="{escape(value or "")}"' for key, value in kept.items())
        self.parts.append(f"<{tag}{words}{'/' if raw.endswith('/>') else ''}>")

    def _link(self, address: str) -> dict[str, str | None]:
        """Return the attributes that make a link lead where it can; none where it cannot."""
        if "://" in address.partition("#")[0]:
            return {"href": address, "target": "_blank", "rel": "noopener"}
        path, _, fragment = address.partition("#")
        target = _resolved(self._around.path, path) if path else self._around.path
        anchors = self._around.anchors
        found = anchors.get(f"{target}#{fragment}") or anchors.get(target)
        if target == self._around.path:
            found = unquote(fragment)
        if found in self._ids:
            return {"href": f"#{found}"}
        if not self._around.url or target == self._around.path:
            return {}
        to = f"{self._around.url}{target}" + (f"#{fragment}" if fragment else "")
        return {"href": to, "target": "_blank", "rel": "noopener"}

    def _data_uri(self, address: str) -> str:
        path = _resolved(self._around.path, address)
        if path not in self._encoded:
            if path not in self._around.files:
                raise SiteError(f'"{self._around.path}" shows "{path}", which was not made')
            kind = _ENDS_OF_TYPES[path.rpartition(".")[2]]
            data = base64.b64encode(self._around.files[path]).decode()
            self._encoded[path] = f"data:{kind};base64,{data}"
        return self._encoded[path]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.parts.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.parts.append(f"<!{decl}>")


def _resolved(page: str, address: str) -> str:
    """Return where a relative address on a page leads, from the site's root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(address)))
