"""Versions compared, from whatever they are named by: renders what is not rendered, and reads the rest."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reportgen.atlas.addresses import Place, places
from reportgen.compare import Version, compare_versions, series_of
from reportgen.comparison import Comparisons, VersionId
from reportgen.config import Settings
from reportgen.errors import ConfigError
from reportgen.run.context import Clock, RunContext
from reportgen.run.cross_responses import cross_excite
from reportgen.run.importing import open_source
from reportgen.run.model_run import RenderSummary, render_model
from reportgen.run.progress import Reporter, tell_of_copy
from reportgen.run.versions import Named, all_versions, opened, read_name, rendered_already
from reportgen.score import score_store
from reportgen.store import Store, open_store

LEAST_OF_A_SERIES = 3


def named_versions(words: Sequence[str], settings: Settings) -> list[Named]:
    """Return what the words name; a store alone stands for all its versions.

    Raises:
        ReportgenError: A word that names nothing, or fewer than two versions.
    """
    names = [read_name(word, settings) for word in words]
    if len(names) == 1 and not names[0].label and names[0].model is None:
        return all_versions(names[0].store)
    if len(names) < 2:
        raise ConfigError(
            "one version alone cannot be compared", hint="name two, or a store that holds several"
        )
    return names


def render_named(names: Sequence[Named], settings: Settings, reporter: Reporter,
                 stop: Callable[[], bool]) -> list[RenderSummary]:  # fmt: skip
    """Render and score those that are model files, as far as their store misses them."""
    files = [named for named in names if named.model is not None]
    done = []
    if not files:
        return []
    with open_store(settings.store, create=True) as store:
        store.lock_for_rendering()
        tell_of_copy(store, reporter)
        run = RunContext(store, settings, reporter, Clock(settings.budget), stop)
        for i, named in enumerate(files):
            own = run.with_settings(_own_settings(store, str(named.model), settings))
            share = run.clock.share(len(files) - i)
            done.append(render_model(own.with_clock(share), Path(str(named.model))))
        for record in store.models():
            score_store(store, record, settings.score_spec())
    return done


Places = Mapping[tuple[str, int], Place]
"""Where versions stand on the sites of their stores, by store and number."""


def compare_named(
    names: Sequence[Named], chance: Named | None, settings: Settings
) -> tuple[Comparisons, Places]:
    """Return each version compared with the next, a series where there are three or more, and their places.

    Two model files are also asked about each other's HappyMaps, before they are compared.
    """
    wanted = [*names, chance] if chance is not None else list(names)
    with opened(wanted) as versions:
        twin = versions.pop() if chance is not None else None
        pairs = []
        for i in range(len(versions) - 1):
            if names[i].model is not None and names[i + 1].model is not None:
                _cross(versions[i], versions[i + 1], names[i : i + 2], settings)
            pairs.append(compare_versions(versions[i], versions[i + 1], twin or _own_twin(versions[i + 1])))
        series = (series_of(versions),) if len(versions) >= LEAST_OF_A_SERIES else ()
        stand = places_of(versions)
    return Comparisons(tuple(pairs), series), stand


def places_of(versions: Sequence[Version]) -> Places:
    """Return where versions stand on the sites of their stores."""
    return {(v.id.store, v.id.number): places(v.store.models())[v.record.id] for v in versions}


def _own_twin(version: Version) -> Version | None:
    """Return the untrained twin that a version was rendered with, if it was."""
    twin = version.store.twin_of(version.record)
    return None if twin is None else Version(version.store, twin)


def linker(stand: Places, url: str) -> Callable[[VersionId, str, int], str]:
    """Return what gives a unit's address on the site at `url`; empty texts where no address is known."""
    base = url if not url or url.endswith("/") else url + "/"

    def link(version: VersionId, layer: str, unit: int) -> str:
        place = stand.get((version.store, version.number))
        slug = place.slug(layer) if place is not None else None
        return f"{base}{place.address(slug, unit)}" if base and place is not None and slug else ""

    return link


def _own_settings(store: Store, word: str, settings: Settings) -> Settings:
    """Return the settings under which a model file was rendered before, its version above all."""
    known = rendered_already(store, word)
    return settings if known is None else settings.model_copy(update={"version": known.version})


def _cross(a: Version, b: Version, names: Sequence[Named], settings: Settings) -> None:
    load_a, load_b = (
        open_source(
            version.store,
            Path(str(named.model)),
            settings.model_copy(update={"version": version.record.version}),
        ).load
        for version, named in zip((a, b), names, strict=True)
    )
    cross_excite(a, b, load_a, load_b)


def stored_comparisons(store: Store, more: Comparisons | None = None) -> Comparisons:
    """Return the comparisons that a store's own site shows: neighbours as they were stored, and series.

    Args:
        more: Others, which stand first; their versions are in this store.
    """
    pairs, series = (list(more.pairs), list(more.series)) if more else ([], [])
    known = {(c.a.number, c.b.number) for c in pairs}
    records = store.models()
    for name in dict.fromkeys(r.name for r in records):
        versions = [Version(store, r) for r in records if r.name == name]
        for x, y in itertools.pairwise(versions):
            if (x.record.id, y.record.id) not in known:
                pairs.append(compare_versions(x, y, _own_twin(y)))
        if len(versions) >= LEAST_OF_A_SERIES and not any(s.versions[0].model == name for s in series):
            series.append(series_of(versions))
    return Comparisons(tuple(pairs), tuple(series))
