"""How good the facing-left model is, in numbers: accuracy compared with the majority class, with an interval.

The ten pictures of one person are similar, so the interval is a bootstrap over people, not over pictures.
"""

from typing import Any

import keras
import numpy as np

N_RESAMPLES = 10_000


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Class numbers ``(n,)``."""
    return np.argmax(keras.ops.convert_to_numpy(model(x, training=False)), axis=1)


def balanced_accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The mean of the two classes' own accuracies; one half is chance."""
    return float(np.mean([np.mean(predicted[truth == k] == k) for k in (0, 1)]))


def confusion(predicted: np.ndarray, truth: np.ndarray) -> list[list[int]]:
    """Counts, rows the truth and columns the prediction, each in the order not left, left."""
    return [[int(np.sum((truth == t) & (predicted == p))) for p in (0, 1)] for t in (0, 1)]


def interval(right: np.ndarray, people: list[str]) -> list[float]:
    """A 95 % bootstrap interval of accuracy, people drawn anew. ``right`` is ``(n_seeds, n)`` of 0 and 1."""
    names = sorted(set(people))
    owner = np.array([names.index(person) for person in people])
    hits = np.array([right[:, owner == k].mean(0).sum() for k in range(len(names))])
    sizes = np.bincount(owner)
    drawn = np.random.default_rng(0).integers(len(names), size=(N_RESAMPLES, len(names)))
    means = hits[drawn].sum(1) / sizes[drawn].sum(1)
    return [round(float(q), 6) for q in np.quantile(means, (0.025, 0.975))]


def summary(predicted: np.ndarray, truth: np.ndarray, people: list[str]) -> dict[str, Any]:
    """The numbers of the model card, from predictions ``(n_seeds, n)``."""
    right = predicted == truth
    accuracies = right.mean(1)
    return {
        "n_people": len(set(people)),
        "n_pictures": len(truth),
        "n_left": int(truth.sum()),
        "majority_share": round(float(max(np.mean(truth), 1 - np.mean(truth))), 6),
        "accuracy_by_seed": [round(float(a), 6) for a in accuracies],
        "accuracy_mean": round(float(accuracies.mean()), 6),
        "accuracy_sd": round(float(accuracies.std(ddof=1)) if len(accuracies) > 1 else 0.0, 6),
        "accuracy_interval95": interval(right, people),
        "balanced_accuracy_by_seed": [round(balanced_accuracy(p, truth), 6) for p in predicted],
        "confusion_by_seed": [confusion(p, truth) for p in predicted],
    }


def one_line(predicted: np.ndarray, truth: np.ndarray) -> str:
    """Accuracy, majority class, balanced accuracy and the confusion of one model."""
    majority = max(np.mean(truth), 1 - np.mean(truth))
    return (
        f"n {len(truth):3d}  accuracy {np.mean(predicted == truth):.3f}  majority {majority:.3f}  "
        f"balanced {balanced_accuracy(predicted, truth):.3f}  confusion {confusion(predicted, truth)}"
    )


def as_text(numbers: dict[str, Any]) -> str:
    """A summary as a few lines."""
    low, high = numbers["accuracy_interval95"]
    balanced = numbers["balanced_accuracy_by_seed"]
    return (
        f"  {numbers['n_pictures']} pictures of {numbers['n_people']} people, {numbers['n_left']} left\n"
        f"  majority class    {numbers['majority_share']:.3f}\n"
        f"  accuracy          {numbers['accuracy_mean']:.3f} (sd over seeds {numbers['accuracy_sd']:.3f}; "
        f"95 % over people {low:.3f} to {high:.3f})\n"
        f"  balanced accuracy {np.mean(balanced):.3f}"
    )
