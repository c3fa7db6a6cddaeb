"""What a pair of units is called, from similarity, confidence and verdicts."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from reportgen.compare.changes import Pairing, changes
from reportgen.compare.matching import families, matches
from reportgen.compare.rows import LayerRows
from reportgen.comparison import (
    Comparison,
    LayerPair,
    Side,
    UnitChange,
    VersionId,
    counts_in_words,
    sentences,
    state_counts,
)
from reportgen.units import UnitScore

SURE = np.array([[0.9, 0.1], [0.1, 0.9]], np.float32)
UNSURE = np.array([[0.9, 0.89], [0.89, 0.9]], np.float32)


def layer_rows(verdicts, structure, graph="a"):
    scores = {
        unit: UnitScore(unit, word, "", "", False, structure=structure, consistency=0.97)
        for unit, word in enumerate(verdicts)
    }
    layer = SimpleNamespace(n_units=len(verdicts), graph_hash=graph)
    return LayerRows(layer=layer, scores=scores, probes=None, links=None)


def pairing(table, *, ordered, outputs=False, verdicts=("static", "structured")):
    quiet = np.zeros(2, bool)
    apart = families(np.eye(2, dtype=np.float32))
    return Pairing(
        layer_rows([verdicts[0]] * 2, 1.0), layer_rows([verdicts[1]] * 2, 5.0, "b"), table,
        matches(table, apart, apart, quiet, quiet), ordered, False, quiet, quiet, None, outputs,
    )  # fmt: skip


def test_a_verdict_that_differs_of_a_sure_pair_is_a_change():
    assert {x.state for x in changes(pairing(SURE, ordered=False))} == {"sharpened"}


def test_a_verdict_that_differs_of_an_unsure_pair_is_no_change_and_says_why():
    for x in changes(pairing(UNSURE, ordered=False)):
        assert x.kept and x.confidence < 0.8
        assert x.uncertain and x.reason.endswith("but not called sharpened: the pair is uncertain")


def test_where_units_keep_their_indices_the_index_makes_a_pair_sure():
    assert {x.state for x in changes(pairing(UNSURE, ordered=True))} == {"sharpened"}


@pytest.mark.parametrize("outputs", [True, False])
def test_an_output_that_responds_differently_keeps_its_class_and_says_so(outputs):
    table = np.array([[0.74, 0.1], [0.1, 0.97]], np.float32)
    same = ("structured", "structured")
    first, second = changes(pairing(table, ordered=True, outputs=outputs, verdicts=same))
    assert second.state == "unchanged" and first.state == "re-purposed"
    assert ("output for the same class" in first.reason) == outputs


def compared(chance=None, ordered=False):
    rows = (
        UnitChange("moved", Side(0), Side(3)),
        UnitChange("unmatched", Side(1), None),
        UnitChange("unmatched", None, Side(0)),
        UnitChange("unmatched", None, Side(1)),
        UnitChange("unmatched", None, Side(2)),
    )
    twin = None if chance is None else VersionId("net", "wide (untrained twin)", "")
    pair = LayerPair("conv", "conv", 2, 4, False, ordered, None, rows, 1, 1, chance)
    return Comparison(VersionId("net", "narrow", ""), VersionId("net", "wide", ""), (pair,), "name",
                      chance=twin)  # fmt: skip


def test_pairs_of_dead_units_count_apart_so_that_counts_agree():
    rows = (
        UnitChange("moved", Side(0, "structured"), Side(1, "structured"), 0.9),
        UnitChange("moved", Side(1, "dead"), Side(0, "dead")),
        UnitChange("unmatched", Side(2, "dead"), None),
    )
    pair = LayerPair("conv", "conv", 3, 2, False, False, None, rows, 1, 1)
    assert pair.dead_pairs == 1
    assert pair.counterparts_a + pair.dead_pairs == pair.counts["moved"]
    assert dataclasses.replace(pair, ordered=True).dead_pairs == 0
    c = Comparison(VersionId("m", "a", ""), VersionId("m", "b", ""), (pair,), "name")
    assert any(
        "1 of 3 units of a have a counterpart in b; 1 more is dead in both." in s for s in sentences(c)
    )


def test_the_counts_of_each_version_add_up_to_its_units():
    c = compared()
    counts = state_counts(c.layers[0].changes, "narrow", "wide")
    assert counts_in_words(counts) == "1 moved, 1 unmatched in narrow, 3 unmatched in wide"
    of_a = sum(x.n for x in counts if x.key != "unmatched-b")
    of_b = sum(x.n for x in counts if x.key != "unmatched-a")
    assert (of_a, of_b) == (c.layers[0].n_a, c.layers[0].n_b)


def test_wherever_counterparts_are_counted_chance_is_given_or_said_to_be_unknown():
    (known,) = [s for s in sentences(compared(chance=0)) if "have a counterpart" in s]
    assert "By chance, in the untrained network net wide (untrained twin): 0." in known
    (unknown,) = [s for s in sentences(compared()) if "have a counterpart" in s]
    assert "is not known" in unknown and "--twin" in unknown
    (kept,) = [s for s in sentences(compared(ordered=True)) if "have a counterpart" in s]
    assert "chance" not in kept
