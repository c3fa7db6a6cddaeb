"""The map of like units keeps planted kinds together, a square for each unit; groups are filters."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from reportgen.atlas.rows import LayerRows, layer_rows
from reportgen.atlas.similarity import MOST_ON_MAP, groups_of, similarity_map
from reportgen.judgement import ResponseGroups
from reportgen.store import open_store


@pytest.fixture(scope="module")
def conv(small_store: Path) -> LayerRows:
    """The rows of a layer of 24 units."""
    with open_store(small_store) as store:
        record = store.models()[0]
        return layer_rows(store, record, record.layers[0])


def with_kinds(rows: LayerRows, kinds: np.ndarray) -> LayerRows:
    """Return rows whose units respond as their kind does, with a little noise of their own."""
    rng = np.random.default_rng(3)
    samples = rng.normal(size=(64, 4, kinds.max() + 1))[:, :, kinds]
    samples = samples + 0.05 * rng.normal(size=samples.shape)
    layer = dataclasses.replace(rows.layer, n_units=len(kinds))
    return dataclasses.replace(rows, layer=layer, probes={"samples": samples.astype(np.float32)})


def test_units_of_one_kind_stand_nearer_to_each_other_than_to_others(conv: LayerRows) -> None:
    kinds = np.arange(24) % 3
    found = similarity_map(with_kinds(conv, kinds), "conv1", range(24))
    assert found is not None and len(found.tiles) == 24 and (found.n_left_out, found.n_still) == (0, 0)
    places = np.array([(t.x, t.y) for t in found.tiles], float)
    assert len({tuple(p) for p in places.tolist()}) == 24
    assert (places >= 0).all() and (places < (found.across, found.down)).all()
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    same = kinds[:, None] == kinds[None]
    assert apart[same].mean() < 0.6 * apart[~same].mean()


def test_units_that_no_probe_moves_are_left_out_and_counted(conv: LayerRows) -> None:
    rows = with_kinds(conv, np.arange(24) % 3)
    still = rows.probes["samples"].copy()
    still[:, :, :5] = 0.5
    found = similarity_map(dataclasses.replace(rows, probes={"samples": still}), "conv1", range(24))
    assert found is not None and found.n_still == 5
    assert [t.unit for t in found.tiles] == list(range(5, 24))


def test_of_many_units_those_with_most_structure_are_on_the_map(conv: LayerRows) -> None:
    n = MOST_ON_MAP + 40
    scores = {u: dataclasses.replace(conv.scores[0], unit=u, structure=float(u)) for u in range(n)}
    rows = dataclasses.replace(with_kinds(conv, np.arange(n) % 7), scores=scores)
    found = similarity_map(rows, "conv1", range(n))
    assert found is not None and found.n_left_out == 40
    assert [t.unit for t in found.tiles] == list(range(40, n))


def test_a_layer_whose_responses_were_not_measured_has_no_map(conv: LayerRows) -> None:
    assert similarity_map(dataclasses.replace(conv, probes={}), "conv1", range(24)) is None


def test_a_group_is_named_by_the_number_that_the_filter_knows(conv: LayerRows) -> None:
    kinds = ResponseGroups(live=24, groups=((1, 5, 9), tuple(range(10, 24))))
    rows = dataclasses.replace(
        conv, findings=dataclasses.replace(conv.findings, response_groups=kinds), scores={}
    )
    large, small = groups_of(rows, "conv1", range(24))
    assert (large.title, large.query, large.n_more) == ("14 similar", "group:1", 0)
    assert (small.title, small.query) == ("3 similar", "group:2")
    assert [t.unit for t in small.tiles] == [1, 5, 9]
    copies = [g for g in groups_of(conv, "conv1", range(24)) if g.query.startswith("copies:")]
    assert copies and all(g.query == f"copies:{g.tiles[0].unit}" for g in copies)
