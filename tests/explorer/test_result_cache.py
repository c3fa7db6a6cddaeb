"""Results are there at once, and in the store as soon as nobody else renders into it."""

import dataclasses
import threading

import numpy as np
import pytest

from reportgen.errors import StoreError
from reportgen.explorer.result_cache import Ledger
from reportgen.images import decode_webp, encode_png
from reportgen.store import Experiment, open_store
from reportgen.units import Telemetry

TELEMETRY = Telemetry(0.0, 2.0, 1.9, (1.0,), 1.0, 0.1, 0.3, 9, "max_steps", 0, "leaky-mean", "", ((0, 0.5),))


def tried(key="0" * 32, level=90):
    picture = encode_png(np.full((16, 16, 3), level, np.uint8))
    return Experiment(key, picture, 16, 16, 3, 0.5, TELEMETRY)


@pytest.fixture
def ledger(own_store):
    return Ledger(own_store)


class Run:
    """Somebody who renders into a store, from a thread of their own, until told to end."""

    def __init__(self, path):
        self.path, self.began, self.over = path, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.hold)

    def hold(self):
        with open_store(self.path) as store:
            store.lock_for_rendering()
            self.began.set()
            self.over.wait(30)
            store.put_recipe("r", store.recipes()[min(store.recipes())])

    def __enter__(self):
        self.thread.start()
        assert self.began.wait(10)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def kept(path):
    with open_store(path) as store:
        return store.count_experiments()


def test_a_result_is_there_before_it_is_written_and_after(ledger, own_store):
    result = ledger.keep(tried())
    assert ledger.find("0" * 32) == result and ledger.unsaved() == 1 and kept(own_store) == 0
    assert decode_webp(result.picture).mean() == pytest.approx(90, abs=2)
    assert ledger.flush(0.0) and ledger.unsaved() == 0 and kept(own_store) == 1
    found = Ledger(own_store).find("0" * 32)
    assert found == result and found.curve == ((0, 0.5),) and found.steps == 9


def test_while_a_run_renders_results_wait_and_a_message_says_so(ledger, own_store):
    with Run(own_store):
        ledger.keep(tried())
        assert not ledger.trouble("0" * 32)
        assert not ledger.flush(0.1)
        assert "a run is rendering" in ledger.trouble("0" * 32) and not ledger.trouble("1" * 32)
        assert ledger.find("0" * 32) is not None and ledger.records()
    assert kept(own_store) == 0 and ledger.unsaved() == 1
    assert ledger.flush(5.0) and kept(own_store) == 1 and not ledger.trouble("0" * 32)


def test_the_lock_is_held_for_the_write_alone(ledger, own_store):
    ledger.keep(tried())
    assert ledger.flush(0.0)
    with Run(own_store):
        pass


def test_a_store_that_cannot_be_written_keeps_results_here(ledger, own_store, monkeypatch):
    def full(self, experiments):
        raise StoreError("database or disk is full")

    monkeypatch.setattr("reportgen.store.Store.put_experiments", full)
    ledger.keep(tried())
    assert not ledger.flush(0.0) and "full" in ledger.trouble("0" * 32)
    monkeypatch.undo()
    assert ledger.flush(0.0) and kept(own_store) == 1


def test_a_result_that_comes_while_another_is_written_is_written_next(ledger, own_store, monkeypatch):
    from reportgen.store import Store

    plain = Store.put_experiments

    def slow(self, experiments):
        plain(self, experiments)
        ledger.keep(tried("1" * 32))
        ledger.keep(tried(level=10))

    monkeypatch.setattr(Store, "put_experiments", slow)
    ledger.keep(tried())
    assert not ledger.flush(0.0) and ledger.unsaved() == 2
    monkeypatch.undo()
    assert ledger.flush(0.0) and kept(own_store) == 2


def test_what_waits_is_bounded(ledger, monkeypatch):
    monkeypatch.setattr("reportgen.explorer.result_cache.MOST_WAITING_BYTES", 5 * len(tried().picture))
    for i in range(9):
        ledger.keep(tried(f"{i:032d}"))
    assert ledger.unsaved() == 5


def test_a_failed_render_of_the_atlas_is_no_picture(ledger, own_store):
    with open_store(own_store) as store:
        model = store.models()[0]
        render = next(store.renders(model.id, "conv"))
        store.put_renders(model.id, "conv", [dataclasses.replace(render, failure="no numbers")], run=1)
    assert ledger.find(render.key) is None
