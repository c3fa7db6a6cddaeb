"""The site of a run that goes on is written early, then as often as costs little."""

from __future__ import annotations

import pytest
from small_networks import QUICK, save_model

import reportgen
from reportgen.config import read_settings
from reportgen.run import live_site
from reportgen.run.live_site import LiveSite
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

    def slow(settings):
        found.writes.append(found.at)
        found.at += 5.0
        return publish(settings)

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


@pytest.mark.parametrize(
    ("options", "early"),
    [({"budget": "1h"}, True), ({"budget": "1h", "live": False}, False), ({}, False), ({"live": True}, True)],
)
def test_a_budget_writes_the_site_while_it_runs_unless_told_otherwise(tmp_path, monkeypatch, options, early):
    monkeypatch.setattr(live_site, "FIRST_AFTER", 0.0)
    said = []

    class Noting(Silent):
        def say(self, text):
            said.append(text)

    reportgen.atlas(
        save_model(tmp_path / "net.keras"), store=tmp_path / "s.db", site=tmp_path / "site", units=1, seeds=1,
        reporter=Noting(), **QUICK, **options,
    )  # fmt: skip
    assert any("written so far" in text for text in said) is early
