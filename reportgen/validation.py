"""What pydantic refuses, as one line: what, received, wanted, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from reportgen.errors import in_brief, suggestion

_WANTED = {
    "missing": "a value",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of at most 18 digits",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "string_unicode": "a text",
    "string_too_short": "a text of {min_length} or more characters",
    "string_too_long": "a text of at most {max_length} characters",
    "path_type": "a path",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "iterable_type": "a list",
    "too_short": "{min_length} or more values",
    "too_long": "at most {max_length} values",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "dataclass_type": "a table",
    "dataclass_exact_type": "a table",
}
"""What was wanted, by pydantic's type of the error; names in braces are of the error's context."""

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first error of a validation.

    Attributes:
        key: The keys that lead to the value, with dots; empty for the value itself.
        top: The first of them.
        message: What it is and what was wanted.
        hint: What may have been meant; or empty.
    """

    key: str
    top: str
    message: str
    hint: str


def refusal(error: ValidationError, known: Iterable[str] = (), prefix: str = "") -> Refusal:
    """Return the first error of a validation in plain English.

    Args:
        error: What pydantic raised.
        known: The keys that exist, to offer the nearest for one that does not.
        prefix: What stands before the key, such as `score.`.

    Example:
        >>> from pydantic import TypeAdapter
        >>> try:
        ...     TypeAdapter(int).validate_python("x")
        ... except ValidationError as error:
        ...     print(refusal(error, prefix="seeds").message)
        seeds is 'x', wanted a whole number
    """
    first = error.errors(include_url=False)[0]
    parts = [str(p) for p in first["loc"] if not str(p).startswith(("function-", "constrained-"))]
    key, kind, context = ".".join(parts), first["type"], first.get("ctx", {})
    name, top = f"{prefix}{key}"[:200].rstrip("."), parts[0] if parts else ""
    if kind in _UNKNOWN_KEY:
        return Refusal(key, top, f'key "{name}" does not exist', suggestion(key, known))
    if kind == "missing":
        return Refusal(key, top, f"{name} is missing", "")
    if kind == "json_invalid":
        return Refusal(key, top, f"not valid JSON: {context['error']}", "")
    choices = _choices(kind, context)
    wanted = "one of " + ", ".join(choices) if choices else _wanted(kind, context, str(first["msg"]))
    hint = suggestion(first["input"], choices, otherwise="")
    return Refusal(key, top, f"{name or 'it'} is {in_brief(first['input'])}, wanted {wanted}", hint)


def _choices(kind: str, context: Mapping[str, object]) -> list[str]:
    """Return the values that a choice may have; empty for other errors."""
    if kind not in ("literal_error", "enum"):
        return []
    return re.findall(r"'([^']*)'", str(context["expected"])) or [str(context["expected"])]


def _wanted(kind: str, context: Mapping[str, object], message: str) -> str:
    """Return what was wanted; validators of this package say so themselves, in a `ValueError`."""
    if kind in _WANTED:
        return _WANTED[kind].format(**context)
    return re.sub(r"^(Value error, |Input should be )?(wanted )?", "", message)
