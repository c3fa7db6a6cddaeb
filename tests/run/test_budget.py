"""A budget of time gives every layer something, says what is missing, and the next run goes on."""

import json

import pytest
from small_networks import QUICK_WORDS

import reportgen
from reportgen.atlas.words import unfinished
from reportgen.config import read_settings
from reportgen.errors import ConfigError
from reportgen.plan import make_plan
from reportgen.run import budget as budgets
from reportgen.run.budget import missing_pictures, order
from reportgen.run.context import Clock
from reportgen.run.rendering import plan_request
from reportgen.store import open_store


class Hands:
    """A clock's hands, turned by the test."""

    def __init__(self):
        self.at = 100.0

    def __call__(self):
        return self.at


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("1h", 3600), ("1h30m", 5400), ("2.5", 2.5), (30, 30)]
)
def test_a_budget_is_a_time_as_people_write_it(text, seconds):
    assert read_settings({"budget": text}).budget == seconds


@pytest.mark.parametrize("text", ["", "soon", "0s", "-5m", "1d", "m", True, "1e9h"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="budget is"):
        read_settings({"budget": text})


def test_a_clock_without_a_budget_never_ends():
    clock = Clock(None)
    clock.reserve(1e9)
    assert not clock.over() and not clock.share(3).over()


def test_a_clock_ends_in_time_for_what_has_to_follow():
    now = Hands()
    clock = Clock(60, now)
    now.at += 50
    assert not clock.over()
    clock.reserve(4)
    clock.reserve(1)  # Less than was kept already.
    assert clock.left() == 6
    now.at += 6
    assert clock.over()


def test_models_share_what_is_left_of_the_time():
    now = Hands()
    clock = Clock(60, now)
    assert clock.share(3).left() == 20
    now.at += 30
    assert clock.share(2).left() == 15
    now.at += 60
    assert clock.share(1).over()


@pytest.fixture
def planned(own_store):
    with open_store(own_store) as store:
        record = store.models()[0]
        settings = read_settings({"seeds": 2})
        return make_plan(record, plan_request(settings), arithmetic=settings.arithmetic)


@pytest.mark.slow
def test_only_a_budget_that_may_not_be_enough_is_worth_passes(planned):
    whole, seconds = order(planned, set(), Clock(None), lambda left: 1e6)
    assert len(whole) == 1 and seconds == 1e6
    now = Hands()
    assert len(order(planned, set(), Clock(100, now), lambda left: 30.0)[0]) == 1
    assert len(order(planned, set(), Clock(100, now), lambda left: 70.0)[0]) > 1


def test_a_short_budget_has_fewer_units_in_the_first_pass_so_that_every_layer_has_one(planned):
    def a_second_each(left):
        return float(sum(len(plan.pictures) for plan in left))

    now = Hands()
    long, _ = order(planned, set(), Clock(20, now), a_second_each)
    short, _ = order(planned, set(), Clock(10, now), a_second_each)
    assert [len(plan.pictures) for plan in long[0]] == [6, 6]  # Three pictures of each of two units.
    assert [len(plan.pictures) for plan in short[0]] == [3, 3]
    assert sum(len(plan.pictures) for turn in short for plan in turn) == 20


def keys(turns):
    return [p.key for turn in turns for plan in turn for p in plan.pictures]


@pytest.mark.parametrize("budget", [0.0, 1e-6, 3.0, 9.0, 40.0])
@pytest.mark.parametrize("estimate_takes", [0.0, 2.0, 60.0])
def test_every_missing_picture_is_in_one_pass_however_little_time_is_left(planned, budget, estimate_takes):
    now = Hands()
    clock = Clock(budget, now)

    def a_second_each(left):
        now.at += estimate_takes
        return float(len(keys([left])))

    stored = {planned[0].pictures[0].key, planned[1].pictures[-1].key}
    turns, seconds = order(planned, stored, clock, a_second_each)
    assert seconds == 18
    assert sorted(keys(turns)) == sorted(
        p.key for plan in planned for p in plan.pictures if p.key not in stored
    )
    assert all(turns) and {plan.layer.name for plan in turns[0]} == {"conv", "head"}


def test_the_time_that_estimating_takes_is_of_the_budget(planned):
    def fits_at_once(estimate_takes):
        now = Hands()
        clock = Clock(40, now)

        def twenty_seconds(left):
            now.at += estimate_takes
            return 20.0

        return len(order(planned, set(), clock, twenty_seconds)[0]) == 1

    assert fits_at_once(0.0) and fits_at_once(6.0)  # Three fifths of 34 s are 20.4 s.
    assert not fits_at_once(8.0)


def test_every_estimate_of_a_first_pass_takes_from_its_time(planned):
    def units_of_the_first_pass(estimate_takes):
        now = Hands()
        clock = Clock(20, now)

        def a_second_each(left):
            now.at += estimate_takes
            return float(len(keys([left])))

        turns, _ = order(planned, set(), clock, a_second_each)
        return [len({p.unit for p in plan.pictures}) for plan in turns[0]]

    assert units_of_the_first_pass(0.0) == [2, 2]  # Twelve pictures in three fifths of 20 s.
    assert units_of_the_first_pass(1.0) == [1, 1]


def test_nothing_missing_is_no_pass_even_if_the_time_is_over(planned):
    now = Hands()
    clock = Clock(1, now)
    now.at += 5
    assert order(planned, set(keys([planned])), clock, lambda left: 0.0) == ([[]], 0.0)


def test_what_is_missing_is_said_in_pictures_and_layers(planned):
    every = {p.key for plan in planned for p in plan.pictures}
    lack = missing_pictures(planned, {p.key for p in planned[0].pictures})
    assert str(lack) == "12 of 20 pictures are rendered, some are missing in 1 of 2 layers"
    assert missing_pictures(planned, every).pictures == 0


def stored_by_layer(path):
    with open_store(path) as store:
        (record,) = store.models()
        return {x.name: store.placements(record.id, x.name) for x in record.layers}, record


def judged(path):
    """Return what was said of every unit; activations differ in the last digit between sizes of batches."""
    words = ("layer", "unit", "verdict", "verdict_detail", "reason")
    return [tuple(row[word] for word in words) for row in reportgen.verdicts(path)]


def counted_clock(monkeypatch, asked):
    """Make a budget end when it has been asked after so many times, whatever the machine's speed."""
    left = [asked]

    def over(self):
        if self.seconds is not None:
            left[0] -= 1
        return left[0] < 0

    monkeypatch.setattr(budgets.Clock, "over", over)
    monkeypatch.setattr(budgets, "SAFE_SHARE", 0.0)


WORDS = ("--seeds", 2, "--batch", 2, *QUICK_WORDS)


@pytest.mark.slow
def test_a_spent_budget_is_a_success_that_says_what_is_missing(run, monkeypatch, tiny_model, tmp_path):
    counted_clock(monkeypatch, 40)
    code, out, err = run("atlas", tiny_model, "--version", "v1", "--budget", "90s", *WORDS)
    assert code == 0, out + err
    assert "budget spent" in out and "are missing" in out and "run again" in out
    assert "20 pictures to render, about" in err
    placed, _ = stored_by_layer(tmp_path / "reportgen.db")
    assert all(placed.values()) and sum(map(len, placed.values())) < 20
    page = (tmp_path / "site/m/tiny/v1/index.html").read_text()
    about = (tmp_path / "site/about.html").read_text()
    for text in (page, about):
        assert "Rendered within a budget of 1.5 min" in text and "of 20 pictures are rendered" in text
    assert run("check", "site")[0] == 0

    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    result = reportgen.atlas(
        tiny_model, version="v1", seeds=2, batch=2, set=dict(w.split("=") for w in QUICK_WORDS[1::2])
    )
    assert not result.renders[0].stopped and result.renders[0].missing == ""
    assert result.renders[0].rendered == 20 - sum(map(len, placed.values()))
    assert "budget" not in (tmp_path / "site/m/tiny/v1/index.html").read_text()
    assert "unfinished" not in stored_by_layer(tmp_path / "reportgen.db")[1].plan


@pytest.mark.slow
def test_a_budget_that_is_enough_renders_what_no_budget_does(
    run, monkeypatch, tiny_model, tiny_store, tmp_path
):
    monkeypatch.setattr(budgets, "SAFE_SHARE", 0.0)  # In passes, though the time would do.
    code, out, err = run(
        "render", tiny_model, "--version", "v1", "--seeds", 2, "--budget", "1h", *QUICK_WORDS
    )
    assert code == 0 and "complete" in out, out + err
    placed, record = stored_by_layer(tmp_path / "reportgen.db")
    whole, other = stored_by_layer(tiny_store)
    assert placed == whole
    assert record.plan["layers"] == other.plan["layers"] and "unfinished" not in record.plan
    code, out, _ = run("score", "--json")
    assert json.loads(out)["layers"][0]["layer"] == "conv"
    assert judged(tmp_path / "reportgen.db") == judged(tiny_store)


@pytest.mark.parametrize(
    "plan", [{}, {"unfinished": 3}, {"unfinished": {"missing": 3}}, {"unfinished": None}]
)
def test_a_store_that_says_nothing_sensible_of_it_is_not_quoted(plan):
    assert unfinished(plan) == ""


def test_a_run_that_was_killed_is_reported():
    said = unfinished({"unfinished": {"missing": "x" * 999, "budget": "soon"}})
    assert said.startswith("Not rendered to the end: xxx") and len(said) < 300
