"""Scores that an earlier release left in sentences are read as the data that today's release finds.

`tests/data/stores/schema2.db.xz` holds what the last release of schema 2 judged of the layer made here.
"""

import dataclasses
import lzma
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from reportgen.errors import StoreError
from reportgen.judgement import LayerFindings, Natural, Trust
from reportgen.score import score_layer
from reportgen.score.layer_summary import certainly_superfluous
from reportgen.score.removable import certain_reason
from reportgen.sentences.reasons import decision_in_words, pattern_in_words
from reportgen.sentences.responses import light_in_words, proof_in_words, shortfall_in_words, trust_of
from reportgen.spec import ScoreSpec
from reportgen.store import open_store

STORE = Path(__file__).parents[1] / "data" / "stores" / "schema2.db.xz"


@pytest.fixture(scope="module")
def layer(draw, evidence_of, gratings):
    """Evidence of units of every verdict, and of all that is said beside one."""
    runs = [(5, 4), (50, 9), (95, 6), (140, 12)]
    units = [
        *gratings,
        [draw.white(70_000 + i) for i in range(4)],
        [draw.flat((250, 250, 250))] * 4,
        [draw.grating(degrees=d, period=p) for d, p in runs],
        [draw.grating(degrees=11 + 90 * (s % 2), period=5, phase=s) for s in range(4)],
        [draw.grating(phase=s) for s in range(4)],
        [],
        [draw.grating(degrees=70)],
        *[[draw.grating(degrees=d, phase=s) for s in range(4)] for d in (20, 40, 60, 80)],
    ]
    made = evidence_of(units)
    k = len(units)
    probes, renders = made.probes["max"].copy(), made.renders["max"].copy()
    probes[:, 20] = renders[:, 20] = 0  # Dead, which bounds prove.
    probes[:, 23] = renders[:, 23] = 0.5  # Constant, which bounds prove.
    probes[:, 24] = renders[:, 24] = 0  # Dead, and nothing takes it.
    probes[:, 25] = 0  # Silent, only renders excite it.
    probes[:, 26], renders[:, 26] = probes[:, 1], renders[:, 1]  # A copy.
    bounds = {"post_low": np.zeros(k), "post_high": np.full(k, 9.0)}
    bounds["post_high"][20] = 0
    bounds["post_low"][23] = bounds["post_high"][23] = 0.5
    out = np.ones(k)
    out[[15, 24]] = 0
    equal = np.full(k, -1, np.int32)
    equal[26] = 1
    level = np.linspace(0, 1, 9)
    return dataclasses.replace(
        made,
        probes=evidence_of.responses(probes),
        renders=evidence_of.responses(renders),
        failures={21: "not a finite number in 4 of 4 starts"},
        bounds=bounds,
        weights={"out_total": out, "equal_to": equal},
        flat={"level": level, "response": np.outer(level, np.ones(k) - 0.1 * np.arange(k))},
    )


@pytest.fixture(scope="module")
def earlier_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "earlier.db"
    path.write_bytes(lzma.decompress(STORE.read_bytes()))
    with open_store(path) as store:
        yield store


@pytest.fixture(scope="module")
def pairs(layer, earlier_store):
    """Each unit as it is judged today, and as it was read of the earlier store."""
    earlier = earlier_store.scores(earlier_store.models()[0].id, "layer")
    return list(zip(score_layer(layer, ScoreSpec())[0], earlier, strict=True))


@pytest.fixture(scope="module")
def earlier_findings(earlier_store):
    return earlier_store.findings(earlier_store.models()[0].id, "layer")


def test_the_layer_has_a_unit_of_every_kind(pairs):
    found = [today.responsiveness for today, _ in pairs]
    assert {x.state for x in found} == {"live", "dead", "constant"}
    assert {x.proof for x in found} == {"", "bounds", "weights"} and any(x.unused for x in found)
    assert any(x.nuance for x in found) and any(today.facet_groups for today, _ in pairs)
    assert {today.cause for today, _ in pairs} == {"", "recurrence not measured"}
    assert {today.verdict for today, _ in pairs} >= {"dead", "failed", "flat", "static", "multifaceted"}


def test_an_earlier_verdict_is_that_of_today_in_number_and_word(pairs):
    same = ("unit", "verdict", "verdict_detail", "borderline", "cause", "facets", "duplicate_of")
    reworded = {"proved; no outgoing weight": "no input found; no outgoing weight"}
    numbers = ("consistency", "use", "raw_use")
    measured_anew = ("structure", "p_structured", "p_value")
    for today, earlier in pairs:
        kept = dataclasses.replace(
            earlier, verdict_detail=reworded.get(earlier.verdict_detail, earlier.verdict_detail)
        )
        assert [getattr(kept, n) for n in same] == [getattr(today, n) for n in same]
        assert [getattr(earlier, n) for n in numbers] == pytest.approx(
            [getattr(today, n) for n in numbers], abs=1e-5
        )
        assert all((getattr(earlier, n) is None) == (getattr(today, n) is None) for n in measured_anew)


def test_what_logic_reads_of_an_earlier_score_is_what_it_reads_of_todays(pairs):
    for today, earlier in pairs:
        one, two = today.responsiveness, earlier.responsiveness
        if today.verdict != "failed":
            assert (two.state, two.nuance, two.unused) == (one.state, one.nuance, one.unused)
        assert (two.proof, two.bound if two.proof else None) == (one.proof, one.bound if one.proof else None)
        assert earlier.starts.live == today.starts.live
        assert earlier.relations.neighbours == today.relations.neighbours
        assert earlier.relations.correlations == pytest.approx(today.relations.correlations, abs=1e-5)
        assert [f.seeds for f in earlier.facet_groups] == [f.seeds for f in today.facet_groups]
        assert [(d.question, d.answer) for d in earlier.decision] == [
            (d.question, d.answer) for d in today.decision
        ]
        assert certain_reason(earlier) == certain_reason(today)


def test_the_same_units_are_superfluous_for_certain(pairs, layer):
    today, earlier = (certainly_superfluous(scores, layer) for scores in zip(*pairs, strict=True))
    assert today == earlier and {15, 20, 23, 24} <= set(today)


def test_an_earlier_score_says_what_todays_does_if_in_the_words_of_its_release(pairs):
    for today, earlier in pairs:
        assert bool(earlier.reason) == bool(today.reason)
        assert pattern_in_words(earlier.look) == pattern_in_words(today.look)
        assert bool(light_in_words(earlier.light)) == bool(light_in_words(today.light))
        assert proof_in_words(earlier.responsiveness) == proof_in_words(today.responsiveness)
        lacks = [shortfall_in_words(score.relations.copy_shortfall) for score in (earlier, today)]
        assert bool(lacks[0]) == bool(lacks[1])
        paths = [[step[:2] for step in decision_in_words(score)] for score in (earlier, today)]
        assert paths[0] == paths[1]


def test_earlier_findings_of_the_layer_are_those_of_today(layer, earlier_findings):
    today = score_layer(layer, ScoreSpec())[1]
    rank = round(today.response_groups.effective_rank, 2)
    kinds = dataclasses.replace(today.response_groups, effective_rank=rank)
    measured_anew = (
        "null_structure", "noise", "structure_z", "borderline_z", "summary", "consistency_reference",
    )  # fmt: skip
    theirs = {name: getattr(earlier_findings, name) for name in measured_anew}
    assert earlier_findings == dataclasses.replace(today, response_groups=kinds, **theirs)
    assert len(earlier_findings.summary) == len(today.summary) - 1 > 3
    assert earlier_findings.consistency_reference
    assert earlier_findings.certainly_superfluous and earlier_findings.null_structure


@pytest.mark.parametrize(
    ("findings", "read"),
    [
        ("{}", LayerFindings()),
        ('{"superfluous": {"certain": [3]}, "kinds": {}}', LayerFindings(certainly_superfluous=(3,))),
        ('{"superfluous": {"certain": ["3"]}}', None),
        ('{"superfluous": [3]}', None),
        ('{"borderline_z": [1]}', None),
        ('{"structure_z": 1e999}', None),
        ('{"text": "no list"}', None),
        ('{"certain": null, "null": [NaN]}', None),
        ("[]", None),
        ("7", None),
    ],
)
def test_findings_that_are_none_are_refused_in_one_line(findings, read, tmp_path):
    path = tmp_path / "earlier.db"
    path.write_bytes(lzma.decompress(STORE.read_bytes()))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE scored SET findings=?", (findings,))
    for write in (False, True):
        with open_store(path, write=write) as store:
            if read is not None:
                assert store.findings(1, "layer") == read
                continue
            with pytest.raises(StoreError) as caught:
                store.findings(1, "layer")
        assert read is not None or (str(caught.value).isprintable() and len(str(caught.value)) < 300)


def test_checks_of_trust_and_a_persons_pictures_come_along(pairs):
    earlier = pairs[3][1]
    assert earlier.trust == Trust(0.99, True, 0.8, 1.8, 0.9)
    assert earlier.natural == Natural(2.5, 0.4, False, 0.5, "cat")
    assert trust_of(earlier) == (
        "recipes agree, robust, 1.8 times its strongest natural picture, synthetic and natural examples agree"
    )
    assert pairs[4][1].natural == Natural(silent=True) and pairs[5][1].natural is None


JUNK = {
    "extra": ["[]", "3", "null", '"text"'],
    "extra.decision": ["3", "[]", "{}"],
    "extra.facet_seeds": ["3", '["0"]', "[0, 1]", "null"],
    "extra.facet_sizes": ["[-1, 5]", "[1e300]", "[true, 3]"],
    "extra.neighbours": ['"3"', "[-1]", "[null]", '["0"]'],
    "extra.live_starts": ['"4"', "1.5", "[]"],
    "extra.trust": ["[]"],
    "extra.light": ["7"],
    "extra.no_copy": ["7", "[1]"],
    "extra.contrast": ['"0.1"', "[]"],
    "extra.natural_silent": ["[]"],
    "dead_proof": ["3", "null"],
    "verdict_detail": ["3", "null"],
    "verdict": ["3", "null"],
    "unit": ["-1", '"../x"', "1.5"],
}


@pytest.mark.parametrize("field", JUNK)
def test_junk_in_an_earlier_score_is_refused_in_one_line_or_left_out(field, tmp_path):
    path = tmp_path / "earlier.db"
    for value in JUNK[field]:
        path.write_bytes(lzma.decompress(STORE.read_bytes()))
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(f"UPDATE scores SET record=json_set(record, '$.{field}', json(?))", (value,))
        read = []
        for write in (False, True):
            with open_store(path, write=write) as store:
                try:
                    read.append(store.scores(store.models()[0].id, "layer"))
                except StoreError as error:
                    read.append(str(error))
        assert read[0] == read[1], "an upgrade makes no score of junk"
        assert not isinstance(read[0], str) or (read[0].isprintable() and len(read[0]) < 300)


def test_bringing_a_store_up_to_date_changes_no_score(tmp_path):
    path = tmp_path / "earlier.db"
    path.write_bytes(lzma.decompress(STORE.read_bytes()))
    with open_store(path) as store:
        before = store.scores(store.models()[0].id, "layer")
    with open_store(path, write=True) as store:
        assert store.backup == path.with_name("earlier.db.schema2.bak")
        assert store.scores(store.models()[0].id, "layer") == before
        (rows,) = store.read("SELECT count(*), sum(json_extract(record, '$.extra') IS NOT NULL) FROM scores")
    assert rows == (len(before), 0)
