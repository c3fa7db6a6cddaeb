"""Turns are fair: nobody waits behind all that another person asked."""

from hypothesis import given
from hypothesis import strategies as st

from reportgen.explorer.fair_queue import Turns


def test_people_are_served_in_turn_and_each_one_s_oldest_first():
    turns = Turns()
    for i in range(9):
        turns.put("ada", f"a{i}")
    turns.put("bob", "b0")
    turns.put("bob", "b1")
    assert [turns.take() for _ in range(5)] == ["a0", "b0", "a1", "b1", "a2"]


def test_who_was_just_served_comes_last_even_when_asking_again():
    turns = Turns()
    turns.put("ada", "a0")
    turns.put("bob", "b0")
    assert turns.take() == "a0"
    turns.put("ada", "a1")
    assert [turns.take(), turns.take(), turns.take()] == ["b0", "a1", None]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=40))
def test_the_reported_order_is_the_order_that_comes(events):
    """Puts, and every now and then a drop or a take between them."""
    turns, known = Turns(), []
    for number, (person, what) in enumerate(events):
        if what == 0 and known:
            ticket = known.pop(0)
            assert turns.drop(ticket) and ticket not in turns
        elif what == 1 and known:
            known.remove(turns.take())
        else:
            turns.put(person, f"{person}{number}")
            known.append(f"{person}{number}")
    told = list(turns.order())
    assert sorted(told) == sorted(known) and len(turns) == len(told)
    assert [turns.take() for _ in told] == told
    assert turns.take() is None and not turns.drop("nobody's")
