"""Networks made wider without changing what they compute: what was added is found."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from reportgen.prune.search import SearchOptions
from tests.prune.known import (
    cancelling,
    every_unit_needed,
    kept_of,
    mixed,
    opened,
    rebuilt_with,
    searched,
    shapes,
    split_into_copies,
    trained,
    weights_of,
)


@pytest.fixture(scope="module")
def base():
    """The trained network's weights; its layers are 6, 8, 6 (linear) and 8 wide."""
    return weights_of(trained())


def _same_function(weights, base):
    given = shapes(30, seed=8)[0] / np.float32(255)
    answers = [rebuilt_with(w).predict_on_batch(given) for w in (weights, base)]
    np.testing.assert_allclose(*answers, atol=1e-4)


def test_copies_sums_and_pairs_that_cancel_are_found_together(base, tmp_path):
    weights = copy.deepcopy(base)
    copies = split_into_copies(weights, "first")
    sums = mixed(weights, "linear", 18)
    pairs = cancelling(weights, "hidden", 5)
    _same_function(weights, base)
    model = opened(rebuilt_with(weights), tmp_path / "wide.keras")
    search, found = searched(model, *shapes(300, seed=3))
    assert found.count >= copies + pairs + round(0.9 * sums)
    assert kept_of(search, found, "first") <= 6
    assert kept_of(search, found, "linear") <= 6 * 1.1
    assert kept_of(search, found, "hidden") <= 8
    report = search.judges["report"]
    search.measured.trial.apply(search.measured.refits(found.removed()))
    after = report.shares(search.measured.trial.outputs(report.pictures))
    assert after.accuracy > 0.9


def test_where_every_unit_is_needed_next_to_nothing_goes(tmp_path):
    network, pictures, labels = every_unit_needed()
    search, found = searched(opened(network, tmp_path / "lean.keras"), pictures, labels)
    assert len(search.groups) == 40
    assert found.count <= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "way"),
    [
        ("first", "copies"),
        ("second", "copies"),
        ("hidden", "copies"),
        ("first", "pairs"),
        ("second", "pairs"),
        ("hidden", "pairs"),
    ],
)
def test_units_added_to_one_layer_are_found_whole(base, tmp_path, layer, way):
    weights = copy.deepcopy(base)
    before = weights[layer][1].size
    added = split_into_copies(weights, layer) if way == "copies" else cancelling(weights, layer, 6)
    _same_function(weights, base)
    model = opened(rebuilt_with(weights), tmp_path / "wide.keras")
    _, found = searched(model, *shapes(300, seed=3), SearchOptions(layers=[layer]))
    assert len(found.ordering.order) == before + added
    assert found.count >= added


@pytest.mark.slow
def test_sums_of_a_layers_units_go_with_compensation_and_not_without(base, tmp_path):
    weights = copy.deepcopy(base)
    added = mixed(weights, "linear", 30)
    _same_function(weights, base)
    model = opened(rebuilt_with(weights), tmp_path / "wide.keras")
    search, found = searched(model, *shapes(300, seed=3))
    assert kept_of(search, found, "linear") <= 30 - 0.9 * added
    search, plain = searched(model, *shapes(300, seed=3), SearchOptions(compensate=False))
    assert kept_of(search, plain, "linear") > kept_of(search, found, "linear")
    assert plain.count < found.count


@pytest.mark.slow
def test_the_same_network_and_pictures_give_the_same_order_and_count(base, tmp_path):
    model = opened(rebuilt_with(base), tmp_path / "net.keras")
    first, again = (searched(model, *shapes(240, seed=3))[1] for _ in range(2))
    assert first.ordering.order.tolist() == again.ordering.order.tolist()
    assert (first.count, first.choice) == (again.count, again.choice)


def test_a_search_that_was_cut_short_goes_on_to_the_same_end(base, tmp_path):
    model = opened(rebuilt_with(base), tmp_path / "net.keras")
    pictures = shapes(150, seed=3)
    rounds = []
    _, whole = searched(model, *pictures, note=lambda taken, n: rounds.append(list(taken)))
    again = []
    _, found = searched(
        model, *pictures, rounds=rounds[: len(rounds) // 2], note=lambda taken, n: again.append(list(taken))
    )
    assert again == rounds
    assert found.ordering.order.tolist() == whole.ordering.order.tolist()
    assert found.count == whole.count
    assert found.curve == whole.curve


def test_rounds_of_another_network_are_not_taken_over(base, tmp_path):
    model = opened(rebuilt_with(base), tmp_path / "net.keras")
    pictures = shapes(90, seed=3)
    _, whole = searched(model, *pictures)
    _, found = searched(model, *pictures, rounds=[[0], [9999]])
    assert found.ordering.order.tolist() == whole.ordering.order.tolist()
