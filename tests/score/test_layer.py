import dataclasses

import numpy as np
import pytest

from reportgen.score import score_layer
from reportgen.sentences.reasons import pattern_in_words
from reportgen.spec import ScoreSpec
from reportgen.verdicts import WORDS

SPEC = ScoreSpec()


def verdicts(evidence):
    return [s.verdict for s in score_layer(evidence, SPEC)[0]]


def static(draw, n=4, start=0):
    return [draw.white(70_000 + start + i) for i in range(n)]


@pytest.fixture(scope="module")
def zoo(draw, evidence_of, gratings):
    """One of each: after 16 gratings static, flat, unstable, two facets, dead, failed, one seed."""
    runs = [(5, 4), (50, 9), (95, 6), (140, 12)]
    units = [
        *gratings,
        static(draw),
        [draw.flat((250, 250, 250))] * 4,
        [draw.grating(degrees=d, period=p) for d, p in runs],
        [draw.grating(degrees=11 + 90 * (s % 2), period=5, phase=s) for s in range(4)],
        [draw.grating(phase=s) for s in range(4)],
        [],
        [draw.grating(degrees=70)],
    ]
    made = evidence_of(units)
    probes, renders = made.probes["max"].copy(), made.renders["max"].copy()
    probes[:, 20] = renders[:, 20] = 0
    return dataclasses.replace(
        made,
        probes=evidence_of.responses(probes),
        renders=evidence_of.responses(renders),
        failures={21: "not a finite number in 4 of 4 starts"},
    )


def test_every_verdict_can_be_reached(zoo):
    found = verdicts(zoo)
    assert found[:16] == ["structured"] * 16
    assert found[16:] == ["static", "flat", "unstable", "multifaceted", "dead", "failed", "undecided"]
    assert set(found) == set(WORDS)


def test_every_unit_has_a_reason_of_one_line(zoo):
    for score in score_layer(zoo, SPEC)[0]:
        assert len(score.reason) > 20
        assert "\n" not in score.reason


def test_reasons_carry_the_numbers(zoo):
    scores = score_layer(zoo, SPEC)[0]
    assert f"structure {scores[0].structure:.1f}, above 2" in scores[0].reason
    assert "1 live start of 1" in scores[22].reason
    assert "not a finite number" in scores[21].reason
    assert scores[19].facets == 2
    assert scores[17].verdict_detail == "bright"


def test_numbers_are_absent_where_undefined(zoo):
    scores = score_layer(zoo, SPEC)[0]
    for unit in (17, 20, 21):
        assert scores[unit].structure is None
        assert scores[unit].p_structured is None
        assert scores[unit].consistency is None


def test_the_decision_is_a_path_that_ends_where_the_verdict_does(zoo):
    asked = {s.verdict: [step.question for step in s.decision] for s in score_layer(zoo, SPEC)[0]}
    assert asked["dead"] == ["activation"]
    assert asked["flat"] == ["activation", "contrast"]
    assert asked["static"] == ["activation", "contrast", "structure"]
    assert asked["structured"] == [*asked["static"], "recurrence"]
    assert asked["unstable"] == asked["multifaceted"] == [*asked["structured"], "facets"]


def test_findings_hold_the_nulls_own_deviations_and_what_units_have_in_common(zoo):
    findings = score_layer(zoo, SPEC)[1]
    assert len(findings.null_structure) == 32
    assert list(findings.null_structure) == sorted(findings.null_structure)
    common = findings.response_groups
    assert 1 <= common.effective_rank <= common.live == 22
    assert set(common.basis) <= set(range(23))
    assert any("effective rank" in line for line in findings.summary)


def test_findings_count_and_name(zoo):
    scores, findings = score_layer(zoo, SPEC)
    assert (findings.n_units, findings.n_rendered) == (23, 23)
    assert sum(findings.counts.values()) == 23
    assert any("23 units judged" in line for line in findings.summary)
    assert len(scores) == 23


def test_a_dead_unit_is_superfluous_for_certain_only_where_that_is_proved(zoo):
    seen = score_layer(zoo, SPEC)
    assert seen[0][20].verdict == "dead" and seen[1].certainly_superfluous == ()
    assert any(text.startswith("No unit is certainly superfluous") for text in seen[1].summary)
    bounds = {"post_low": np.zeros(23), "post_high": np.r_[np.ones(20), 0.0, 1.0, 1.0]}
    proved = score_layer(dataclasses.replace(zoo, bounds=bounds), SPEC)[1]
    assert proved.certainly_superfluous == (20,)
    assert any(text.startswith("1 of 23 units is certainly superfluous") for text in proved.summary)


def test_alt_texts_name_direction_and_period(zoo):
    look = score_layer(zoo, SPEC)[0][9].look
    assert pattern_in_words(look).startswith("oriented 2")
    assert look.period_px == pytest.approx(8, rel=0.1)
    assert look.colours == "black and white"


def test_a_partial_layer_says_so_in_every_reason(draw, evidence_of, gratings):
    made = evidence_of(gratings[:3], n_units=64, note="3 of 64 units rendered")
    scores, findings = score_layer(made, SPEC)
    assert [s.unit for s in scores] == [0, 1, 2]
    assert all("3 of 64 units rendered" in s.reason for s in scores)
    assert (findings.n_units, findings.n_rendered) == (64, 3)


def test_few_units_are_compared_with_the_null_and_it_is_said(evidence_of, gratings):
    scores, findings = score_layer(evidence_of(gratings[:2]), SPEC)
    assert [s.verdict for s in scores] == ["structured"] * 2
    assert "noise baseline" in findings.consistency_reference


def test_few_units_are_compared_with_other_layers_first(evidence_of, gratings):
    others = [p for unit in gratings[2:] for p in unit]
    findings = score_layer(evidence_of(gratings[:2], comparison=others), SPEC)[1]
    assert "56 pictures of other layers" in findings.consistency_reference
    assert "null" not in findings.consistency_reference


def test_a_layer_of_one_unit_is_judged(evidence_of, gratings):
    assert verdicts(evidence_of(gratings[:1])) == ["structured"]


def test_grey_wide_pictures_are_judged(draw, evidence_of):
    units = [
        [draw.grating((48, 192), degrees=20 * u, period=6, phase=s, channels=1) for s in range(2)]
        for u in range(9)
    ]
    units.append([draw.white(s, (48, 192), 1) for s in range(5, 7)])
    assert verdicts(evidence_of(units)) == ["structured"] * 9 + ["static"]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"null": None}, "noise baseline"),
        ({"probes": None, "renders": None}, "no responses were measured"),
        ({"null": np.zeros((32, 60, 60, 3), np.uint8)}, "another canvas, 60 by 60"),
        ({"null": np.zeros((32, 48, 48, 3), np.uint8)}, "fewer than 8"),
    ],
)
def test_what_is_missing_is_named(evidence_of, gratings, missing, words):
    for score in score_layer(evidence_of(gratings, **missing), SPEC)[0]:
        assert score.verdict == "undecided"
        assert words in score.reason


def test_flat_and_dead_need_no_null(draw, evidence_of):
    found = score_layer(evidence_of([[draw.flat((0, 0, 0))] * 2], null=None), SPEC)[0]
    assert (found[0].verdict, found[0].verdict_detail) == ("flat", "dark")


def test_pictures_too_small_to_judge_say_so(draw, evidence_of):
    unit = [draw.grating((16, 16), channels=1, phase=s) for s in range(2)]
    found = score_layer(evidence_of([unit]), SPEC)[0][0]
    assert found.verdict == "undecided"
    assert "12 by 12 px" in found.reason


def test_a_unit_without_ascent_is_undecided(draw, evidence_of, telemetry_of):
    made = evidence_of([static(draw)], telemetry={0: {s: telemetry_of(1.0, 1.0) for s in range(4)}})
    assert verdicts(made) == ["undecided"]


def test_a_rescued_start_counts_as_ascent(draw, evidence_of, telemetry_of):
    runs = {0: {s: telemetry_of(1.0, 1.0, rescue="cell-maxima") for s in range(4)}}
    assert verdicts(evidence_of([static(draw)], telemetry=runs)) == ["static"]


def test_a_failed_start_is_left_out_of_the_agreement(evidence_of, gratings, draw, telemetry_of):
    units = [*gratings[:15], [*gratings[15][:3], draw.white(5)]]
    made = evidence_of(units)
    runs = {**made.telemetry, 15: {s: telemetry_of(0, 1 if s < 3 else 0.01) for s in range(4)}}
    assert verdicts(dataclasses.replace(made, telemetry=runs))[15] == "structured"


@pytest.mark.parametrize(
    ("strays", "equal_to", "certain"), [(0.0, 0, [16]), (0.0, -1, []), (0.0, None, []), (0.02, -1, [])]
)
def test_copies_are_no_strangers_and_superfluous_for_certain_where_their_weights_are_equal(
    draw, evidence_of, gratings, strays, equal_to, certain
):
    made = evidence_of([*gratings, [draw.grating(degrees=0, period=4, phase=s + 0.4) for s in range(4)]])
    arrays = [made.probes["max"].copy(), made.renders["max"].copy()]
    for a in arrays:
        a[:, 16] = 3 * a[:, 0] * (1 + strays * np.random.default_rng(len(a)).normal(size=len(a)))
    made = dataclasses.replace(
        made, probes=evidence_of.responses(arrays[0]), renders=evidence_of.responses(arrays[1])
    )
    if equal_to is not None:
        weights = {"out_total": np.ones(17), "equal_to": np.array([-1] * 16 + [equal_to], np.int32)}
        made = dataclasses.replace(made, weights=weights)
    scores, findings = score_layer(made, SPEC)
    assert scores[16].duplicate_of == 0
    assert list(findings.certainly_superfluous) == certain
    assert min(s.consistency for s in scores) > 0.95


def test_many_units_of_one_colour_do_not_make_the_rest_unstable(draw, evidence_of, gratings):
    """Flat and static pictures are near each other; they must not pass for strangers of the others."""
    units = [
        *gratings,
        *[[draw.flat((255, 255, 255))] * 4] * 30,
        *[static(draw, start=9 * i) for i in range(20)],
    ]
    assert verdicts(evidence_of(units))[:16] == ["structured"] * 16


def test_looks_and_little_use_make_no_unit_superfluous(draw, evidence_of, gratings):
    made = evidence_of([*gratings, static(draw)], weights={"out_total": np.array([1.0] * 16 + [1e-6])})
    scores, findings = score_layer(made, SPEC)
    assert (scores[16].verdict, scores[16].use) == ("static", 0.0)
    assert findings.certainly_superfluous == ()


def test_a_unit_without_outgoing_weight_keeps_its_look_and_is_superfluous(evidence_of, gratings):
    made = evidence_of(gratings, weights={"out_total": np.array([1.0] * 15 + [0.0])})
    scores, findings = score_layer(made, SPEC)
    assert scores[15].verdict == "structured"
    assert scores[15].responsiveness.unused and "no outgoing weight" in scores[15].verdict_detail
    assert findings.certainly_superfluous == (15,)


def test_what_a_network_gives_out_is_never_superfluous(zoo):
    bounds = {"post_low": np.zeros(23), "post_high": np.r_[np.ones(20), 0.0, 1.0, 1.0]}
    made = dataclasses.replace(zoo, bounds=bounds, weights={"out_total": np.full(23, np.inf)})
    scores, findings = score_layer(made, SPEC)
    assert scores[20].responsiveness.proof and findings.certainly_superfluous == ()


def test_scores_do_not_depend_on_the_order_of_seeds(zoo):
    turned = dataclasses.replace(
        zoo,
        pictures={u: dict(enumerate(reversed(list(p.values())))) for u, p in zoo.pictures.items()},
    )
    for one, two in zip(score_layer(zoo, SPEC)[0], score_layer(turned, SPEC)[0], strict=True):
        assert (one.verdict, one.facets) == (two.verdict, two.facets)
        assert one.structure == (None if two.structure is None else pytest.approx(two.structure))


def test_between_the_marks_a_unit_is_borderline(zoo):
    wide = dataclasses.replace(SPEC, borderline_z=(-100.0, 100.0))
    for score in score_layer(zoo, wide)[0]:
        assert score.borderline == (score.structure is not None)
        assert score.borderline == ("borderline" in score.reason)


def test_units_that_respond_similarly_are_not_unrelated(draw, evidence_of, gratings):
    """Four units for one edge are told apart by nothing, and yet each is drawn alike on every run."""
    same = [[draw.grating(degrees=40, period=9, phase=s + u) for s in range(4)] for u in range(4)]
    made = evidence_of([*gratings, *same])
    arrays = [made.probes["max"].copy(), made.renders["max"].copy()]
    for a in arrays:
        noise = np.random.default_rng(len(a)).exponential(size=(len(a), 4))
        a[:, 16:] = 3 * a[:, 16:17] + noise
    related = dataclasses.replace(
        made, probes=evidence_of.responses(arrays[0]), renders=evidence_of.responses(arrays[1])
    )
    scores = score_layer(related, SPEC)[0][16:]
    assert all(s.duplicate_of is None for s in scores)
    assert all(s.consistency > 0.99 for s in scores)


def test_starts_of_a_linear_map_are_compared_at_their_best_places(evidence_of, gratings):
    rng = np.random.default_rng(1)
    best = 10 + rng.random((64, 16))
    mean = 0.001 * rng.normal(size=(64, 16))
    rows = {"max": best, "min": -best, "mean": mean, "samples": rng.normal(size=(64, 16, 16))}
    renders = {name: values.astype(np.float32) for name, values in rows.items()}
    probes = {name: (0.1 * values).astype(np.float32) for name, values in rows.items()}
    marks = {"unit": np.repeat(np.arange(16), 4), "seed": np.tile(np.arange(4), 16)}
    evidence = evidence_of(gratings, probes=probes, renders={**renders, **marks})
    assert [s.starts.live for s in score_layer(evidence, SPEC)[0]] == [4] * 16


def test_each_facet_has_its_seeds_and_their_activation(draw, evidence_of, gratings):
    two = [draw.grating(degrees=10, phase=p) for p in (0, 1)] + [
        draw.grating(degrees=100, phase=p) for p in (0, 1)
    ]
    evidence = evidence_of([*gratings, two])
    answers = np.ones((68, 17), np.float32)
    answers[64:, 16] = [5, 5, 4, 4]
    rows = evidence_of.responses(answers + 0.01 * np.random.default_rng(0).random((68, 17)))
    marks = {"unit": np.repeat(np.arange(17), 4), "seed": np.tile(np.arange(4), 17)}
    quiet = evidence_of.responses(0.1 * np.random.default_rng(1).random((64, 17)))
    found = dataclasses.replace(evidence, renders={**rows, **marks}, probes=quiet)
    score = score_layer(found, SPEC)[0][16]
    assert score.verdict == "multifaceted"
    assert [facet.seeds for facet in score.facet_groups] == [(0, 1), (2, 3)]
    assert [facet.activation for facet in score.facet_groups] == pytest.approx([5, 4], abs=0.02)
    assert "activations 5" in score.reason


def test_a_unit_dead_in_an_assumed_range_is_never_superfluous_for_certain(zoo):
    bounds = {"post_low": np.zeros(23), "post_high": np.r_[np.ones(20), 0.0, 1.0, 1.0]}
    known, guessed = (
        score_layer(dataclasses.replace(zoo, bounds=bounds, assumed_range=assumed), SPEC)
        for assumed in ("", "0..1")
    )
    assert known[0][20].verdict == guessed[0][20].verdict == "dead"
    assert known[0][20].responsiveness.proof and not guessed[0][20].responsiveness.proof
    assert known[1].certainly_superfluous == (20,)
    assert guessed[1].certainly_superfluous == ()
    assert "assumed input range 0..1" in guessed[0][20].reason
    assert any("The input range 0..1 is assumed" in text for text in guessed[1].summary)
