"""What a person should look at first in a model version: in sentences and pictures.

Chosen by rules from scores alone, the same for every model. Nothing here is worded twice: a layer's own
findings stand on its page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reportgen.atlas import columns
from reportgen.atlas.plots import tenths
from reportgen.atlas.removal_words import answer, looks_in_words
from reportgen.atlas.rows import SHOWCASE_CONTRAST, LayerRows, neighbours_of
from reportgen.removal import Removal
from reportgen.sentences.layers import ONLY_REMOVAL, certain_in_words
from reportgen.sentences.responses import correlation_in_words, shortfall_in_words
from reportgen.units import UnitScore
from reportgen.verdicts import DEAD, FLAT, MULTIFACETED, STATIC, STRUCTURED, UNSTABLE, Verdict

N_PICTURES, _OF_A_LAYER, N_GROUPS, _IN_A_GROUP, N_LAYERS = 24, 3, 8, 8, 6
_MANY_SHARE = 0.25

Place = tuple[int, int]
"""A layer's place among the rows, and a unit."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Attributes:
        title, text: What it is, in words.
        groups: Pictures to show, each with a caption; one group without one where they belong together.
        layers: Layers to name, and what is said of each.
        query: The filter that shows all of them in the view of all units, or empty.
        of_need: Whether it is about what the network needs, which removal answers at length.
    """

    title: str
    text: str
    groups: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    layers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    of_need: bool = False


def find(rows: Sequence[LayerRows], removal: Removal | None = None) -> list[Finding]:
    """Return what stands out in a model version with these layers, most worth a look first.

    Args:
        rows: Of the layers.
        removal: What removal found of the model version, where it was measured.
    """
    made: list[Callable[[Sequence[LayerRows]], Finding | None]] = [
        _clearest, _changing, _several, _copies, _silent, _noise, _flat,
        lambda own: _necessary(own, removal),
    ]  # fmt: skip
    return [finding for make in made if (finding := make(rows))]


def _judged(rows: Sequence[LayerRows], verdict: Verdict) -> list[tuple[int, UnitScore]]:
    """Return the units of that verdict, each with the index of its layer."""
    return [(at, s) for at, own in enumerate(rows) for s in own.scores.values() if s.verdict == verdict.word]


def _best(found: Iterable[tuple[int, UnitScore]], worth: Callable[[UnitScore], float]) -> tuple[Place, ...]:
    """Return the places of the worthiest, at most a few of one layer."""
    taken: dict[int, int] = {}
    kept: list[Place] = []
    for at, score in sorted(found, key=lambda x: (-worth(x[1]), x[0], x[1].unit)):
        if taken.get(at, 0) < _OF_A_LAYER and len(kept) < N_PICTURES:
            taken[at] = taken.get(at, 0) + 1
            kept.append((at, score.unit))
    return tuple(kept)


def _least(found: Iterable[tuple[int, UnitScore]]) -> tuple[Place, ...]:
    """Return the places of those with the least structure."""
    ordered = sorted(found, key=lambda x: (_structure(x[1]), x[0], x[1].unit))
    return tuple((at, score.unit) for at, score in ordered[:_IN_A_GROUP])


def _structure(score: UnitScore) -> float:
    """Return a unit's structure, 0 where it has none."""
    return score.structure if score.structure is not None else 0.0


def _clearest(rows: Sequence[LayerRows]) -> Finding | None:
    found = [x for x in _judged(rows, STRUCTURED) if x[1].duplicate_of is None]
    if not found:
        return None

    def worth(score: UnitScore) -> float:
        return (score.structure or 0.0) * (score.consistency or 0.5)

    seen = [x for x in found if not rows[x[0]].pale(x[1].unit)]
    total = sum(len(layer.scores) for layer in rows)
    return Finding(
        "The clearest",
        f"{_count(len(found), 'unit')} of {total:,} {_are(len(found))} structured and no copy of "
        "another. These have the most structure and starts that agree; at most three per layer, low-contrast "
        f"pictures (below {SHOWCASE_CONTRAST:g} of the range) only where there are no others.",
        (("", _best(seen or found, worth)),),
        query=f"verdict:{STRUCTURED.word} !copy",
    )


def _changing(rows: Sequence[LayerRows]) -> Finding | None:
    found = _judged(rows, UNSTABLE)
    if not found:
        return None
    return Finding(
        "A different picture from each start",
        f"{_count(len(found), 'unit')} {_have(len(found))} clear structure, but the starts "
        "do not agree: each picture is one of many. Open a unit and compare its starts.",
        (("", _best(found, lambda s: s.structure or 0.0)),),
        query=f"verdict:{UNSTABLE.word}",
    )


def _several(rows: Sequence[LayerRows]) -> Finding | None:
    found = _judged(rows, MULTIFACETED)
    if not found:
        return None
    return Finding(
        "More than one pattern",
        f"The starts of {_count(len(found), 'unit')} fall into groups that agree within themselves.",
        (("", _best(found, lambda s: (s.facets or 0) * 100 + (s.structure or 0.0))),),
        query=f"verdict:{MULTIFACETED.word}",
    )


def _copies(rows: Sequence[LayerRows]) -> Finding | None:
    """Return which units are copies; where none is, the nearest to it and what it lacks."""
    groups: dict[Place, list[int]] = {}
    for at, layer in enumerate(rows):
        for unit, first in columns.groups_of(layer.scores).items():
            groups.setdefault((at, first), []).append(unit)
    if not groups:
        return _no_copies(rows) if any(layer.scores for layer in rows) else None
    largest = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))[:N_GROUPS]
    n = sum(len(units) - 1 for units in groups.values())
    of = f"The largest {len(largest)} of them" if len(groups) > len(largest) else "They"
    return Finding(
        "Copies",
        f"{_count(n, 'unit')} {'are copies' if n != 1 else 'is a copy'} of another of the same layer, in "
        f"{_count(len(groups), 'group')}: {_copy_rule(rows)} {of}:",
        tuple(
            (
                f"{rows[at].layer.name}, {len(units)} copies",
                tuple((at, u) for u in sorted(units)[:_IN_A_GROUP]),
            )
            for (at, _), units in largest
        ),
        query="copy",
    )


def _copy_rule(rows: Sequence[LayerRows]) -> str:
    least = rows[0].thresholds.duplicate_correlation
    return (
        f"the activations have a correlation r of {least:g} or more, position by position, over all measured "
        "pictures, over probe pictures and renders separately, and on white noise."
    )


def _no_copies(rows: Sequence[LayerRows]) -> Finding:
    """Return that there are no copies, with the two units that come nearest to it."""
    near = [
        (r, at, unit, other)
        for at, layer in enumerate(rows)
        for unit, score in layer.scores.items()
        for other, r in [x for x in neighbours_of(score) if x[0] in layer.scores][:1]
        if r == r
    ]
    if not near:
        measured = any(layer.findings.response_groups for layer in rows)
        said = (
            "No unit is a copy of another: no two units of a layer have similar activations."
            if measured
            else "Whether units are copies is not known: their responses were not measured."
        )
        return Finding("Copies", f"{said} Two units of a layer count as copies where {_copy_rule(rows)}")
    rendered = " of rendered units" if any(len(x.scores) < x.layer.n_units for x in rows) else ""
    r, at, unit, other = max(near, key=lambda x: (x[0], -x[1], -x[2]))
    name, score = rows[at].layer.name, rows[at].scores[unit]
    nearest = neighbours_of(score)[0][0] == other
    shortfall = shortfall_in_words(score.relations.copy_shortfall) if nearest else ""
    lacks = f" ({shortfall})" if shortfall else ""
    return Finding(
        "Copies",
        f"No unit is a copy of another. Two units of a layer count as copies where {_copy_rule(rows)} "
        f"Most similar pair{rendered}: {unit} and {other} of {name}, r = {correlation_in_words(r)}{lacks}.",
        ((f"{name}, the most similar pair", ((at, unit), (at, other))),),
    )


def _silent(rows: Sequence[LayerRows]) -> Finding | None:
    found = _judged(rows, DEAD)
    if not found:
        return None
    layers = _with_many(rows, DEAD)
    proved = sum(bool(s.responsiveness.proof) for _, s in found)
    where = "Layers where a quarter or more are:" if layers else "In no layer are a quarter or more."
    known = {0: "another input may; nothing is proved", len(found): "that is proved from the weights"}
    how = known.get(proved, f"for {proved:,} that is proved from the weights")
    return Finding(
        "Silent units",
        f"{_count(len(found), 'unit')} {_are(len(found))} dead: no input was found that changes the "
        f"activation; "
        f"{how}. Their pictures only show where the optimiser ended. {where}",
        (("", _best(found, lambda s: 0.0)),),
        layers,
        f"verdict:{DEAD.word}",
    )


def _noise(rows: Sequence[LayerRows]) -> Finding | None:
    found = _judged(rows, STATIC)
    if not found:
        return None
    least = _least(found)
    at, unit = least[0]
    return Finding(
        "Noise",
        f"{_count(len(found), 'unit')} {_are(len(found))} static: their pictures have no more "
        "structure than the noise baseline. That does not make them useless. "
        f"Least structure: unit {unit} of {rows[at].layer.name}, {tenths(rows[at].scores[unit].structure)} "
        f"(patterns begin at {rows[at].thresholds.structure_z:g}).",
        (
            ("Least structure first", least),
            ("Strongest outgoing weights first", _best(found, lambda s: s.use or 0.0)),
        ),
        _with_many(rows, STATIC),
        f"verdict:{STATIC.word}",
    )


def _flat(rows: Sequence[LayerRows]) -> Finding | None:
    found = _judged(rows, FLAT)
    if not found:
        return None
    return Finding(
        "Only brightness or colour",
        f"{_count(len(found), 'unit')} {'respond' if len(found) != 1 else 'responds'} to one uniform colour. "
        "Such units are often needed.",
        (("", _best(found, lambda s: s.use or 0.0)[:12]),),
        query=f"verdict:{FLAT.word}",
    )


def necessary_in_words(rows: Sequence[LayerRows], *, measured: bool = False) -> list[str]:
    """Return what is certain of whether a model version has more units than it needs, in sentences.

    Args:
        rows: Of its layers.
        measured: Whether removal was measured; where it was not, the last sentence says how it is.
    """
    known = _known_superfluous(rows)
    if not known:
        return []
    judged = sum(len(layer.scores) for layer, _ in known)
    certain = certain_in_words(sum(n for _, n in known), judged)
    return [certain] if measured else [certain, ONLY_REMOVAL]


def _necessary(rows: Sequence[LayerRows], removal: Removal | None) -> Finding | None:
    sentences = necessary_in_words(rows, measured=removal is not None)
    if removal is not None:
        sentences = [answer(removal), looks_in_words(removal), *sentences]
    if not sentences:
        return None
    some = [(layer, n) for layer, n in _known_superfluous(rows) if n]
    some.sort(key=lambda x: -x[1] / max(1, len(x[0].scores)))
    which = f"The {N_LAYERS} of {len(some)} layers" if len(some) > N_LAYERS else "Layers"
    shares = f" {which} with the largest share of certainly superfluous units:" if some else ""
    return Finding(
        "Are there more units than necessary?",
        " ".join(filter(None, sentences)) + shares,
        layers=tuple((layer.layer.name, f"{n:,} of {len(layer.scores):,}") for layer, n in some[:N_LAYERS]),
        of_need=True,
    )


def _known_superfluous(rows: Sequence[LayerRows]) -> list[tuple[LayerRows, int]]:
    """Return the layers of which it is known, each with how many of its units are certainly superfluous."""
    certain_by_layer = [(layer, layer.findings.certainly_superfluous) for layer in rows]
    return [(layer, len(certain)) for layer, certain in certain_by_layer if certain is not None]


def _with_many(rows: Sequence[LayerRows], verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """Return layers in which a quarter or more of the units have that verdict, largest shares first."""
    found = [(own.counts.get(verdict.word, 0), len(own.units), own) for own in rows if len(own.units)]
    many = sorted((x for x in found if x[0] >= _MANY_SHARE * x[1]), key=lambda x: -x[0] / x[1])[:N_LAYERS]
    return tuple((x.layer.name, f"{n:,} of {_of_rendered(x)} {verdict.word}") for n, _, x in many)


def _of_rendered(rows: LayerRows) -> str:
    """Return of how many units a share is, and that they are not all where some are not rendered."""
    return f"{len(rows.units):,}" + (" rendered" if len(rows.units) < rows.layer.n_units else "")


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _have(n: int) -> str:
    return "has" if n == 1 else "have"
