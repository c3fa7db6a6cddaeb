"""Dreams: one picture of a layer, a unit or a sum of units, from noise or from a photograph.

Outside of any store: nothing is scored, and no atlas shows it. The ascent is that of every other picture; the
differences are what is maximised (a whole layer, as in DeepDream), the start, and the size.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

import numpy as np
from pydantic import TypeAdapter, ValidationError

import reportgen
from reportgen.config import Settings
from reportgen.errors import ConfigError, ModelError, ReportgenError, in_brief
from reportgen.images import encode_png, fitted_pixels, png_with_notes, read_photograph, webp_with_notes
from reportgen.plan import CANVAS_STEP_PX
from reportgen.run.options import DreamOptions, settings_of, takes
from reportgen.run.progress import Reporter, Silent
from reportgen.setting_values import Size
from reportgen.spec import RenderSpec, for_kind, recipe_named, with_numbers
from reportgen.spec.unit_sums import parse_terms, terms_text
from reportgen.units import Layer, Sign, Telemetry, activation_of
from reportgen.validation import refusal

if TYPE_CHECKING:
    from reportgen.models import Model

GENTLE = {"steps": 32, "min_steps": 32, "step_size": 0.02}
"""Of the display recipe from a photograph: fewer and smaller steps, so that it can still be recognised."""
ENDINGS = (".png", ".webp")
MOST_PX, MOST_SEED = 4096, 2**53
_MOST_PHOTOGRAPH_BYTES, _MOST_PHOTOGRAPH_PIXELS = 100_000_000, 40_000_000


@dataclass(frozen=True)
class Dream:
    """A picture, and how it was made.

    Attributes:
        picture: `(h, w, c)` uint8.
        model, layer: Names of the model and of the layer.
        terms: Pairs of unit and coefficient; empty for the layer as a whole.
        sign: `happy` if it was maximised, `sad` if minimised.
        seed: Of the random start, and of the transforms.
        photograph: Name of the file it started from; empty for noise.
        recipe: How it was optimised.
        telemetry: What was recorded on the way: activations before and after, steps.
        path: The file it was written to; None for none.
    """

    picture: np.ndarray
    model: str
    layer: str
    terms: tuple[tuple[int, float], ...]
    sign: Sign
    seed: int
    photograph: str
    recipe: RenderSpec
    telemetry: Telemetry
    path: Path | None = None

    @property
    def words(self) -> str:
        """What it shows, in words."""
        what = "units" if len(self.terms) > 1 else "unit"
        aim = f"{what} {terms_text(self.terms)} of" if self.terms else "all of"
        return f"{'sad, ' if self.sign == 'sad' else ''}{aim} {self.layer}, {self.model}"

    @property
    def activation(self) -> float:
        """Of the finished picture; of a whole layer the mean square of its activations."""
        return activation_of(self.telemetry.activation_end, self.sign)

    def as_dict(self) -> dict[str, object]:
        """Return how it was made, as JSON values."""
        return {
            "made_with": f"reportgen {reportgen.__version__}",
            "model": self.model,
            "layer": self.layer,
            "terms": [list(term) for term in self.terms] or "layer",
            "sign": self.sign,
            "seed": self.seed,
            "from": self.photograph or None,
            "canvas_px": list(self.picture.shape[:2]),
            "recipe": dataclasses.asdict(self.recipe),
            "activation": self.activation if math.isfinite(self.activation) else None,
            "steps": self.telemetry.steps,
        }

    def encoded(self, ending: str) -> bytes:
        """Return it as a PNG or a lossless WebP that says in itself how it was made."""
        notes = json.dumps(self.as_dict(), ensure_ascii=True, allow_nan=False)
        made_with = f"reportgen {reportgen.__version__}"
        if ending == ".webp":
            return webp_with_notes(self.picture, description=notes, software=made_with)
        texts = {"Software": made_with, "Title": self.words, "reportgen": notes}
        return png_with_notes(encode_png(self.picture), texts)

    def _repr_html_(self) -> str:
        from reportgen.run.notebook_html import figure, picture

        captions = (self.words, f"{self.telemetry.steps} steps, activation {self.activation:.3g}")
        return figure(picture(self.picture, self.words, width=256), captions, width=256)


@takes(DreamOptions)
def dream(
    model: str | Path,
    layer: str | None = None,
    *,
    units: int | str | Sequence[int] = "layer",
    start: str | Path | None = None,
    out: str | Path | None = None,
    size: str | tuple[int, int] | None = None,
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
        size: Height and width in pixels; by default the model's input size, for a photograph in its shape.
            Only layers that see a part of the input can be given another.
        sign: `sad` minimises instead.
        seed: Of the random start and of the transforms.
        reporter: Receives a line on what is optimised.
        stop: Called after each step; once it returns true nothing is written.
        options: `recipe` (the display recipe; from a photograph with fewer and smaller steps), `set`, and
            what the model file leaves open.

    Returns:
        The picture and how it was made; a notebook shows it.

    Raises:
        ModelError: The file cannot be used, or has no such layer.
        ConfigError: A unit, size, recipe or file name does not fit.
        ReportgenError: The photograph cannot be read, or the run was stopped.

    Example:
        >>> import reportgen
        >>> found = reportgen.dream("model.keras", "conv", units=1, out="dream.png", set={"steps": 8})
        >>> found.picture.shape, found.words
        ((16, 16, 1), 'unit 1 of conv, model')
    """
    settings, path = settings_of(options), None if out is None else Path(out)
    _check_out(path)
    if not 0 <= seed < MOST_SEED:
        raise ConfigError(f"seed is {in_brief(seed)}, wanted a whole number from 0")
    terms, pixels = parse_terms(list(units) if isinstance(units, tuple) else units), _photograph(start)
    recipe = _recipe(settings, photograph=pixels is not None)
    network = _network(model, settings)
    found = _layer(network, layer)
    for unit, _ in terms:
        if unit >= found.n_units:
            raise ConfigError(f'unit {unit}: layer "{found.name}" has units 0 to {found.n_units - 1}')
    canvas = _canvas(found, network, _size(size), pixels)
    made = Dream(
        np.zeros((*canvas, network.input_shape[2]), np.uint8), network.name, found.name, terms, sign, seed,
        "" if start is None else Path(start).name, for_kind(recipe, found.kind), _NONE,
    )  # fmt: skip
    (reporter or Silent()).say(f"{made.words}: {canvas[0]} × {canvas[1]} px, {recipe.steps} steps")
    made = _rendered(made, network, found, pixels, stop or _never)
    return made if path is None else _written(made, path)


_NONE = Telemetry(
    activation_start=math.nan, activation_best=math.nan, activation_end=math.nan, activation_transformed=(),
    gradient_start=math.nan, gradient_end=math.nan, moved=0.0, steps=0, stop_reason="", non_finite=0,
    reduction="",
)  # fmt: skip


def _rendered(
    made: Dream, network: Model, layer: Layer, pixels: np.ndarray | None, stop: Callable[[], bool]
) -> Dream:
    """Return a dream with its picture."""
    from reportgen.models import cut_model
    from reportgen.render import WHOLE_LAYER, Job, render_live
    from reportgen.run.memory import out_of_memory

    canvas, channels = made.picture.shape[:2], made.picture.shape[2]
    if pixels is not None and channels not in (1, 3):
        raise ConfigError(f"a network of {channels} channels cannot start from a photograph")
    start = None if pixels is None else fitted_pixels(pixels, (canvas[0], canvas[1]), channels)
    alone = len(made.terms) == 1 and made.terms[0][1] == 1.0
    unit = made.terms[0][0] if made.terms else WHOLE_LAYER
    job = Job(unit, made.sign, made.seed, () if alone else made.terms)
    try:
        cut = cut_model(network, layer, (canvas[0], canvas[1]), heads=made.recipe.objective == "post")
        found = render_live(cut, job, made.recipe, lambda _: not stop(), start)
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise ReportgenError("there was not enough memory", hint="try a smaller --size") from None
    if found is None:
        raise ReportgenError("stopped before its end; nothing was written")
    if found.failure:
        raise ModelError(f"{made.words} cannot be rendered: {found.failure}")
    return dataclasses.replace(made, picture=found.picture, telemetry=found.telemetry)


def _network(model: str | Path, settings: Settings) -> Model:
    from reportgen.models.sources import find_source
    from reportgen.run.importing import load_network

    return load_network(model, settings.version or find_source(model).digest()[:8], settings)


def _layer(network: Model, name: str | None) -> Layer:
    if name is not None:
        return network.layer(name)
    local = [layer for layer in network.layers if layer.field_px is not None] or list(network.layers)
    if not local:
        raise ModelError(f"{network.file_name} has no layer with units")
    return local[len(local) // 2]


def _recipe(settings: Settings, *, photograph: bool) -> RenderSpec:
    """Return the recipe, with the numbers that were set for it."""
    name = "show" if settings.recipe == "default" else settings.recipe
    base = recipe_named(name)
    if photograph and name == "show":
        base = with_numbers(base, GENTLE)
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
    scale = max(own) / max(pixels.shape[:2])

    def side(length: int, multiple_px: int) -> int:
        step = math.lcm(CANVAS_STEP_PX, multiple_px)
        return int(max(1, round(length * scale / step)) * step)

    return side(pixels.shape[0], down), side(pixels.shape[1], across)


def _check_out(path: Path | None) -> None:
    if path is not None and (path.suffix.lower() not in ENDINGS or path.is_dir()):
        raise ConfigError(f'out "{path}": wanted a file name that ends in {" or ".join(ENDINGS)}')


def _written(made: Dream, path: Path) -> Dream:
    data, part = made.encoded(path.suffix.lower()), path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise ReportgenError(f'"{path}" cannot be written: {error.strerror or error}') from None
    return dataclasses.replace(made, path=path)


def _never() -> bool:
    return False
