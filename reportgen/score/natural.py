"""What a person's own pictures say of a layer, in numbers and sentences: silent units, selectivity, ablation.

Reads what `measure` stored; formulas stand in docs/method.md. None of it changes a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.score.prune import flagged_units
from reportgen.store import ModelRecord, Store, layer_owner, model_owner
from reportgen.units import Layer

Arrays = Mapping[str, NDArray[Any]]


def selectivity(class_means: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return how much each unit prefers one class, 0..1, and which class that is; nan and -1 where undefined.

    (m - o) / (m + o), m the largest of the classes' mean answers and o the mean of the others: 0 for a unit
    that answers to all alike, 1 for one that answers to a single class. Undefined with fewer than two
    classes, for means below 0, and for a unit that answers to nothing.

    Args:
        class_means: `(classes, K)`.

    Reference: A. Morcos and others, "On the importance of single directions for generalization", 2018.

    Example:
        >>> selectivity(np.array([[3.0, 1.0, 0.0], [1.0, 1.0, 0.0]]))[0].tolist()
        [0.5, 0.0, nan]
    """
    means = np.asarray(class_means, np.float64)
    n, k = means.shape
    if n < 2:
        return np.full(k, np.nan), np.full(k, -1)
    best = means.argmax(axis=0)
    most = means.max(axis=0)
    others = (means.sum(axis=0) - most) / (n - 1)
    known = (means >= 0).all(axis=0) & (most > 0) & np.isfinite(means).all(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(known, (most - others) / (most + others), np.nan)
    return share, np.where(known, best, -1)


def natural_facts(store: Store, model: ModelRecord, layer: Layer) -> dict[int, dict[str, Any]]:
    """Return by unit what is kept of it beside its score; empty where no pictures were given."""
    found = natural_of(store, model, layer)
    if found is None:
        return {}
    arrays, about = found
    share, best = selectivity(arrays["class_mean"])
    facts: dict[int, dict[str, Any]] = {}
    for unit in range(layer.n_units):
        numbers = {
            "natural_max": arrays["max"][unit],
            "zeros_share": arrays["zeros"][unit],
            "selectivity": share[unit],
        }
        own: dict[str, Any] = {n: round(float(v), 6) for n, v in numbers.items() if np.isfinite(v)}
        if best[unit] >= 0:
            own["selective_class"] = str(about["classes"][best[unit]])
        if not arrays["max"][unit] > 0 and arrays["zeros"][unit] == 1:
            own["natural_silent"] = 1.0
        facts[unit] = own
    return facts


def natural_of(store: Store, model: ModelRecord, layer: Layer) -> tuple[Arrays, Arrays] | None:
    """Return a layer's answers to a person's pictures and what is known of these; None where none are."""
    about = store.measurement(model_owner(model.id), "natural")
    arrays = store.measurement(layer_owner(model.id, layer.name), "natural")
    k = layer.n_units
    if arrays is None or about is None or not fits(about, {"names": ("n",), "classes": ("c",)}):
        return None
    sizes = {"max": (k,), "zeros": (k,), "class_mean": (len(about["classes"]), k)}
    known = fits(arrays, sizes) and "labels" in about and about["labels"].ndim == 1
    return (arrays, about) if known else None


def fits(arrays: Arrays | None, shapes: Mapping[str, tuple[int | str, ...]]) -> bool:
    """Return whether all of these arrays are there and of these shapes; the same letter is the same size.

    A store may be anybody's.
    """
    sizes: dict[str, int] = {}
    for name, shape in shapes.items():
        found = arrays.get(name) if arrays is not None else None
        if found is None or found.ndim != len(shape):
            return False
        for side, wanted in zip(found.shape, shape, strict=True):
            if side != (wanted if isinstance(wanted, int) else sizes.setdefault(wanted, side)):
                return False
    return True


def _ablation(store: Store, owner: str) -> Arrays | None:
    """Return a stored ablation, None where there is none or it is no such thing."""
    found = store.measurement(owner, "ablation")
    if not fits(found, {"n_flagged": (1,)}) or found is None:
        return None
    if not int(found["n_flagged"][0]):
        return found
    one = ("n_pictures", "n_structured", "n_layers", "flagged_agreement")
    rest = fits(found, {**dict.fromkeys(one, (1,)), "whole_accuracy": ("w",)})
    right = rest and (not len(found["whole_accuracy"]) or fits(found, {"flagged_accuracy": (1,)}))
    return found if right else None


def natural_findings(store: Store, model: ModelRecord, layer: Layer) -> tuple[dict[str, Any], list[str]]:
    """Return what pictures say of a layer as JSON values, and in sentences."""
    found = natural_of(store, model, layer)
    if found is None:
        return {}, []
    arrays, about = found
    n, n_classes = len(about["names"]), len(about["classes"])
    silent = [int(u) for u in np.flatnonzero(~(arrays["max"] > 0) & (arrays["zeros"] == 1))]
    zeros = float(np.median(arrays["zeros"]))
    share, _ = selectivity(arrays["class_mean"])
    known = share[np.isfinite(share)]
    values = {
        "n_pictures": n,
        "n_classes": n_classes,
        "silent": silent,
        "zeros_share_median": round(zeros, 4),
        "selectivity_median": round(float(np.median(known)), 4) if len(known) else None,
    }
    where = f"{n:,} natural pictures" + (f" in {n_classes} classes" if n_classes else "")
    told = f"On {where}, {_units(len(silent))} of {layer.n_units} never answered"
    if layer.activation not in ("", "linear"):
        told += f"; the middle unit gives exactly zero at {zeros:.0%} of places"
    if len(known):
        told += f"; the middle unit's class selectivity is {np.median(known):.2f} (0 none, 1 one class alone)"
    return values, [told + "."]


def ablation_findings(store: Store, model: ModelRecord, layer: Layer,
                      findings: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:  # fmt: skip
    """Return what was lost without a layer's flagged units, as JSON values and in a sentence.

    Args:
        findings: Of the layer, with those that are flagged now.
    """
    found = _ablation(store, layer_owner(model.id, layer.name))
    if found is None:
        return None, []
    flagged = flagged_units(findings)
    if not int(found["n_flagged"][0]):
        return None, [_not_removed(layer, flagged)]
    values = ablation_values(found)
    measured = [int(u) for u in found.get("flagged", ())]
    values["flagged"] = measured
    stale = [] if measured == flagged else [
        f"The ablation is of {_units(len(measured))} that an earlier judgement flagged; "
        "run again with --images for those of now."
    ]  # fmt: skip
    return values, [ablation_sentence(values), *_order_doubt(store, model, values), *stale]


def _order_doubt(store: Store, model: ModelRecord, values: Mapping[str, Any]) -> list[str]:
    """Return a warning where folders and outputs seem to be in another order."""
    about = store.measurement(model_owner(model.id), "natural") or {}
    if values["measure"] != "accuracy" or not len(about.get("labels", ())):
        return []
    commonest = np.bincount(about["labels"]).max() / len(about["labels"])
    if values["whole"] >= commonest:
        return []
    return [
        f"With all units {values['whole']:.1%} are right, fewer than are of the commonest class "
        f"({commonest:.1%}): class folders may not sort like the network's outputs."
    ]


def model_ablation(store: Store, model: ModelRecord) -> tuple[dict[str, Any], str] | None:
    """Return what was lost without all flagged units of all layers, as JSON values and in a sentence."""
    found = _ablation(store, model_owner(model.id))
    if found is None or not int(found["n_flagged"][0]):
        return None
    values = ablation_values(found)
    return values, ablation_sentence(values)


def ablation_values(found: Arrays) -> dict[str, Any]:
    """Return a stored ablation as JSON values (docs/formats.md)."""
    values: dict[str, Any] = {
        name: int(found[name][0]) for name in ("n_pictures", "n_flagged", "n_structured", "n_layers")
    }
    values["measure"] = "accuracy" if len(found["whole_accuracy"]) else "agreement"
    values["whole"] = _list(found["whole_accuracy"])[0] if len(found["whole_accuracy"]) else 1.0
    for name in ("flagged", "random", "structured"):
        for measure in ("accuracy", "agreement"):
            some = found.get(f"{name}_{measure}")
            if some is not None and len(some):
                values[f"{name}_{measure}"] = _list(some)
    return values


def ablation_sentence(values: Mapping[str, Any]) -> str:
    """Return an ablation in one sentence."""
    measure, n = values["measure"], values["n_flagged"]
    which = "its" if values["n_layers"] == 1 else f"all {values['n_layers']} layers'"
    how = "their mean together" if n != 1 else "its mean"
    loss = values["whole"] - values[f"flagged_{measure}"][0]
    if measure == "accuracy":
        cost = "cost nothing"
        if round(loss, 4):
            cost = f"{'cost' if loss > 0 else 'gained'} {100 * abs(loss):.1f} points"
        what = f"{cost} (accuracy {values['whole']:.1%} to {values['flagged_accuracy'][0]:.1%})"
    else:
        what = f"left {values['flagged_agreement'][0]:.1%} of the network's decisions as they were"
    beside = [
        f"{_spread(values[f'{kind}_{measure}'])} without {count} {word}"
        for kind, word, count in (
            ("random", "at random", n), ("structured", "structured", values["n_structured"])
        )
        if values.get(f"{kind}_{measure}")
    ]  # fmt: skip
    return (
        f"Replacing {which} {n} flagged unit{'s' * (n != 1)} by {how} "
        f"{what} on {values['n_pictures']:,} pictures; {'; '.join(beside)}."
    )


def _not_removed(layer: Layer, flagged: Sequence[int]) -> str:
    if flagged:
        return "No ablation: the units are outputs of the network themselves, or were not flagged before."
    return "No ablation: no unit of this layer is flagged."


def _spread(values: Sequence[float]) -> str:
    """Return the mean of several draws and their ends in words."""
    if len(values) == 1:
        return f"{values[0]:.1%}"
    return f"{np.mean(values):.1%} ({min(values):.1%} to {max(values):.1%} in {len(values)} draws)"


def _list(values: NDArray[Any]) -> list[float]:
    return [round(float(v), 6) for v in values]


def _units(n: int) -> str:
    return f"{n} unit" + "s" * (n != 1)
