"""Values as canonical text, their hashes, and the content key of a render."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from reportgen.json_values import JsonObject
from reportgen.spec.recipe import RenderSpec

ENGINE_VERSION = 6
"""Increased whenever the same recipe gives other pictures."""


def canonical_json(value: object) -> str:
    """Return JSON that is the same text for the same value: sorted keys, no spaces, finite numbers only."""
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def content_hash(value: object) -> str:
    """Return 32 hexadecimal digits (blake2b, 16 bytes) of the canonical JSON of `value`."""
    return _hash_of(canonical_json(value))


def _hash_of(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def render_key(
    *,
    objective: tuple[tuple[int, float], ...] | Literal["layer"],
    sign: str,
    start: int | str,
    **shared: Any,
) -> str:
    """Return the content key of a render (docs/store.md).

    Args:
        objective: Pairs of unit and coefficient, or the whole layer.
        sign: `happy` or `sad`.
        start: A seed, or the hash of a given picture.
        shared: See `render_keys`.
    """
    return render_keys(**shared)(objective, sign, start)


def render_keys(
    *,
    graph_hash: str,
    input_range: tuple[tuple[float, ...], tuple[float, ...]],
    input_shape: tuple[int, int, int],
    recipe: RenderSpec,
    canvas_px: tuple[int, int],
    arithmetic: str,
    batch: int | None = None,
) -> Callable[[tuple[tuple[int, float], ...] | Literal["layer"], str, int | str], str]:
    """Return a function from objective, sign and start to the content key of a render.

    What the pictures of a layer and recipe share is serialised once: a plan has many thousands of them.

    Args:
        graph_hash: Of the graph up to the layer.
        input_range: Low and high ends.
        input_shape: Height, width and channels the model expects; channel order is last.
        recipe: Every field except its name and `scored` is part of the key.
        canvas_px: Height and width the picture is optimised at.
        arithmetic: `float32` or `bfloat16`.
        batch: Pictures computed at once, if the user set it; None if it follows from the cut.
    """
    shared = {
        "graph": graph_hash,
        "range": input_range,
        "input": input_shape,
        "recipe": recipe_fields(recipe),
        "canvas": canvas_px,
        "arithmetic": arithmetic,
        "engine": ENGINE_VERSION,
        **({} if batch is None else {"batch": batch}),
    }
    shared_json = {name: canonical_json(value) for name, value in shared.items()}

    def key(objective: tuple[tuple[int, float], ...] | Literal["layer"], sign: str, start: int | str) -> str:
        own = {"objective": objective, "sign": sign, "start": start}
        parts = {**shared_json, **{name: canonical_json(value) for name, value in own.items()}}
        return _hash_of("{" + ",".join(f'"{name}":{parts[name]}' for name in sorted(parts)) + "}")

    return key


def recipe_fields(recipe: RenderSpec) -> JsonObject:
    """Return everything that determines a picture: the recipe's fields without its name and use.

    An empty spectrum is left out, so that recipes without one keep the keys from before the field existed.
    """
    fields = dataclasses.asdict(recipe)
    del fields["name"], fields["scored"]
    if not recipe.spectrum:
        del fields["spectrum"]
    return fields


def _plain(value: object) -> Any:
    """Return `value` as JSON types; -0.0 and 0 become the same number, and so do 1 and 1.0."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
