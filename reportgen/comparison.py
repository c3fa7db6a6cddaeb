"""What a comparison consists of: two versions, what became of each unit, and lines over versions.

Plain immutable values. How they are found is the affair of `compare`; how they are laid out, of the atlas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reportgen.verdicts import DEAD, STRUCTURED, Verdict

STATE_MEANINGS: Mapping[str, str] = {
    "unchanged": "same index, same activations as before",
    "moved": "found again at another index",
    "sharpened": "the same unit, which gained structure",
    "blurred": "the same unit, which lost structure",
    "re-purposed": "same index, but activated by something else",
    "died": "dead now and not before",
    "born": "live now and dead before",
    "unmatched": "without a counterpart in the other version",
}
"""What may have become of a unit, in the order in which they are listed, and what each word means."""

STATES = tuple(STATE_MEANINGS)
"""The words alone."""

CONFIDENT = 0.8
"""Confidence from which a pair that was found among all units is certain."""

KEPT = ("unchanged", "moved")
"""States of a unit that responds as before."""


@dataclass(frozen=True, slots=True)
class VersionId:
    """A model version that is compared.

    Attributes:
        file_hash: Of its model file.
        store: Name of the store's file it was read from.
        number: Its number in that store.
    """

    model: str
    version: str
    file_hash: str
    store: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.model} {self.version}"


@dataclass(frozen=True, slots=True)
class Side:
    """A unit in one of the two versions; numbers are None where it was not scored."""

    unit: int
    verdict: str = ""
    detail: str = ""
    structure: float | None = None
    consistency: float | None = None
    borderline: bool = False


@dataclass(frozen=True, slots=True)
class UnitChange:
    """What became of one unit.

    Attributes:
        state: One of `STATES`.
        a, b: The unit in each version; None where it has no counterpart there.
        similarity: -1..1, of their activations (docs/comparing.md); None where they cannot be compared.
        confidence: 0.5..1, how surely no other unit is a better counterpart; None where not compared.
        mutual: Whether each is the other's best match.
        consequence: Whether the unit's own weights are as they were, and an earlier layer changed.
        reason: The numbers behind the state, in words.
        uncertain: Whether it was found among all units, and another would do about as well.
        alternatives: States that it may as well be in, since it is uncertain or a verdict is borderline.
    """

    state: str
    a: Side | None
    b: Side | None
    similarity: float | None = None
    confidence: float | None = None
    mutual: bool = False
    consequence: bool = False
    reason: str = ""
    uncertain: bool = False
    alternatives: tuple[str, ...] = ()

    @property
    def possible(self) -> frozenset[str]:
        """All states that it may be in."""
        return frozenset((self.state, *self.alternatives))

    @property
    def kept(self) -> bool:
        """Whether the unit responds as before."""
        return self.state in KEPT


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many units are in a state; units without a counterpart count apart for each version.

    Attributes:
        state: One of `STATES`.
        key: That, or `unmatched-a` or `unmatched-b`.
        words: What a person reads: `moved`, `unmatched in v1`.
        n, n_uncertain: Units, and how many of them are uncertain.
    """

    state: str
    key: str
    words: str
    n: int
    n_uncertain: int = 0


@dataclass(frozen=True, slots=True)
class LayerPair:
    """A layer of A next to its counterpart in B, with a row for every unit of either.

    Attributes:
        layer_a, layer_b: The layers' names.
        n_a, n_b: Units of each.
        same: Whether both compute the same: operations, connections and weights up to the layer are equal.
        ordered: Whether units kept their places, so that equal indices mean the same unit.
        cka: Debiased linear CKA of the answers to the probes, about 0 (unlike) to 1; None if not measured.
        changes: Rows in order of A's units, then B's units that have no counterpart.
        counterparts_a, counterparts_b: Units of each that have a counterpart in the other: assigned to it and
            similar, or the same unit at its old index.
        chance_a: Units of A that have a counterpart in an untrained twin of B; None where none was given.
        outputs: Whether these are a classifier's outputs, whose indices are the classes.
    """

    layer_a: str
    layer_b: str
    n_a: int
    n_b: int
    same: bool
    ordered: bool
    cka: float | None
    changes: tuple[UnitChange, ...]
    counterparts_a: int
    counterparts_b: int
    chance_a: int | None = None
    outputs: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Units by state, in the order of `STATES`."""
        return counts_of(self.changes)

    @property
    def dead_pairs(self) -> int:
        """Pairs of dead units where units did not keep their places: any two such units match."""
        if self.ordered:
            return 0
        sides = [(x.a, x.b) for x in self.changes if x.state != "unmatched"]
        return sum(a is not None and b is not None and a.verdict == b.verdict == DEAD.word for a, b in sides)

    @property
    def flow(self) -> dict[tuple[str, str], int]:
        """Units by verdict in A and in B; an empty word where there is no counterpart."""
        found: dict[tuple[str, str], int] = {}
        for x in self.changes:
            key = (x.a.verdict or "not scored" if x.a else "", x.b.verdict or "not scored" if x.b else "")
            found[key] = found.get(key, 0) + 1
        return found


@dataclass(frozen=True)
class Comparison:
    """Two model versions compared.

    Attributes:
        a, b: Before and after.
        layers: Pairs of layers, in the network's order.
        paired_by: How layers were paired: `name`, `position` or `cka`.
        alone_a, alone_b: Layers without a counterpart.
        names_a, names_b: Layers of the map's rows and columns.
        cka: Debiased linear CKA of each layer of A (rows) with each of B; None where not measured.
        notes: What a reader should know of how far the comparison goes.
        chance: The untrained twin by which the counterparts that chance gives were counted, or None.
    """

    a: VersionId
    b: VersionId
    layers: tuple[LayerPair, ...]
    paired_by: str
    alone_a: tuple[str, ...] = ()
    alone_b: tuple[str, ...] = ()
    names_a: tuple[str, ...] = ()
    names_b: tuple[str, ...] = ()
    cka: tuple[tuple[float | None, ...], ...] = ()
    notes: tuple[str, ...] = ()
    chance: VersionId | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Units by state over all layers."""
        return counts_of([x for pair in self.layers for x in pair.changes])

    @property
    def consequences(self) -> int:
        """Changed units whose own weights are as they were."""
        return sum(x.consequence for pair in self.layers for x in pair.changes)

    @property
    def n_a(self) -> int:
        """Units of A in layers that have a counterpart."""
        return sum(pair.n_a for pair in self.layers)

    @property
    def counterparts_a(self) -> int:
        """Units of A that have a counterpart in B."""
        return sum(pair.counterparts_a for pair in self.layers)

    def largest(self, n: int) -> list[tuple[LayerPair, UnitChange]]:
        """Return the `n` largest changes: own ones before consequences, the least similar first."""
        rows = [(p, x) for p in self.layers for x in p.changes if not x.kept]
        return sorted(rows, key=lambda row: (row[1].consequence, _order(row[1])))[:n]


@dataclass(frozen=True, slots=True)
class Line:
    """A number over versions, of one layer (or of all, where `layer` is empty); None where there is none."""

    measure: str
    layer: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Series:
    """Three or more versions of a model in order.

    Attributes:
        versions: In the order given.
        lines: `structured_share`, `dead`, `copies`, `certain` (superfluous for certain) and `units`, of each
            layer and of all.
        layers: Names of the layers, as the last version that has them orders them.
    """

    versions: tuple[VersionId, ...]
    lines: tuple[Line, ...]
    layers: tuple[str, ...]

    def line(self, measure: str, layer: str = "") -> Line:
        """Return one line; KeyError if there is none."""
        for line in self.lines:
            if (line.measure, line.layer) == (measure, layer):
                return line
        raise KeyError((measure, layer))


@dataclass(frozen=True)
class Comparisons:
    """All that a site shows of how versions differ."""

    pairs: tuple[Comparison, ...] = ()
    series: tuple[Series, ...] = field(default=())


def counts_of(changes: Iterable[UnitChange]) -> dict[str, int]:
    """Return rows by state, in the order of `STATES`, states without a row left out."""
    found = Counter(x.state for x in changes)
    return {state: found[state] for state in STATES if found[state]}


_GRAVE = ("died", "re-purposed", "blurred", "unmatched", "sharpened", "born")


def _order(change: UnitChange) -> tuple[int, float]:
    similarity = change.similarity if change.similarity is not None else 0.0
    return (_GRAVE.index(change.state), similarity)


def state_counts(changes: Iterable[UnitChange], before: str, after: str) -> list[StateCount]:
    """Return how many units are in each state that occurs, in the order of `STATES`.

    Args:
        changes: Rows of a layer or of several.
        before, after: What the two versions are called.
    """
    rows = list(changes)
    found = Counter(state_key(x) for x in rows)
    unsure = Counter(state_key(x) for x in rows if x.uncertain)
    wordings = [(state, state, state) for state in STATES if state != "unmatched"]
    wordings += [
        ("unmatched", "unmatched-a", f"unmatched in {before}"),
        ("unmatched", "unmatched-b", f"unmatched in {after}"),
    ]
    return [
        StateCount(state, key, words, found[key], unsure[key]) for state, key, words in wordings if found[key]
    ]


def state_key(change: UnitChange) -> str:
    """Return the state, for a unit without a counterpart with the version it is in: `unmatched-a`, `-b`."""
    if change.state != "unmatched":
        return change.state
    return "unmatched-b" if change.a is None else "unmatched-a"


def counts_in_words(counts: Iterable[StateCount]) -> str:
    """Return `12 unchanged, 9 moved (4 of them uncertain), 2 unmatched in v1`."""
    return ", ".join(_count_in_words(count) for count in counts) or "no units"


def _count_in_words(count: StateCount) -> str:
    unsure = f" ({count.n_uncertain:,} of them uncertain)" if count.n_uncertain else ""
    return f"{count.n:,} {count.words}{unsure}"


def sentences(c: Comparison) -> list[str]:
    """Return what a comparison says, in a few sentences."""
    before, after = c.a.version, c.b.version
    counted = state_counts([x for pair in c.layers for x in pair.changes], before, after)
    of_a = [count for count in counted if count.key != "unmatched-b"]
    only_b = sum(count.n for count in counted) - sum(count.n for count in of_a)
    found = [f"Of {c.n_a:,} units of {before}: {counts_in_words(of_a)}."]
    if only_b:
        found.append(f"{only_b:,} of {sum(pair.n_b for pair in c.layers):,} units are unmatched in {after}.")
    found.append(_of_counterparts(c))
    same = sum(pair.same for pair in c.layers)
    if same:
        found.append(f"In {same} of {len(c.layers)} layers the network is identical up to there.")
    first = next((pair for pair in c.layers if any(not x.kept for x in pair.changes)), None)
    if first is not None:
        own = sum(not x.kept and not x.consequence for pair in c.layers for x in pair.changes)
        name = first.layer_b
        later = f", {c.consequences:,} only because of an earlier layer" if c.consequences else ""
        found.append(
            f"The first changes are in {name}; {own:,} changes are not explained by earlier layers{later}."
        )
    structured, dead = (_of_verdict(c, verdict) for verdict in (STRUCTURED, DEAD))
    found.append(
        f"Structured units: {structured[0]:,} in {before}, {structured[1]:,} in {after}; "
        f"dead: {dead[0]:,} and {dead[1]:,}."
    )
    return found


def _of_counterparts(c: Comparison) -> str:
    """Return how many units of A have a counterpart, with how many chance gives wherever that may matter."""
    chance = [pair.chance_a for pair in c.layers if pair.chance_a is not None]
    after, compared = c.b.version, ""
    if c.chance is not None and chance:
        compared = f" By chance, in the untrained network {c.chance}: {sum(chance):,}."
    elif not all(pair.ordered for pair in c.layers):
        compared = " How many would have one by chance is not known: rendering with `--twin` measures it."
    found = f"{c.counterparts_a:,} of {c.n_a:,} units of {c.a.version} have a counterpart in {after}"
    if dead := sum(pair.dead_pairs for pair in c.layers):
        found += f"; {dead:,} more {'is' if dead == 1 else 'are'} dead in both"
    found += "."
    return found + compared


def _of_verdict(c: Comparison, verdict: Verdict) -> tuple[int, int]:
    """Return how many units of A and of B have a verdict."""
    rows = [x for pair in c.layers for x in pair.changes]
    sides = ([x.a for x in rows], [x.b for x in rows])
    before, after = (sum(s is not None and s.verdict == verdict.word for s in side) for side in sides)
    return before, after
