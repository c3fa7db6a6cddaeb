"""Pass, fail and investigate: how a rule ends where units near a threshold could decide it either way."""

import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "atlas"))

from sample_store import write_sample_store

from reportgen.compare import Version
from reportgen.compare.changes import Pairing, changes
from reportgen.compare.matching import families, matches
from reportgen.compare.outcomes import Number, Outcome, Result, judge
from reportgen.compare.possible import possible_verdicts
from reportgen.compare.rows import LayerRows
from reportgen.compare.rules import read_rule
from reportgen.comparison import Comparison, LayerPair, VersionId
from reportgen.errors import ConfigError
from reportgen.judgement import Look, Starts
from reportgen.sampling import drawn_order, estimated_share
from reportgen.store import open_store
from reportgen.units import UnitScore


def score(word, *, z=None, borderline=False, nearly_flat=False, consistency=0.9):
    return UnitScore(
        0, word, "", "", borderline, structure=z, consistency=consistency, look=Look(nearly_flat=nearly_flat)
    )


PATTERNED = {"structured", "unstable", "multifaceted"}


@pytest.mark.parametrize(
    ("unit", "possible"),
    [
        (score("structured", z=9.0), {"structured"}),
        (score("structured", z=2.5, borderline=True), {"structured", "static"}),
        (score("unstable", z=2.5, borderline=True), {"unstable", "static"}),
        (score("undecided", z=2.5, borderline=True, consistency=None), {"undecided", "static"}),
        (score("static", z=2.0, borderline=True), {"static", *PATTERNED}),
        (score("static", z=2.0, borderline=True, consistency=None), {"static", "undecided", *PATTERNED}),
        (score("structured", z=9.0, borderline=True, nearly_flat=True), {"structured", "flat"}),
        (score("structured", z=2.5, borderline=True, nearly_flat=True), {"structured", "flat", "static"}),
        (score("flat", borderline=True, nearly_flat=True), {"flat", "static", *PATTERNED}),
        (score("dead"), {"dead"}),
    ],
)
def test_a_borderline_unit_may_have_the_verdicts_across_its_threshold(unit, possible):
    assert possible_verdicts(unit) == possible


@pytest.mark.parametrize(
    ("rule", "low", "high", "result"),
    [
        ("dead <= 5", 4, 5, "pass"),
        ("dead <= 5", 5, 6, "investigate"),
        ("dead <= 5", 6, 9, "fail"),
        ("dead < 5", 4, 5, "investigate"),
        ("structured_share >= 60%", 0.6, 0.9, "pass"),
        ("structured_share >= 60%", 0.5, 0.6, "investigate"),
        ("structured_share > 60%", 0.5, 0.6, "fail"),
        ("dead == 5", 5, 5, "pass"),
        ("dead == 5", 4, 6, "investigate"),
        ("dead == 5", 6, 7, "fail"),
    ],
)
def test_a_rule_passes_or_fails_only_where_the_whole_interval_does(rule, low, high, result):
    # An estimate from a sample of units is such a number, wherever its interval comes from.
    outcome = Outcome(read_rule(rule), Number((low + high) / 2, low, high, estimated=True))
    assert outcome.result == result


def test_without_a_number_a_rule_fails():
    assert Outcome(read_rule("dead <= 5"), Number(None)).result is Result.FAIL


def test_of_several_results_the_worst_counts():
    assert Result.of_all([Result.PASS, Result.INVESTIGATE]) is Result.INVESTIGATE
    assert Result.of_all([Result.INVESTIGATE, Result.FAIL]) is Result.FAIL
    assert Result.of_all([]) is Result.PASS


def scores_of(version, layer):
    return version.store.scores(version.record.id, layer)


def rescore(version, layer, change):
    """Store other scores of a layer."""
    findings = version.store.findings(version.record.id, layer)
    rows = [change(s) for s in scores_of(version, layer)]
    version.store.put_scores(version.record.id, layer, rows, fingerprint="other", findings=findings)


@pytest.fixture
def versions(tmp_path):
    """Two versions with equal scores in conv1: all of its units are structured, two near the threshold."""
    path = write_sample_store(tmp_path / "s.db", hostile=False)
    with open_store(path, write=True) as store:
        found = [Version(store, record) for record in store.models()]
        for version in found:
            rescore(
                version,
                "conv1",
                lambda s: dataclasses.replace(
                    s, verdict="structured", structure=2.4 if s.unit < 2 else 9.0, borderline=s.unit < 2
                ),
            )
        yield found


def outcome(text, version, before=None, comparison=None):
    return judge([read_rule(text)], version, before, comparison)[0]


def test_units_near_the_threshold_are_investigated_where_they_decide(versions):
    n = len(scores_of(versions[1], "conv1"))
    found = outcome(f"structured in conv1 >= {n - 1}", versions[1])
    assert (found.number.value, found.number.low, found.number.high) == (n, n - 2, n)
    assert found.result is Result.INVESTIGATE and found.held
    assert found.units == (("conv1", 0), ("conv1", 1))
    assert outcome(f"structured in conv1 >= {n - 2}", versions[1]).result is Result.PASS
    assert outcome(f"structured in conv1 > {n}", versions[1]).result is Result.FAIL
    share = outcome("structured_share in conv1 >= 1", versions[1])
    assert share.result is Result.INVESTIGATE and share.number.low == pytest.approx((n - 2) / n)


@pytest.fixture
def drawn(versions):
    """A version of whose layer conv1 all units but two were drawn: one is static, the others structured."""
    version = versions[1]
    n = version.record.layer("conv1").n_units
    units = drawn_order(version.record.layer("conv1").graph_hash, range(n))[:-2]
    findings = version.store.findings(version.record.id, "conv1")
    rows = [
        dataclasses.replace(
            s, verdict="static" if s.unit == units[0] else "structured", borderline=False, starts=Starts(9, 9)
        )
        for s in scores_of(version, "conv1")
        if s.unit in units
    ]
    version.store.put_scores(version.record.id, "conv1", rows, fingerprint="drawn", findings=findings)
    plan = {**version.record.plan, "drawn": ["conv1"]}
    return Version(version.store, dataclasses.replace(version.record, plan=plan))


def test_a_rule_about_drawn_units_is_about_all_units_and_says_that_it_estimates(drawn):
    n = drawn.record.layer("conv1").n_units
    known = estimated_share(n - 3, n - 2, n)
    # Two units are not known; that both are static, as one of 22 is, has a probability below 2.5 %.
    assert (known.low, known.high) == pytest.approx(((n - 2) / n, (n - 1) / n))
    share = outcome("structured_share in conv1 >= 50%", drawn).number
    assert share.estimated
    assert (share.value, share.low, share.high) == (known.share, known.low, known.high)
    count = outcome("structured in conv1 >= 1", drawn).number
    assert count.estimated and (count.value, count.low, count.high) == pytest.approx(
        (known.share * n, n - 2, n - 1)
    )


def test_an_estimated_rule_passes_and_fails_only_where_units_not_judged_cannot_change_it(drawn):
    n = drawn.record.layer("conv1").n_units
    for limit, result in ((n - 3, "pass"), (n - 2, "pass"), (n - 1, "investigate"), (n, "fail")):
        assert outcome(f"structured in conv1 >= {limit}", drawn).result == result
        share = outcome(f"structured_share in conv1 >= {(limit - 0.5) / n}", drawn)
        assert share.result == result
    assert outcome("static in conv1 <= 0", drawn).result is Result.FAIL
    assert outcome("static in conv1 <= 1", drawn).result is Result.INVESTIGATE
    assert outcome("static in conv1 <= 2", drawn).result is Result.PASS


def test_counts_of_drawn_units_are_not_compared_with_those_of_another_version(versions, drawn):
    c = Comparison(VersionId("a", "1", "h"), VersionId("a", "2", "i"), (), "name")
    with pytest.raises(ConfigError, match="units were drawn"):
        outcome("static_change in conv1 <= 0", drawn, versions[0], c)


def test_what_no_threshold_decides_is_certain(versions):
    for rule in ("dead in conv1 <= 0", "units in conv1 >= 1", "copies in conv1 <= 99"):
        number = outcome(rule, versions[1]).number
        assert number.low == number.value == number.high and not number.unsure


def test_a_unit_near_the_threshold_that_did_not_change_makes_no_change_uncertain(versions):
    c = Comparison(VersionId("a", "1", "h"), VersionId("a", "2", "i"), (), "name")
    same = outcome("static_change in conv1 <= 0", versions[1], versions[0], c)
    assert same.result is Result.PASS and (same.number.low, same.number.high) == (0, 0)
    rescore(versions[1], "conv1", lambda s: dataclasses.replace(s, structure=2.5) if s.unit == 0 else s)
    other = outcome("static_change in conv1 <= 0", versions[1], versions[0], c)
    assert other.result is Result.INVESTIGATE
    assert (other.number.value, other.number.low, other.number.high) == (0, -1, 1)


def layer_rows(units, graph):
    layer = SimpleNamespace(n_units=len(units), graph_hash=graph, name="conv")
    scores = {i: dataclasses.replace(s, unit=i) for i, s in enumerate(units)}
    return LayerRows(layer=layer, scores=scores, probes=None, links=None)


def compared(before, after, table, *, ordered=True):
    """A comparison of two layers of two units with these scores and similarities."""
    quiet, apart = np.zeros(2, bool), families(np.eye(2, dtype=np.float32))
    table = np.asarray(table, np.float32)
    rows = changes(
        Pairing(
            layer_rows(before, "a"), layer_rows(after, "b"), table,
            matches(table, apart, apart, quiet, quiet), ordered, False, quiet, quiet,
        )
    )  # fmt: skip
    pair = LayerPair("conv", "conv", 2, 2, False, ordered, None, rows, 2, 2)
    return Comparison(VersionId("a", "1", "h"), VersionId("a", "2", "i"), (pair,), "name")


FAR = [score("structured", z=9.0)] * 2
NEAR = [score("static", z=2.2, borderline=True), FAR[1]]
ALIKE = [[0.95, 0.1], [0.1, 0.95]]


def test_a_pattern_lost_near_the_threshold_is_investigated(versions):
    found = compared(FAR, NEAR, ALIKE)
    assert [x.state for x in found.layers[0].changes] == ["blurred", "unchanged"]
    lost = outcome("blurred <= 0", versions[1], versions[0], found)
    assert lost.result is Result.INVESTIGATE and lost.units == (("conv", 0),)
    assert not lost.held and (lost.number.low, lost.number.high) == (0, 1)


def test_two_units_that_compute_the_same_have_changed_nothing_however_near_the_threshold(versions):
    found = compared(FAR, NEAR, [[0.999, 0.1], [0.1, 0.999]])
    assert outcome("changed <= 0", versions[1], versions[0], found).result is Result.PASS


def test_an_uncertain_pair_may_have_moved_or_not_but_is_kept_in_either_case(versions):
    found = compared(FAR, FAR, [[0.9, 0.89], [0.89, 0.9]], ordered=False)
    assert outcome("moved <= 0", versions[1], versions[0], found).result is Result.INVESTIGATE
    assert outcome("changed <= 0", versions[1], versions[0], found).result is Result.PASS
