"""Spreads of structure say in words what the scores say, and the table of layers counts as they do."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.atlas.drawing import Dot
from reportgen.atlas.layer_table import layer_table
from reportgen.atlas.rows import LayerRows, listed_rows
from reportgen.atlas.structure_plots import Axis, axis_of, layer_spread, scale_of, small_spread, structures_of
from reportgen.atlas.summaries import LayerSummary
from reportgen.atlas.use_plot import use_against_structure
from reportgen.store import open_store
from reportgen.verdicts import WORDS


@pytest.fixture(scope="module")
def rows(small_store: Path) -> list[LayerRows]:
    with open_store(small_store) as store:
        record = store.models()[0]
        return [listed_rows(store, record, layer) for layer in record.layers]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_every_value_is_in_some_bin_however_far_out(values: list[float]) -> None:
    assert Axis(-3.0, 9.0, 24).shares(values).sum() == pytest.approx(1)


def test_a_spread_says_how_many_units_and_pictures_of_the_baseline_reach_the_cut(
    rows: list[LayerRows],
) -> None:
    own = dataclasses.replace(
        rows[0], findings=dataclasses.replace(rows[0].findings, null_structure=(-1.0, 0.0, 0.5, 2.5))
    )
    found, small = layer_spread(own, most=0), small_spread(own, axis_of([own]))
    values = structures_of(own)
    above = sum(x >= own.thresholds.structure_z for x in values)
    assert found is not None and small is not None
    assert f"of {len(values)} units" in found.alt and f"; {above} at or above 2." in found.alt
    assert "baseline of 4 pictures from −1.0 to 2.5; 1 at or above 2." in found.alt
    assert small.alt.endswith("; noise baseline from −1.0 to 2.5.")
    assert [m.style for m in small.marks] == ["baseline", "spread-of", "axis", "cut"]


def test_a_layer_without_scores_has_no_spread(rows: list[LayerRows]) -> None:
    assert small_spread(dataclasses.replace(rows[0], scores={}), axis_of(rows)) is None
    assert scale_of(axis_of([dataclasses.replace(rows[0], scores={})])).marks


def test_the_table_of_layers_counts_as_the_scores_do(rows: list[LayerRows]) -> None:
    layers = [
        LayerSummary(x.layer.name, x.layer.slug, "", x.layer.n_units, len(x.units), "", x.counts, "", (), {})
        for x in rows
    ]
    table = layer_table(layers, rows, None)
    assert not table.removal
    assert table.words == tuple(word for word in WORDS if any(own.counts.get(word) for own in rows))
    for line, own in zip(table.lines, rows, strict=True):
        assert line.shares == tuple(own.counts.get(word, 0) / len(own.units) for word in table.words)
        assert line.median == pytest.approx(float(np.median(structures_of(own))))


def test_every_scored_unit_has_a_dot_that_leads_to_it_above_the_dots_of_its_bin(
    rows: list[LayerRows],
) -> None:
    found = layer_spread(rows[0], most=400)
    assert found is not None and found.across is not None
    dots = [m for m in found.marks if isinstance(m, Dot)]
    scored = {u for u, s in rows[0].scores.items() if s.structure is not None}
    assert {d.href for d in dots} == {f"#u{u}" for u in scored} and len(dots) == len(scored)
    assert len({(d.x, d.y) for d in dots}) == len(dots)
    axis = axis_of([rows[0]])
    bins = np.histogram([rows[0].scores[u].structure for u in scored], axis.bins, (axis.low, axis.high))[0]
    assert sorted(bins[bins > 0]) == sorted(sum(d.x == x for d in dots) for x in {d.x for d in dots})


def test_dots_of_units_with_a_pattern_lie_beyond_the_line_where_patterns_begin(rows: list[LayerRows]) -> None:
    cut = rows[0].thresholds.structure_z
    near = {0: cut - 0.3, 1: cut - 0.01, 2: cut, 3: cut + 0.06, 4: cut + 30.0, 5: -7.0}
    scores = {
        u: dataclasses.replace(rows[0].scores[u], structure=z, verdict="structured" if z >= cut else "static")
        for u, z in near.items()
    }
    found = layer_spread(dataclasses.replace(rows[0], scores=scores), most=400)
    assert found is not None
    (line,) = [m for m in found.marks if m.shape == "line" and m.style == "cut"]
    x = float(line.points.split(",")[0])
    dots = [m for m in found.marks if isinstance(m, Dot)]
    assert len(dots) == len(near)
    assert all((d.x > x) == (d.style == "s") for d in dots)


def test_of_more_units_than_dots_the_outline_is_drawn(rows: list[LayerRows]) -> None:
    found = layer_spread(rows[0], most=3)
    assert found is not None and not [m for m in found.marks if isinstance(m, Dot)]
    assert "spread-of" in [m.style for m in found.marks]


def test_a_dot_of_use_stands_where_its_numbers_are(rows: list[LayerRows]) -> None:
    found = use_against_structure(rows[0], most=400)
    assert found is not None and found.across is not None
    a = found.across
    dots = {m.href: m for m in found.marks if isinstance(m, Dot)}
    assert len(dots) > 10
    for unit, score in rows[0].scores.items():
        if score.structure is not None and score.use is not None:
            dot = dots[f"#u{unit}"]
            told = a.low + (dot.x - a.left) / (a.right - a.left) * (a.high - a.low)
            assert told == pytest.approx(score.structure, abs=0.05)
            assert 1 - (dot.y - 30) / 228 == pytest.approx(min(score.use, 1.0), abs=0.01)
