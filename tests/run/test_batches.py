"""One unit of work: every job once, whatever memory does."""

import dataclasses
from importlib import import_module

import numpy as np
import pytest
from small_networks import QUICK

import reportgen
from reportgen.models import cut_model
from reportgen.render import Job
from reportgen.run import batches
from reportgen.run.batches import TOO_LARGE, within_memory
from reportgen.run.memory import MemoryBound
from reportgen.run.progress import Silent
from reportgen.spec import RECIPES
from reportgen.store import open_store

RECIPE = dataclasses.replace(RECIPES["default"], steps=8, min_steps=4, window=4)
PLENTY = 2**60


class ResourceExhaustedError(Exception):
    """What TensorFlow's is called."""


@pytest.fixture(scope="module")
def conv(tiny_model):
    from reportgen.models import load_model

    model = load_model(tiny_model)
    return cut_model(model, model.layers[0], (16, 16))


JOBS = [Job(unit, sign, seed) for unit in range(3) for sign in ("happy", "sad") for seed in range(3)]


def memory_for(monkeypatch, most, after=2):
    """Let the compiled step work on at most so many pictures; return the batches that were tried."""
    queue = import_module("reportgen.render.batch_runner")
    plain, tried = queue.ascent, []

    def ascent(cut, recipe, pictures, aim):
        tried.append(pictures)
        engine = plain(cut, recipe, pictures, aim)
        calls = []

        def chunk(*args):
            calls.append(1)
            if pictures > most and len(calls) > after:  # In the middle of the work.
                raise ResourceExhaustedError("OOM when allocating tensor with shape[...]")
            return engine.chunk(*args)

        return dataclasses.replace(engine, chunk=chunk)

    monkeypatch.setattr(queue, "ascent", ascent)
    return tried


def done(cut, jobs, bound=None, batch=8, stop=lambda: False):
    return [
        r
        for part in within_memory(cut, jobs, RECIPE, bound or MemoryBound(PLENTY), batch, stop)
        for r in part
    ]


def test_a_backend_that_runs_out_of_memory_gets_half_the_batch_and_every_job_is_done_once(monkeypatch, conv):
    tried = memory_for(monkeypatch, 2)
    bound = MemoryBound(PLENTY)
    found = done(conv, list(JOBS), bound)
    assert tried == [8, 4, 2]
    assert len(found) == len(JOBS) and {r.job for r in found} == set(JOBS)
    assert not any(r.failure for r in found)
    assert bound.batch(conv, 8) == 2


def test_pictures_of_a_halved_batch_are_those_of_a_whole_one(monkeypatch, conv):
    whole = {r.job: r.picture for r in done(conv, list(JOBS))}
    memory_for(monkeypatch, 2)
    for render in done(conv, list(JOBS)):
        apart = np.abs(whole[render.job].astype(int) - render.picture.astype(int))
        assert apart.max() <= 1


def test_a_picture_that_does_not_fit_alone_is_a_row_with_its_reason_and_the_rest_go_on(monkeypatch, conv):
    memory_for(monkeypatch, 0, after=0)
    found = done(conv, JOBS[:3], batch=2)
    assert [r.job for r in found] == JOBS[:3]
    assert {r.failure for r in found} == {TOO_LARGE}
    assert found[0].picture.shape == (16, 16, 1) and found[0].picture.dtype == np.uint8


def test_an_error_that_is_not_about_memory_is_not_hidden(monkeypatch, conv):
    def broken(*_args, **_kwargs):
        raise ValueError("a bug")

    monkeypatch.setattr(import_module("reportgen.render"), "render_units", broken)
    with pytest.raises(ValueError, match="a bug"):
        done(conv, list(JOBS))


def test_a_process_beyond_its_bound_halves_the_batch_down_to_one_and_goes_on(monkeypatch, conv):
    tried = memory_for(monkeypatch, PLENTY)
    found = done(conv, list(JOBS), MemoryBound(1))  # No process is that small.
    assert tried == [8, 4, 2, 1]
    assert {r.job for r in found} == set(JOBS) and len(found) == len(JOBS)


def test_nothing_is_begun_once_stopped(conv):
    assert done(conv, list(JOBS), stop=lambda: True) == []


def test_units_that_did_not_fit_are_failed_rows_of_the_store_and_of_the_table(
    monkeypatch, tmp_path, tiny_model
):
    plain = batches.within_memory

    def no_room_for_unit_1(cut, jobs, *rest):
        large = [j for j in jobs if j.unit == 1]
        size = (*cut.canvas_px, cut.channels)
        yield [batches._without_picture(size, j, "out_of_memory", TOO_LARGE) for j in large]
        yield from plain(cut, [j for j in jobs if j.unit != 1], *rest)

    monkeypatch.setattr(batches, "within_memory", no_room_for_unit_1)
    places = {"store": tmp_path / "s.db", "site": tmp_path / "site"}
    result = reportgen.atlas(tiny_model, seeds=1, layers="conv", **places, **QUICK)
    assert [r.failed for r in result.renders] == [3]
    rows = {row["unit"]: row for row in result.verdicts}
    assert rows[1]["verdict"] == "failed" and TOO_LARGE in rows[1]["reason"]
    assert "failed" not in (rows[0]["verdict"], rows[2]["verdict"])
    with open_store(tmp_path / "s.db") as store:
        kept = list(store.renders(1, "conv", units=[1]))
    assert {r.telemetry.stop_reason for r in kept} == {"out_of_memory"}


@pytest.mark.slow
def test_a_run_that_had_to_halve_its_batches_says_what_that_means(monkeypatch, tmp_path, tiny_model):
    memory_for(monkeypatch, 2)
    said = []

    class Listening(Silent):
        def say(self, line):
            said.append(line)

    reportgen.render(
        tiny_model, store=tmp_path / "s.db", seeds=2, layers="conv", reporter=Listening(), **QUICK
    )
    assert any("batches were halved" in line for line in said)
