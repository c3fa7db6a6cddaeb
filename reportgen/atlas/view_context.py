"""What all views of units of a model version share: its place, recipes, sizes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from reportgen.atlas.addresses import Place
from reportgen.atlas.pictures import Sizes
from reportgen.spec import AtlasSpec, RenderSpec


@dataclass(frozen=True)
class ViewContext:
    """What a unit's view needs besides its layer.

    Attributes:
        drawn: The units that have a tile, by layer name, of the whole model version.
        made_with: Name and version of this program, for citations.
        sizes: Of the pictures.
        nulls: Whether there are files of the renderer null's pictures.
    """

    spec: AtlasSpec
    place: Place
    recipes: Mapping[str, RenderSpec]
    drawn: Mapping[str, Collection[int]]
    made_with: str
    sizes: Sizes = field(default_factory=Sizes)
    nulls: bool = True
