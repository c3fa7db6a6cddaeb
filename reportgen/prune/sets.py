"""Three disjoint sets of pictures: for the order of units, for their number, and for the report.

Which picture is in which set follows from file names alone; each class is in all sets with the same shares,
and all pictures of a group (a person, a film) are in one set.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FEWEST_PICTURES = 20
"""Of all sets together."""

SetName = Literal["order", "choose", "report"]
SHARES: dict[SetName, float] = {"order": 0.4, "choose": 0.3, "report": 0.3}


@dataclass(frozen=True)
class PictureSet:
    """Pictures with their correct output units.

    Attributes:
        pictures: `(n, h, w, c)` uint8 of the network's own input size.
        labels: `(n,)`; empty without classes.
        n_classes: Units that an output has for them; 0 without classes.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    n_classes: int = 0


def set_of_each(names: Sequence[str], labels: Sequence[int], groups: Sequence[str] | None = None,
                shares: dict[SetName, float] | None = None) -> list[SetName]:  # fmt: skip
    """Return for each picture the set it is in.

    Args:
        names: Files, unique.
        labels: Index of each picture's class; empty without classes.
        groups: For each picture its group, which stays in one set; by default each picture is its own group.
        shares: The share of all pictures for each set; `SHARES` by default.

    Example:
        >>> sorted(set_of_each([f"{i}.png" for i in range(10)], []))
        ['choose', 'choose', 'choose', 'order', 'order', 'order', 'order', 'report', 'report', 'report']
    """
    wanted = shares or SHARES
    together: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        together[name if groups is None else f"group {groups[index]}"].append(index)
    filled: dict[int, dict[SetName, int]] = defaultdict(lambda: dict.fromkeys(wanted, 0))
    found: list[SetName] = ["order"] * len(names)
    for key in sorted(together, key=_hash):
        classes = [labels[i] if len(labels) else 0 for i in together[key]]
        where = min(wanted, key=lambda s: (_fullness(s, classes, filled, wanted), -wanted[s]))
        for index, label in zip(together[key], classes, strict=True):
            found[index] = where
            filled[label][where] += 1
    return found


def _fullness(
    where: SetName,
    classes: Sequence[int],
    filled: dict[int, dict[SetName, int]],
    wanted: dict[SetName, float],
) -> float:
    """Return how full a set would be with these pictures, relative to its share."""
    return sum((filled[c][where] + 1) / wanted[where] for c in classes) / len(classes)


def _hash(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
