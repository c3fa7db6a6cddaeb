"""How much memory there is, and batches that stay within it."""

import os
from importlib import import_module

import pytest

import reportgen
from reportgen.run import memory
from reportgen.run.memory import MemoryBound, forward_batch, out_of_memory, resident_bytes

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_process_knows_its_size():
    assert 10_000_000 < resident_bytes() < MACHINE


@pytest.fixture
def suggested(monkeypatch):
    """A cut of which 32 pictures are suggested at once."""
    monkeypatch.setattr(import_module("reportgen.render"), "suggest_batch", lambda cut: 32)


@pytest.mark.parametrize("bound", [10**9, 130_000_000, 1])
def test_a_batch_does_not_follow_from_the_memory_that_is_there(suggested, bound):
    assert MemoryBound(bound).batch(None) == 32


@pytest.mark.parametrize(("fits", "pictures"), [(16, 32), (4, 8), (1, 2), (128, 32)])
def test_pictures_that_are_only_looked_at_take_half_as_much(monkeypatch, fits, pictures):
    monkeypatch.setattr(import_module("reportgen.render"), "suggest_batch", lambda cut: fits)
    assert forward_batch(None) == pictures


def test_a_batch_that_did_not_fit_halves_the_later_ones(suggested):
    bound = MemoryBound(10**9)
    assert not bound.halved
    bound.halve()
    assert bound.halved
    assert (bound.batch(None), bound.batch(None, asked=6)) == (16, 3)
    for _ in range(9):
        bound.halve()
    assert bound.batch(None) == 1


def test_a_bound_is_passed_when_the_process_is_larger():
    assert not MemoryBound(MACHINE * 2).exceeded()
    assert MemoryBound(1).exceeded()


def named(name, text="", base=Exception):
    return type(name, (base,), {})(text)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        named("ResourceExhaustedError", "OOM when allocating tensor"),
        named("XlaRuntimeError", "RESOURCE_EXHAUSTED: Out of memory while trying to allocate", RuntimeError),
        named("JaxRuntimeError", "RESOURCE_EXHAUSTED: ...", RuntimeError),
        named("_ArrayMemoryError", "Unable to allocate", MemoryError),
    ],
)
def test_frameworks_say_in_several_ways_that_memory_is_used_up(error):
    assert out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [ValueError("out of memory"), named("XlaRuntimeError", "INVALID_ARGUMENT", RuntimeError), OSError()],
)
def test_other_errors_are_not_taken_for_it(error):
    assert not out_of_memory(error)


def test_what_a_run_may_take_is_60_per_cent_by_default(monkeypatch, tmp_path):
    import keras

    x = keras.Input((16, 16, 1))
    keras.Model(x, keras.layers.Dense(1000)(keras.layers.Flatten()(x))).save(tmp_path / "wide.keras")
    monkeypatch.setattr(memory, "available_memory", lambda: 10**6)
    with pytest.raises(reportgen.ReportgenError, match="at most 600,000 are"):
        reportgen.render(tmp_path / "wide.keras", store=tmp_path / "s.db")
