"""How a site is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AtlasSpec:
    """How the site is written.

    Attributes:
        title: Heading of the index page.
        url: Absolute address the site will have, or empty; only previews and sitemaps need it.
        unit_pages_max: Largest number of units with which each unit also gets its own page.
        max_site_bytes: Hard limit of the site's size.
        webp_quality: Encoder quality, 0..100.
        picture_px: Side of the pictures on unit pages, in pixels; smaller renders are enlarged. Sites that
            would be too large get smaller ones.
        licence: Text about the licence of the models and their pictures.

    Example:
        >>> import reportgen
        >>> reportgen.AtlasSpec(title="Faces", max_site_bytes=50_000_000).picture_px
        128
    """

    title: str = "Atlas"
    url: str = ""
    unit_pages_max: int = 5000
    max_site_bytes: int = 900_000_000
    webp_quality: int = 60
    picture_px: int = 128
    licence: str = ""
