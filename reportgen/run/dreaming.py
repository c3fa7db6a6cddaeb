"""Dreams: one picture of a layer, a unit or a sum of units, from noise or from a photograph.

Outside of any store: nothing is scored, and no atlas shows it. The ascent is that of every other picture; the
differences are what is maximised (a whole layer, as in DeepDream), the start, the size, and its octaves.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

import numpy as np
from pydantic import TypeAdapter, ValidationError

from reportgen.config import Settings
from reportgen.errors import ConfigError, ModelError, ReportgenError, in_brief
from reportgen.images import fitted_pixels, read_photograph
from reportgen.run.dream_picture import Dream, check_out, written
from reportgen.run.importing import input_line, load_network
from reportgen.run.notebook_progress import reporter_here
from reportgen.run.octaves import OF_A_PHOTOGRAPH, octave_sizes, octave_start, photograph_canvas
from reportgen.run.options import DreamOptions, settings_of, takes
from reportgen.run.progress import Reporter, StepReporter
from reportgen.setting_values import Size
from reportgen.spec import RenderSpec, for_kind, recipe_named, with_numbers
from reportgen.spec.unit_sums import parse_terms
from reportgen.units import Layer, Telemetry
from reportgen.validation import refusal

if TYPE_CHECKING:
    from reportgen.models import Model
    from reportgen.render import Job, LiveStep, Render

GENTLE = {"step_size": 0.014, "decay": 0.5}
"""Of the display recipe from a photograph, so that it can still be recognised: smaller steps, and less of a
pull towards large patches of colour."""
GENTLE_STEPS = 40
"""From a photograph, shared evenly between the octaves."""
MOST_PX, MOST_SEED = 4096, 2**53
_MOST_PHOTOGRAPH_BYTES, _MOST_PHOTOGRAPH_PIXELS = 100_000_000, 40_000_000


@takes(DreamOptions)
def dream(
    model: str | Path,
    layer: str | None = None,
    *,
    units: int | str | Sequence[int] = "layer",
    start: str | Path | None = None,
    out: str | Path | None = None,
    size: str | tuple[int, int] | None = None,
    octaves: int | None = None,
    sign: Literal["happy", "sad"] = "happy",
    seed: int = 0,
    reporter: Reporter | None = None,
    stop: Callable[[], bool] | None = None,
    **options: Unpack[DreamOptions],
) -> Dream:
    """Return a picture that drives a whole layer, a unit or a sum of units, from noise or a photograph.

    Args:
        model: A model, named as in docs/models.md.
        layer: Its name; by default the middle one of those that see a part of the input.
        units: `layer` (the mean square of all its activations, as in DeepDream), a unit, several, or a sum
            such as `"3 + 0.5*7 - 12"`.
        start: A photograph to start from; by default noise.
        out: `.png` or `.webp`, both lossless, with the recipe inside.
        size: Height and width in pixels; by default the model's input size, for a photograph its shape with
            twice the longer side, at most its own. Only layers that see a part of the input can be given
            another.
        octaves: How many sizes it is rendered at one after the other, each 1.4 times the one before; by
            default 4 from a photograph, as far as there is room, and 1 from noise.
        sign: `sad` minimises instead.
        seed: Of the random start and of the transforms.
        reporter: Receives the progress; by default a notebook shows a bar, and nothing is printed elsewhere.
        stop: Called after each step; once it returns true nothing is written.
        options: `recipe` (the display recipe; from a photograph with fewer and smaller steps), `set`, and
            what the model file leaves open.

    Returns:
        The picture and how it was made; a notebook shows it.

    Raises:
        ModelError: The file cannot be used, or has no such layer.
        ConfigError: A unit, size, number of octaves, recipe or file name does not fit.
        ReportgenError: The photograph cannot be read, or the run was stopped.

    Example:
        >>> import reportgen
        >>> found = reportgen.dream("model.keras", "conv", units=1, out="dream.png", set={"steps": 8})
        >>> found.picture.shape, found.words
        ((16, 16, 1), 'unit 1 of conv, model')
    """
    settings, path = settings_of(options), None if out is None else Path(out)
    check_out(path)
    if not 0 <= seed < MOST_SEED:
        raise ConfigError(f"seed is {in_brief(seed)}, wanted a whole number from 0")
    terms, pixels = parse_terms(list(units) if isinstance(units, tuple) else units), _photograph(start)
    _recipe(settings)
    network = _network(model, settings)
    found = _layer(network, layer)
    for unit, _ in terms:
        if unit >= found.n_units:
            raise ConfigError(f'unit {unit}: layer "{found.name}" has units 0 to {found.n_units - 1}')
    canvas, channels = _canvas(found, network, _size(size), pixels), network.input_shape[2]
    if pixels is not None and channels not in (1, 3):
        raise ConfigError(f"a network of {channels} channels cannot start from a photograph")
    sizes = octave_sizes(found, canvas, octaves, usual=1 if pixels is None else OF_A_PHOTOGRAPH)
    recipe = for_kind(_recipe(settings, 0 if pixels is None else len(sizes)), found.kind)
    made = Dream(
        np.zeros((*canvas, channels), np.uint8), network.name, found.name, terms, sign, seed,
        "" if start is None else Path(start).name, sizes, recipe, _NONE,
    )  # fmt: skip
    photograph = None if pixels is None else fitted_pixels(pixels, canvas, channels)
    progress = reporter or reporter_here()
    progress.say(input_line(network))
    made = _rendered(made, network, found, photograph, progress, stop or _never)
    return made if path is None else written(made, path)


_NONE = Telemetry(
    activation_start=math.nan, activation_best=math.nan, activation_end=math.nan, activation_transformed=(),
    gradient_start=math.nan, gradient_end=math.nan, moved=0.0, steps=0, stop_reason="", non_finite=0,
    reduction="",
)  # fmt: skip


def _rendered(
    made: Dream,
    network: Model,
    layer: Layer,
    photograph: np.ndarray | None,
    reporter: Reporter,
    stop: Callable[[], bool],
) -> Dream:
    """Return a dream with its picture, octave by octave."""
    height, width = made.picture.shape[:2]
    reporter.say(f"{made.words}: {height} × {width} px, {_steps(made.recipe.steps, len(made.octaves))}")
    before: np.ndarray | None = None
    try:
        for number, size in enumerate(made.octaves):
            watch = _Watch(reporter, stop, made, number)
            found = _octave(made, network, layer, size, octave_start(photograph, before, size), watch)
            before, steps = found.picture, made.telemetry.steps + found.telemetry.steps
            made = dataclasses.replace(made, telemetry=dataclasses.replace(found.telemetry, steps=steps))
    finally:
        reporter.end()
    return dataclasses.replace(made, picture=found.picture)


def _octave(
    made: Dream,
    network: Model,
    layer: Layer,
    size: tuple[int, int],
    start: np.ndarray | None,
    watch: _Watch,
) -> Render:
    """Return what a picture of this size becomes.

    Raises:
        ReportgenError: It was stopped, or there was not enough memory.
        ModelError: It cannot be rendered.
    """
    from reportgen.models import cut_model
    from reportgen.render import render_live
    from reportgen.run.memory import out_of_memory

    try:
        cut = cut_model(network, layer, size, heads=made.recipe.objective == "post")
        found = render_live(cut, _job(made), made.recipe, watch, start)
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise ReportgenError("there was not enough memory", hint="try a smaller --size") from None
    if found is None:
        raise ReportgenError("stopped before its end; nothing was written")
    if found.failure:
        raise ModelError(f"{made.words} cannot be rendered: {found.failure}")
    return found


class _Watch:
    """Reports each step of an octave, and asks whether to go on."""

    def __init__(self, reporter: Reporter, stop: Callable[[], bool], made: Dream, number: int) -> None:
        self._reporter, self._stop = reporter, stop
        self._steps, self._before = made.recipe.steps, number * made.recipe.steps
        self._total = len(made.octaves) * made.recipe.steps
        height, width = made.octaves[number]
        self._name = f"octave {number + 1} of {len(made.octaves)}, {height} × {width} px"
        self._report(0)

    def __call__(self, now: LiveStep) -> bool:
        self._report(now.step)
        return not self._stop()

    def _report(self, step: int) -> None:
        if isinstance(self._reporter, StepReporter):
            # A silent unit's ascent is restarted, which takes more steps.
            self._reporter.steps(self._name, self._before + min(step, self._steps), self._total)


def _job(made: Dream) -> Job:
    from reportgen.render import WHOLE_LAYER, Job

    alone = len(made.terms) == 1 and made.terms[0][1] == 1.0
    unit = made.terms[0][0] if made.terms else WHOLE_LAYER
    return Job(unit, made.sign, made.seed, () if alone else made.terms)


def _steps(each: int, octaves: int) -> str:
    return f"{each} steps" if octaves == 1 else f"{octaves} octaves of {each} steps"


def _network(model: str | Path, settings: Settings) -> Model:
    from reportgen.models.sources import find_source

    return load_network(model, settings.version or find_source(model).digest()[:8], settings)


def _layer(network: Model, name: str | None) -> Layer:
    if name is not None:
        return network.layer(name)
    local = [layer for layer in network.layers if layer.field_px is not None] or list(network.layers)
    if not local:
        raise ModelError(f"{network.file_name} has no layer with units")
    return local[len(local) // 2]


def _recipe(settings: Settings, octaves_of_photograph: int = 0) -> RenderSpec:
    """Return the recipe, with the numbers that were set for it.

    Args:
        settings: Name and numbers of the recipe.
        octaves_of_photograph: How many there are; 0 if the start is noise.
    """
    name = "show" if settings.recipe == "default" else settings.recipe
    base = recipe_named(name)
    if octaves_of_photograph and name == "show":
        steps = GENTLE_STEPS // octaves_of_photograph
        base = with_numbers(base, {**GENTLE, "steps": max(1, steps), "min_steps": max(1, steps)})
    own = {key.removeprefix(f"{name}."): value for key, value in settings.numbers.items()}
    if "steps" in own and "min_steps" not in own:
        own["min_steps"] = min(base.min_steps, int(with_numbers(base, {"steps": own["steps"]}).steps))
    return with_numbers(base, own)


def _photograph(start: str | Path | None) -> np.ndarray | None:
    """Return the photograph `(h, w, 3)` uint8.

    Raises:
        ReportgenError: It cannot be read.
    """
    if start is None:
        return None
    path = Path(start)
    try:
        if path.stat().st_size > _MOST_PHOTOGRAPH_BYTES:
            raise ReportgenError(f'photograph "{path}" has more than {_MOST_PHOTOGRAPH_BYTES // 10**6} MB')
        data = path.read_bytes()
    except OSError as error:
        raise ReportgenError(f'photograph "{path}" cannot be read: {error.strerror or error}') from None
    try:
        return read_photograph(data, most_pixels=_MOST_PHOTOGRAPH_PIXELS, most_px=MOST_PX)
    except ReportgenError as error:
        raise ReportgenError(f'photograph "{path}": {error.message}', hint=error.hint) from None


def _size(size: str | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    try:
        found: tuple[int, int] = TypeAdapter(Size).validate_python(size)
    except ValidationError as error:
        raise ConfigError(refusal(error, prefix="size").message) from None
    return found


def _canvas(
    layer: Layer, network: Model, size: tuple[int, int] | None, pixels: np.ndarray | None
) -> tuple[int, int]:
    """Return the height and width of the picture."""
    own = network.input_shape[0], network.input_shape[1]
    down, across = layer.canvas_multiple_px
    if size is not None:
        if layer.field_px is not None and (size[0] % down or size[1] % across):
            raise ConfigError(f'size: layer "{layer.name}" wants multiples of {down} × {across} px')
        return size
    if pixels is None or layer.field_px is None:
        return own
    return photograph_canvas(layer, own, (pixels.shape[0], pixels.shape[1]))


def _never() -> bool:
    return False
