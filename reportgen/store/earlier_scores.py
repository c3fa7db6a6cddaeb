"""Scores and findings of earlier schemas as JSON values of the current one.

Before schema 3 a row kept numbers by name in one table, `extra`, and the rest in sentences. Whatever logic
needs is parsed from these here, once, and nowhere else; what is only displayed stays a sentence.
Schema 4 renamed fields. The form of a row is recognised by its keys, whatever the schema of its store: what
could not be converted stays as it is, and is refused when read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from reportgen.store.renamed_fields import renamed_findings, renamed_score
from reportgen.verdicts import DEAD, UNDECIDED, verdict_of

_KEPT = (
    "unit", "verdict", "verdict_detail", "reason", "borderline", "structure", "p_structured", "p_value",
    "consistency", "use", "duplicate_of", "mirror_of", "complement_of", "facets",
)  # fmt: skip
_LOOK = (
    "contrast", "colour", "colours", "orientation_degrees", "period_px", "null_place", "p_adjusted", "reach",
    "extent", "repeat", "flow", "texture_distance",
)  # fmt: skip
_FINDINGS = (
    "n_units", "n_rendered", "counts", "null", "structure_z", "borderline_z", "duplicate_correlation",
    "natural", "twin", "comparison", "text", "beside",
)  # fmt: skip
_CHECKS = ("recipes_agree", "robust_share", "beyond_natural", "natural_agreement")
_NATURAL = {
    "natural_max": "max", "zeros_share": "zeros_share", "selectivity": "selectivity",
    "selective_class": "selective_class",
}  # fmt: skip
_QUESTIONS = {
    "answers": "answers",
    "more than one colour": "colours",
    "a pattern": "pattern",
    "the same on every run": "recurs",
    "a few kinds": "kinds",
}
_ANSWERS = {"yes": True, "no": False}
_BOUND = re.compile(r"interval bounds: (\S+) for ")
_UNUSED = "no outgoing weight"
_NUANCES = {"silent but excitable": "silent", "faint": "faint"}


def current_score(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a score of any schema as those of the current one.

    Raises:
        AttributeError, TypeError, ValueError: It is not a valid score.
    """
    return renamed_score(score_of_schema_3(fields) if "extra" in fields else fields)


def current_findings(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a layer's findings of any schema as those of the current one.

    Raises:
        AttributeError, TypeError, ValueError: They are not valid findings.
    """
    if "certainly_superfluous" in fields:
        return dict(fields)
    return renamed_findings(fields if "certain" in fields else findings_of_schema_3(fields))


def score_of_schema_3(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a score of schema 1 or 2 as those of schema 3.

    Raises:
        ValueError: It is no score.
    """
    extra = fields.get("extra", {})
    texts = (fields.get(name) for name in ("verdict", "verdict_detail", "reason"))
    if not isinstance(extra, Mapping) or not all(isinstance(text, str) for text in texts):
        raise ValueError("verdict, verdict_detail and reason must be texts, and extra a table")
    found: dict[str, object] = {name: fields[name] for name in _KEPT if name in fields}
    for name, make in _PARTS.items():
        if (part := make(fields, extra)) is not None:
            found[name] = part
    return found


def findings_of_schema_3(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a layer's findings of schema 1 or 2 as those of schema 3.

    Raises:
        ValueError: They are none.
    """
    superfluous = fields.get("superfluous")
    if superfluous is not None and not isinstance(superfluous, Mapping):
        raise ValueError("superfluous must be a table")
    found = {name: fields[name] for name in _FINDINGS if name in fields}
    certain = superfluous.get("certain") if superfluous is not None else None
    return {**found, "certain": certain, "kinds": fields.get("kinds") or None}


def _cause(fields: Mapping[str, object], extra: Mapping[str, object]) -> str:
    return _details(fields)[0] if fields["verdict"] == UNDECIDED.word else ""


def _starts(fields: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, Any]:
    live = extra.get("live_starts", 0)
    return {"live": int(live) if isinstance(live, float) and live.is_integer() else live}


def _responsiveness(fields: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    proof, details = fields.get("dead_proof", ""), _details(fields)
    if not isinstance(proof, str):
        raise ValueError("dead_proof must be a text")
    known = verdict_of(fields["verdict"]).informative and _cause(fields, extra) != "responses missing"
    state = "live" if known else "unknown"
    if fields["verdict"] == DEAD.word:
        state = "constant" if details[0].startswith("constant") else "dead"
    bound = _BOUND.match(proof)
    return {
        "state": state,
        "nuance": next((_NUANCES[d] for d in details if d in _NUANCES), ""),
        "proof": "" if not proof else "weights" if proof == _UNUSED else "bounds",
        "bound": float(bound[1]) if bound else None,
        "unheard": _UNUSED in details,
    }


def _look(fields: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, Any]:
    return {**{name: extra[name] for name in _LOOK if name in extra}, "told": extra.get("pattern", "")}


def _relations(fields: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, Any]:
    nearest = [extra["nearest_correlation"]] if "nearest_correlation" in extra else []
    told = extra.get("no_copy")
    return {
        "neighbours": extra.get("neighbours", []),
        "correlations": extra.get("neighbour_correlations") or nearest,
        "copy_correlation": extra.get("copy_correlation"),
        "no_copy": {"told": told} if told else None,
    }


def _light(fields: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, Any]:
    return {"told": extra.get("light", ""), "share": extra.get("light_share")}


def _trust(fields: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, Any]:
    parts = str(extra.get("trust", "")).split(", ")
    holds = True if "recipes agree" in parts else False if "recipes disagree" in parts else None
    return {**{name: extra[name] for name in _CHECKS if name in extra}, "recipes_hold": holds}


def _natural(fields: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, Any] | None:
    found = {today: extra[name] for name, today in _NATURAL.items() if name in extra}
    silent = bool(extra.get("natural_silent"))
    return {**found, "silent": silent} if found or silent else None


def _facets(fields: Mapping[str, Any], extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    seeds, sizes, answers = (extra.get(f"facet_{name}", []) for name in ("seeds", "sizes", "answers"))
    if not all(isinstance(part, list) for part in (seeds, sizes, answers)):
        raise ValueError("facet_seeds, facet_sizes and facet_answers must be lists")
    if not all(type(size) is int and size > 0 for size in sizes) or sum(sizes) != len(seeds):
        raise ValueError("facet_sizes must be positive and add up to the number of facet_seeds")
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    known = answers if len(answers) == len(sizes) else [None] * len(sizes)
    return [
        {"seeds": seeds[end - size : end], "answer": answer}
        for size, end, answer in zip(sizes, ends, known, strict=True)
    ]


def _decision(fields: Mapping[str, object], extra: Mapping[str, object]) -> list[dict[str, Any]]:
    sentence = extra.get("decision", "")
    if not isinstance(sentence, str):
        raise ValueError("decision must be a text")
    steps = []
    for step in sentence.split(" | ") if sentence else ():
        asked, _, rest = step.partition("? ")
        answer, _, numbers = rest.partition(": ")
        if asked not in _QUESTIONS:  # From an unknown release: a path with a gap would mislead.
            return []
        steps.append({"question": _QUESTIONS[asked], "answer": _ANSWERS.get(answer), "told": numbers})
    return steps


def _details(fields: Mapping[str, Any]) -> list[str]:
    details: list[str] = fields["verdict_detail"].split("; ")
    return details


_PARTS: Mapping[str, Callable[[Mapping[str, object], Mapping[str, object]], object]] = {
    "cause": _cause,
    "starts": _starts,
    "responsiveness": _responsiveness,
    "look": _look,
    "relations": _relations,
    "light": _light,
    "trust": _trust,
    "natural": _natural,
    "facet_groups": _facets,
    "raw_use": lambda _, extra: extra.get("raw_use"),
    "decision": _decision,
}
