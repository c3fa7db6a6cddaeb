"""Removal for an atlas, measured on a person's own pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reportgen.config import Settings
from reportgen.errors import ConfigError
from reportgen.removal import Removal, UnitNeed
from reportgen.run.context import RunContext
from reportgen.run.removal_pictures import RemovalPictures, read_removal_pictures
from reportgen.run.removal_result import full_removal
from reportgen.spec import content_hash
from reportgen.store import ModelRecord, Store

if TYPE_CHECKING:
    from reportgen.models import Model

REMOVAL_VERSION = 2
"""Increased whenever the same network and pictures would give another measurement."""


def measure_removal(run: RunContext, model: ModelRecord, load: Callable[[], Model]) -> None:
    """Measure what a scored model version loses as units are removed, unless the store has it.

    If the network or the pictures cannot be used for it, one line says so and the atlas continues without.
    """
    store, settings = run.store, run.settings
    try:
        gathered = read_removal_pictures(settings, model.input_shape, model.file_name)
        structure = structure_of(store, model)
        mark = _mark(model, settings, gathered, structure)
        if store.removal_fingerprint(model.id) == mark:
            run.reporter.say("removal: measurements on these pictures are in the store already")
            return
        found = measured(run, load(), gathered, structure)
    except ConfigError as error:
        run.reporter.say(f"removal was not measured: {error.message}")
        return
    if found is not None and not run.halted():
        removal, needs = found
        store.put_removal(model.id, removal, needs, fingerprint=mark)


def measured(
    run: RunContext, network: Model, gathered: RemovalPictures, structure: Mapping[str, np.ndarray]
) -> tuple[Removal, dict[str, list[UnitNeed]]] | None:
    """Return the result of removal with all its curves; None if it was stopped.

    Args:
        network: The loaded network.
        gathered: The pictures.
        structure: By layer, `(K,)`; empty if nothing was scored.

    Raises:
        ConfigError: The pictures do not fit, or there is nothing to keep.
    """
    from reportgen.prune.search import SearchOptions, find_removable, start_search
    from reportgen.run.natural_run import network_batch

    settings = run.settings
    wanted = SearchOptions(
        max_loss=settings.max_loss,
        compensate=settings.compensate,
        structure=structure,
        decision=settings.decision,
    )
    search = start_search(network, gathered.sets, wanted, network_batch(network))
    run.reporter.say(
        f"removal: {len(search.groups):,} units ordered on {gathered.counts.order:,} pictures, their number "
        f"chosen on {gathered.counts.choose:,}, reported on {gathered.counts.report:,}"
    )

    class _Stopped(Exception):
        pass

    def note(taken: Sequence[int], n: int) -> None:
        if run.halted():
            raise _Stopped

    try:
        found = find_removable(search, wanted, note=note)
    except _Stopped:
        return None
    removal, needs = full_removal(search, found, wanted, gathered, run.halted)
    run.reporter.say(f"removal: {removal.removed:,} of {removal.units:,} units can be removed together")
    return None if run.halted() else (removal, needs)


def structure_of(store: Store, model: ModelRecord) -> dict[str, np.ndarray]:
    """Return each scored layer's `(K,)` structure; NaN where a unit has none."""
    found = {}
    for layer in model.layers:
        values = np.full(layer.n_units, np.nan)
        for score in store.scores(model.id, layer.name):
            values[score.unit] = np.nan if score.structure is None else score.structure
        if np.isfinite(values).any():
            found[layer.name] = values
    return found


def _mark(
    model: ModelRecord, settings: Settings, gathered: RemovalPictures, structure: Mapping[str, np.ndarray]
) -> str:
    return content_hash(
        {
            "version": REMOVAL_VERSION,
            "file": model.file_hash,
            "options": model.options,
            "range": model.input_range.key,
            "pictures": gathered.content,
            "max_loss": settings.max_loss,
            "compensate": settings.compensate,
            **({"decision": settings.decision} if settings.decision else {}),
            "structure": {
                k: [None if np.isnan(x) else round(float(x), 6) for x in v] for k, v in structure.items()
            },
        }
    )
