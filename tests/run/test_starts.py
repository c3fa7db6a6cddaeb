"""Units whose verdict two starts leave open get more; the others do without."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_networks import QUICK, QUICK_WORDS

import reportgen
from reportgen.config import read_settings
from reportgen.plan import make_plan, with_starts
from reportgen.run import starts
from reportgen.run.model_run import RenderSummary
from reportgen.run.progress import Silent
from reportgen.run.rendering import plan_request
from reportgen.run.starts import decided_starts, expected_at_first, further_starts, starts_mark, undecided
from reportgen.score.sampled import sampled_units
from reportgen.store import layer_owner, open_store

NUMBERS = {"signs": "happy", **QUICK}


def starts_of(store: Path, layer: str) -> dict[int, int]:
    """Return how many scored pictures each unit of a layer has."""
    with open_store(store) as opened:
        (model,) = opened.models()
        recipe = str(model.roles(layer)["scored"])
        return dict(Counter(r.unit for r in opened.renders(model.id, layer, recipe=recipe)))


@contextlib.contextmanager
def unsure(*units: int) -> Iterator[None]:
    """Take these units, and no others, for those whose verdict more starts could change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starts, "unsure_units", lambda scores, spec: units)
        yield


@pytest.fixture(scope="module")
def rendered(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RenderSummary]:
    """A store in which unit 1 of each layer was unsure, and what the run said; read it alone."""
    store = tmp_path_factory.mktemp("starts") / "s.db"
    with unsure(1):
        (done,) = reportgen.render(tiny_model, store=store, **NUMBERS)
    return store, done


@pytest.fixture
def copied(rendered: tuple[Path, RenderSummary], tmp_path: Path) -> Path:
    return Path(shutil.copy(rendered[0], tmp_path / "own.db"))


def test_only_unsure_units_get_every_start(rendered: tuple[Path, RenderSummary]) -> None:
    store, done = rendered
    assert starts_of(store, "conv") == {0: 2, 1: 4, 2: 2}
    assert starts_of(store, "head") == {0: 2, 1: 4}
    assert not done.stopped and not done.missing


def test_a_second_run_asks_for_nothing_more_even_if_it_would_decide_otherwise(
    copied: Path, tiny_model: Path
) -> None:
    with unsure(0, 1, 2):
        (again,) = reportgen.render(tiny_model, store=copied, **NUMBERS)
    assert again.rendered == 0 and not again.missing
    assert starts_of(copied, "conv") == {0: 2, 1: 4, 2: 2}


def test_as_many_least_seeds_as_seeds_renders_the_rest(copied: Path, tiny_model: Path) -> None:
    reportgen.render(tiny_model, store=copied, least_seeds=4, layers=["conv"], **NUMBERS)
    assert starts_of(copied, "conv") == {0: 4, 1: 4, 2: 4}


def test_a_run_that_ended_before_the_decision_goes_on_with_the_other_starts(
    copied: Path, tiny_model: Path
) -> None:
    with contextlib.closing(sqlite3.connect(copied)) as db, db:
        further = "SELECT key FROM placements WHERE layer='conv' AND seed >= 2"
        db.execute(f"DELETE FROM renders WHERE key IN ({further})")
        db.execute("DELETE FROM placements WHERE layer='conv' AND seed >= 2")
        db.execute("DELETE FROM measurements WHERE name='starts'")
    with unsure(1):
        (done,) = reportgen.render(tiny_model, store=copied, **NUMBERS)
    assert done.rendered == 2 and not done.missing
    assert starts_of(copied, "conv") == {0: 2, 1: 4, 2: 2}


def test_further_starts_are_of_the_units_that_were_begun_alone(copied: Path) -> None:
    with contextlib.closing(sqlite3.connect(copied)) as db, db:
        lost = (
            "layer='conv' AND (unit=0 OR unit=1 AND seed=3)"  # Unit 0 is not begun; of unit 1 one is missing.
        )
        db.execute(f"DELETE FROM renders WHERE key IN (SELECT key FROM placements WHERE {lost})")
        db.execute(f"DELETE FROM placements WHERE {lost}")
    settings = read_settings(dict(NUMBERS))
    with open_store(copied) as store:
        (model,) = store.models()
        plans = make_plan(model, plan_request(settings), arithmetic="float32")
        mark = starts_mark(store, model, plans[0], settings)
        store.put_measurement(
            layer_owner(model.id, "conv"), "starts", mark, {"units": np.array([1], np.int32)}
        )
        found = [
            (p.unit, p.seed) for plan in further_starts(store, model, plans, settings) for p in plan.pictures
        ]
    assert found == [(1, 3)]


def test_a_decision_holds_for_its_recipe_and_thresholds_alone(copied: Path) -> None:
    with open_store(copied) as store:
        (model,) = store.models()

        def undecided_with(**options: object) -> set[str]:
            settings = read_settings({**NUMBERS, **options})
            plans = make_plan(model, plan_request(settings), arithmetic="float32")
            return set(undecided(store, model, plans, settings))

        assert undecided_with() == set()
        assert undecided_with(score={"structure_z": 2.0}) == {"conv", "head"}
        assert undecided_with(set={**QUICK["set"], "steps": 32}) == {"conv", "head"}
        assert undecided_with(least_seeds=4) == set()


def test_nothing_is_decided_by_the_noise_baseline_of_another_recipe(copied: Path) -> None:
    with open_store(copied) as store:
        (model,) = store.models()

        def decision(**numbers: float) -> object:
            settings = read_settings({**NUMBERS, "set": {**QUICK["set"], **numbers}})
            plan = make_plan(model, plan_request(settings), arithmetic="float32")[0]
            return decided_starts(store, model, plan, settings)

        assert decision() is not None
        assert decision(steps=32) is None


def test_a_stopped_run_takes_no_decision_and_says_so(tiny_model: Path, tmp_path: Path) -> None:
    store, counted = tmp_path / "s.db", []

    def stop() -> bool:  # Once the first starts and display pictures of the first layer are there.
        return sum(counted) >= 9

    class Counting(Silent):
        def rendered(self, pictures: int) -> None:
            counted.append(pictures)

    (done,) = reportgen.render(
        tiny_model, store=store, layers="conv", stop=stop, reporter=Counting(), **NUMBERS
    )
    assert (done.rendered, done.stopped) == (9, True)
    assert done.missing == "how many starts some units need is not decided yet"
    with open_store(store) as opened:
        (model,) = opened.models()
        assert opened.measurement(layer_owner(model.id, "conv"), "starts") is None
        assert model.plan["unfinished"]["missing"] == done.missing


@pytest.mark.parametrize("later", [{"least_seeds": 4, "layers": "head"}, {"signs": "sad"}])
def test_a_sample_keeps_its_units_whatever_a_later_run_asks_for(
    later: dict[str, object], copied: Path, tiny_model: Path
) -> None:
    def sample() -> set[int]:
        reportgen.score(store=copied)
        with open_store(copied) as store:
            (model,) = store.models()
            return set(sampled_units(model, model.layer("conv"), store.scores(model.id, "conv")))

    assert sample() == {0, 1, 2}
    reportgen.render(tiny_model, store=copied, **{**NUMBERS, **later})
    assert sample() == {0, 1, 2}


def test_sad_pictures_alone_get_every_start_since_nothing_is_decided(
    tiny_model: Path, tmp_path: Path
) -> None:
    store = tmp_path / "s.db"
    reportgen.render(tiny_model, store=store, layers=["head"], **{**NUMBERS, "signs": "sad"})
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
