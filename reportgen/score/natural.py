"""What a person's own pictures say of a layer, in numbers and sentences: silent units, selectivity.

Reads what `measure` stored; formulas stand in docs/method.md. None of it changes a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def _units(n: int) -> str:
    return f"{n} unit" + "s" * (n != 1)
