"""Units whose verdict two starts leave open get more; the others do without."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from small_networks import QUICK, QUICK_WORDS

import reportgen
from reportgen.config import read_settings
from reportgen.plan import make_plan, with_starts
from reportgen.run import starts
from reportgen.run.rendering import plan_request
from reportgen.run.starts import expected_at_first
from reportgen.store import open_store

NUMBERS = {"signs": "happy", **QUICK}


def starts_of(store: Path, layer: str) -> dict[int, int]:
    """Return how many scored pictures each unit of a layer has."""
    with open_store(store) as opened:
        (model,) = opened.models()
        recipe = str(model.roles(layer)["scored"])
        return dict(Counter(r.unit for r in opened.renders(model.id, layer, recipe=recipe)))


def only_unit(monkeypatch: pytest.MonkeyPatch, *units: int) -> None:
    monkeypatch.setattr(starts, "unsure_units", lambda scores, spec: units)


def test_only_unsure_units_get_every_start(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_unit(monkeypatch, 1)
    store = tmp_path / "s.db"
    (done,) = reportgen.render(tiny_model, store=store, **NUMBERS)
    assert starts_of(store, "conv") == {0: 2, 1: 4, 2: 2}
    assert starts_of(store, "head") == {0: 2, 1: 4}
    assert not done.stopped and not done.missing


def test_a_second_run_asks_for_nothing_more_even_if_it_would_decide_otherwise(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "s.db"
    only_unit(monkeypatch, 1)
    reportgen.render(tiny_model, store=store, **NUMBERS)
    only_unit(monkeypatch, 0, 1, 2)
    (again,) = reportgen.render(tiny_model, store=store, **NUMBERS)
    assert again.rendered == 0 and not again.missing
    assert starts_of(store, "conv") == {0: 2, 1: 4, 2: 2}


def test_as_many_least_seeds_as_seeds_renders_the_rest(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "s.db"
    only_unit(monkeypatch)
    reportgen.render(tiny_model, store=store, **NUMBERS)
    assert set(starts_of(store, "conv").values()) == {2}
    reportgen.render(tiny_model, store=store, least_seeds=4, **NUMBERS)
    assert starts_of(store, "conv") == {0: 4, 1: 4, 2: 4}


def test_a_run_stopped_after_the_first_starts_goes_on_with_the_others(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_unit(monkeypatch, 2)
    whole, part = tmp_path / "whole.db", tmp_path / "part.db"
    reportgen.render(tiny_model, store=whole, **NUMBERS)
    shutil.copy(whole, part)
    with open_store(part) as store:
        store.lock_for_rendering(patience=1)
        (model,) = store.models()
        kept = [p for p in store.placements(model.id, "conv") if p[3] < 2]
        lost = {p[4] for p in store.placements(model.id, "conv")} - {p[4] for p in kept}
        assert len(lost) == 2
    import sqlite3

    with sqlite3.connect(part) as db:
        for key in lost:
            db.execute("DELETE FROM placements WHERE key=?", (key,))
            db.execute("DELETE FROM renders WHERE key=?", (key,))
        db.execute("DELETE FROM measurements WHERE name='starts'")
    (done,) = reportgen.render(tiny_model, store=part, **NUMBERS)
    assert done.rendered == 2 and not done.missing
    assert starts_of(part, "conv") == starts_of(whole, "conv")


def test_sad_pictures_alone_get_every_start_since_nothing_is_decided(
    tiny_model: Path, tmp_path: Path
) -> None:
    store = tmp_path / "s.db"
    reportgen.render(tiny_model, store=store, **{**NUMBERS, "signs": "sad"})
    assert set(starts_of(store, "head").values()) == {4}


def test_the_estimate_lies_between_the_first_starts_and_all(tiny_store: Path) -> None:
    with open_store(tiny_store) as store:
        record = store.models()[0]
    settings = read_settings({})
    plans = make_plan(record, plan_request(settings), arithmetic="float32")
    least = sum(len(with_starts(p, 2, ()).pictures) for p in plans)
    probable = sum(len(p.pictures) for p in expected_at_first(plans, settings))
    assert least < probable < sum(len(p.pictures) for p in plans)


def test_the_command_takes_the_number(run, tiny_model: Path) -> None:
    code, _, said = run("render", tiny_model, *QUICK_WORDS, "--units", "1", "--least-seeds", "0")
    assert code == 2 and "least_seeds is 0" in said
