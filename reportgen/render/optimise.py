"""The compiled ascent: a few steps of many pictures at once, each with its own unit, sign and counters.

A recipe's structure is compiled; its numbers are passed as arrays, so a new value needs no new trace. Nothing
here knows of jobs, slots or seeds: see `batch_runner`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from keras import ops
from numpy.typing import NDArray

from reportgen.keras_types import Nest, Network, Tensor
from reportgen.render import objectives, transforms
from reportgen.render.backend import backend
from reportgen.render.objectives import OBJECTIVES, Aim
from reportgen.render.optimisers import IN_THE_METRIC, OPTIMISERS
from reportgen.render.parametrizations import PARAMETRIZATIONS, Parametrization, parametrization
from reportgen.render.penalties import PENALTIES
from reportgen.render.structure import Structure, output_of, structure_of
from reportgen.spec import RenderSpec

if TYPE_CHECKING:
    from reportgen.models import Cut

State = dict[str, Tensor]
WithGradient = tuple[Tensor, Tensor]
"""A value of each picture, `(n,)`, and its gradient, `(n, h, w, c)`."""


@dataclass(frozen=True)
class Ascent:
    """The compiled functions of one cut, structure and number of pictures.

    Attributes:
        chunk: `(state, numbers, transforms (part, n, 2, 8), begins (part)) -> (state, trace)`; `begins` is 1
            at the first step of a window, where scales and silence are determined, else 0; see
            `empty_state`, `TRACE`.
        evaluate: `(x, numbers, transforms (k, n, 2, 8), silence)` -> values `(k, n)`.
        references: Each unit's response to plain mid-grey, `(K,)`.
        traces: How often anything was traced, in a list of one number.
    """

    structure: Structure
    parameters: Parametrization
    size: tuple[int, int, int]
    chunk: Callable[..., Nest]
    evaluate: Callable[..., Nest]
    references: NDArray[np.float32]
    traces: list[int]


TRACE = ("objective", "gradient", "finite", "silence")
"""What the chunk returns for each step and picture, each `(part, n)`."""


def ascent(cut: Cut, recipe: RenderSpec, pictures: int, aim: Aim = "unit", part: int | None = None) -> Ascent:
    """Return the compiled ascent of `pictures` pictures at once; the last few are cached."""
    parameters = parametrization(recipe, (*cut.canvas_px, cut.channels), cut.input_range)
    built = _ascent(_ByIdentity(cut), structure_of(cut, recipe, aim, part), pictures)
    # Starts depend on numbers that are not compiled in.
    return Ascent(**{**built.__dict__, "parameters": parameters})


def release_compiled() -> None:
    """Release every cached ascent and the networks in it."""
    _ascent.cache_clear()


class _ByIdentity:
    """A cut as a cache key: the same object, not an equal one."""

    def __init__(self, cut: Cut) -> None:
        self.cut = cut

    def __hash__(self) -> int:
        return id(self.cut.network)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.cut.network is self.cut.network


@functools.lru_cache(maxsize=16)
def _ascent(key: _ByIdentity, structure: Structure, pictures: int) -> Ascent:
    cut, engine, traces = key.cut, backend(), [0]
    size = (*cut.canvas_px, cut.channels)
    parameters = parametrization(structure.recipe, size, cut.input_range)
    network, activations = _network_and_activations(cut, structure)

    def objective(
        x: Tensor,
        move: Tensor,
        numbers: Mapping[str, Tensor],
        silence: Tensor,
        update_silence: Tensor,
        *,
        finished: bool = False,
    ) -> Nest:
        picture = x if parameters.picture is None else parameters.picture(x)
        seen = (
            transforms.moved(picture, move, structure.around, structure.turned or finished)
            if structure.moved or finished
            else picture
        )
        values = activations(seen, numbers)
        return objectives.reduced(values, structure.reduction, numbers["reference"], silence, update_silence)

    step = _step(structure, parameters, objective)

    def chunk(state: State, numbers: Mapping[str, Tensor], moves: Tensor, begins: Tensor) -> Nest:
        traces[0] += 1
        return engine.loop(
            lambda state, inputs: step(state, inputs, numbers), state, (moves, begins),
            structure.part, len(TRACE),
        )  # fmt: skip

    def evaluate(x: Tensor, numbers: Mapping[str, Tensor], moves: Tensor, silence: Tensor) -> Nest:
        traces[0] += 1

        def one(state: Nest, inputs: Nest) -> Nest:
            value, _ = objective(x, inputs[0], numbers, silence, ops.zeros(()), finished=True)
            return state, (value,)

        _, (values,) = engine.loop(one, ops.zeros(()), (moves,), moves.shape[0], 1)
        return values

    compiled = functools.partial(engine.compiled, network=network, bfloat16=structure.bfloat16)
    return Ascent(
        structure, parameters, size, compiled(chunk, axes=(0, 0, 1, 1), output_axes=(0, 1)),
        compiled(evaluate, axes=(0, 0, 1, 0), output_axes=1), _references(cut, structure), traces,
    )  # fmt: skip


def _network_and_activations(cut: Cut, structure: Structure) -> tuple[Network, Callable[..., Tensor]]:
    """Return the network to use, and a function that returns each picture's activations.

    These are `(n, H, W)` or `(n,)`, of the unit, the sum of units or the layer that the picture maximises.
    """
    which, own_range = output_of(structure.recipe), _in_own_range(structure)
    plain = which == 0 and not own_range and structure.aim == "unit"
    if plain and cut.single_unit_network is not None:
        chosen = cut.single_unit_network

        def own(seen: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
            activation = chosen([seen, numbers["unit"][:, None]], training=False)
            return activation * ops.reshape(numbers["sign"], (-1,) + (1,) * (len(activation.shape) - 1))

        return chosen, own
    network, objective = cut.raw_network if own_range else cut.network, OBJECTIVES[structure.aim]

    def picked(seen: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
        return objective(network(seen, training=False)[which], numbers)

    return network, picked


def _in_own_range(structure: Structure) -> bool:
    return PARAMETRIZATIONS[structure.recipe.parametrization].own_range


def _references(cut: Cut, structure: Structure) -> NDArray[np.float32]:
    grey = np.full((1, *cut.canvas_px, cut.channels), 0.5, np.float32)
    flat = backend().outputs_of(cut.network, grey)[output_of(structure.recipe)]
    values = np.asarray(ops.convert_to_numpy(objectives.reference(flat, structure.reduction.rim)), np.float32)
    return np.where(np.isfinite(values), values, 0.0).astype(np.float32)


SCALES = 1 + len(PENALTIES)
"""Scales of a picture: one for the objective and one for each penalty it may have."""


def empty_state(size: tuple[int, int, int], pictures: int) -> dict[str, NDArray[np.float32]]:
    """Return the initial state of `pictures` pictures, as arrays.

    `x`: the values that are optimised, mostly the pictures; `first` and `second`: the optimiser's moments;
    `best`: the values to keep (all `(n, h, w, c)`); `best_loss`, `step` and `silence` of each picture;
    `scale`: the factors of the objective and of each penalty in the loss, `(n, SCALES)`.
    """
    many = (pictures, *size)
    return {
        "x": np.zeros(many, np.float32),
        "first": np.zeros(many, np.float32),
        "second": np.zeros(many, np.float32),
        "best": np.zeros(many, np.float32),
        "best_loss": np.full(pictures, np.inf, np.float32),
        "step": np.zeros(pictures, np.float32),
        "silence": np.zeros(pictures, np.float32),
        "scale": np.ones((pictures, SCALES), np.float32),
    }


def _step(
    structure: Structure, parameters: Parametrization, objective: Callable[..., Nest]
) -> Callable[..., Nest]:
    """Return one step: `(state, (transforms, whether the chunk begins), numbers) -> (state, trace)`."""
    engine, keeps_best = backend(), structure.recipe.keep == "best"
    moved = _moved(structure.recipe.optimiser, parameters)

    def step(state: State, inputs: Nest, numbers: Mapping[str, Tensor]) -> Nest:
        move, begins = inputs
        x = state["x"]
        (values, silence), uphill = engine.value_and_gradient(
            lambda x: objective(x, move, numbers, state["silence"], begins), x
        )
        push = _rms(uphill)
        charges = [_charge(structure, parameters, kind, power, x) for kind, power in structure.penalties]
        scale = _scale(structure, state["scale"], push, charges, begins)
        loss, downhill = _loss(structure, (values, uphill), charges, scale, numbers)
        finite = ops.isfinite(loss) & ops.isfinite(_rms(downhill))
        active = ops.cast(finite & (state["step"] < numbers["steps"]), "float32")
        # The gradient of an inactive picture is zero: its moments decay, and are not used again.
        downhill = ops.where(_wide(active) > 0, downhill, 0.0)
        x, first, second = moved(state, downhill, _wide(active * _step_size(state["step"], numbers)))
        new = {**state, "x": x, "first": first, "second": second, "scale": scale, "silence": silence}
        new["step"] = state["step"] + active
        if keeps_best:
            new["best"], new["best_loss"] = _best(state, x, loss, active)
        return new, (values, push, ops.cast(finite, "float32"), silence)

    return step


def _scale(
    structure: Structure,
    scale: Tensor,
    push: Tensor,
    charges: Sequence[WithGradient],
    begins: Tensor,
) -> Tensor:
    """Return the factors of the objective and of each penalty, measured anew where a window begins.

    Args:
        scale: The factors so far, `(n, SCALES)`.
        push: RMS of the objective's gradient, `(n,)`.
        charges: The penalties.
    """
    if structure.recipe.penalty_scaling != "gradient":
        return scale
    pushed = ops.cast(push > 0, "float32")
    measured = [_inverse(push), *(_inverse(_rms(gradient)) * pushed for _, gradient in charges)]
    measured += [ops.ones_like(push)] * (SCALES - len(measured))
    return ops.where(begins > 0, ops.stack(measured, axis=1), scale)


def _loss(
    structure: Structure,
    gain: WithGradient,
    charges: Sequence[WithGradient],
    scale: Tensor,
    numbers: Mapping[str, Tensor],
) -> WithGradient:
    """Return what is minimised: the scaled penalties less the scaled objective.

    Args:
        gain: The objective.
        charges: The penalties.
    """
    values, uphill = gain
    loss, downhill = -values * scale[:, 0], -uphill * _wide(scale[:, 0])
    for i, ((kind, _), (charge, gradient)) in enumerate(zip(structure.penalties, charges, strict=True)):
        weight = numbers[kind] * scale[:, 1 + i]
        loss, downhill = loss + weight * charge, downhill + gradient * _wide(weight)
    return loss, downhill


def _step_size(step: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    """Return the length of each picture's next step, which cools down with its steps."""
    cooled = 1.0 - numbers["cooling"] * step / ops.maximum(numbers["steps"], 1.0)
    return numbers["step_size"] * cooled


def _moved(optimiser: str, parameters: Parametrization) -> Callable[[State, Tensor, Tensor], Nest]:
    """Return a function `(state, gradient of the loss, step size) -> (x, first, second)` of one optimiser."""
    update = OPTIMISERS[optimiser]

    def by_gradient_in_the_metric(state: State, downhill: Tensor, size: Tensor) -> Nest:
        x = state["x"]
        direction = parameters.direction(x, downhill)
        change, first, second = update(direction, state["first"], state["second"], state["step"])
        return parameters.stepped(x, size * change), first, second

    def by_step_in_the_metric(state: State, downhill: Tensor, size: Tensor) -> Nest:
        x = state["x"]
        change, first, second = update(downhill, state["first"], state["second"], state["step"])
        return parameters.stepped(x, parameters.direction(x, size * change)), first, second

    return by_gradient_in_the_metric if optimiser in IN_THE_METRIC else by_step_in_the_metric


def _best(state: State, x: Tensor, loss: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values to keep and the lowest loss so far.

    As keras-vis did, the picture kept is the one that the step from the lowest loss led to.
    """
    better = active * ops.cast(loss < state["best_loss"], "float32")
    kept = ops.where(_wide(better) > 0, x, state["best"])
    return kept, ops.where(better > 0, loss, state["best_loss"])


def _charge(
    structure: Structure, parameters: Parametrization, kind: str, power: float, x: Tensor
) -> WithGradient:
    """Return a penalty of each picture, and its gradient with respect to the values that are optimised."""
    picture = x if parameters.picture is None else parameters.picture(x)
    values, gradient = PENALTIES[kind](picture, power, _in_own_range(structure))
    if parameters.picture is not None:
        made, pull = parameters.picture, ops.stop_gradient(gradient)
        _, gradient = backend().value_and_gradient(lambda x: (ops.sum(made(x) * pull, axis=(1, 2, 3)), ()), x)
    return values, gradient


def _rms(gradient: Tensor) -> Tensor:
    return ops.sqrt(ops.mean(ops.square(gradient), axis=(1, 2, 3)))


def _inverse(x: Tensor) -> Tensor:
    usable = (x > 1e-18) & (x < 1e18)
    return ops.where(usable, 1.0 / ops.where(usable, x, ops.ones_like(x)), ops.zeros_like(x))


def _wide(x: Tensor) -> Tensor:
    return ops.reshape(x, (-1, 1, 1, 1))
