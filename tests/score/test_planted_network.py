"""A part of `make verdicts`: one small planted network, rendered and judged through the public interface."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # benchmarks/ stands beside the package


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    pytest.importorskip("keras", reason="the networks are made with Keras")
    from benchmarks.verdicts import judge

    return judge("7", ["edges", "parts"], tmp_path_factory.mktemp("planted"), size=32, channels=1, kernel=5)


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    """Units over pixels: places, shapes, noise, doses of both, many ways to be dead."""
    pytest.importorskip("keras", reason="the networks are made with Keras")
    from benchmarks.verdicts import judge

    folder = tmp_path_factory.mktemp("dense")
    return judge("v5", ["templates"], folder, size=32, channels=3, activation="relu6")


@pytest.mark.slow
def test_dense_units_are_judged_as_they_were_built(dense):
    from benchmarks.verdict_measures import accuracy, macro_f1, spearman

    assert accuracy(dense.pairs()) >= 0.95
    assert macro_f1(dense.pairs()) >= 0.92
    assert [r["duplicate_of"] for r in dense.rows] == [t.duplicate_of for t in dense.truth]
    planted = [(t.dose, r["structure"]) for t, r in zip(dense.truth, dense.rows, strict=True)]
    assert spearman(*zip(*[p for p in planted if p[0] is not None], strict=True)) >= 0.85


@pytest.mark.slow
def test_planted_networks_are_judged_as_they_were_built(judged):
    from benchmarks.verdict_measures import accuracy, macro_f1

    assert accuracy(judged.pairs()) >= 0.95
    assert macro_f1(judged.pairs()) >= 0.92


@pytest.mark.slow
def test_no_living_unit_is_called_dead_and_no_dead_one_alive(judged):
    for planted, row in zip(judged.truth, judged.rows, strict=True):
        assert (row["verdict"] == "dead") == bool(planted.dead), planted


@pytest.mark.slow
def test_copies_are_found_and_nothing_else_is_called_one(judged):
    assert [r["duplicate_of"] for r in judged.rows] == [t.duplicate_of for t in judged.truth]


@pytest.mark.slow
def test_what_is_superfluous_for_certain_is_counted(judged):
    assert all(said == true for said, true in judged.certain.values())


@pytest.mark.slow
def test_structure_follows_its_dose_and_the_naive_scorer_is_not_enough(judged):
    from benchmarks.verdict_measures import macro_f1, spearman

    assert spearman(*zip(*judged.doses, strict=True)) >= 0.7
    assert macro_f1(judged.naive_pairs()) < 0.8
