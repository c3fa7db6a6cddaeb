"""Rules read and judged on a store with known verdicts."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "atlas"))

from sample_store import write_sample_store

from reportgen.compare import Version, compare_versions, series_of
from reportgen.compare.outcomes import judge
from reportgen.compare.rules import read_rule
from reportgen.errors import ConfigError
from reportgen.removal import LayerNeed, PictureCounts, Removal, UnitNeed
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


def test_superfluous_are_the_units_that_are_so_for_certain(versions):
    certain = {
        (x.name, unit)
        for x in versions[1].record.layers
        for unit in versions[1].store.findings(versions[1].record.id, x.name).certainly_superfluous
    }
    found = outcome(versions, "superfluous <= 0")
    assert certain and set(found.units) == certain
    assert series_of(versions).line("certain").values[1] == len(certain)


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
        with pytest.raises(ConfigError, match=r"no layer is called .cnov\*. \(did you mean .conv1.\?\)"):
            outcome(versions, text, against=True)


@pytest.fixture
def measured(tmp_path):
    """Versions of which removal was measured for the last: 2 of 3 units of conv1 go, and 0 of 2 of fc."""
    path = write_sample_store(tmp_path / "s.db", hostile=False)
    with open_store(path, write=True) as store:
        found = [Version(store, record) for record in store.models()]
        store.put_removal(found[1].record.id, *what_removal_told(), fingerprint="f")
        yield found


def what_removal_told():
    layers = (LayerNeed("conv1", 3, 1, kept=(4,)), LayerNeed("fc", 2, 2, kept=(0, 1)))
    told = Removal(
        "2026-11-30", 5, 2, 2, 2, 0.01, 0.9, 0.9, (0.8, 1.0), 1.0, 0, 0.5, PictureCounts(50, 20, 30), layers
    )
    units = {"conv1": (4, 5, 6), "fc": (0, 1)}
    return told, {layer: [UnitNeed(u, 0.1, u + 1) for u in some] for layer, some in units.items()}


def test_removable_share_is_what_went_of_what_can_be_removed(measured):
    assert outcome(measured, "removable_share <= 40%").value == 0.4
    assert outcome(measured, "removable_share <= 40%").held
    inside = outcome(measured, "removable_share in conv1 <= 0.5")
    assert inside.value == pytest.approx(2 / 3) and not inside.held
    assert inside.units == (("conv1", 5), ("conv1", 6))
    assert outcome(measured, "removable_share >= 50%").units == (("conv1", 4), ("fc", 0), ("fc", 1))


def test_superfluous_is_what_removal_took_where_it_was_measured_else_what_is_certain(measured, versions):
    assert set(outcome(measured, "superfluous <= 0").units) == {("conv1", 5), ("conv1", 6)}
    certain = {
        (x.name, unit)
        for x in versions[1].record.layers
        for unit in versions[1].store.findings(versions[1].record.id, x.name).certainly_superfluous
    }
    assert certain and set(outcome(versions, "superfluous <= 0").units) == certain


def test_removable_share_without_a_measurement_says_how_to_take_it(versions):
    with pytest.raises(ConfigError, match="removal was not measured for garden v2") as caught:
        outcome(versions, "removable_share <= 40%")
    for how in ("reportgen atlas MODEL --images DIR", "reportgen atlas MODEL --removal FILE"):
        assert how in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_removal_took_is_not_held_against_what_is_certain(measured, versions):
    with pytest.raises(ConfigError, match="measured for garden v2 and not for garden v1"):
        outcome(measured, "superfluous_change <= 0", against=True)
    assert outcome(versions, "superfluous_change <= 0", against=True).value == 0
    first = measured[0]
    first.store.put_removal(first.record.id, *what_removal_told(), fingerprint="f")
    assert outcome(measured, "superfluous_change <= 0", against=True).value == 0


def test_removable_share_of_layers_that_are_not_there_or_keep_all_is_an_error(measured):
    with pytest.raises(ConfigError, match=r"no layer is called .cnov\*. \(did you mean .conv1.\?\)"):
        outcome(measured, "removable_share in cnov* <= 5%")
    with pytest.raises(ConfigError, match="no unit there can be removed"):
        outcome(measured, "removable_share in */conv2 <= 5%")


def test_a_misspelt_share_is_refused_with_its_name():
    with pytest.raises(ConfigError, match='did you mean "removable_share"'):
        read_rule("removeable_share <= 5%")


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
