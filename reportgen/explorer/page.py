"""The page around Dash: one of the atlas's templates, with its styles, its scripts and their data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import markupsafe

import reportgen
from reportgen.atlas.pages import Pages
from reportgen.atlas.site_pages import ORDERS

_TEMPLATE = "explorer.html"


@dataclass
class Shell:
    """Makes pages.

    Attributes:
        parts: Gives what Dash writes into a page (`config`, `scripts`, `renderer`, ...), as markup.
    """

    parts: Callable[[], Awaitable[Mapping[str, str]]]

    def __post_init__(self) -> None:
        """Read styles and scripts."""
        self._pages = Pages("Explorer", f"reportgen {reportgen.__version__}")
        self.assets = {path.rpartition("/")[2]: data for path, data in self._pages.explorer_files().items()}

    async def html(self, data: Mapping[str, object]) -> bytes:
        """Return the page of a model version; `data` are JSON values that its scripts are given."""
        parts = {name: markupsafe.Markup(text) for name, text in (await self.parts()).items()}
        return self._pages.page(_TEMPLATE, _TEMPLATE, data=data, orders=ORDERS, parts=parts)
