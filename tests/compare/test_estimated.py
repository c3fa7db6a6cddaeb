"""Rules about layers of which a budget drew some units at random."""

from __future__ import annotations

import dataclasses

from reportgen.compare.estimated import estimated_count
from reportgen.compare.rules import read_rule
from reportgen.judgement import Starts
from reportgen.sampling import drawn_order
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
