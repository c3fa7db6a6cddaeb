"""Experiments are kept under their keys, and nothing that a store says of a model sees them."""

import contextlib
import dataclasses
import hashlib
import sqlite3
import threading

import numpy as np
import pytest
from small_networks import QUICK

import reportgen
from reportgen.config import Settings
from reportgen.errors import StoreError, StoreLocked
from reportgen.images import encode_png
from reportgen.plan import make_plan
from reportgen.run.rendering import plan_request
from reportgen.score import score_store
from reportgen.spec import ScoreSpec
from reportgen.store import Experiment, open_store
from reportgen.units import Telemetry

TELEMETRY = Telemetry(0.0, 2.0, 1.9, (1.0,), 1.0, 0.1, 0.3, 9, "max_steps", 0, "leaky-mean", "", ((0, 0.0),))


def an_experiment(key="0" * 32, level=7, **changes):
    picture = np.full((8, 8, 1), level, np.uint8)
    fields = {"key": key, "picture": encode_png(picture), "height": 8, "width": 8, "channels": 1,
              "seconds": 0.5, "telemetry": TELEMETRY, "asked": {"terms": "layer"},
              "provenance": {"device": "a processor"}}  # fmt: skip
    return Experiment(**{**fields, **changes})


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "s.db", create=True) as opened:
        yield opened


def test_an_experiment_comes_back_as_it_was(store):
    assert store.experiment("0" * 32) is None and store.picture_of("0" * 32) is None
    assert store.count_experiments() == 0
    store.put_experiments([an_experiment(), an_experiment("1" * 32, 9)])
    assert store.experiment("0" * 32) == an_experiment() == store.picture_of("0" * 32)
    store.put_experiments([an_experiment(level=3)])
    assert store.experiment("0" * 32) == an_experiment(level=3) and store.count_experiments() == 2


def test_a_store_without_experiments_has_no_table_of_them(store):
    tables = "SELECT name FROM sqlite_master WHERE name='experiments'"
    assert store.read(tables) == [] and store.count_experiments() == 0 and store.read(tables) == []


def test_a_store_that_only_older_versions_wrote_takes_them(own_store):
    with open_store(own_store) as store:
        store.put_experiments([an_experiment()])
    with open_store(own_store) as store:
        assert store.experiment("0" * 32) is not None and store.models()


def test_the_atlas_s_own_picture_is_given_before_an_experiment_of_the_same_key(own_store):
    with open_store(own_store) as store:
        model = store.models()[0]
        render = next(store.renders(model.id, "conv"))
        store.put_experiments([an_experiment(render.key)])
        found = store.picture_of(render.key)
    assert found.picture == render.picture and found.telemetry == render.telemetry and not found.asked


@pytest.mark.parametrize("column", ["telemetry", "asked", "height"])
def test_a_damaged_experiment_is_an_error_of_one_line(store, column):
    store.put_experiments([an_experiment()])
    with contextlib.closing(sqlite3.connect(store.path)) as db, db:
        db.execute(f"UPDATE experiments SET {column}='null'")
    with pytest.raises(StoreError, match="damaged"):
        store.experiment("0" * 32)


def everything(path, folder):
    """Return all that is made from a store, by name: every file of its site, and what the commands say."""
    site = folder / "site"
    reportgen.write_atlas(path, site)
    pictures = folder / "pictures"
    reportgen.export_pictures(path, pictures)
    found = {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for part in (site, pictures)
        for file in part.rglob("*")
        if file.is_file()
    }
    version = f"{path}@v1"
    found["table"] = reportgen.verdicts(path).rows
    found["prune list"] = reportgen.prune_list(path)
    rules = reportgen.gate(version, rule=["dead <= 5", "static <= 9"], store=path)
    found["gate"] = dataclasses.asdict(rules)
    found["compared"] = reportgen.compare(version, version, store=path).as_dict()
    with open_store(path) as store:
        model = store.models()[0]
        layers = [layer.name for layer in model.layers]
        score_store(store, model, ScoreSpec())
        found["scores"] = [(store.scores(model.id, x), store.findings(model.id, x)) for x in layers]
        found["fingerprints"] = [store.scored_fingerprint(model.id, x) for x in layers]
        found["placements"] = [store.placements(model.id, x) for x in layers]
        found["runs"] = store.runs_of(model.id)
    return found


def planned_keys(model, seeds):
    plans = make_plan(model, plan_request(Settings(seeds=seeds, **QUICK)), arithmetic="float32")
    return {p.key for plan in plans for p in plan.pictures}


def test_no_page_score_table_gate_comparison_or_export_changes_by_an_experiment(own_store, tmp_path):
    before = everything(own_store, tmp_path / "before")
    with open_store(own_store) as store:
        wanted = planned_keys(store.models()[0], seeds=9)
        store.put_experiments([an_experiment(key) for key in ("f" * 32, *wanted)])
    after = everything(own_store, tmp_path / "after")
    assert len(before) > 30
    assert after == before


def test_what_was_tried_is_still_missing_from_the_plan_and_rendered_by_a_run(own_store, tiny_model):
    with open_store(own_store) as store:
        model = store.models()[0]
        new = planned_keys(model, seeds=3) - planned_keys(model, seeds=2)
        store.put_experiments([an_experiment(key) for key in new])
        assert store.known_keys(new) == set()
    (summary,) = reportgen.render(tiny_model, store=own_store, version="v1", seeds=3, least_seeds=3, **QUICK)
    assert summary.rendered == len(new) > 0
    with open_store(own_store) as store:
        assert store.known_keys(new) == new and store.count_experiments() == len(new)
        assert all(store.picture_of(key).picture != an_experiment().picture for key in new)


@contextlib.contextmanager
def held(path, seconds):
    """Hold a store's lock so long, or until the block ends, as somebody else does."""
    held, ended = threading.Event(), threading.Event()

    def hold():
        with open_store(path) as store:
            store.lock_for_rendering()
            held.set()
            ended.wait(seconds)

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait()
    yield
    ended.set()
    holding.join()


def test_a_run_waits_for_somebody_who_writes_and_for_another_run_not(own_store, tiny_model):
    with held(own_store, seconds=0.3):
        assert not reportgen.render(tiny_model, store=own_store, version="v1", seeds=2, **QUICK)[0].stopped
    with held(own_store, seconds=60), pytest.raises(StoreLocked):
        reportgen.render(tiny_model, store=own_store, version="v1", seeds=2, **QUICK)
