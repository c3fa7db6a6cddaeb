"""How large a site's pictures may be: the largest of a few sizes that keeps it under its limit.

The site's size is estimated from a sample of units whose files are really made, before anything is written.
The same store and settings give the same sample, and so the same sizes.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reportgen.atlas.pictures import Sizes
from reportgen.errors import BudgetError
from reportgen.spec import AtlasSpec

_TILES = {128: 48, 96: 48, 64: 32}
N_SAMPLED = 48
ESTIMATE_MARGIN = 0.98
"""Share of the limit that an estimate may reach: one from so many units is off by a per cent or so."""


@dataclass(frozen=True, slots=True)
class ChosenSizes:
    """Sizes of pictures, the estimate of the bytes of a site with them, and the same in words."""

    sizes: Sizes
    n_bytes: int
    words: str

    @property
    def text(self) -> str:
        """All of it as a text that `read` takes."""
        return json.dumps([dataclasses.astuple(self.sizes), self.n_bytes, self.words])

    @classmethod
    def read(cls, text: str) -> ChosenSizes | None:
        """Return what `text` says; None where it is none."""
        try:
            sizes, n_bytes, words = json.loads(text)
            return cls(Sizes(*sizes), int(n_bytes), str(words))
        except (ValueError, TypeError):
            return None


def size_steps(spec: AtlasSpec) -> list[Sizes]:
    """Return the sizes to try: all starts, then few, at the size asked for and at smaller ones."""
    sides = [spec.picture_px, *(side for side in _TILES if side < spec.picture_px)]
    return [
        Sizes(side, spec.webp_quality, _tile(side), few_seeds=few) for side in sides for few in (False, True)
    ]


def choose_sizes(spec: AtlasSpec, estimate: Callable[[Sizes], int]) -> ChosenSizes:
    """Return the largest sizes whose bytes are within the limit.

    Args:
        spec: With the limit and the size asked for.
        estimate: Gives the estimated bytes of the site at some sizes: only the last may come close to the
            limit.

    Raises:
        BudgetError: No sizes are small enough.
    """
    smallest, first = math.inf, 0
    for sizes in size_steps(spec):
        n_bytes = estimate(sizes)
        first, smallest = first or n_bytes, min(smallest, n_bytes)
        if n_bytes <= (1.0 if sizes == size_steps(spec)[-1] else ESTIMATE_MARGIN) * spec.max_site_bytes:
            return ChosenSizes(sizes, n_bytes, _in_words(spec, sizes, n_bytes, first))
    raise BudgetError(
        f"the site would have about {smallest / 1e6:.1f} MB even with pictures of "
        f"{size_steps(spec)[-1].picture_px} px, more than max_site_bytes allows "
        f"({spec.max_site_bytes / 1e6:.1f} MB)",
        hint=SMALLER,
    )


SMALLER = "lower webp_quality, leave layers out, or raise max_site_bytes"


def spread(n: int, wanted: int) -> Sequence[int]:
    """Return at most `wanted` places spread evenly over `n`."""
    return sorted({int((i + 0.5) * n / wanted) for i in range(wanted)}) if n > wanted else range(n)


def _tile(side: int) -> int:
    return next((tile for limit, tile in _TILES.items() if side >= limit), 32)


def _in_words(spec: AtlasSpec, sizes: Sizes, n_bytes: int, first: int) -> str:
    size = (
        f"a site of about {n_bytes / 1e6:,.0f} MB"
        if n_bytes >= 1e7
        else f"a site of about {n_bytes / 1e6:.1f} MB"
    )
    if sizes == size_steps(spec)[0]:
        return size
    few = ", one start for units without a pattern" if sizes.few_seeds else ""
    return (
        f"{size}: pictures of {sizes.picture_px} px{few}; all of them at {spec.picture_px} px would be about "
        f"{first / 1e6:,.0f} MB, and max_site_bytes allows {spec.max_site_bytes / 1e6:,.0f} MB"
    )
