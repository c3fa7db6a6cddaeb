"""Results of removal: one record for a model version, and a row for every unit that can be removed.

Only a store of schema 2 or later has these tables; an earlier one, opened for reading, has none.
"""

from __future__ import annotations

import dataclasses
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reportgen.errors import StoreError, in_brief
from reportgen.removal import Removal, UnitNeed
from reportgen.store.experiments import Experiments
from reportgen.store.records import from_stored, is_unit, to_stored

_MOST, _ROUNDING = 10**18, 1e-6
"""The largest valid count, and the tolerance of ranges for rounding."""
_COLUMNS = ", ".join(field.name for field in dataclasses.fields(UnitNeed))


class Removals(Experiments):
    """The store's results of removal, in addition to its experiments and measurements."""

    def put_removal(
        self, model: int, removal: Removal, needs: Mapping[str, Sequence[UnitNeed]], *, fingerprint: str
    ) -> None:
        """Store the result of removal for a model version; an earlier one is replaced.

        Args:
            needs: By layer, the network's loss without each of its units.
            fingerprint: Hash of everything that the measurement depends on.

        Raises:
            StoreError: A value could not be read again, such as a number that is not finite.
        """
        try:
            record = to_stored(removal)
            _checked(removal)
        except ValueError as error:
            raise StoreError(f"the result of removal cannot be stored: {error}") from None
        rows = [(layer, need) for layer, some in needs.items() for need in some]
        for layer, need in rows:
            if trouble := _trouble(need):
                raise StoreError(
                    f'need of unit {in_brief(need.unit)} of "{layer}" cannot be stored: {trouble}'
                )
        with self._commit() as db:
            forget_removal(db, model)
            db.execute(
                "INSERT INTO removals(model, fingerprint, record) VALUES(?,?,?)", (model, fingerprint, record)
            )
            db.executemany(
                f"INSERT INTO needs(model, layer, {_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?)",
                [(model, layer, *dataclasses.astuple(need)) for layer, need in rows],
            )

    def removal(self, model: int) -> Removal | None:
        """Return the result of removal for a model version; None if it was not measured."""
        rows = self._told("SELECT record FROM removals WHERE model=?", (model,))
        return self._made(_removal, rows[0][0]) if rows else None

    def removal_fingerprint(self, model: int) -> str:
        """Return the fingerprint under which removal was measured, or an empty text."""
        rows = self._told("SELECT fingerprint FROM removals WHERE model=?", (model,))
        return str(rows[0][0]) if rows else ""

    def needs(self, model: int, layer: str) -> list[UnitNeed]:
        """Return the loss without each unit of a layer, in order of units; empty if not measured."""
        query = f"SELECT {_COLUMNS} FROM needs WHERE model=? AND layer=? ORDER BY unit"
        return [self._made(_need, row) for row in self._told(query, (model, layer))]

    def _told(self, query: str, values: Sequence[Any]) -> list[Any]:
        known = "SELECT 1 FROM sqlite_master WHERE type='table' AND name='removals'"
        return self.read(query, values) if self.read(known) else []


def forget_removal(db: sqlite3.Connection, model: int) -> None:
    """Delete the result of removal for a model version, inside the transaction of the caller."""
    for table in ("removals", "needs"):
        db.execute(f"DELETE FROM {table} WHERE model=?", (model,))


def _removal(text: str) -> Removal:
    return _checked(from_stored(Removal, text))


def _checked(removal: Removal) -> Removal:
    """Return a removal whose values are valid.

    Raises:
        ValueError: A value is not; the message names it.
    """
    if not 0 <= removal.removed <= removal.units:
        raise ValueError(f"{removal.removed} of {removal.units} units removed")
    if not all(map(math.isfinite, _fractions(dataclasses.asdict(removal)))):
        raise ValueError("it has a number that is not finite")
    for name, (low, high), values in _ranges(removal):
        for value in values:
            if value is not None and not low - _ROUNDING <= value <= high + _ROUNDING:
                raise ValueError(f"{name} is {in_brief(value)}, wanted {low:,} to {high:,}")
    return removal


def _ranges(removal: Removal) -> Iterator[tuple[str, tuple[int, int], list[float | None]]]:
    """Yield names of a removal's numbers, their valid range, and the numbers."""
    r, points = removal, [p for c in removal.curves for p in c.points]
    shares = [r.accuracy_before, r.accuracy_after, *r.interval, r.agreement, r.majority_share, r.max_loss]
    shares += [x for p in points for x in (p.agreement, p.accuracy, p.low, p.high)]
    yield "a share", (0, 1), shares
    yield "a rank correlation", (-1, 1), [*r.looks_correlation.values()]
    yield "a count of units", (0, r.units), [r.steady, r.largest, *(p.removed for p in points)]
    for own in r.layers:
        yield f'a count of units of "{own.layer}"', (0, own.units), [own.together, own.alone]
    totals = (r.units, r.changed, r.parameters_before, r.parameters_after, r.macs_before, r.macs_after)
    sets = (r.pictures.order, r.pictures.choose, r.pictures.report, r.pictures.groups)
    yield "a total", (0, _MOST), [*totals, *sets, *(own.units for own in r.layers)]


def _fractions(value: Any) -> Iterator[float]:
    """Yield all floats anywhere in a value."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        yield from _fractions(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _fractions(part)


def _need(row: Sequence[Any]) -> UnitNeed:
    need = UnitNeed(*row)
    if trouble := _trouble(need):
        raise ValueError(f"the need of unit {in_brief(need.unit)}: {trouble}")
    return need


def _trouble(need: UnitNeed) -> str:
    """Return what is invalid about a need, or an empty text."""
    if not is_unit(need.unit):
        return "it is not a valid unit"
    if type(need.need) not in (int, float) or not 0 <= need.need < math.inf:
        return f"need is {in_brief(need.need)}, wanted a number of at least 0"
    if type(need.need_rank) is not int or need.need_rank < 1:
        return f"need_rank is {in_brief(need.need_rank)}, wanted a whole number of at least 1"
    counts = (need.pictures, need.hurt_pictures, 0 if need.changed is None else need.changed)
    if not all(type(count) is int and count >= 0 for count in counts):
        return (
            f"pictures, hurt_pictures and changed are {in_brief(counts)}, wanted whole numbers of at least 0"
        )
    return "" if isinstance(need.hurt, str) else f"hurt is {in_brief(need.hurt)}, wanted a text"
