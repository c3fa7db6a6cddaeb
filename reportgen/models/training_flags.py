"""Notes on calls that a file records with `training=True`."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.models.graph.kinds import IDENTITIES
from reportgen.models.model import Node

_NAMED = 4


def training_notes(nodes: Sequence[Node]) -> list[str]:
    """Return notes on how the calls recorded with `training=True` are treated, each a sentence."""
    own = [n.name for n in nodes if n.training and n.kind == "group_normalization"]
    chance = [n.name for n in nodes if is_random_call(n)]
    notes = []
    if own:
        notes.append(
            f"{_listed(own)} is recorded with training=True: each picture is normalised by its own moments, "
            "as in the file. Keras 3 does so for one picture in model(x), and there for every "
            "BatchNormalization after it as well; its predict() uses stored moments for all."
        )
    if chance:
        notes.append(
            f"{_listed(chance)} is recorded with training=True and is random at every call: left out here."
        )
    return notes


def is_random_call(node: Node) -> bool:
    """Return whether a call is recorded to change its input at random, as Monte Carlo dropout does."""
    return node.training and node.kind in IDENTITIES and bool(getattr(node.operation, "seed_generator", True))


def _listed(names: Sequence[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names[:_NAMED])
    return quoted + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
