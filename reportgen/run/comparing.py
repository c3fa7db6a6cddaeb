"""Comparisons of named versions: model files are rendered first, stored versions are read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reportgen.atlas.addresses import Place, places
from reportgen.compare import Version, compare_versions, series_of
from reportgen.comparison import Comparison, Comparisons, VersionId
from reportgen.config import Settings
from reportgen.errors import ConfigError
from reportgen.run.context import Clock, RunContext
from reportgen.run.cross_responses import measure_cross_responses
from reportgen.run.importing import open_source
from reportgen.run.model_run import RenderSummary, render_model
from reportgen.run.progress import Reporter, report_upgrade
from reportgen.run.versions import NamedVersion, all_versions, open_versions, read_name, rendered_already
from reportgen.score import score_store
from reportgen.store import ModelRecord, Store, open_store

MIN_SERIES = 3


def named_versions(words: Sequence[str], settings: Settings) -> list[NamedVersion]:
    """Return the versions that the words name; a single store means all its versions.

    Raises:
        ReportgenError: A word names no version, or there are fewer than two versions.
    """
    names = [read_name(word, settings) for word in words]
    if len(names) == 1 and not names[0].label and names[0].model is None:
        return all_versions(names[0].store)
    if len(names) < 2:
        raise ConfigError(
            "only one version is named, wanted two or more", hint="name two, or a store that holds several"
        )
    return names


def render_named(names: Sequence[NamedVersion], settings: Settings, reporter: Reporter,
                 stop: Callable[[], bool]) -> list[RenderSummary]:  # fmt: skip
    """Render and score those that are model files, unless the store has their pictures already."""
    files = [named for named in names if named.model is not None]
    done = []
    if not files:
        return []
    with open_store(settings.store, create=True) as store:
        store.lock_for_rendering()
        report_upgrade(store, reporter)
        run = RunContext(store, settings, reporter, Clock(settings.budget), stop)
        for i, named in enumerate(files):
            own = run.with_settings(_own_settings(store, str(named.model), settings))
            share = run.clock.share(len(files) - i)
            done.append(render_model(own.with_clock(share), Path(str(named.model))))
        for record in store.models():
            score_store(store, record, settings.score_spec())
    return done


Places = Mapping[tuple[str, int], Place]
"""Addresses of versions on the sites of their stores, by store and number."""


def compare_named(
    names: Sequence[NamedVersion], chance: NamedVersion | None, settings: Settings
) -> tuple[Comparisons, Places, tuple[Path, ...]]:
    """Return each version compared with the next, a series of three or more, addresses and stores.

    Of two model files, responses to each other's HappyMaps are measured first.
    """
    wanted = [*names, chance] if chance is not None else list(names)
    with open_versions(wanted) as versions:
        twin = versions.pop() if chance is not None else None
        pairs = []
        for i in range(len(versions) - 1):
            if names[i].model is not None and names[i + 1].model is not None:
                _measure_cross(versions[i], versions[i + 1], names[i : i + 2], settings)
            pairs.append(compare_versions(versions[i], versions[i + 1], twin or _own_twin(versions[i + 1])))
        series = (series_of(versions),) if len(versions) >= MIN_SERIES else ()
        addresses = places_of(versions)
        paths = tuple(v.store.path for v in versions)
    return Comparisons(tuple(pairs), series), addresses, paths


def places_of(versions: Sequence[Version]) -> Places:
    """Return the addresses of versions on the sites of their stores."""
    return {(v.id.store, v.id.number): places(v.store.models())[v.record.id] for v in versions}


def _own_twin(version: Version) -> Version | None:
    """Return the untrained twin that a version was rendered with, if it was."""
    twin = version.store.twin_of(version.record)
    return None if twin is None else Version(version.store, twin)


def linker(addresses: Places, url: str) -> Callable[[VersionId, str, int], str]:
    """Return a function for a unit's address on the site at `url`; it returns "" for an unknown address."""
    base = url if not url or url.endswith("/") else url + "/"

    def link(version: VersionId, layer: str, unit: int) -> str:
        place = addresses.get((version.store, version.number))
        slug = place.slug(layer) if place is not None else None
        return f"{base}{place.address(slug, unit)}" if base and place is not None and slug else ""

    return link


def _own_settings(store: Store, word: str, settings: Settings) -> Settings:
    """Return the settings, with the version under which a model file was rendered before, if it was."""
    known = rendered_already(store, word)
    return settings if known is None else settings.model_copy(update={"version": known.version})


def _measure_cross(a: Version, b: Version, names: Sequence[NamedVersion], settings: Settings) -> None:
    load_a, load_b = (
        open_source(
            version.store,
            Path(str(named.model)),
            settings.model_copy(update={"version": version.record.version}),
        ).load
        for version, named in zip((a, b), names, strict=True)
    )
    measure_cross_responses(a, b, load_a, load_b)


def compared_with(store: Store, record: ModelRecord, before: ModelRecord) -> Comparison:
    """Return a version of a store compared with an earlier one of the same store."""
    later = Version(store, record)
    return compare_versions(Version(store, before), later, _own_twin(later))


def stored_comparisons(store: Store, more: Comparisons | None = None) -> Comparisons:
    """Return the comparisons that a store's own site shows: of consecutive versions, and series.

    Args:
        more: Further comparisons of versions in this store, which come first.
    """
    pairs, series = (list(more.pairs), list(more.series)) if more else ([], [])
    known = {(c.a.number, c.b.number) for c in pairs}
    records = store.models()
    for name in dict.fromkeys(r.name for r in records):
        versions = [Version(store, r) for r in records if r.name == name]
        for x, y in itertools.pairwise(versions):
            if (x.record.id, y.record.id) not in known:
                pairs.append(compare_versions(x, y, _own_twin(y)))
        if len(versions) >= MIN_SERIES and not any(s.versions[0].model == name for s in series):
            series.append(series_of(versions))
    return Comparisons(tuple(pairs), tuple(series))
