"""Options of the public functions, by name and type: the configuration's keys, as a person may write them.

None means that an option is not set: then `reportgen.toml` decides, else the default of docs/commands.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, ParamSpec, TypedDict, TypeVar, get_type_hints

from reportgen.arguments import checked
from reportgen.config import Settings, read_settings
from reportgen.removal import Reading

_Asked = ParamSpec("_Asked")
_Given = TypeVar("_Given")


class StoreOptions(TypedDict, total=False):
    """The store and the settings file.

    Attributes:
        store: The file of renders and scores.
        config: A settings file; by default `reportgen.toml` of the current folder, if there is one.
    """

    store: str | Path | None
    config: str | Path | None


class ModelOptions(StoreOptions, total=False):
    """What a model file may leave open, and how it is read (docs/models.md).

    Attributes:
        input_range: Values the model's input takes: `imagenet`, `caffe`, `"0,255"`, or low and high end, each
            a number or one a channel.
        input_size: Height and width in pixels, or `"224x224"`, for models that leave them open.
        channel_order: The order in which the model takes a picture's channels.
        channels: Whether the file's channel axis is first or last, if that cannot be derived.
        trust_model: Whether code in the file may run.
        custom: Your own layers and functions that the file names, each `module:name`.
        hold: Values of inputs that are not the picture, by name.
        max_memory: In bytes or as `"8GB"`: larger models are refused, and batches reduced to fit.
        device: The device to compute on.
        arithmetic: The arithmetic to compute in.
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
        seeds: Most scored pictures per unit.
        least_seeds: Scored pictures of every unit; others are rendered only where its verdict is unsure.
        signs: `happy` maximises units, `sad` minimises them.
        recipe: `default`, or the name of a display recipe.
        set: Values of recipe fields, by name: `{"tv": 0.1, "show.steps": 96}`.
        sweep: One field across decades: `"tv=1e-5..1e3"`.
        batch: Pictures optimised at once.
        score: Thresholds of `ScoreSpec`, by name.
        atlas: Fields of `AtlasSpec`, by name.
        credits: Acknowledgements on the model's pages.
    """

    layers: str | Sequence[str] | None
    units: int | str | Sequence[int | str] | None
    seeds: int | None
    least_seeds: int | None
    signs: Literal["happy", "sad", "both"] | None
    recipe: str | None
    set: Mapping[str, float | str | bool] | None
    sweep: str | None
    batch: int | None
    score: Mapping[str, float] | None
    atlas: Mapping[str, float | str] | None
    credits: str | None


class RemovalOptions(TypedDict, total=False):
    """Options of natural pictures and removal (docs/pruning.md).

    Attributes:
        images: A folder of your own pictures, optionally one folder per class.
        judge: A folder of pictures for the report alone; by default a part of `images`.
        group: A regular expression: pictures whose paths match with equal text stay in one set.
        class_names: A file with one class name a line, for each output unit.
        max_loss: Share 0..1 (or `"1%"`) of correct, without classes of equal, decisions that may be lost.
        compensate: Whether weights after removed units are refitted.
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


class CheckOptions(ModelOptions, total=False):
    """Options of `check_model`."""


class InspectOptions(PlanOptions, total=False):
    """Options of `inspect_model`.

    Attributes:
        version: Label of this version; by default the first 8 digits of the file's hash.
    """

    version: str | None


class CompareOptions(PlanOptions, RemovalOptions, total=False):
    """Options of a run of several versions.

    Attributes:
        no_crops: Whether no pixels of `images` are stored, only names and places.
        twin: Whether the network with fresh weights is rendered too, for comparison.
        budget: Seconds, or `"20m"`: time limit of the run; units are drawn at random.
        processes: How many processes of one thread each render; one for each core by default, if it is worth
            it.
        ray: Address of a Ray cluster; `local` starts one here.
    """

    no_crops: bool | None
    twin: bool | None
    budget: float | str | None
    processes: int | None
    ray: str | None


class RenderOptions(CompareOptions, total=False):
    """Options of a run.

    Attributes:
        version: Label of this version; by default the first 8 digits of the file's hash.
    """

    version: str | None


class PruneOptions(ModelOptions, RemovalOptions, total=False):
    """Options of `prune` from the configuration.

    Attributes:
        version: Label of this version; by default the first 8 digits of the file's hash.
        layers: Names or globs of the layers whose units may be removed.
    """

    version: str | None
    layers: str | Sequence[str] | None


class SiteOptions(RenderOptions, total=False):
    """Options of `atlas`.

    Attributes:
        site: The folder that pages are written to.
        templates: A folder of your own files, which replace the site's templates of the same name.
        live: Whether the site is written early, and again as layers are done; by default, with a budget.
    """

    site: str | Path | None
    templates: str | Path | None
    live: bool | None


class DreamOptions(ModelOptions, total=False):
    """Options of `dream`.

    Attributes:
        version: Label of this version; by default the first 8 digits of the file's hash.
        recipe: The name of a recipe; the display recipe by default.
        set: Values of its fields, by name.
    """

    version: str | None
    recipe: str | None
    set: Mapping[str, float | str | bool] | None


class ReportOptions(StoreOptions, total=False):
    """Options of `report`.

    Attributes:
        against: The earlier version to compare with; by default the one stored before it.
        templates: A folder of your own files, which replace templates of the same name.
        atlas: Fields of `AtlasSpec`, by name: `url` is where links to the site lead.
    """

    against: str | None
    templates: str | Path | None
    atlas: Mapping[str, float | str] | None


class ScoreOptions(StoreOptions, total=False):
    """Options of `score`.

    Attributes:
        score: Thresholds of `ScoreSpec`, by name.
    """

    score: Mapping[str, float] | None


class GateOptions(StoreOptions, total=False):
    """Options of `gate`.

    Attributes:
        rule: One rule or several (docs/comparing.md).
        against: The earlier version to compare with.
    """

    rule: str | Sequence[str] | None
    against: str | None


def settings_of(options: StoreOptions) -> Settings:
    """Return the settings that these options make, with the settings file.

    Raises:
        ConfigError: An option or the file cannot be used.
    """
    return read_settings(
        {key: value for key, value in options.items() if key != "config"}, options.get("config")
    )


def takes(options: type) -> Callable[[Callable[_Asked, _Given]], Callable[_Asked, _Given]]:
    """Return a decorator that lists these options by name in the signature of a function with `**options`.

    Editors, `help` and notebooks show them; `checked` refuses all others.
    """
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in get_type_hints(options).items()
    ]

    def decorate(function: Callable[_Asked, _Given]) -> Callable[_Asked, _Given]:
        call = checked(function, [option.name for option in named])
        plain = inspect.signature(function)
        fixed = [p for p in plain.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        # On the function itself: documentation tools unwrap decorators.
        function.__signature__ = plain.replace(parameters=[*fixed, *named])  # type: ignore[attr-defined]

        return call

    return decorate
