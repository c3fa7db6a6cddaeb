"""The result of removal, measured on pictures that were used neither for the order nor for the count."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from reportgen.removal import LayerNeed, Removal, UnitNeed
from reportgen.run.removal_pictures import RemovalPictures

if TYPE_CHECKING:
    from reportgen.prune.groups import Groups
    from reportgen.prune.judging import Judge, Shares
    from reportgen.prune.rebuild import Rebuilt
    from reportgen.prune.search import Search, SearchOptions, SearchResult


def removal_of(
    search: Search, found: SearchResult, wanted: SearchOptions, gathered: RemovalPictures
) -> Removal:
    """Return the quality and cost of the network without these units, and of the whole one."""
    from reportgen.prune.counting import multiply_adds, parameters
    from reportgen.prune.judging import interval_of

    judge, groups = search.judges["report"], search.groups
    removed = found.removed()
    none = np.zeros(len(removed), bool)
    before, after, networks = _before_and_after(search, judge, none, removed)
    whole, small = (made.network for made in networks)
    return Removal(
        measured=datetime.datetime.now(datetime.UTC).date().isoformat(),
        units=len(groups),
        steady=found.choice.steady,
        largest=found.choice.largest,
        removed=found.count,
        max_loss=wanted.max_loss,
        accuracy_before=before.accuracy,
        accuracy_after=after.accuracy,
        interval=interval_of(after.share, after.n),
        agreement=after.agreement,
        changed=after.changed,
        majority_share=judge.majority_share(),
        pictures=gathered.counts,
        layers=layer_needs(groups, removed),
        compensated=wanted.compensate,
        classes=gathered.classes,
        parameters_before=parameters(whole),
        parameters_after=parameters(small),
        macs_before=multiply_adds(whole),
        macs_after=multiply_adds(small),
        fixed=groups.fixed,
        outputs=search.readings(),
    )


def _before_and_after(
    search: Search, judge: Judge, *removed: np.ndarray
) -> tuple[Shares, Shares, list[Rebuilt]]:
    """Return the quality of the whole and of the smaller network's outputs, and both networks."""
    from reportgen.prune.outputs import judge_of_outputs, outputs_of, shares_of_outputs
    from reportgen.prune.search import smaller
    from reportgen.prune.trial import in_range

    trial = search.measured.trial
    pictures = in_range(judge.pictures, trial.model)
    networks = [smaller(search, groups) for groups in removed]
    whole, small = (outputs_of(made.predicted, pictures, trial.batch) for made in networks)
    judge = judge_of_outputs(judge, trial.model, whole)
    before, after = (shares_of_outputs(judge, trial.model, outputs) for outputs in (whole, small))
    return before, after, networks


def full_removal(search: Search, found: SearchResult, wanted: SearchOptions, gathered: RemovalPictures,
            stop: Callable[[], bool]) -> tuple[Removal, dict[str, list[UnitNeed]]]:  # fmt: skip
    """Return the result of removal with all its curves, and the loss without each single unit."""
    from reportgen.prune import measured_curves

    removal = removal_of(search, found, wanted, gathered)
    whole, alone_points = measured_curves.points_for(search, removal.macs_before)
    curves = measured_curves.network_curves(search, found, wanted, whole, stop)
    more, alone = measured_curves.layer_curves(search, found, wanted, alone_points, stop)
    needs = measured_curves.unit_needs(search, found, removal.macs_before, gathered.classes, stop)
    removal = dataclasses.replace(
        removal,
        layers=layer_needs(search.groups, found.removed(), alone),
        curves=(*curves, *more),
        looks_correlation=measured_curves.looks_correlation(
            search.groups, found.ordering.needs, wanted.structure
        ),
    )
    return removal, needs


def layer_needs(
    groups: Groups, removed: np.ndarray, alone: Mapping[str, int] | None = None
) -> tuple[LayerNeed, ...]:
    """Return the width of each layer before and after removal, for the layers that own units."""
    found = []
    for name in groups.layers():
        own = groups.of_layer(name)
        kept = own[~removed[own]]
        units = tuple(int(u) for u in groups.unit[kept])
        found.append(LayerNeed(name, len(own), len(kept), (alone or {}).get(name), units))
    return tuple(found)
