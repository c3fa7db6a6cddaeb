"""The technical words of the pages, each explained once: in place where it is used, and on the method page.

A page shows `brief` when a reader asks for it; the method page adds `more`. Verdicts explain themselves (see
`reportgen.verdicts`) and are terms here too. Nothing here is HTML.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reportgen.atlas.plots import number
from reportgen.atlas.views import Facts, UnitView
from reportgen.atlas.words import mark
from reportgen.comparison import CONFIDENT, STATE_MEANINGS
from reportgen.sentences.responses import NATURAL_AGREES, ROBUST
from reportgen.spec import ScoreSpec
from reportgen.verdicts import VERDICTS


@dataclass(frozen=True, slots=True)
class Term:
    """A technical word.

    Attributes:
        key: Of its place on the method page.
        title: The word, or several that belong together.
        brief: What it means, in a sentence or two.
        more: What else there is to know; may be empty.
        words: In running text, what opens it.
    """

    key: str
    title: str
    brief: str
    more: str = ""
    words: tuple[str, ...] = ()


_SPEC = ScoreSpec()
_CUT, _COPY = number(_SPEC.structure_z), number(_SPEC.duplicate_correlation)
_LOW, _HIGH = (number(end) for end in _SPEC.borderline_z)

_EXPLAINED = (
    Term(
        "seed",
        "Start, seed",
        "Every picture begins from faint noise of its own: a start. A seed is the number of a start.",
        "The same unit, recipe and seed give the same picture.",
        words=("start", "starts"),
    ),
    Term(
        "recipes",
        "Recipe",
        "Everything that determines a picture besides unit and seed. Verdicts are about the happy pictures "
        "of the scored recipe alone, which changes pixels as they are.",
        "The display recipe prefers smooth forms: better to look at, but it creates patterns even in noise.",
    ),
    Term(
        "null",
        "Noise baseline",
        "The same renderer with the same settings, run on artificial units without structure. Whatever "
        "structure these pictures show comes from the renderer.",
        "A unit’s own pictures are compared with them.",
        words=("noise baseline",),
    ),
    Term(
        "structure",
        "Structure, score, p",
        "Structure is how far a unit’s pictures lie above the noise baseline’s: 0 is the baseline’s mean, 1 "
        f"is one standard deviation above it. Patterns begin at {_CUT}; from {_LOW} to {_HIGH} the verdict "
        "is borderline.",
        "The score, P(structured), is the same on a scale of probability: one half where patterns begin. p "
        "is the p-value: the share of the baseline’s pictures with at least as much structure. Adjusted, it "
        "is corrected for the many units of a layer, some of which will look structured by chance. Verdicts "
        "follow structure, not p.",
        words=("structure",),
    ),
    Term(
        "contrast",
        "Contrast",
        "How far the pixels of a picture deviate from their mean colour (RMS), in the range 0 to 1.",
        "A picture with almost none is called flat.",
        words=("contrast",),
    ),
    Term(
        "borderline",
        "Borderline",
        "Near a threshold, between structured and static or close to flat: the verdict is a guess.",
        words=("borderline",),
    ),
    Term(
        "consistency",
        "Consistency",
        "How reliably a picture can be matched to its unit by the unit’s other starts, among pictures of "
        "other units with a pattern: 1 is always, about one half is chance.",
        "It says that starts are similar, not what they show: noise can be similar too.",
        words=("consistency",),
    ),
    Term(
        "decided",
        "The same from every start?",
        "Two starts count as different where pictures of other units are closer to one of them than the "
        "other is, by texture and by layout.",
        "If too many do, and the textures differ too, the unit is unstable; if its starts fall into groups, "
        "multifaceted, each group a facet.",
    ),
    Term(
        "use",
        "Use",
        "A rank within the layer, from 0 to 1, of how much a unit feeds into the next layer: sum of outgoing "
        "weights times the spread of the activation.",
        "It is not importance for the task.",
    ),
    Term(
        "need",
        "Need, removal curve",
        "What the network loses without a unit, measured on pictures of your own, not inferred from its "
        "appearance: to first order, how much the log probability of the network’s decision changes when "
        "only that unit is replaced by its mean over pictures.",
        "The least needed unit is removed first, the rest are measured again, and so on: the removal curve "
        "is the accuracy (without classes: the share of unchanged decisions) over the number of units "
        "removed. Three separate sets of pictures order the units, choose how many are removed, and report "
        "the numbers. For comparison there are other orders (by structure, least or most first, and at "
        "random) and the accuracy of always predicting the most common class. A curve may rise again; the "
        "page gives both the count up to which every smaller one is within the limit and the largest within "
        "it.",
        words=("removal", "removal curve", "removed together", "needed"),
    ),
    Term(
        "superfluous",
        "Superfluous",
        "Certainly: its weights or bounds prove that the network does the same without it. Measured: it is "
        "among the units that can be removed together, on the pictures that were given.",
        words=("superfluous",),
    ),
    Term(
        "unheard",
        "Silent, constant, unused",
        "Silent (dead): no activation on anything that was shown. Silent but excitable: none on the probe "
        "pictures, but some render activates it. Constant: the same activation on everything. Unused: all "
        "its outgoing weights are zero.",
        words=("silent but excitable", "silent", "constant", "unused"),
    ),
    Term(
        "copy",
        "Copy, mirror, complement",
        f"Two units of a layer are copies if their activations have a correlation r of {_COPY} or more, "
        "position by position. Mirrors have the opposite activations.",
        "The correlation must hold over all probe pictures and renders together, over each set separately, "
        "and on white noise, where every weight counts equally (on smooth pictures any two brightness "
        f"detectors agree). Mirrors have −{_COPY} or less, or, in a first convolution, opposite kernels. "
        "Complements are the two outputs of a softmax: opposites by arithmetic, whatever was learnt.",
        words=("copy", "copies", "mirror", "mirrors", "complement", "complements"),
    ),
    Term(
        "alike",
        "Most similar units",
        "Up to eight units with the highest activation correlation r, from 0.5: the correlation of "
        "activations at the same 16 positions of every probe picture and render.",
        "It is the first criterion for copies; the unit’s page says which one the most similar unit fails. "
        "Two units that are active equally often, but in different positions, have a low r. The relation is "
        "not mutual: the other unit may have eight that are more similar.",
        words=("correlation", "groups of similar units"),
    ),
    Term(
        "weights",
        "Strength of a weight",
        "Between two convolutions a weight is a small kernel. Its strength is its L2 norm over positions; "
        "its sum, with its sign, is what a uniform patch passes on.",
        "A strong kernel whose weights cancel has a sum near 0: pages mark it ± where the sum is less than "
        "half of the norm.",
    ),
    Term(
        "trust",
        "Trust",
        "Checks that do not affect the verdict. Recipes and natural examples: 1 is always right, one half is "
        "chance.",
        f"They “agree” from {number(1 - _SPEC.unstable_share)} and {number(NATURAL_AGREES)} on. Transforms: "
        "the share of the display picture’s gain that remains when it is shifted and rotated; “robust” from "
        f"{number(ROBUST)} on. For a static unit they say that its noise recurs, not that there is a "
        "pattern.",
    ),
    Term(
        "telemetry",
        "Telemetry",
        "How each optimisation went. Start and end: the unit’s value. Moved: how far pixels changed, in the "
        "range 0 to 1. It stops when converged, or after the largest number of steps.",
        "Some units have no gradient at first: they are “restarted from single-position gradients” (the "
        "largest value in each part of the picture is maximised until more positions are active) or "
        "“restarted from stronger noise”.",
    ),
    Term(
        "counterpart",
        "Counterpart",
        "The unit of another version whose activations are most like this one’s on the same pictures. By "
        "chance: how many units have one in an untrained network of the same shape.",
        "How sure it is, and what else changed, stands on the page that compares the two versions.",
        words=("counterpart", "counterparts"),
    ),
    Term(
        "similarity",
        "Similarity, confidence",
        "Similarity is the correlation of two units’ activations on the same pictures, −1 to 1. Confidence "
        "is the probability that neither of the two has a better counterpart.",
        f"A question mark means that confidence is below {number(CONFIDENT)}: another unit would do about as "
        "well, so the pair is not called sharpened or blurred.",
        words=("similarity", "confidence", "uncertain"),
    ),
    Term(
        "cka",
        "CKA",
        "How similar two layers’ activations are as a whole, 0 to 1, whatever the order and number of their "
        "units: centred kernel alignment, linear and debiased, over the probe pictures.",
        words=("CKA",),
    ),
)

TERMS: Mapping[str, Term] = {term.key: term for term in _EXPLAINED}
"""The terms that the method page lists, by key, in its order."""

_OF_VERDICTS = {
    f"v-{mark(v.word)}": Term(f"v-{mark(v.word)}", v.word, v.meaning, words=(v.word,))
    for v in VERDICTS
    if v.word
}
_OF_STATES = {
    f"c-{state}": Term(f"c-{state}", state, f"{meaning[0].upper()}{meaning[1:]}.", words=(state,))
    for state, meaning in STATE_MEANINGS.items()
}

_OF_PAIRS = ("similarity", "cka")
OF_UNITS: tuple[str, ...] = tuple(key for key in (*TERMS, *_OF_VERDICTS) if key not in _OF_PAIRS)
"""The keys of what may be said of a unit, by itself or in its layer."""

MEANINGS: Mapping[str, Term] = {**TERMS, **_OF_VERDICTS, **_OF_STATES}
"""All that pages explain in place, by key: `v-` and the mark for a verdict, `c-` and the word for a state."""


def terms_of(view: UnitView) -> list[str]:
    """Return the keys of the terms on a unit's page, each once."""
    return [key for key in dict.fromkeys(_named(view)) if key in MEANINGS]


CODE = "code"
"""The key of a command in a text."""


def explained(text: str) -> list[tuple[str, str]]:
    """Return a text in parts, each with the key of the term that it opens; empty where it opens none.

    Each term is opened once, by its first word. Between backticks stand commands, with the key `CODE`. For
    pages alone: nothing follows from what a text says.

    Example:
        >>> explained("3 static units, like other static ones: `make check`")
        [('3 ', ''), ('static', 'v-t'), (' units, like other static ones: ', ''), ('make check', 'code')]
    """
    pattern, keys = _spelling()
    found: list[tuple[str, str]] = []
    for i, piece in enumerate(text.split("`")):
        at = 0
        for word in pattern.finditer(piece) if i % 2 == 0 else ():
            key = keys[word[0].lower()]
            if key not in {known for _, known in found}:
                found += [(piece[at : word.start()], ""), (word[0], key)]
                at = word.end()
        found.append((piece[at:], CODE if i % 2 else ""))
    return [part for part in found if part[0]]


@functools.cache
def _spelling() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return what finds words that open terms, longest first, and the terms' keys by word."""
    keys = {word.lower(): key for key, term in MEANINGS.items() for word in term.words}
    words = sorted(map(re.escape, keys), key=len, reverse=True)
    return re.compile(rf"(?<![\w/.:-])(?:{'|'.join(words)})(?![\w/-]|:\S)", re.IGNORECASE), keys


def _named(view: UnitView) -> Iterator[str]:
    yield f"v-{view.mark}"
    if view.borderline:
        yield "borderline"
    yield "superfluous"
    for section in view.sections:
        yield section.means
        if isinstance(section, Facts):
            yield from (fact.means for fact in section.facts)
