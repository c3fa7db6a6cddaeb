from __future__ import annotations

import pytest

from reportgen.registry import Registry


def test_a_decorator_enters_what_it_stands_above_under_each_name() -> None:
    found: Registry[object] = Registry("thing")

    @found.named("one", "first")
    def one() -> None: ...

    assert dict(found) == {"one": one, "first": one}


def test_a_name_is_entered_once() -> None:
    found: Registry[int] = Registry("thing")
    found.register("one", 1)
    with pytest.raises(ValueError, match='thing "one" is registered twice'):
        found.register("one", 2)
    assert found["one"] == 1


def test_only_names_that_may_be_said_are_entered() -> None:
    found: Registry[int] = Registry("thing", ("one", "two"))
    with pytest.raises(ValueError, match='thing is "three", wanted one of one, two'):
        found.register("three", 3)
