"""The report of a model version in one file: which version, which comparison, where it is written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Unpack

from reportgen.atlas.report import ReportSummary, write_report
from reportgen.comparison import Comparison
from reportgen.config import Settings
from reportgen.errors import ConfigError, in_brief
from reportgen.run.comparing import compared_with
from reportgen.run.options import ReportOptions, settings_of, takes
from reportgen.run.versions import check_stored, find_version, named_or_last, read_name
from reportgen.store import ModelRecord, Store, open_store

MAX_MB = 8.0


@takes(ReportOptions)
def report(
    version: str | Path | None = None,
    *,
    out: str | Path = "report.html",
    max_mb: float = MAX_MB,
    **options: Unpack[ReportOptions],
) -> ReportSummary:
    """Write the report of a model version: one HTML file with its pictures in it, to send or to print.

    It shows the summary, the findings, the removal curve, the first units of each layer, and what changed
    since the version before; it needs no other file and asks nothing of the network (docs/sharing.md).

    Args:
        version: A store (its last version), `STORE@VERSION` or a label in the store; the last one if None.
        out: The file; an earlier one is replaced.
        max_mb: The largest size it may have, in millions of bytes: pictures are left out until it fits.
        options: The version to compare with, and the store.

    Returns:
        The size of the file, and of how many of the units (`n_units`) it shows a picture (`n_shown`).

    Raises:
        ConfigError: The file is a folder or the store, or an option does not fit.
        StoreError: The store cannot be read, or a version does not exist.
        SiteError: The file cannot be written.
        BudgetError: Without pictures of layers it would still be larger than `max_mb`.

    Example:
        >>> import reportgen
        >>> done = reportgen.report("reportgen.db", out="report.html")
        >>> done.path.as_posix(), done.n_shown, done.n_units
        ('report.html', 5, 5)
    """
    settings, path = settings_of(options), Path(out)
    if not (math.isfinite(max_mb) and max_mb > 0):
        raise ConfigError(f"max_mb is {in_brief(max_mb)}, wanted a number of megabytes above 0")
    named = named_or_last(None if version is None else str(version), settings)
    check_stored(named)
    if path.is_dir() or path.resolve() == named.store.resolve():
        raise ConfigError(f'out "{path}": wanted a file name for the report')
    with open_store(named.store) as store:
        record = find_version(store, named).record
        return write_report(
            store, record, path, settings.atlas_spec(), _comparison(store, record, settings),
            max_bytes=int(max_mb * 1e6), templates=settings.templates,
        )  # fmt: skip


def _comparison(store: Store, record: ModelRecord, settings: Settings) -> Comparison | None:
    """Return the version compared with the one that is named, or with the one before it, if there is one."""
    if settings.against is None:
        own = [r for r in store.models() if r.name == record.name]
        at = next((i for i, r in enumerate(own) if r.id == record.id), 0)
        return compared_with(store, record, own[at - 1]) if at else None
    named = read_name(settings.against, settings.model_copy(update={"store": store.path}))
    check_stored(named)
    if named.store.resolve() != store.path.resolve():
        raise ConfigError(
            f'against "{settings.against}" is in another store than the report\'s',
            hint="name a version of the same store; reportgen compare takes several stores",
        )
    before = find_version(store, named).record
    if before.id == record.id:
        raise ConfigError(f'against "{settings.against}" is the version that the report is about')
    return compared_with(store, record, before)
