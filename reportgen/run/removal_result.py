"""What removal found of a network, as it is kept and told: on pictures that neither ordered nor chose."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from reportgen.removal import LayerNeed, Removal, UnitNeed
from reportgen.run.removal_pictures import Gathered

if TYPE_CHECKING:
    from reportgen.prune.groups import Groups
    from reportgen.prune.judging import Judge, Shares
    from reportgen.prune.rebuild import Rebuilt
    from reportgen.prune.search import Found, Search, Wanted


def removal_of(search: Search, found: Found, wanted: Wanted, gathered: Gathered) -> Removal:
    """Return what the network without these units does, and costs, beside the whole one."""
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
    """Return how good the outputs of the whole and of the smaller network are, and both networks."""
    from reportgen.prune.outputs import judge_of_outputs, outputs_of, shares_of_outputs
    from reportgen.prune.search import smaller
    from reportgen.prune.trial import in_range

    trial = search.measured.trial
    pictures = in_range(judge.pictures, trial.model)
    networks = [smaller(search, gone) for gone in removed]
    whole, small = (outputs_of(made.predicted, pictures, trial.batch) for made in networks)
    judge = judge_of_outputs(judge, trial.model, whole)
    before, after = (shares_of_outputs(judge, trial.model, outputs) for outputs in (whole, small))
    return before, after, networks


def in_full(search: Search, found: Found, wanted: Wanted, gathered: Gathered,
            stop: Callable[[], bool]) -> tuple[Removal, dict[str, list[UnitNeed]]]:  # fmt: skip
    """Return what removal found with all its lines, and what is lost without each unit."""
    from reportgen.prune import lines

    removal = removal_of(search, found, wanted, gathered)
    whole, alone_points = lines.points_for(search, removal.macs_before)
    curves = lines.network_lines(search, found, wanted, whole, stop)
    more, alone = lines.layer_lines(search, found, wanted, alone_points, stop)
    needs = lines.unit_needs(search, found, removal.macs_before, gathered.classes, stop)
    removal = dataclasses.replace(
        removal,
        layers=layer_needs(search.groups, found.removed(), alone),
        curves=(*curves, *more),
        looks_correlation=lines.looks_correlation(search.groups, found.ordering.needs, wanted.structure),
    )
    return removal, needs


def layer_needs(
    groups: Groups, removed: np.ndarray, alone: Mapping[str, int] | None = None
) -> tuple[LayerNeed, ...]:
    """Return how wide each layer is and needs to be, for the layers that own units."""
    found = []
    for name in groups.layers():
        own = groups.of_layer(name)
        kept = own[~removed[own]]
        units = tuple(int(u) for u in groups.unit[kept])
        found.append(LayerNeed(name, len(own), len(kept), (alone or {}).get(name), units))
    return tuple(found)
