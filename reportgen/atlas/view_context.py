"""What all views of units of a model version share: its place, recipes, sizes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from reportgen.atlas.addresses import Place
from reportgen.atlas.counterparts import VersionChange
from reportgen.atlas.pictures import Sizes
from reportgen.atlas.views import Counterpart
from reportgen.spec import AtlasSpec, RenderSpec


@dataclass(frozen=True)
class ViewContext:
    """What a unit's view needs besides its layer.

    Attributes:
        drawn: The units that have a tile, by layer name, of the whole model version.
        made_with: Name and version of this program, for citations.
        sizes: Of the pictures.
        nulls: Whether there are files of the renderer null's pictures.
        counterparts: The same units in versions that this one was compared with, by layer name and unit.
        changes: The comparisons that this version takes part in.
    """

    spec: AtlasSpec
    place: Place
    recipes: Mapping[str, RenderSpec]
    drawn: Mapping[str, Collection[int]]
    made_with: str
    sizes: Sizes = field(default_factory=Sizes)
    nulls: bool = True
    counterparts: Mapping[str, Mapping[int, Sequence[Counterpart]]] = field(default_factory=dict)
    changes: Sequence[VersionChange] = ()
