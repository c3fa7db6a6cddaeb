"""What pydantic refuses is said in plain English, with what was received and what was wanted."""

import dataclasses
import enum
from typing import Annotated, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from reportgen.validation import refusal


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Annotated[int, Field(ge=1)], 0, "it is 0, wanted 1 or more"),
        (Annotated[int, Field(le=64)], 65, "it is 65, wanted 64 or less"),
        (Annotated[float, Field(gt=0)], 0.0, "it is 0.0, wanted more than 0.0"),
        (Annotated[float, Field(lt=1)], 2, "it is 2, wanted less than 1.0"),
        (Annotated[float, Field(allow_inf_nan=False)], float("nan"), "it is nan, wanted a finite number"),
        (int, "x", "it is 'x', wanted a whole number"),
        (int, 1.5, "it is 1.5, wanted a whole number"),
        (float, [], "it is [], wanted a number"),
        (bool, "perhaps", "it is 'perhaps', wanted true or false"),
        (str, 3, "it is 3, wanted a text"),
        (Annotated[str, Field(max_length=2)], "abc", "it is 'abc', wanted a text of at most 2 characters"),
        (Annotated[list[int], Field(min_length=2)], [1], "it is [1], wanted 2 or more values"),
        (list[int], 3, "it is 3, wanted a list"),
        (dict[str, int], 3, "it is 3, wanted a table"),
        (dict[str, int], {"a": "x"}, "a is 'x', wanted a whole number"),
        (Literal["happy", "sad"], 3, "it is 3, wanted one of happy, sad"),
        (Colour, "green", "it is 'green', wanted one of red, blue"),
        (Point, {}, "x is missing"),
        (Point, 3, "it is 3, wanted a table"),
    ],
)
def test_a_value_that_does_not_fit_is_said_with_what_was_wanted(kind, value, said):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert refusal(caught.value).message == said


def test_a_word_that_is_no_choice_offers_the_nearest_only():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Literal["happy", "sad"]).validate_python("hapy")
    assert refusal(caught.value).hint == 'did you mean "happy"?'
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Literal["happy", "sad"]).validate_python("zzz")
    assert refusal(caught.value).hint == ""


def test_text_that_is_no_json_is_said_so():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Point).validate_json("{")
    assert refusal(caught.value).message.startswith("not valid JSON: ")


def test_a_value_too_large_to_write_down_is_refused_in_a_line():
    for value in (10**5000, "x" * 10**6):
        with pytest.raises(ValidationError) as caught:
            TypeAdapter(Literal["happy", "sad"]).validate_python(value)
        assert len(refusal(caught.value).message) < 200
