"""The smaller network is what removal was tried on, and what a network masked by hand computes."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.models import load_model
from reportgen.prune.search import smaller
from reportgen.prune.trial import in_range
from tests.prune.checking import (
    apart,
    masked_by_hand,
    node_by_node,
    opened_plainly,
    outputs_of,
    pictures_for,
    some_groups,
    trial_of,
    without,
    written,
)
from tests.prune.nets import CASES

pytestmark = pytest.mark.usefixtures("uncompiled")

QUICK = ("residual", "depthwise", "squeezed", "tied_across", "siamese")
"""One of each way of going together; the others are as many again, and slow together."""


def _cases(names):
    return [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in names]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Each network, once: loaded, with pictures and where removal is tried."""
    found = {}

    def case(name):
        if name not in found:
            path = tmp_path_factory.mktemp(name) / f"{name}.keras"
            CASES[name].build().save(path)
            model = load_model(path)
            shown = pictures_for(model)
            found[name] = model, shown, trial_of(model, shown, compensate=False)
        return found[name]

    return case


@pytest.mark.parametrize("name", _cases(CASES))
def test_what_goes_together_is_counted_once_and_what_must_stay_is_named(opened, name):
    model, _, search = opened(name)
    assert len(search.groups) == CASES[name].n_groups
    ends = {layer for layer, why in search.groups.fixed if why == "it is an output of the network"}
    assert {layer for layer, _ in search.groups.fixed} - ends == set(CASES[name].fixed)
    assert {layer.name for layer in model.layers} == ends | {
        layer for own in search.groups.members for layer, _ in own
    } | set(CASES[name].fixed)


@pytest.mark.parametrize("name", _cases(CASES))
def test_with_nothing_removed_it_is_the_network_as_it_was(opened, name):
    model, shown, search = opened(name)
    given = in_range(shown, model)
    wanted = outputs_of(model, node_by_node(model, given))
    none = np.zeros(len(search.groups), bool)
    assert apart(smaller(search, none).predicted(given), wanted) < CASES[name].tolerance
    assert apart(without(search, none, shown), wanted) < CASES[name].tolerance


@pytest.mark.parametrize("name", _cases(CASES))
@pytest.mark.parametrize("compensate", [False, True])
def test_the_smaller_network_outputs_what_the_trial_does(opened, name, compensate):
    model, shown, search = opened(name)
    if compensate:
        search = trial_of(model, shown)
    removed = some_groups(search.groups, 0.5, seed=2)
    made = smaller(search, removed)
    assert sum(v.shape.num_elements() for v in made.network.weights) < sum(
        v.shape.num_elements() for v in smaller(search, ~removed & removed).network.weights
    )
    found, wanted = made.predicted(in_range(shown, model)), without(search, removed, shown)
    assert apart(found, wanted) < CASES[name].tolerance
    if not compensate and CASES[name].exact:
        masked = outputs_of(model, masked_by_hand(model, search.groups, removed, in_range(shown, model)))
        assert apart(found, masked) < CASES[name].tolerance
        assert apart(found, outputs_of(model, node_by_node(model, in_range(shown, model)))) > min(
            1e-3, 5 * CASES[name].tolerance
        )


def _opened_again(opened, names, folder):
    paths, wanted = [], []
    for name in names:
        _, shown, search = opened(name)
        paths.append(folder / f"{name}.keras")
        wanted.append(written(search, some_groups(search.groups, 0.5, seed=2), shown, paths[-1]))
    for name, found, expected in zip(names, opened_plainly(paths), wanted, strict=True):
        assert apart(found, expected) < CASES[name].tolerance, name


def test_plain_keras_opens_the_file_and_outputs_the_same(opened, tmp_path):
    _opened_again(opened, QUICK, tmp_path)


@pytest.mark.slow
def test_plain_keras_opens_the_file_of_every_other_kind_too(opened, tmp_path):
    _opened_again(opened, [name for name in CASES if name not in QUICK], tmp_path)
