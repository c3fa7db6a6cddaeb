"""The pictures of removal: lines where the numbers are, names that can be read, nothing out of the frame."""

import dataclasses
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_removal import BEFORE, MAJORITY, curve_of, removal_of

from reportgen.atlas.drawing import ticks
from reportgen.atlas.labels import Labels
from reportgen.atlas.removal_curve import MIDDLE, MOST_POINTS, NARROW, WIDE, removal_curve, small_curve
from reportgen.atlas.removal_plots import SeenUnit, drawn, need_against_structure, widths
from reportgen.removal import CurvePoint, LayerNeed, RemovalCurve

LINES = {"need", "looks", "structured", "random"}


def marks(drawing, kind, name=None):
    return [m for m in drawing.marks if m.shape == kind and name in (None, m.style)]


def spots_of(drawing):
    """Return the dots that lead somewhere."""
    return [m for m in marks(drawing, "dot") if m.href]


def points(mark):
    return [tuple(map(float, pair.split(","))) for pair in mark.points.split()]


def texts(drawing):
    return [m.text for m in marks(drawing, "words")]


def seen(n, need=lambda i: 10.0 ** (-i % 4), structure=lambda i: i % 9 - 1.0):
    return [SeenUnit("conv", i, f"conv.html#u{i}", "s", structure(i), need(i), i % 2 == 0) for i in range(n)]


@pytest.mark.parametrize("size", [WIDE, MIDDLE, NARROW])
def test_the_curve_has_a_line_an_order_the_majority_and_the_chosen_point_with_its_count(size):
    found = removal_curve(removal_of(), size)
    assert {m.style for m in marks(found, "line")} >= {*LINES, "majority", "drop", "interval"}
    assert len(marks(found, "area", "spread")) == 1
    removal = removal_of()
    assert any(
        t.startswith(f"{removal.removed}") and t.endswith(" removed: 92.4\u00a0%") for t in texts(found)
    )
    for name in ("least needed first", "least structured first", "most structured first", "at random"):
        assert texts(found).count(name) == 1
    assert f"{removal.removed} can be removed" in texts(found)
    assert f"{removal.units - removal.removed} needed" in texts(found)


def test_a_point_stands_where_its_numbers_are():
    removal = removal_of()
    found = removal_curve(removal)
    (first, *_, last) = points(marks(found, "line", "need")[0])
    left, right = first[0], last[0]
    (chosen,) = marks(found, "dot", "chosen")
    share = (chosen.x - left) / (right - left)
    assert share == pytest.approx(removal.removed / removal.units, abs=0.001)
    (majority,) = marks(found, "line", "majority")
    per_share = (points(majority)[0][1] - first[1]) / (BEFORE - MAJORITY)
    (interval,) = marks(found, "line", "interval")
    for (_, y), told in zip(points(interval), removal.interval, strict=True):
        assert (chosen.y - y) / per_share == pytest.approx(told - BEFORE, abs=0.003)


def test_an_order_that_was_not_measured_has_no_line_and_no_name():
    removal = removal_of()
    without = dataclasses.replace(removal, curves=tuple(c for c in removal.curves if c.order == "need"))
    found = removal_curve(without)
    assert {m.style for m in marks(found, "line")} & LINES == {"need"}
    assert "at random" not in texts(found) and not marks(found, "area")
    assert removal_curve(dataclasses.replace(removal, curves=())) is None
    assert small_curve(dataclasses.replace(removal, curves=()), "conv2d_1") is None


def test_the_alternative_text_has_the_numbers():
    told = removal_curve(removal_of()).alt
    assert "least needed first 92.4\u00a0% at 0" in told and "78.3\u00a0% at 224" in told
    assert (
        "Always predicting the most common class: 78.3\u00a0%" in told
        and "units can be removed together" in told
    )
    assert "of conv2d_2 alone, of 64" in small_curve(removal_of(), "conv2d_2").alt
    assert "56 can be removed" in small_curve(removal_of(), "conv2d_2").alt


def test_a_curve_without_classes_shows_agreement():
    found = removal_curve(removal_of(classes=False))
    assert texts(found)[-1] == "Agreement with the whole network on 92 pictures"
    assert any("most common decision" in t for t in texts(found))


def test_a_line_of_many_points_keeps_its_ends_and_the_chosen_one():
    whole = RemovalCurve("need", "", tuple(CurvePoint(k, 1 - k / 5000, 1 - k / 5000) for k in range(5001)))
    removal = removal_of(units=5000, removed=1234, curves=(whole,))
    found = removal_curve(removal)
    drawn_points = points(marks(found, "line", "need")[0])
    assert len(drawn_points) <= MOST_POINTS + 1
    (chosen,) = marks(found, "dot", "chosen")
    assert min(abs(x - chosen.x) for x, _ in drawn_points) < 0.2
    assert len(json.dumps(dataclasses.asdict(found))) < 10_000


shares = st.floats(0, 1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(shares, shares), min_size=2, max_size=40),
    st.integers(1, 3000),
    st.tuples(shares, shares),
    shares,
    st.data(),
)
def test_whatever_was_measured_lies_within_the_canvas(values, units, interval, majority, data):
    removed = data.draw(st.integers(0, units))
    at = sorted({round(i * units / (len(values) - 1)) for i in range(len(values))})
    lines = tuple(
        RemovalCurve(order, "", tuple(CurvePoint(k, v[i], v[i]) for k, v in zip(at, values, strict=False)))
        for i, order in ((0, "need"), (1, "looks"))
    )
    removal = removal_of(units=units, removed=removed, largest=units, curves=lines, interval=interval,
                         majority_share=majority, accuracy_after=values[0][0])  # fmt: skip
    for size in (WIDE, NARROW):
        found = removal_curve(removal, size)
        places = [p for m in [*marks(found, "line"), *marks(found, "area")] for p in points(m)]
        places += [(m.x, m.y) for m in marks(found, "dot")] + [(m.x, m.y) for m in marks(found, "words")]
        assert all(0 <= x <= size[0] and 0 <= y <= size[1] for x, y in places)


def test_names_of_lines_lie_apart_and_over_no_line():
    labels = Labels((0, 0, 400, 300), 13)
    slopes = [[(0, 20 + 60 * k), (400, 60 + 60 * k)] for k in range(4)]
    numbers = [labels.keep_clear(line) for line in slopes]
    placed = [labels.place(f"line number {k}", number) for k, number in enumerate(numbers)]
    for a, b in itertools.combinations(placed, 2):
        assert abs(a.y - b.y) >= 13 or abs(a.x - b.x) > 90
    for label, line in zip(placed, slopes, strict=True):
        middle = label.y - 13 * 0.35
        own, *others = sorted(
            (abs(y0 + (y1 - y0) * label.x / 400 - middle), (x0, y0)) for (x0, y0), (_, y1) in slopes
        )
        assert own[1] == line[0] and own[0] > 6 and others[0][0] > own[0]


def test_a_name_that_stands_away_from_its_line_is_led_to_it():
    labels = Labels((0, 0, 200, 200), 12)
    labels.take((0, 60, 200, 140))
    label = labels.place("far", labels.keep_clear([(100, 100)]))
    assert label.leader and label.leader[0] == (100, 100)


@pytest.mark.parametrize(
    ("low", "high", "most"), [(0, 224, 6), (70, 100, 6), (0, 1, 5), (0, 7, 3), (5, 5, 4)]
)
def test_ticks_are_round_and_few(low, high, most):
    found = ticks(low, high, most)
    assert 1 <= len(found) <= most and all(low <= t <= high for t in found)


def test_the_width_of_a_layer_and_what_it_needs_are_drawn_on_one_scale():
    found = widths((LayerNeed("a", 32, 8, 4), LayerNeed("b", 64, 64, None)))
    has, needs = marks(found, "box", "has"), marks(found, "box", "needs")
    assert has[1].width == pytest.approx(2 * has[0].width, abs=0.2)
    assert needs[0].width == pytest.approx(has[0].width / 4, abs=0.2) and needs[1].width == has[1].width
    assert len(marks(found, "line", "alone")) == 1
    assert "a: 8 of 32, alone 4; b: 64 of 64" in found.alt


def test_every_unit_is_a_dot_that_leads_to_it():
    found = need_against_structure(seen(40), 2.0, 800)
    spots = spots_of(found)
    assert len(spots) == 40 and {m.href for m in spots} == {f"conv.html#u{i}" for i in range(40)}
    assert sum(m.style == "s open" for m in spots) == 20
    assert "40 units" in found.alt


def test_of_many_units_some_are_drawn_evenly():
    units = seen(10_000)
    shown = drawn(units, 800)
    assert len(shown) == 800 and {shown[0], shown[-1]} == {units[0], units[-1]}
    gaps = {b.unit - a.unit for a, b in itertools.pairwise(shown)}
    assert max(gaps) - min(gaps) <= 1
    assert len(spots_of(need_against_structure(units, 2.0, 800))) == 800


def test_units_of_no_need_stand_at_the_foot():
    found = need_against_structure(seen(30, need=lambda i: 0.0 if i < 3 else 0.1 * i), 2.0, 800)
    at = {m.href: m.y for m in spots_of(found)}
    assert all(
        at[f"conv.html#u{i}"] > max(y for h, y in at.items() if h != f"conv.html#u{i}") - 1 for i in range(3)
    )
    assert "≈ 0" in texts(found)
    assert need_against_structure(seen(30, need=lambda i: 0.0), 2.0, 800) is None


def test_a_layers_own_curve_marks_how_many_of_its_units_can_go_alone():
    removal = removal_of()
    found = small_curve(removal, "conv2d_1")
    (chosen,) = marks(found, "dot", "chosen")
    first, last = points(marks(found, "line", "need")[0])[:: len(curve_of("need", "x", 32).points) - 1]
    assert (chosen.x - first[0]) / (last[0] - first[0]) == pytest.approx(28 / 32, abs=0.005)
    assert removal_curve(removal, MIDDLE, "conv2d_1").marks
    assert "of conv2d_1 alone" in removal_curve(removal, MIDDLE, "conv2d_1").alt


def test_small_needs_have_an_axis_of_powers_of_ten():
    found = texts(need_against_structure(seen(30, need=lambda i: 0.01 * 10.0 ** -(i % 6)), 2.0, 800))
    assert {"10⁻²", "10⁻³", "10⁻⁶"} <= set(found) and not any("e-" in x or "e−" in x for x in found)
