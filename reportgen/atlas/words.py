"""What the pages say: verdicts and recipes in words, alternative texts, how to cite.

Plain sentences from numbers and names. No HTML; escaping is the templates' work.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from itertools import groupby

from reportgen.json_values import Parsed
from reportgen.spec import RenderSpec
from reportgen.units import Layer, UnitId
from reportgen.verdicts import MARKS, verdict_of

UNSCORED = "not scored"


def mark(verdict: str) -> str:
    """Return the letter under which the style sheet knows a verdict."""
    return verdict_of(verdict).mark


def kind_in_words(layer: Layer) -> str:
    """Return what a layer is, such as `convolution`."""
    if layer.kind == "dense" and layer.over_tokens:
        return "dense layer over tokens"
    return {
        "conv1d": "convolution along one axis",
        "conv2d": "convolution",
        "depthwise_conv2d": "depthwise convolution",
        "dense": "dense layer",
        "separable_conv2d": "separable convolution",
        "conv2d_transpose": "transposed convolution",
        "multi_head_attention": "attention over tokens",
        "grouped_query_attention": "attention over tokens",
    }.get(layer.kind, layer.kind.replace("_", " "))


def judged_after(layer: Layer) -> str:
    """Return where a layer's units are judged and what that means."""
    if layer.head:
        return f"before the {layer.head}: the logits are used, so that outputs do not compete"
    if layer.activation in ("", "linear"):
        return "as it is: no activation follows"
    return (
        f"after {layer.activation}: pictures maximise the value before it, but a unit counts as live only "
        f"if its "
        f"value after {layer.activation} changes"
    )


def size(pair: tuple[int, int] | None, *, otherwise: str) -> str:
    """Return `h × w px`."""
    return f"{pair[0]} × {pair[1]} px" if pair else otherwise


def stride(layer: Layer) -> str:
    """Return how far apart two positions of a layer are, in words."""
    if layer.over_tokens:
        return f"none: one value for each of {layer.map_size[0]:,} tokens" if layer.map_size else ""
    unknown = "unknown" if layer.is_map else "none: one value per picture"
    return size(layer.stride_px, otherwise=unknown)


def field(layer: Layer) -> str:
    """Return what one position of a layer sees, in words."""
    seen = size(layer.field_px, otherwise="whole input")
    return f"{seen}, and the whole input through a gate" if layer.gated else seen


def picture_alt(layer: str, unit: int, sign: str, seed: int, recipe: str, verdict: str) -> str:
    """Return the alternative text of a render."""
    name = "HappyMap" if sign == "happy" else "SadMap"
    judged = f"; {verdict}" if verdict else ""
    return f"{name} of {layer} unit {unit}, recipe {recipe}, seed {seed}{judged}"


def counts_in_words(counts: Mapping[str, int]) -> str:
    """Return `12 structured, 3 static` in the order of the verdicts."""
    return ", ".join(f"{counts[v]} {v or UNSCORED}" for v in MARKS if counts.get(v))


def runs(units: Sequence[int]) -> str:
    """Return units in order as runs, such as `0-31 40`."""
    found = [[u for _, u in run] for _, run in groupby(enumerate(units), lambda x: x[1] - x[0])]
    return " ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in found)


def unfinished(plan: Parsed) -> str:
    """Return what of a model version is not rendered yet; empty where all of it is.

    Args:
        plan: As the store keeps it with the model version; a store may be anybody's.
    """
    found = plan.get("unfinished")
    if not isinstance(found, Mapping) or not isinstance(found.get("missing"), str):
        return ""
    within, budget = "Not rendered to the end", found.get("budget")
    if isinstance(budget, (int, float)) and 0 < budget < 1e9:
        within = f"Rendered within a budget of {budget / 60:.3g} min"
    return f"{within}: {found['missing'][:200]}."


def citation(
    unit: UnitId | None, name: str, version: str, file_hash: str, *, title: str, made_with: str, address: str
) -> str:
    """Return how to cite a model version, or one unit of it."""
    what = f'Unit {unit.unit} of layer "{unit.layer}", ' if unit else ""
    article = "model" if unit else "Model"
    return (
        f"{what}{article} {name}, version {version} (file blake2b {file_hash[:16]}). "
        f"In: {title}, an atlas of HappyMaps made with {made_with}. {address}"
    )


def recipe_toml(recipe: RenderSpec) -> str:
    """Return a recipe as TOML that a `reportgen.toml` can hold.

    A recipe whose `tv` is another for dense layers names both in a comment: to set one would set both.
    """
    fields = dataclasses.asdict(recipe)
    name, dense = fields.pop("name"), fields.pop("tv_dense")
    if not recipe.spectrum:
        fields.pop("spectrum")
    if dense is not None:
        fields.pop("tv")
    both = [] if dense is None else [f"# tv = {recipe.tv:g}, for dense layers {dense:g}"]
    lines = [f"recipe = {json.dumps(name, ensure_ascii=False)}", "", "[set]"]
    return "\n".join(
        [
            *lines,
            *both,
            *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()),
        ]
    )
