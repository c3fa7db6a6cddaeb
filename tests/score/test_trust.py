"""Checks of trust on cases with known answers."""

import types

import numpy as np
import pytest

from reportgen.judgement import Natural, Trust
from reportgen.score.natural_findings import selectivity
from reportgen.score.trust import beyond_natural, natural_agreement, robust_share
from reportgen.score.twin import auc, twin_findings
from reportgen.sentences.responses import trust_in_words
from reportgen.units import Telemetry, UnitScore

N_UNITS = 20


def a_run(start=0.0, end=2.0, transformed=(1.0,) * 8, **changes):
    fields = {
        "activation_start": start, "activation_best": end, "activation_end": end,
        "activation_transformed": transformed, "gradient_start": 1.0, "gradient_end": 1.0, "moved": 0.1,
        "steps": 9, "stop_reason": "converged", "non_finite": 0, "reduction": "leaky-mean", **changes,
    }  # fmt: skip
    return Telemetry(**fields)


def test_robust_is_the_share_of_the_gain_that_stays():
    assert robust_share(a_run()) == 0.5
    assert robust_share(a_run(start=1.0, transformed=(1.0,) * 8)) == 0.0
    assert robust_share(a_run(transformed=(2.0,) * 7 + (-9.0,))) == 1.0


@pytest.mark.parametrize(
    "run",
    [a_run(transformed=()), a_run(end=0.0), a_run(rescue="louder-start"), a_run(end=float("nan"))],
)
def test_robust_is_undefined_where_nothing_was_gained_or_known(run):
    assert robust_share(run) is None


def test_beyond_natural_is_the_ratio_of_the_best_activations():
    renders = {
        "unit": np.array([0, 0, 1, 2]),
        "max": np.array([[2, 9, 9], [6, 9, 9], [0, 1, 0], [0, 0, -1.0]]),
    }
    natural = {"max": np.array([3.0, 0.0, 5.0])}
    assert beyond_natural(natural, renders) == {0: 2.0, 1: float("inf")}


def layer_answers(seed, *, own):
    """Answers of 20 units to two renders and two natural pieces of each; `own`: both excite alike."""
    rng = np.random.default_rng(seed)
    profiles = rng.normal(size=(N_UNITS, N_UNITS))
    others = profiles if own else rng.normal(size=(N_UNITS, N_UNITS))

    def seen(rows):
        return (
            np.repeat(rows, 2, axis=0)
            + 0.3 * rng.normal(size=(2 * N_UNITS, N_UNITS))
            + 5 * np.arange(N_UNITS)
        )

    renders = {"unit": np.repeat(np.arange(N_UNITS), 2), "max": seen(profiles)}
    near = {"response": seen(others).astype(np.float16), "of": np.arange(2 * N_UNITS).reshape(-1, 2)}
    return near, renders, {u: u for u in range(N_UNITS)}


def test_renders_that_excite_a_layer_like_their_natural_examples_agree():
    assert min(natural_agreement(*layer_answers(0, own=True)).values()) > 0.9


def test_renders_that_do_not_are_at_chance():
    found = [v for seed in range(8) for v in natural_agreement(*layer_answers(seed, own=False)).values()]
    assert abs(np.mean(found) - 0.5) < 0.06


def test_a_unit_alone_does_not_make_its_examples_agree():
    """Where only the unit itself answers to both, the rest of the layer says nothing."""
    near, renders, family = layer_answers(1, own=False)
    for arrays, name in ((near, "response"), (renders, "max")):
        rows = np.arange(2 * N_UNITS)
        arrays[name][rows, rows // 2] = 500
    found = list(natural_agreement(near, renders, family).values())
    assert abs(np.mean(found) - 0.5) < 0.15


def test_a_unit_that_is_always_zero_is_left_out_quietly():
    near, renders, family = layer_answers(2, own=True)
    near["response"][:, 3] = 0
    renders["max"][:, 3] = 0
    assert len(natural_agreement(near, renders, family)) == N_UNITS


def test_small_layers_are_not_compared():
    near, renders, family = layer_answers(0, own=True)
    few = {"unit": renders["unit"][:16], "max": renders["max"][:16, :8]}
    assert natural_agreement({"response": near["response"][:16, :8], "of": near["of"][:8]}, few, family) == {}


def test_words_follow_the_numbers():
    good = Trust(recipes_pass=True, robust_share=0.8, beyond_natural=1.8, natural_agreement=0.9)
    assert trust_in_words(good, None) == (
        "recipes agree, robust, 1.8 times its strongest natural picture, synthetic and natural examples agree"
    )
    bad = Trust(recipes_pass=False, robust_share=0.1, beyond_natural=2.0, natural_agreement=0.4)
    assert trust_in_words(bad, Natural(silent=True)) == (
        "recipes disagree, fragile under transforms, silent on all natural pictures, "
        "synthetic and natural examples disagree"
    )
    assert trust_in_words(Trust(), None) == ""


def test_selectivity_names_the_class_and_is_undefined_below_zero():
    share, best = selectivity(np.array([[0.0, 2.0, -1.0], [4.0, 2.0, 3.0], [0.0, 2.0, 1.0]]))
    assert share[0] == 1.0 and best[0] == 1 and share[1] == 0.0
    assert np.isnan(share[2]) and best[2] == -1


def test_a_layer_is_distinguished_from_its_twin_by_structure():
    assert auc([3, 4, 5], [0, 1, 2]) == 1.0
    assert auc([1, 1], [1, 1, 1]) == 0.5
    assert auc([-np.inf, 2], [-np.inf]) == 0.75


@pytest.mark.parametrize(("n_untrained", "compared"), [(1, False), (15, False), (16, True)])
def test_a_twin_that_is_hardly_rendered_is_not_compared_with(n_untrained, compared):
    class Half:
        options, id = types.MappingProxyType({}), 2

        def twin_of(self, model):
            return self

        def scores(self, model, layer):
            return [a_row(unit, 1.0) for unit in range(n_untrained)]

    class Layer:
        name, n_units = "conv", 32

    values, told = twin_findings(Half(), None, Layer, [a_row(unit, 3.0) for unit in range(32)])
    assert (values is not None) == compared and len(told) == 1
    assert not compared or values.auc == 1.0


def a_row(unit, structure):
    return UnitScore(unit, "structured", "", "", False, structure=structure)
