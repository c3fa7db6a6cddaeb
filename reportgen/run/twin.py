"""The untrained twin: the same network with fresh weights, rendered and measured as the trained one was.

Units of an untrained layer are statistically the same, so that the first few represent all of them. The twin
is stored as a separate record that no table and no site lists.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.config import Settings
from reportgen.plan import make_plan, missing, recipe_hash
from reportgen.run.context import RunContext
from reportgen.run.importing import Source, load_network, record_of
from reportgen.run.measuring import missing_measurements
from reportgen.run.rendering import place_stored, plan_record, plan_request, render_and_measure
from reportgen.run.starts import needed
from reportgen.store import ModelRecord, Store, twin_version

if TYPE_CHECKING:
    from reportgen.models import Model

TWIN_SEED = 0
TWIN_UNITS = 32
"""Most units of each layer that are rendered."""

TWIN_VERSION = 1
"""Increased whenever the same file gets other fresh weights."""


def render_twin(run: RunContext, model: ModelRecord, path: str | Path) -> ModelRecord:
    """Render and measure what the store lacks of a model version's untrained twin; return its record.

    Only the scored recipe's happy pictures, with as many starts as the model's own, and of the first 32 units
    of each layer.

    Raises:
        ModelError: A layer cannot be initialised again.
    """
    changes = {"ray": None, "processes": 1, "units": str(TWIN_UNITS), "signs": "happy", "sweep": None}
    own, store = run.settings.model_copy(update=changes), run.store
    run = run.with_settings(own)
    source = _twin_source(store, model, path, own)
    request = plan_request(own)
    plans = [
        dataclasses.replace(plan, sets=plan.sets[:1])
        for plan in make_plan(source.record, request, arithmetic=own.arithmetic)
    ]
    record = store.put_model(
        dataclasses.replace(source.record, plan=plan_record(source.record, request, plans, own))
    )
    store.put_recipe(recipe_hash(request.scored), request.scored)
    known = place_stored(store, record, plans)
    lacks_pictures = missing(needed(store, record, plans, own), known)
    lacks = bool(lacks_pictures) or any(missing_measurements(run, record, p) for p in plans)
    if lacks and not run.halted():
        run.reporter.say(f"untrained twin of {model.name} {model.version}")
        render_and_measure(run, record, source, plans, known)
        place_stored(store, record, plans)
    return record


def _twin_source(store: Store, model: ModelRecord, path: str | Path, settings: Settings) -> Source:
    """Return the twin's source; its record is renewed only if the model or its initialisation changed."""
    version = twin_version(model.version)
    loaded: list[Model] = []

    def load() -> Model:
        if not loaded:
            loaded.append(load_network(path, version, settings, untrained=TWIN_SEED))
        return loaded[0]

    options = {**model.options, "twin": TWIN_SEED, "twin_version": TWIN_VERSION}
    stored = store.twin_of(model)
    if stored is not None and {k: v for k, v in stored.options.items() if k != "twin_how"} == options:
        return Source(path, stored, load)
    network = load()
    record = record_of(network, {**options, "twin_how": network.drawn})
    return Source(path, dataclasses.replace(record, version=version), load)
