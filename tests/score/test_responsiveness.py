import numpy as np
import pytest

from reportgen.score.responsiveness import responsiveness_of, without_outgoing_weights
from reportgen.sentences.responses import (
    activation_in_words,
    liveliness_in_words,
    proof_in_words,
    superfluous_in_words,
)
from reportgen.spec import ScoreSpec


def responses(values):
    values = np.asarray(values, float)
    return {"max": values, "min": values}


def states(probes, renders, *, bounds=None, weights=None, activation="relu"):
    k = np.asarray(probes if probes is not None else renders).shape[1]
    arrays = [None if x is None else responses(x) for x in (probes, renders)]
    return responsiveness_of(k, *arrays, bounds, weights, activation=activation, spec=ScoreSpec())


def test_a_unit_that_is_always_zero_is_dead_and_nothing_proves_it():
    live, dead = states([[1, 0], [2, 0]], [[5, 0], [3, 0]])
    assert live.state == "live"
    assert (dead.state, liveliness_in_words(dead), dead.proof) == ("dead", "no input found", "")


def test_bounds_prove_a_unit_dead():
    bounds = {"post_low": np.array([0.0, 0.0]), "post_high": np.array([9.0, 0.0])}
    live, dead = states([[1, 0], [2, 0]], [[5, 0], [3, 0]], bounds=bounds)
    assert live.proof == ""
    assert (dead.state, liveliness_in_words(dead)) == ("dead", "proved")
    assert dead.proof == "bounds" and dead.bound == 0


def test_bounds_alone_prove_where_nothing_was_measured():
    bounds = {"post_low": np.array([0.0, np.nan, 2.0]), "post_high": np.array([0.0, np.nan, 2.0])}
    found = responsiveness_of(3, None, None, bounds, None, activation="relu", spec=ScoreSpec())
    assert [x.state for x in found] == ["dead", "unknown", "constant"]
    assert "no responses were measured" in activation_in_words(found[1])


def test_a_silent_unit_without_outgoing_weight_is_proved_to_be_without_effect():
    _, dead = states([[1, 0], [2, 0]], [[5, 0], [3, 0]], weights={"out_total": np.array([1.0, 0.0])})
    assert dead.proof == "weights" and proof_in_words(dead) == "no outgoing weight"


def test_a_unit_with_one_value_is_constant():
    _, still = states([[1, 0.7], [2, 0.7]], [[5, 0.7], [3, 0.7]])
    assert (still.state, liveliness_in_words(still)) == ("constant", "constant")
    assert "0.7" in activation_in_words(still)


def test_a_unit_that_only_renders_excite_is_not_dead():
    _, found = states([[1, 0], [2, 0]], [[5, 0], [3, 4.0]])
    assert (found.state, found.nuance) == ("live", "silent")


@pytest.mark.parametrize("scale", [1e-4, 1e-7, 1e-12])
def test_a_tiny_activation_of_a_relu_unit_is_an_activation(scale):
    rng = np.random.default_rng(0)
    values = rng.exponential(size=(20, 5))
    values[:, 4] *= scale
    assert states(values[:10], values[10:])[4].state == "live"


def test_a_saturated_sigmoid_is_dead():
    rng = np.random.default_rng(0)
    values = rng.uniform(size=(20, 3))
    values[:, 2] = 1e-12 * rng.uniform(size=20)
    assert states(values[:10], values[10:], activation="sigmoid")[2].state == "dead"


def test_a_linear_unit_that_is_always_negative_is_live():
    _, found = states([[1, -9], [2, -3]], [[5, -4], [3, -1]], activation="linear")
    assert found.state == "live"


def test_a_dead_unit_does_not_depend_on_how_many_others_are_dead():
    values = np.zeros((4, 10))
    values[:, 0] = [1, 2, 3, 4]
    found = states(values[:2], values[2:])
    assert [x.state for x in found] == ["live"] + ["dead"] * 9


def test_a_layer_of_one_unit_works():
    assert states([[1.0], [2.0]], [[3.0]])[0].state == "live"
    assert states([[0.0], [0.0]], [[0.0]])[0].state == "dead"


def test_silence_on_probes_alone_is_not_death():
    found = responsiveness_of(
        1, responses([[0.0], [0.0]]), None, None, None, activation="relu", spec=ScoreSpec()
    )[0]
    assert found.state == "unknown"
    assert "renders were not measured" in activation_in_words(found)


def test_answers_that_are_not_numbers_leave_a_unit_open():
    live, odd = states([[1, np.nan], [2, 1]], [[5, 0], [3, 0]])
    assert live.state == "live"
    assert odd.state == "unknown"


def test_a_layer_that_nothing_reads_has_no_unused_units():
    assert without_outgoing_weights({"out_total": np.zeros(3)}, 3).tolist() == [False] * 3
    assert without_outgoing_weights({"out_total": np.array([0, 1.0, np.nan])}, 3).tolist() == [
        True,
        False,
        False,
    ]
    assert without_outgoing_weights(None, 2).tolist() == [False] * 2


@pytest.mark.parametrize("end", [0.0, 2.0])
def test_bounds_over_an_assumed_range_prove_nothing(end):
    bounds = {"post_low": np.array([0.0, end]), "post_high": np.array([9.0, end])}
    arrays = [responses([[1, end], [2, end]])] * 2
    found = responsiveness_of(
        2, *arrays, bounds, None, activation="relu", spec=ScoreSpec(), assumed_range="0..1"
    )[1]
    assert found.proof == "" and "proved" not in liveliness_in_words(found)
    assert found.state == ("constant" if end else "dead")
    assert "in the assumed input range 0..1" in activation_in_words(found)
    unasked = responsiveness_of(
        2, None, None, bounds, None, activation="relu", spec=ScoreSpec(), assumed_range="0..1"
    )
    assert unasked[1].state == "unknown" and "prove nothing" in activation_in_words(unasked[1])


def test_a_missing_outgoing_weight_proves_that_a_unit_can_be_removed_and_not_that_it_is_never_active():
    weights = {"out_total": np.array([1.0, 0.0])}
    arrays = [responses([[1, 0], [2, 0]])] * 2
    found = responsiveness_of(
        2, *arrays, None, weights, activation="relu", spec=ScoreSpec(), assumed_range="0..1"
    )[1]
    assert (liveliness_in_words(found), found.proof) == (
        "no input found in the assumed input range 0..1",
        "weights",
    )
    assert superfluous_in_words(found, copy_of=None) == "all its outgoing weights are zero"
