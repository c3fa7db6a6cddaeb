"""Values that JSON holds, and those that a cell of a table holds, as types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, Sequence["Json"], Mapping[str, "Json"], None]  # noqa: UP007
"""What JSON can say, to be written."""

JsonObject: TypeAlias = dict[str, Json]
"""A JSON object: names with values."""

Parsed: TypeAlias = Mapping[str, Any]
"""A JSON object as it was read: it may be anybody's, so that readers check each value."""

StoredRow: TypeAlias = tuple[Any, ...]
"""A row as SQLite gives it: the query says what is in which column, a store may hold anything there."""

Cell: TypeAlias = str | int | float | bool | None
"""A value of a table; None where it is undefined."""
