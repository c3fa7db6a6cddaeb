"""Rules read and judged on a store with known verdicts."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "atlas"))

from sample_store import write_sample_store

from reportgen.compare import Version, compare_versions, series_of
from reportgen.compare.rules import judge, read_rule
from reportgen.errors import ConfigError
from reportgen.store import open_store


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    path = write_sample_store(tmp_path_factory.mktemp("rules") / "s.db", hostile=False)
    with open_store(path) as store:
        yield [Version(store, record) for record in store.models()]


def outcome(versions, text, *, against=False):
    before = versions[0] if against else None
    found = compare_versions(before, versions[1]) if before else None
    return judge([read_rule(text)], versions[1], before, found)[0]


@pytest.mark.parametrize(
    ("text", "name", "layers", "op", "limit"),
    [
        ("dead <= 5", "dead", "*", "<=", 5),
        (" structured_share in conv2d_*>=60% ", "structured_share", "conv2d_*", ">=", 0.6),
        ("repurposed == 0", "re-purposed", "*", "==", 0),
        ("dead_change<1", "dead_change", "*", "<", 1),
    ],
)
def test_a_rule_is_a_name_layers_and_a_limit(text, name, layers, op, limit):
    rule = read_rule(text)
    assert (rule.name, rule.layers, rule.op, rule.limit) == (name, layers, op, limit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dead", "wanted NAME"),
        ("dead = 5", "wanted NAME"),
        ("deat <= 5", 'did you mean "dead"'),
        ("dead <= five", '"five" is no number'),
        ("dead <= nan", "is no number"),
        ("died_change <= 1", "is not counted"),
        ("", "wanted NAME"),
    ],
)
def test_what_is_no_rule_is_said_in_one_line(text, said):
    with pytest.raises(ConfigError, match=said):
        read_rule(text)


def test_counts_and_shares_are_those_of_the_scores(versions):
    scores = [
        s for x in versions[1].record.layers for s in versions[1].store.scores(versions[1].record.id, x.name)
    ]
    dead = sum(s.verdict == "dead" for s in scores)
    assert outcome(versions, "dead >= 1").value == dead > 0
    assert outcome(versions, "dead_share <= 1").value == pytest.approx(dead / len(scores))
    assert outcome(versions, "units >= 1").value == len(scores)


def test_units_behind_a_failed_rule_are_those_too_many_or_those_missing(versions):
    many, few = outcome(versions, "dead <= 0"), outcome(versions, "structured_share in conv1 >= 100%")
    assert not many.held and len(many.units) == many.value
    verdicts = {
        (x.name, s.unit): s.verdict
        for x in versions[1].record.layers
        for s in versions[1].store.scores(versions[1].record.id, x.name)
    }
    assert {verdicts[u] for u in many.units} == {"dead"}
    assert few.units and all(
        layer == "conv1" and verdicts[layer, u] != "structured" for layer, u in few.units
    )
    assert outcome(versions, "dead <= 999").units == ()


def test_rules_that_compare_need_another_version(versions):
    with pytest.raises(ConfigError, match="--against"):
        outcome(versions, "died <= 2")
    found = outcome(versions, "died <= 2", against=True)
    assert found.value == 0 and found.held
    assert outcome(versions, "dead_change <= 0", against=True).value == 0
    assert outcome(versions, "unchanged_share >= 1", against=True).held


def test_a_layer_that_is_not_there_is_an_error_not_a_pass(versions):
    for text in ("dead in cnov* <= 5", "died in cnov* <= 5"):
        with pytest.raises(ConfigError, match="no layer is called so"):
            outcome(versions, text, against=True)


def test_series_count_what_the_verdict_table_counts(versions):
    found = series_of([*versions, versions[0]])
    dead = found.line("dead").values
    per_layer = [found.line("dead", layer).values for layer in found.layers]
    assert dead == tuple(map(sum, zip(*per_layer, strict=True)))
    assert (
        dead[0]
        == dead[2]
        == sum(
            s.verdict == "dead"
            for x in versions[0].record.layers
            for s in versions[0].store.scores(versions[0].record.id, x.name)
        )
    )
    assert all(0 <= v <= 1 for v in found.line("structured_share").values)
