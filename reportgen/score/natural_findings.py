"""What a person's own pictures say of a layer, in numbers and sentences: silent units, selectivity.

Reads what `measure` stored; formulas are in docs/method.md. None of it changes a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reportgen.judgement import LayerOnPictures, Natural
from reportgen.sentences.layers import natural_in_words
from reportgen.store import ModelRecord, Store, layer_owner, model_owner
from reportgen.units import Layer

Arrays = Mapping[str, np.ndarray]


def selectivity(class_means: np.ndarray) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return how much each unit prefers one class, 0..1, and which class that is; nan and -1 where undefined.

    (m - o) / (m + o), m the largest of the classes' mean activations, o the mean of the others: 0 for a unit
    that responds equally to all, 1 for one that responds to a single class. Undefined with fewer than two
    classes, for means below 0, and for a unit that is never active.

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


def natural_facts(store: Store, model: ModelRecord, layer: Layer) -> dict[int, Natural]:
    """Return by unit how it responds to them; empty where no pictures were given."""
    found = natural_of(store, model, layer)
    if found is None:
        return {}
    arrays, about = found
    share, best = selectivity(arrays["class_mean"])
    silent = _silent(arrays)
    return {
        unit: Natural(
            max=_finite(arrays["max"][unit]),
            zeros_share=_finite(arrays["zeros"][unit]),
            silent=bool(silent[unit]),
            selectivity=_finite(share[unit]),
            selective_class=str(about["classes"][best[unit]]) if best[unit] >= 0 else "",
        )
        for unit in range(layer.n_units)
    }


def _silent(arrays: Arrays) -> NDArray[np.bool_]:
    """Return `(K,)`: units that no picture activated."""
    return np.asarray(~(arrays["max"] > 0) & (arrays["zeros"] == 1))


def _finite(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def natural_of(store: Store, model: ModelRecord, layer: Layer) -> tuple[Arrays, Arrays] | None:
    """Return a layer's responses to the user's pictures and what is known of these; None without any."""
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


def natural_findings(
    store: Store, model: ModelRecord, layer: Layer
) -> tuple[LayerOnPictures | None, list[str]]:
    """Return what pictures say of a layer as values, and in sentences."""
    found = natural_of(store, model, layer)
    if found is None:
        return None, []
    arrays, about = found
    n, n_classes = len(about["names"]), len(about["classes"])
    silent = [int(u) for u in np.flatnonzero(_silent(arrays))]
    zeros = float(np.median(arrays["zeros"]))
    share, _ = selectivity(arrays["class_mean"])
    known = share[np.isfinite(share)]
    values = LayerOnPictures(
        n_pictures=n,
        n_classes=n_classes,
        silent=tuple(silent),
    )
    sentence = natural_in_words(
        n_pictures=n,
        n_classes=n_classes,
        n_silent=len(silent),
        n_units=layer.n_units,
        zeros_share=None if layer.activation in ("", "linear") else zeros,
        selectivity=float(np.median(known)) if len(known) else None,
    )
    return values, [sentence]
