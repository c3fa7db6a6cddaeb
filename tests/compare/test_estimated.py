"""Rules about layers of which a budget drew some units at random."""

from __future__ import annotations

import dataclasses

import pytest

from reportgen.compare.estimated import estimated_count
from reportgen.compare.rules import read_rule
from reportgen.judgement import Starts
from reportgen.sampling import combined_share, drawn_order, estimated_share
from reportgen.store import ModelRecord
from reportgen.units import InputRange, Layer, LayerGraph, UnitScore


def layer(name, n_units):
    return Layer(name, name, "conv2d", 0, n_units, (8, 8), (1, 1), (3, 3), "relu", "", False, name, name)


def record(layers, drawn):
    return ModelRecord(
        "m", "v", "m.keras", "f", {}, (8, 8, 1), "model", InputRange(), layers, LayerGraph((), ()),
        plan={"drawn": drawn, "seeds": 4},
    )  # fmt: skip


def score(unit, word):
    return UnitScore(unit, word, "", "", False, starts=Starts(4, 4))


def test_what_is_counted_is_estimated_for_all_units_of_drawn_layers():
    whole, drawn = layer("a", 4), layer("b", 400)
    model = record((whole, drawn), ["a", "b"])
    sample = drawn_order(drawn.graph_hash, range(400))[:40]
    scores = {
        "a": [score(unit, "static") for unit in range(4)],
        "b": [score(unit, "structured" if i < 30 else "static") for i, unit in enumerate(sample)],
    }
    share = estimated_count(read_rule("structured_share >= 50%"), model, scores)
    assert share is not None and share.of == 404 and share.judged == 44
    assert abs(share.share - 300 / 404) < 1e-9 and share.low < 0.7 < 0.8 < share.high
    assert estimated_count(read_rule("copies <= 3"), model, scores) is None
    assert estimated_count(read_rule("static <= 3"), model, {"a": scores["a"]}) is None
    unfinished = [dataclasses.replace(s, starts=Starts(1, 1)) for s in scores["b"]]
    assert estimated_count(read_rule("static <= 3"), model, {"b": unfinished}) is None
    assert estimated_count(read_rule("static <= 3"), record((whole, drawn), []), scores) is None


DRAWN = layer("b", 400)


def sampled(firm, nearly_static, nearly_structured, of=40):
    """Return scores of the first units drawn: structured ones, some of which may be static; else static.

    Of the latter some may be structured.
    """
    words = [
        *[("structured", False, 9.0)] * firm,
        *[("structured", True, 2.4)] * nearly_static,
        *[("static", True, 2.0)] * nearly_structured,
    ]
    words += [("static", False, 0.1)] * (of - len(words))
    units = drawn_order(DRAWN.graph_hash, range(400))
    return [
        UnitScore(unit, word, "", "", near, structure=z, starts=Starts(4, 4))
        for unit, (word, near, z) in zip(units, words, strict=False)
    ]


def test_an_estimate_without_units_near_a_threshold_is_that_of_sampling_alone():
    share = estimated_count(
        read_rule("structured_share in b >= 50%"), record((DRAWN,), ["b"]), {"b": sampled(30, 0, 0)}
    )
    assert share == estimated_share(30, 40, 400)
    assert (share.share, share.low, share.high) == pytest.approx((0.75, 0.605, 0.8525))


def test_units_near_a_threshold_widen_the_interval_to_either_side_and_leave_the_share():
    scores, model = {"b": sampled(26, 4, 3)}, record((DRAWN,), ["b"])
    share = estimated_count(read_rule("structured_share in b >= 50%"), model, scores)
    assert share.share == 30 / 40
    assert share.low == estimated_share(26, 40, 400).low < estimated_share(30, 40, 400).low
    assert share.high == estimated_share(33, 40, 400).high > estimated_share(30, 40, 400).high
    # What is static lies on the other side of the same threshold.
    other = estimated_count(read_rule("static_share in b <= 50%"), model, scores)
    assert other.share == 10 / 40
    assert other.low == estimated_share(7, 40, 400).low
    assert other.high == estimated_share(14, 40, 400).high


def test_units_near_a_threshold_of_layers_judged_whole_widen_it_by_as_many():
    few = layer("a", 10)
    scores = {
        "a": [
            dataclasses.replace(score(unit, "structured"), borderline=unit < 2, structure=2.4)
            for unit in range(10)
        ],
        "b": sampled(30, 0, 0),
    }
    share = estimated_count(read_rule("structured_share >= 50%"), record((few, DRAWN), ["b"]), scores)
    drawn = estimated_share(30, 40, 400)
    assert share.low == combined_share([estimated_share(8, 10, 10), drawn]).low
    assert share.high == combined_share([estimated_share(10, 10, 10), drawn]).high
    assert share.low == pytest.approx((8 + drawn.low * 400) / 410)


def test_units_that_were_asked_for_and_not_drawn_count_for_nothing():
    drawn = sampled(30, 0, 0)
    later = drawn_order(DRAWN.graph_hash, range(400))[60:70]
    scores = {"b": [*drawn, *(score(unit, "static") for unit in later)]}
    share = estimated_count(read_rule("structured_share in b >= 50%"), record((DRAWN,), ["b"]), scores)
    assert share == estimated_share(30, 40, 400)
