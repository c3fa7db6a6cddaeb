"""The site of a run that goes on is written early, then as often as costs little."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from small_networks import QUICK, save_model

import reportgen
from reportgen.config import read_settings
from reportgen.errors import SiteError
from reportgen.run import live_site
from reportgen.run.live_site import MOST_SHARE, LiveSite
from reportgen.run.progress import Silent
from reportgen.store import open_store


class Hands:
    """A clock's hands; writing the site moves them."""

    def __init__(self):
        self.at, self.writes = 0.0, []

    def __call__(self):
        return self.at


@pytest.fixture
def hands(monkeypatch):
    found, publish = Hands(), live_site.publish

    def slow(settings, *, stop):
        found.writes.append(found.at)
        found.at += 5.0
        return publish(settings, stop=stop)

    monkeypatch.setattr(live_site, "publish", slow)
    return found


def test_the_site_is_written_after_a_sixth_of_the_budget_and_then_in_a_tenth_of_the_time(tmp_path, hands):
    model = save_model(tmp_path / "net.keras")
    reportgen.render(model, store=tmp_path / "s.db", seeds=2, **QUICK)
    settings = read_settings({"store": tmp_path / "s.db", "site": tmp_path / "site", "budget": "10m"})
    with open_store(settings.store) as store:
        (record,) = store.models()
        live = LiveSite(store, settings, Silent(), hands)
        for hands.at in (50.0, 99.0):
            live.layer_done(record)
        assert hands.writes == [] and not settings.site.exists()
        for moment in (101.0, 110.0, 150.0, 170.0, 180.0, 230.0):
            hands.at = max(hands.at, moment)
            live.layer_done(record)
        assert store.scores(record.id, "conv")
    assert hands.writes == [101.0, 170.0, 230.0]
    assert (settings.site / "index.html").exists()


class Noting(Silent):
    """Keeps what was said."""

    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


@pytest.fixture
def large(monkeypatch):
    """A clock's hands; writing the site takes 200 s, a page every 10 s, after which it may be stopped."""
    found = Hands()

    def write(settings, *, stop):
        for _ in range(20):
            found.at += 10.0
            if stop():
                raise SiteError("the site was not written: it was stopped")
        found.writes.append(found.at)
        return SimpleNamespace(index="site/index.html")

    monkeypatch.setattr(live_site, "publish", write)
    monkeypatch.setattr(live_site, "score_store", lambda store, model, spec, *, stop: None)
    return found


def layers_done_until(end, live, hands):
    """Finish a layer every 20 s; return at which seconds the site was worked on."""
    worked = []
    while hands.at < end:
        hands.at += 20.0
        before = hands.at
        live.layer_done(None)
        if hands.at > before:
            worked.append((before, hands.at - before))
    return worked


def test_a_site_that_takes_more_than_a_tenth_of_the_budget_is_left_to_the_end(large):
    reporter = Noting()
    live = LiveSite(None, read_settings({"budget": "10m"}), reporter, large)
    assert layers_done_until(600.0, live, large) == [(100.0, 70.0)]  # A tenth, and the page at work.
    assert large.writes == [] and reporter.said == ["the site is not written yet: it takes more than 60 s"]


def test_without_a_budget_it_is_tried_again_each_time_there_is_twice_the_time(large):
    live = LiveSite(None, read_settings({"live": True}), Silent(), large)
    worked = layers_done_until(6000.0, live, large)
    assert large.writes and [spent for _, spent in worked[:2]] == [20.0, 60.0]
    for i, (at, _) in enumerate(worked):
        before = sum(spent for _, spent in worked[: i + 1])
        assert before <= 2 * MOST_SHARE * at + 20.0


def test_scores_are_no_more_than_a_tenth_of_the_budget_either(large, monkeypatch):
    scored = []

    def score(store, model, spec, *, stop):
        while not stop():
            scored.append(1)
            large.at += 5.0

    monkeypatch.setattr(live_site, "score_store", score)
    live = LiveSite(None, read_settings({"budget": "10m"}), Silent(), large)
    layers_done_until(600.0, live, large)
    assert len(scored) == 13 and large.writes == []


def test_a_person_s_stop_ends_the_writing_without_a_word(large):
    reporter = Noting()
    live = LiveSite(None, read_settings({"budget": "1h"}), reporter, large, halted=lambda: large.at > 155.0)
    assert layers_done_until(300.0, live, large)[0] == (120.0, 40.0)
    assert large.writes == reporter.said == []


@pytest.mark.parametrize(
    ("options", "early"),
    [
        ({"budget": "1h"}, True),
        pytest.param({"budget": "1h", "live": False}, False, marks=pytest.mark.slow),
        ({}, False),
        pytest.param({"live": True}, True, marks=pytest.mark.slow),
    ],
)
def test_a_budget_writes_the_site_while_it_runs_unless_told_otherwise(tmp_path, monkeypatch, options, early):
    monkeypatch.setattr(live_site, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(live_site, "MOST_SHARE", 100.0)  # However little time has passed.
    reporter = Noting()
    reportgen.atlas(
        save_model(tmp_path / "net.keras"), store=tmp_path / "s.db", site=tmp_path / "site", units=1, seeds=1,
        reporter=reporter, **QUICK, **options,
    )  # fmt: skip
    assert any("written so far" in text for text in reporter.said) is early
