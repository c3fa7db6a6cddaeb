"""The recipes of a model version's pictures: listed once on the model page, linked from layers and units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reportgen.atlas.words import recipe_toml
from reportgen.spec import RenderSpec, for_kind
from reportgen.store import ModelRecord

_ROLES = (("shown", "display"), ("scored", "scored"))
_DENSE = "dense"


@dataclass(frozen=True, slots=True)
class ListedRecipe:
    """A recipe as the model page lists it.

    Attributes:
        anchor: Of its place on that page.
        name: What people call it.
        role: What it is for, and for which layers where dense ones have other numbers.
        toml: As TOML, with the numbers that hold for these layers.
    """

    anchor: str
    name: str
    role: str
    toml: str


@dataclass(frozen=True, slots=True)
class RecipeLink:
    """A recipe as pages of layers and units name it; `anchor` is its place on the model page."""

    anchor: str
    name: str
    role: str


def recipes_of(record: ModelRecord, recipes: Mapping[str, RenderSpec]) -> list[ListedRecipe]:
    """Return the recipes of a model version's layers, each once, in the order in which layers use them."""
    uses = [(hash_, layer.kind == _DENSE, role) for layer in record.layers
            for hash_, role in _used(record, layer.name, recipes)]  # fmt: skip
    found: dict[str, ListedRecipe] = {}
    for hash_, dense, role in uses:
        varies = {(hash_, True), (hash_, False)} <= {(h, d) for h, d, _ in uses}
        recipe = for_kind(recipes[hash_], _DENSE if dense else "")
        where = f", {'dense' if dense else 'other'} layers" if varies else ""
        anchor = _anchor(hash_, role, dense=dense)
        found[anchor] = ListedRecipe(anchor, recipe.name, role + where, recipe_toml(recipe))
    return list(found.values())


def recipe_links(record: ModelRecord, layer: str, recipes: Mapping[str, RenderSpec]) -> list[RecipeLink]:
    """Return the recipes of a layer's pictures."""
    dense = record.layer(layer).kind == _DENSE
    used = _used(record, layer, recipes)
    return [RecipeLink(_anchor(h, role, dense=dense), recipes[h].name, role) for h, role in used]


def _used(record: ModelRecord, layer: str, recipes: Mapping[str, RenderSpec]) -> Iterator[tuple[str, str]]:
    """Yield `(hash, role)` of a layer's recipes."""
    roles = record.roles(layer)
    for name, role in _ROLES:
        if (hash_ := str(roles.get(name, ""))) in recipes:
            yield hash_, role


def _anchor(hash_: str, role: str, *, dense: bool) -> str:
    return f"recipe-{role}-{hash_[:8]}{'-dense' if dense else ''}"
