"""What a reader should know of how a network was read from its recorded calls, each a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.models.graph.kinds import IDENTITIES
from reportgen.models.model import Node

_NAMED = 4


def training_notes(nodes: Sequence[Node]) -> list[str]:
    """Return what became of the calls that a file records as `training=True`."""
    own = [n.name for n in nodes if n.training and n.kind == "group_normalization"]
    chance = [n.name for n in nodes if drawn_by_chance(n)]
    said = []
    if own:
        said.append(
            f"{_listed(own)} is recorded with training=True: each picture is normalised by its own moments, "
            "as it stands in the file. Keras 3 does so for one picture in model(x), and there for every "
            "BatchNormalization that comes after it as well; its predict() takes stored moments for all."
        )
    if chance:
        said.append(
            f"{_listed(chance)} is recorded with training=True and drawn by chance at every call: "
            "left out here."
        )
    return said


def drawn_by_chance(node: Node) -> bool:
    """Return whether a call is recorded to change its input by chance, as Monte Carlo dropout does."""
    return node.training and node.kind in IDENTITIES and bool(getattr(node.operation, "seed_generator", True))


def _listed(names: Sequence[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names[:_NAMED])
    return quoted + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
