"""Fields and words of scores and findings that schema 4 renamed: stored JSON before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SCORE: Mapping[str, Mapping[str, str]] = {
    "responsiveness": {"unheard": "unused", "lacks": "missing"},
    "look": {"null_place": "null_share_below", "told": "earlier_text"},
    "relations": {"no_copy": "copy_shortfall"},
    "light": {"colour_answer": "colour_activation", "told": "earlier_text"},
    "trust": {"recipes_hold": "recipes_pass"},
    "facet_groups": {"answer": "activation"},
    "decision": {"told": "earlier_text"},
}
"""By part of a score."""

_SHORTFALL = {"told": "earlier_text"}

_QUESTIONS = {
    "answers": "activation", "colours": "contrast", "pattern": "structure", "recurs": "recurrence",
    "kinds": "facets",
}  # fmt: skip

_NUMBERS = {
    "needed": "threshold", "begins": "threshold", "strangers": "closer_share",
    "most_strangers": "closer_share_limit", "distance": "texture_distance",
    "most_distance": "texture_distance_limit",
}  # fmt: skip
"""Of a decision."""

_FINDINGS = {
    "certain": "certainly_superfluous", "kinds": "response_groups", "null": "null_structure",
    "comparison": "consistency_reference", "text": "summary", "beside": "supplementary",
}  # fmt: skip

_CAUSES = {"never climbed": "no ascent"}

_GROUPS = {"span": "basis", "span_share": "basis_share"}


def renamed_score(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a score of schema 3 under their names of schema 4; others stay as they are."""
    found = dict(fields)
    for part, names in _SCORE.items():
        if part in found:
            found[part] = _renamed(found[part], names)
    if isinstance(cause := found.get("cause"), str):
        found["cause"] = _CAUSES.get(cause, cause)
    relations, steps = found.get("relations"), found.get("decision")
    if isinstance(relations, dict) and "copy_shortfall" in relations:
        relations["copy_shortfall"] = _renamed(relations["copy_shortfall"], _SHORTFALL)
    if isinstance(steps, list):
        found["decision"] = [_renamed_step(step) for step in steps]
    return found


def renamed_findings(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a layer's findings of schema 3 under their names of schema 4."""
    found: dict[str, Any] = _renamed(fields, _FINDINGS)
    if "response_groups" in found:
        found["response_groups"] = _renamed(found["response_groups"], _GROUPS)
    return found


def _renamed_step(step: object) -> object:
    """Return one question of a decision; what is none stays, and is refused when read."""
    if not isinstance(step, dict):
        return step
    found = dict(step)
    if isinstance(asked := found.get("question"), str):
        found["question"] = _QUESTIONS.get(asked, asked)
    if "numbers" in found:
        found["numbers"] = _renamed(found["numbers"], _NUMBERS)
    return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a table, or a list of them, with new names for its keys; anything else as it is."""
    if isinstance(value, list):
        return [_renamed(part, names) for part in value]
    if not isinstance(value, dict):
        return value
    return {names.get(name, name): part for name, part in value.items()}
