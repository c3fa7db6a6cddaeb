"""What became of each unit of a layer: from similarities, matches, verdicts and weights to a state.

The thresholds of similarity are explained in docs/comparing.md. Where units keep their indices, a unit at its
old index is the same from `SAME_INDEX` on, and one at another index from `OTHER_INDEX` on, since the best of
many is more easily similar by chance. Networks trained apart rarely share exactly the same unit: there a
counterpart is the assigned unit from `COUNTERPART` on; an untrained twin shows how often chance finds one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.compare.matching import Match, confidence
from reportgen.compare.possible import possible_verdicts
from reportgen.compare.rows import LayerRows, incoming
from reportgen.comparison import CONFIDENT, UnitChange
from reportgen.verdicts import verdict_of

SAME_INDEX = 0.8
"""Similarity from which a unit at the same index is the same."""

OTHER_INDEX = 0.9
"""Similarity from which a unit is found at another index, although units keep their indices."""

COUNTERPART = 0.5
"""Similarity from which a unit is a counterpart where indices mean nothing."""

SAME_FUNCTION = 0.995
"""Similarity from which two units compute the same function: a different verdict is then not a change."""

_STEP = 1.0
"""Null deviations by which structure must change for a unit to be sharpened or blurred."""
_CONSISTENCY = 0.05
_EQUAL_WEIGHTS = 1e-4
"""Largest relative difference of incoming weights that were not changed."""

SAME_UNIT = ("unchanged", "moved", "sharpened", "blurred")
"""States of a unit that is still the same one."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pairing:
    """Two layers side by side, and which of their units match.

    Attributes:
        similarities: `(Ka, Kb)`; nan where unknown.
        found: See `matching.matches`.
        ordered: Whether equal indices mean the same unit.
        upstream: Whether an earlier layer differs.
        silent_a, silent_b: Units that no common picture activates.
        weights: See `weight_distances`.
        outputs: Whether these are a classifier's outputs, whose indices are the classes.
    """

    a: LayerRows
    b: LayerRows
    similarities: Floats
    found: Sequence[Match]
    ordered: bool
    upstream: bool
    silent_a: NDArray[np.bool_]
    silent_b: NDArray[np.bool_]
    weights: Floats | None = None
    outputs: bool = False

    @property
    def same(self) -> bool:
        """Whether both layers compute the same, by the hash of the network up to them."""
        return self.a.layer.graph_hash == self.b.layer.graph_hash

    @property
    def n_a(self) -> int:
        """Units of A."""
        return self.a.layer.n_units

    @property
    def n_b(self) -> int:
        """Units of B."""
        return self.b.layer.n_units

    def similarity(self, a: int, b: int) -> float | None:
        """Return the similarity of two units' activations; None where unknown."""
        value = float(self.similarities[a, b])
        return None if math.isnan(value) else value


def weight_distances(a: LayerRows, b: LayerRows) -> Floats | None:
    """Return `(Ka, Kb)` relative differences of incoming weights: 0 equal; None where they do not compare."""
    links_a, links_b = incoming(a), incoming(b)
    if links_a is None or links_b is None or links_a.shape[1] != links_b.shape[1]:
        return None
    x, y = links_a.astype(np.float64), links_b.astype(np.float64)
    size_a, size_b = np.linalg.norm(x, axis=1)[:, None], np.linalg.norm(y, axis=1)[None, :]
    largest = np.maximum(size_a, size_b)
    squares = np.maximum(size_a**2 + size_b**2 - 2 * (x @ y.T), 0)
    return np.asarray(np.sqrt(squares) / np.where(largest > 0, largest, 1), np.float32)


def changes(pairing: Pairing) -> tuple[UnitChange, ...]:
    """Return a row for every unit of A in order, then for those of B that match none of A."""
    partners = _in_place(pairing) if pairing.ordered else _anywhere(pairing)
    rows = []
    for a in range(pairing.n_a):
        b, match = partners.get(a, (None, None))
        rows.append(_row(pairing, a, b, match))
    least = OTHER_INDEX if pairing.ordered else COUNTERPART
    copied = {m.b for m in pairing.found if m.shared and m.similarity >= least}
    taken = {b for b, _ in partners.values()} | copied
    rows += [_new(pairing, b) for b in range(pairing.n_b) if b not in taken]
    return tuple(rows)


def counterparts(pairing: Pairing, rows: Sequence[UnitChange]) -> tuple[int, int]:
    """Return how many units of A and B have a counterpart: assigned and similar, or the same unit."""
    good = [m for m in pairing.found if m.similarity >= COUNTERPART]
    same = [x for x in rows if x.a and x.b and x.state in SAME_UNIT and _is_informative(pairing, x.a.unit)]
    in_a = {m.a for m in good} | {x.a.unit for x in same if x.a}
    return len(in_a), len({m.b for m in good} | {x.b.unit for x in same if x.b})


def _is_informative(p: Pairing, unit: int) -> bool:
    """Whether a match says anything: any two dead units match where indices mean nothing."""
    return p.ordered or not p.a.dead(unit)


Partners = dict[int, tuple[int, Match | None]]


def _in_place(p: Pairing) -> Partners:
    """Return partners where indices were kept: the same index, unless the unit clearly moved."""
    kept = {k for k in range(min(p.n_a, p.n_b)) if p.same or _same_here(p, k)}
    here = {m.a: m for m in p.found if m.a == m.b}
    elsewhere = {
        m.a: m
        for m in p.found
        if m.similarity >= OTHER_INDEX and m.a not in kept and m.b not in kept and m.a != m.b
    }
    partners: Partners = {}
    for a in range(p.n_a):
        if a not in kept and a in elsewhere:
            partners[a] = (elsewhere[a].b, elsewhere[a])
        elif a < p.n_b:
            partners[a] = (a, here.get(a))
    moved_to = {b for a, (b, _) in partners.items() if a != b}
    return {a: (b, match) for a, (b, match) in partners.items() if a != b or b not in moved_to}


def _same_here(p: Pairing, unit: int) -> bool:
    similarity = p.similarity(unit, unit)
    if similarity is not None:
        return similarity >= SAME_INDEX
    return p.a.dead(unit) == p.b.dead(unit)


def _anywhere(p: Pairing) -> Partners:
    """Return partners where indices mean nothing: by activations, else by weights, else dead with dead."""
    similar = [m for m in p.found if m.similarity >= COUNTERPART]
    partners: Partners = {m.a: (m.b, m) for m in sorted(similar, key=lambda m: m.shared, reverse=True)}
    taken = {b for b, _ in partners.values()}
    quiet_a = [a for a in range(p.n_a) if a not in partners and p.silent_a[a]]
    quiet_b = [b for b in range(p.n_b) if b not in taken and p.silent_b[b]]
    if p.weights is not None:
        for a in list(quiet_a):
            equal = [b for b in quiet_b if p.weights[a, b] <= _EQUAL_WEIGHTS and p.a.dead(a) == p.b.dead(b)]
            if equal:
                partners[a] = (a if a in equal else equal[0], None)
                quiet_a.remove(a)
                quiet_b.remove(partners[a][0])
    dead_a, dead_b = [a for a in quiet_a if p.a.dead(a)], [b for b in quiet_b if p.b.dead(b)]
    both = [k for k in dead_a if k in dead_b]
    rest = [k for k in dead_a if k not in both], [k for k in dead_b if k not in both]
    for a, b in [*zip(both, both, strict=True), *zip(*rest, strict=False)]:
        partners[a] = (b, None)
    return partners


def _row(p: Pairing, a: int, b: int | None, match: Match | None) -> UnitChange:
    if b is None:
        best = None if p.silent_a[a] else float(np.nanmax(p.similarities[a]))
        why = _nothing_like(p, best)
        return UnitChange("unmatched", p.a.side(a), None, best, None, False, False, why)
    similarity, sure = p.similarity(a, b), None
    if similarity is not None:
        sure = match.confidence if match else confidence(np.nan_to_num(p.similarities, nan=-1.0), a, b)
    state, reason = _state(p, a, b, similarity, sure)
    uncertain = not p.ordered and sure is not None and sure < CONFIDENT
    return UnitChange(
        state=state,
        a=p.a.side(a),
        b=p.b.side(b),
        similarity=similarity,
        confidence=sure,
        mutual=match.mutual if match else _best_of_both(p, a, b),
        uncertain=uncertain,
        consequence=state not in ("unchanged", "moved") and _is_consequence(p, a, b),
        reason=reason,
        alternatives=tuple(sorted(_possible(p, a, b, similarity, uncertain=uncertain) - {state})),
    )


def _possible(p: Pairing, a: int, b: int, similarity: float | None, *, uncertain: bool) -> frozenset[str]:
    """Return the states that a unit may be in, by the verdicts that it may have, at the places it may be."""
    scores = p.a.scores.get(a), p.b.scores.get(b)
    words = [possible_verdicts(s) if s is not None else frozenset({""}) for s in scores]
    found = {_state(p, a, b, similarity, 1.0, pair)[0] for pair in itertools.product(*words)}
    return frozenset(found | {"unchanged", "moved"} if uncertain else found)


def _state(
    p: Pairing, a: int, b: int, similarity: float | None, match_confidence: float | None,
    verdicts: tuple[str, ...] | None = None,
) -> tuple[str, str]:  # fmt: skip
    """Return the state of a unit compared with its partner, and its reason.

    Args:
        p: Their layers.
        a, b: The units.
        similarity: Of their activations; None where they cannot be compared.
        match_confidence: How surely no other unit is a better counterpart.
        verdicts: Of both, where others than their own are assumed.
    """
    place = "unchanged" if a == b else "moved"
    if p.same:
        return place, "the network is identical up to here"
    numbers = (
        f"similarity {_signed(similarity, 3)}" if similarity is not None else "silent on the probes in both"
    )
    if p.a.dead(a) != p.b.dead(b):
        lost = p.b.dead(b)
        return ("died", "live before, dead now") if lost else ("born", "dead before, live now")
    if p.a.dead(a):
        return place, "dead in both"
    if similarity is None:
        return _quiet(p, a, b, place, verdicts)
    least = (SAME_INDEX if a == b else OTHER_INDEX) if p.ordered else COUNTERPART
    turn, why = ("", "") if similarity >= SAME_FUNCTION else _turn(p, a, b, verdicts)
    if turn and not p.ordered and (match_confidence or 0.0) < CONFIDENT:
        return place, f"{numbers}; {why}, but not called {turn}: the pair is uncertain"
    if turn:
        return turn, f"{why}; {numbers}"
    if similarity >= least:
        return place, numbers
    if p.outputs:
        numbers = f"still the output for the same class, but it responds differently to the probes: {numbers}"
    return "re-purposed", f"{numbers}, below {least:g}"


def _quiet(p: Pairing, a: int, b: int, place: str, verdicts: tuple[str, ...] | None) -> tuple[str, str]:
    """Return the state of units that no probe activates: by weights, else by how their verdicts changed."""
    if p.weights is not None and p.weights[a, b] <= _EQUAL_WEIGHTS:
        return place, "silent on the probes in both; incoming weights are equal"
    turn, why = _turn(p, a, b, verdicts)
    if turn:
        return turn, f"{why}; silent on the probes in both"
    if p.weights is not None and p.weights[a, b] > 1 - SAME_INDEX:
        far = f"incoming weights differ by {100 * float(p.weights[a, b]):.0f} %"
        return "re-purposed", f"silent on the probes in both; {far}"
    return place, "silent on the probes in both; no change found"


def _turn(p: Pairing, a: int, b: int, words: tuple[str, ...] | None = None) -> tuple[str, str]:
    """Return whether a unit gained or lost its pattern, and the numbers; empty if neither."""
    before, after = p.a.scores.get(a), p.b.scores.get(b)
    if before is None or after is None:
        return "", ""
    old, new = words or (before.verdict, after.verdict)
    first, last = verdict_of(old).order, verdict_of(new).order
    if first is None or last is None or first == last:
        return "", ""
    word = "sharpened" if last > first else "blurred"
    verdicts = f"{old} to {new}"
    if 0 in (first, last):
        z = (before.structure, after.structure)
        if None in z or abs(float(z[1] or 0) - float(z[0] or 0)) >= _STEP:
            numbers = " to ".join("none" if v is None else _signed(v, 1) for v in z)
            return word, f"{verdicts}, structure {numbers}"
        return "", ""
    steady = (before.consistency, after.consistency)
    if steady[0] is None or steady[1] is None or abs(steady[1] - steady[0]) < _CONSISTENCY:
        return "", ""
    return word, f"{verdicts}, consistency {steady[0]:.2f} to {steady[1]:.2f}"


def _new(p: Pairing, b: int) -> UnitChange:
    best = None if p.silent_b[b] else float(np.nanmax(p.similarities[:, b]))
    return UnitChange("unmatched", None, p.b.side(b), best, None, False, False, _nothing_like(p, best))


def _nothing_like(p: Pairing, best: float | None) -> str:
    least = OTHER_INDEX if p.ordered else COUNTERPART
    if best is None:
        return "silent on the probes"
    if best >= least:
        return f"the most similar unit, {_signed(best, 3)}, matches another one"
    return f"the most similar unit has similarity {_signed(best, 3)}, below {least:g}"


def _signed(value: float, digits: int) -> str:
    """Return a number with a minus sign instead of a hyphen."""
    return f"{value:.{digits}f}".replace("-", "−")


def _is_consequence(p: Pairing, a: int, b: int) -> bool:
    return p.upstream and p.weights is not None and bool(p.weights[a, b] <= _EQUAL_WEIGHTS)


def _best_of_both(p: Pairing, a: int, b: int) -> bool:
    value = p.similarities[a, b]
    if math.isnan(float(value)):
        return False
    return bool(value >= np.nanmax(p.similarities[a]) and value >= np.nanmax(p.similarities[:, b]))
