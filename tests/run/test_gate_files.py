"""A gate's result as JUnit XML and as a badge, also with names from a hostile file."""

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "atlas"))

from sample_store import write_sample_store

import reportgen
from reportgen.compare.outcomes import Number, Outcome, Result
from reportgen.compare.rules import read_rule
from reportgen.comparison import VersionId
from reportgen.run.gate_files import badge, junit
from reportgen.store import open_store

HOSTILE = "]]><failure message='x'/>&\"'\x00\x1b[2J\n\ud800\ufffe"
PASSED = Outcome(read_rule("units >= 1"), Number(9.0, 9.0, 9.0))
FAILED = Outcome(read_rule("dead <= 0"), Number(2.0, 2.0, 2.0), (("conv", 3), (HOSTILE, 4)))
UNDECIDED = Outcome(read_rule("static <= 3"), Number(3.0, 1.0, 4.0), (("conv", 7),))


def cases(*outcomes, strict=False, name="net"):
    units = [[("v2", layer, unit, "") for layer, unit in o.units] for o in outcomes]
    text = junit(VersionId(name, "v2", "h"), list(zip(outcomes, units, strict=True)), strict=strict)
    suites = ElementTree.fromstring(text.encode("utf-8"))
    return suites, suites.findall("testsuite/testcase")


def test_each_rule_is_a_test_case_with_the_failing_units_in_its_message():
    suites, (passed, failed, undecided) = cases(PASSED, FAILED, UNDECIDED)
    assert [suites.get(key) for key in ("tests", "failures", "skipped", "errors")] == ["3", "1", "1", "0"]
    assert passed.get("name") == "units >= 1" and not len(passed)
    assert failed.find("failure").get("message") == "dead is 2, wanted <= 0"
    assert "v2 conv 3" in failed.find("failure").text.splitlines()
    assert undecided.find("skipped").get("message").startswith("investigate: static is 3 (1 to 4)")


def test_strict_makes_a_failure_of_what_is_to_be_investigated():
    suites, (case,) = cases(UNDECIDED, strict=True)
    assert suites.get("failures") == "1" and case.find("failure").get("type") == "investigate"


def test_names_of_a_hostile_file_stay_text():
    suites, (case,) = cases(FAILED, name=HOSTILE)
    assert [element.tag for element in suites.iter()] == ["testsuites", "testsuite", "testcase", "failure"]
    line = case.find("failure").text.splitlines()[-1]
    assert line.startswith("v2 ]]><failure message='x'/>&\"'␀␛[2J␊") and line.endswith(" 4")


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([Result.PASS, Result.PASS], "pass"),
        ([Result.PASS, Result.FAIL, Result.INVESTIGATE], "fail, 1 of 3"),
        ([Result.INVESTIGATE], "investigate, 1 of 1"),
    ],
)
def test_a_badge_is_a_picture_that_says_the_result_in_words(results, words):
    svg = ElementTree.fromstring(badge(results))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert svg.get("aria-label") == f"reportgen: {words}"
    assert words in [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which every static unit is near the threshold."""
    path = write_sample_store(tmp_path_factory.mktemp("gate") / "hostile.db")
    with open_store(path, write=True) as store:
        for model in store.models():
            for layer in model.layers:
                scores = store.scores(model.id, layer.name)
                rows = [replace(s, borderline=s.verdict == "static") for s in scores]
                found = store.findings(model.id, layer.name)
                store.put_scores(model.id, layer.name, rows, fingerprint="f", findings=found)
    return path


def test_the_command_writes_both_files_also_where_a_rule_fails(run, store, tmp_path):
    code, _, err = run(
        "gate", store, "--rule", "dead <= 0", "--rule", "units >= 1", "--junit", tmp_path / "g.xml",
        "--badge", tmp_path / "g.svg",
    )  # fmt: skip
    assert code == 4 and "1 of 2 rules do not hold" in err
    assert ElementTree.parse(tmp_path / "g.xml").getroot().get("failures") == "1"
    assert "fail, 1 of 2" in (tmp_path / "g.svg").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_one_line(run, store, tmp_path):
    code, _, err = run("gate", store, "--rule", "units >= 1", "--junit", tmp_path / "none" / "g.xml")
    assert code == 2 and err.count("\n") == 1 and "g.xml" in err


def undecided_rule(store):
    """A rule that the borderline units of the store decide either way."""
    found = reportgen.gate(store, rule="static >= 0").outcomes[0].number
    assert found.low < found.value
    return f"static >= {found.value:g}"


def test_a_rule_to_be_investigated_exits_with_0_and_with_4_if_strict(run, store):
    rule = undecided_rule(store)
    code, out, _ = run("gate", store, "--rule", rule)
    assert code == 0 and "investigate" in out and "undecided for" in out
    code, _, err = run("gate", store, "--rule", rule, "--strict")
    assert code == 4 and "1 of 1 rules are to be investigated" in err
    assert "**investigate**" in run("gate", store, "--rule", rule, "--markdown")[1]
    assert reportgen.gate(store, rule=rule).passes()
    assert not reportgen.gate(store, rule=rule).passes(strict=True)
