"""Options of the public functions, by name and type: keys of the configuration, as a person may write them.

None, for any of them, means not said: then `reportgen.toml` decides, else the default of docs/commands.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, ParamSpec, TypedDict, TypeVar, get_type_hints

from reportgen.arguments import checked
from reportgen.removal import Reading

_Asked = ParamSpec("_Asked")
_Given = TypeVar("_Given")


class StoreOptions(TypedDict, total=False):
    """Where things are kept, and the file that says the rest.

    Attributes:
        store: The file of renders and scores.
        config: A settings file; `reportgen.toml` of the current folder, if there is one, unless given.
    """

    store: str | Path | None
    config: str | Path | None


class ModelOptions(StoreOptions, total=False):
    """What a model file may not say, and how it is read (docs/models.md).

    Attributes:
        input_range: Values the model's input takes: `imagenet`, `caffe`, `"0,255"`, or low and high end, each
            a number or one a channel.
        input_size: Height and width in pixels, or `"224x224"`, for models that leave them open.
        channel_order: In which the model takes a picture's channels.
        channels: Where a file has its channels, if its network does not tell.
        trust_model: Whether code that the file brings may run.
        custom: Your own layers and functions that the file names, each `module:name`.
        hold: Values of inputs that are no picture, by name.
        max_memory: In bytes or as `"8GB"`: larger models are refused, and batches made to fit.
        device: What computes.
        arithmetic: In what it computes.
    """

    input_range: str | Sequence[float | Sequence[float]] | None
    input_size: str | tuple[int, int] | None
    channel_order: Literal["rgb", "bgr"] | None
    channels: Literal["first", "last"] | None
    trust_model: bool | None
    custom: str | Sequence[str] | None
    hold: Mapping[str, float | str | Sequence[float]] | None
    max_memory: int | str | None
    device: Literal["auto", "cpu", "gpu"] | None
    arithmetic: Literal["float32", "bfloat16"] | None


class PlanOptions(ModelOptions, total=False):
    """What is rendered.

    Attributes:
        layers: Names or globs of layers; `::4` is every fourth.
        units: The first so many of each layer, a list of them, `"3,17,40-47"`, or `all`.
        seeds: Scored pictures per unit.
        signs: What is sought: the most active input, the least, or both.
        recipe: `default`, or the name of a display recipe.
        set: Numbers of recipes, by name: `{"tv": 0.1, "show.steps": 96}`.
        sweep: A number across decades: `"tv=1e-5..1e3"`.
        batch: Pictures optimised at once.
        score: Thresholds of `ScoreSpec`, by name.
        atlas: Fields of `AtlasSpec`, by name.
        credits: Whom the model's pages thank.
    """

    layers: str | Sequence[str] | None
    units: int | str | Sequence[int | str] | None
    seeds: int | None
    signs: Literal["happy", "sad", "both"] | None
    recipe: str | None
    set: Mapping[str, float | str | bool] | None
    sweep: str | None
    batch: int | None
    score: Mapping[str, float] | None
    atlas: Mapping[str, float | str] | None
    credits: str | None


class RemovalOptions(TypedDict, total=False):
    """What pictures and removal take (docs/pruning.md).

    Attributes:
        images: A folder of your own pictures, one folder per class if you like.
        judge: A folder of pictures for the report alone; a part of `images` unless given.
        group: A regular expression: what is equal there of pictures' paths stays in one set.
        class_names: A file with a name a line, for each output unit.
        max_loss: Share 0..1 (or `"1%"`) of right, without classes of equal, decisions that may be lost.
        compensate: Whether weights behind removed units are refitted.
        decision: How outputs decide: `"each"`, or by name `{"box": "number"}` (docs/pruning.md).
        removal: A file of measurements of removal.
    """

    images: str | Path | None
    judge: str | Path | None
    group: str | None
    class_names: str | Path | None
    max_loss: float | str | None
    compensate: bool | None
    decision: str | Mapping[str, Reading] | None
    removal: str | Path | None


class InspectOptions(PlanOptions, total=False):
    """What `inspect_model` takes.

    Attributes:
        version: Label of this version; the first 8 digits of the file's hash unless given.
    """

    version: str | None


class CompareOptions(PlanOptions, RemovalOptions, total=False):
    """What a run of several versions takes.

    Attributes:
        no_crops: Whether no pixels of `images` are kept, only names and places.
        twin: Whether the network with fresh weights is rendered too, to compare with.
        budget: Seconds, or `"20m"`: the best that renders in that time.
        ray: Address of a Ray cluster; `local` starts one here.
    """

    no_crops: bool | None
    twin: bool | None
    budget: float | str | None
    ray: str | None


class RenderOptions(CompareOptions, total=False):
    """What a run takes.

    Attributes:
        version: Label of this version; the first 8 digits of the file's hash unless given.
    """

    version: str | None


class PruneOptions(ModelOptions, RemovalOptions, total=False):
    """What `prune` takes of the configuration.

    Attributes:
        version: Label of this version; the first 8 digits of the file's hash unless given.
        layers: Names or globs of the layers whose units may go.
    """

    version: str | None
    layers: str | Sequence[str] | None


class SiteOptions(RenderOptions, total=False):
    """What `atlas` takes.

    Attributes:
        site: The folder that pages are written to.
        templates: A folder of files of yours in place of the site's templates of that name.
    """

    site: str | Path | None
    templates: str | Path | None


class ScoreOptions(StoreOptions, total=False):
    """What `score` takes.

    Attributes:
        score: Thresholds of `ScoreSpec`, by name.
    """

    score: Mapping[str, float] | None


class GateOptions(StoreOptions, total=False):
    """What `gate` takes.

    Attributes:
        rule: One rule or several (docs/comparing.md).
        against: The version before.
    """

    rule: str | Sequence[str] | None
    against: str | None


def takes(options: type) -> Callable[[Callable[_Asked, _Given]], Callable[_Asked, _Given]]:
    """Return a decorator: the function's `**options` are these, each by name in its signature.

    Editors, `help` and notebooks show them; see `checked` for what is refused.
    """
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in get_type_hints(options).items()
    ]

    def decorate(function: Callable[_Asked, _Given]) -> Callable[_Asked, _Given]:
        call = checked(function, [option.name for option in named])
        plain = inspect.signature(function)
        fixed = [p for p in plain.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        # Of the function itself: what reads documentation looks beneath decorators.
        function.__signature__ = plain.replace(parameters=[*fixed, *named])  # type: ignore[attr-defined]

        return call

    return decorate
