"""What stands beside a verdict is on the unit's page, in words and numbers, and only where it is known."""

import dataclasses

import numpy as np

from reportgen.atlas.rows import layer_rows
from reportgen.atlas.unit_trust import (
    histogram_section,
    natural_section,
    probe_histogram_section,
    trust_section,
)
from reportgen.judgement import Natural, Trust
from reportgen.store import open_store
from reportgen.units import UnitScore


def a_score(natural=None, **checks):
    return UnitScore(0, "structured", "", "r", False, trust=Trust(**checks), natural=natural)


def test_checks_that_were_made_are_shown_with_their_meaning():
    found = trust_section(a_score(recipes_agree=0.98, recipes_pass=True, beyond_natural=1.8))
    assert [fact[:2] for fact in [fact[:3] for fact in found.facts]] == [
        ("Recipes", "0.98"),
        ("Beyond natural", "1.8"),
    ]
    assert found.note.startswith("Recipes agree, 1.8 times its strongest natural picture.")
    assert all(fact.note for fact in found.facts)
    assert trust_section(a_score()) is None and trust_section(None) is None


def test_a_units_class_and_zeros_are_named():
    found = natural_section(a_score(Natural(zeros_share=0.4, selectivity=0.5, selective_class="<b>cat")))
    assert ("Class", "<b>cat", "which activates it most") in [fact[:3] for fact in found.facts]
    assert ("Zeros", "0.4") in [fact[:2] for fact in found.facts]
    assert natural_section(a_score(Natural(max=1.0))) is None and natural_section(a_score()) is None


def test_a_histogram_is_a_curve_that_says_itself_in_words():
    counts = np.zeros((2, 32), np.int64)
    counts[1, [0, 3]] = [30, 10]
    natural = {"counts": counts, "start": np.array([0.0, -2.0]), "width": np.array([1.0, 0.5])}
    found = histogram_section(natural, 1)
    assert "from −2 to 0; 75% lie between −2 and −1.5" in found.plot.alt
    assert histogram_section(natural, 0) is None and histogram_section({}, 0) is None


def test_a_check_that_was_not_made_is_not_shown():
    found = trust_section(a_score(recipes_agree=None, robust_share=0.5))
    assert [fact.label for fact in found.facts] == ["Transforms"]


def test_activations_on_probes_are_counted_where_no_other_pictures_were_given(small_store):
    with open_store(small_store) as store:
        record = store.models()[0]
        rows = layer_rows(store, record, record.layers[0])
    samples = np.zeros((8, 2, 3), np.float32)
    samples[0, 0, 1], samples[1, 0, 1] = 24.0, np.nan
    rows = dataclasses.replace(rows, natural={}, probes={"samples": samples})
    found = probe_histogram_section(rows, 1)
    assert found is not None
    assert "15 activations on probe pictures, from 0 to 24; 93% lie between 0 and 1" in found.plot.alt
    assert probe_histogram_section(rows, 0) is None and probe_histogram_section(rows, 3) is None
    given = dataclasses.replace(rows, natural={"counts": np.ones((3, 4))})
    assert probe_histogram_section(given, 1) is None
