"""The measurement of removal that a store keeps, as an object that a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.removal import LayerNeed, Removal
from reportgen.run.notebook_views import removal_html


@dataclass(frozen=True, slots=True)
class RemovalReport:
    """What a network loses without some of its units.

    Attributes:
        removal: The measurement: shares 0..1, counts of units, curves.
    """

    removal: Removal

    @property
    def layers(self) -> tuple[LayerNeed, ...]:
        """The layers, each with its `units`, how many it needs (`together`), and which are `kept`."""
        return self.removal.layers

    def kept(self, layer: str) -> tuple[int, ...]:
        """Return the units of a layer that are kept at the chosen count; none of a layer not measured."""
        return next((x.kept for x in self.removal.layers if x.layer == layer), ())

    def __repr__(self) -> str:
        return f"<removal of {self.removal.removed} of {self.removal.units} units>"

    def _repr_html_(self) -> str:
        return removal_html(self.removal)
