"""Slices of a plan: every picture once, whatever is lost on the way."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.plan import LayerPlan, PictureSet, PlannedPicture
from reportgen.run.slices import Slices
from reportgen.spec import RECIPES
from reportgen.units import Layer


def layer(name):
    return Layer(name, name, "conv2d", 0, 9, (8, 8), (1, 1), (3, 3), "relu", "", False, "g", "j")


def plan(name, *sizes):
    sets = tuple(
        PictureSet(RECIPES["default"], f"r{i}", (48, 48),
                   tuple(PlannedPicture(u, f"r{i}", "happy", 0, f"{name}{i}{u}") for u in range(size)))
        for i, size in enumerate(sizes)
    )  # fmt: skip
    return LayerPlan(layer(name), tuple(range(9)), sets)


def keys(slices):
    return [p.key for s in slices for p in s.pictures.pictures]


@given(
    st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(1, 9),
    st.lists(st.booleans(), max_size=40),
)
def test_every_picture_comes_back_once_and_every_layer_ends_once(sizes, size, losses):
    plans = [plan(f"l{i}", *s) for i, s in enumerate(sizes)]
    waiting, out, back, ended, losses = Slices(plans, size), [], [], [], iter(losses)
    while waiting.unfinished:
        taken = waiting.take([s.program for s in reversed(out)], {s.program for s in out})
        if taken is not None:
            assert 1 <= len(taken.pictures.pictures) <= size
            out.append(taken)
        if taken is None or len(out) == 3:
            done = out.pop(0)
            if next(losses, False):
                waiting.put_back(done)
            else:
                back.append(done)
                if waiting.finished(done):
                    ended.append(done.layer.name)
    assert sorted(keys(back)) == sorted(p.key for x in plans for p in x.pictures)
    assert sorted(ended) == [x.layer.name for x in plans]


def test_a_worker_stays_with_its_layer_and_others_go_to_other_ones():
    waiting = Slices([plan("a", 9), plan("b", 9)], 3)
    first = waiting.take((), set())
    other = waiting.take((), {first.program})
    assert (first.layer.name, other.layer.name) == ("a", "b")
    again = [waiting.take([first.program], {first.program, other.program}) for _ in range(3)]
    assert [s.layer.name for s in again] == ["a", "a", "b"]


def test_what_is_added_of_a_layer_goes_to_the_worker_that_has_its_program():
    waiting = Slices([plan("a", 9), plan("b", 9)], 9)
    first = waiting.take((), set())
    other = waiting.take([first.program], {first.program})
    assert waiting.finished(first) and waiting.unfinished
    waiting.add([plan("c", 4)])
    waiting.add([plan("a", 4)])
    assert waiting.take([other.program, first.program], {other.program}).layer.name == "a"
    assert waiting.of_layer("a") == 4


def test_what_was_lost_is_taken_first_and_counted():
    waiting = Slices([plan("a", 9)], 3)
    lost = waiting.take((), set())
    waiting.put_back(lost)
    assert waiting.take((), set()) == dataclasses.replace(lost, tries=1)


def test_dropping_forgets_what_waits_and_not_what_is_out():
    waiting = Slices([plan("a", 9)], 3)
    out = waiting.take((), set())
    waiting.drop()
    assert waiting.take((), set()) is None and waiting.unfinished
    assert waiting.finished(out) and not waiting.unfinished


@pytest.mark.parametrize("size", [1, 5, 64])
def test_a_slice_is_of_one_layer_and_recipe(size):
    waiting, found = Slices([plan("a", 4, 6)], size), []
    while (taken := waiting.take((), set())) is not None:
        assert {p.recipe for p in taken.pictures.pictures} == {taken.pictures.recipe_hash}
        found.append(taken)
    assert len(keys(found)) == 10
