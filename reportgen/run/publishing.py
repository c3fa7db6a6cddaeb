"""The site of a store, with the comparisons of its versions."""

from __future__ import annotations

from collections.abc import Callable

from reportgen.atlas import AtlasSummary, write_atlas
from reportgen.comparison import Comparisons
from reportgen.config import Settings
from reportgen.run.comparing import stored_comparisons
from reportgen.store import open_store


def publish(
    settings: Settings,
    more: Comparisons | None = None,
    *,
    report: Callable[[str], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> AtlasSummary:
    """Write the site of the store in the settings, each version compared with the next.

    Args:
        more: Further comparisons of versions in that store to show.
        report: Receives a line with the expected size of the site, before it is written.
        stop: Called between layers and pages; once it returns true, nothing is written.

    Raises:
        SiteError: It cannot be written, or was stopped.
    """
    with open_store(settings.store) as store:
        found = stored_comparisons(store, more)
    return write_atlas(
        settings.store,
        settings.site,
        settings.atlas_spec(),
        credits=settings.credits,
        comparisons=found,
        templates=settings.templates,
        report=report,
        stop=stop,
    )
