"""The activations of Keras, one row each, with everything that this package knows of them.

Their names, what one output number depends on, where a layer that ends in one is cut, and the function's
shape for interval arithmetic. An activation without a row is called `activation`, and nothing is assumed of
it. Numbers only: no framework is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, log_expit

from reportgen.keras_types import Operation

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A function of one number that never decreases, or decreases to a minimum and then increases.

    Attributes:
        function: Applied to an array elementwise.
        lowest: Where its minimum is; None if it never decreases.
    """

    function: Callable[[Floats], Floats]
    lowest: float | None = None


@dataclass(frozen=True, slots=True)
class Slopes:
    """The identity for positive numbers; others are multiplied by a slope, which may differ between places.

    Attributes:
        least, most: Smallest and largest slope of each channel, `(C,)` or `(1,)`.
    """

    least: Floats
    most: Floats


@dataclass(frozen=True, slots=True)
class Shares:
    """A function along one axis: each output increases with its own input and decreases with the others.

    Attributes:
        share: From one number and all others, `(C - 1,)`, the output of that one.
        axis: The axis.
    """

    share: Callable[[float, Floats], float]
    axis: int


Shape = Curve | Slopes | Shares
ShapeOf = Callable[[Any], Shape | None]
"""From a Keras operation or function, with its settings; None if they leave the shape unknown."""


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation.

    Attributes:
        word: Its name in this package.
        kinds: Its Keras classes in snake case: layers and operations.
        reach: What one output number depends on: `number`, the corresponding input; `place`, that and
            weights of the activation for the channel and perhaps the place; `channels`, all channels at that
            place, mostly its own; `pairs`, two channels, which become one.
        exact: Whether any value other than its off state is a response: it is off at exactly one value, or
            never. An activation that only approaches a value has tiny outputs that are no response.
        shape: The function's shape.
        aliases: Other names of its function.
        cut: Where a layer is cut that ends in it as an output of the network: `before` (a classifier's head,
            whose logits are used) or `behind`, as everywhere else.
        decides: What a network's outputs are if they end in it: shares of `classes`, the probability of
            `yes`, or neither.
        gates: The name of a number times this function of it, if that has one.
        bounds: Whether it only clips numbers beyond a bound.
        homogeneous: Whether a positive factor on its input is the same factor on its output.
    """

    word: str
    kinds: tuple[str, ...]
    reach: Literal["number", "place", "channels", "pairs"]
    exact: bool
    shape: ShapeOf
    aliases: tuple[str, ...] = ()
    cut: Literal["before", "behind"] = "behind"
    decides: Literal["classes", "yes", ""] = ""
    gates: str = ""
    bounds: bool = False
    homogeneous: bool = False


def activation_called(word: str) -> Activation | None:
    """Return the row of a name, an alias or a kind; None if there is none."""
    return _BY_WORD.get(word) or _BY_KIND.get(word)


def activation_of_kind(kind: str, operation: Operation) -> Activation | None:
    """Return the row of an operation of that kind; a ReLU's row follows from its settings."""
    if kind == "re_lu":
        return _BY_WORD[_relu_word(operation)]
    return _BY_KIND.get(kind)


def _relu_word(operation: Operation) -> str:
    top = getattr(operation, "max_value", None)
    if float(getattr(operation, "negative_slope", 0.0) or 0.0) != 0.0:
        return "leaky_relu"
    return "relu6" if top is not None and float(top) == 6.0 else "relu"


# Shapes

_SILU_LOWEST, _MISH_LOWEST = -1.2784645427610738, -1.1924312145139216
_GELU_LOWEST, _GELU_TANH_LOWEST = -0.7517915240358459, -0.7524614220710162


def _always(function: Callable[[Floats], Floats], lowest: float | None = None) -> ShapeOf:
    curve = Curve(function, lowest)
    return lambda operation: curve


def _unknown(operation: Operation) -> None:
    """The shape is not known."""


def _number(operation: Operation, name: str, usual: float) -> float:
    """Return a setting, or its default if it has none; NaN if it is not a number."""
    value = getattr(operation, name, None)
    if value is None:
        return usual
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _rectified(slope: float = 0.0, most: float = np.inf) -> ShapeOf:
    """Return the shape of a rectifier, with the default slope below its threshold and the default limit."""

    def shape(operation: Operation) -> Shape | None:
        below = _number(operation, "negative_slope", slope)
        start, top = _number(operation, "threshold", 0.0), _number(operation, "max_value", most)
        if below < 0 and start == 0 and top == np.inf:
            return Slopes(np.array([below]), np.array([below]))
        if not (below >= 0 and start >= 0 and top >= 0):
            return None

        def run(v: Floats) -> Floats:
            found = np.where(v > start, v, below * (v - start) if below else 0.0)
            return np.minimum(np.where(np.isnan(v), np.nan, found), top)

        return Curve(run)

    return shape


def _by_weights(operation: Operation) -> Shape | None:
    alpha = getattr(operation, "alpha", None)
    if alpha is None:
        return None
    slopes = np.asarray(alpha.numpy() if hasattr(alpha, "numpy") else alpha).astype(float)
    slopes = slopes.reshape(-1, slopes.shape[-1])
    return Slopes(slopes.min(axis=0), slopes.max(axis=0))


def _exponential_below(v: Floats, alpha: float) -> Floats:
    return np.where(v > 0, v, alpha * np.expm1(np.minimum(v, 0)))


def _elu(operation: Operation) -> Shape | None:
    alpha = _number(operation, "alpha", 1.0)
    return Curve(lambda v: _exponential_below(v, alpha)) if alpha >= 0 else None


def _celu(operation: Operation) -> Shape | None:
    alpha = _number(operation, "alpha", 1.0)
    return (
        Curve(lambda v: np.where(v > 0, v, alpha * np.expm1(np.minimum(v, 0) / alpha))) if alpha > 0 else None
    )


def _selu(v: Floats) -> Floats:
    return 1.0507009873554805 * _exponential_below(v, 1.6732632423543772)


def _gelu(operation: Operation) -> Shape:
    if getattr(operation, "approximate", False):
        inner = np.sqrt(2 / np.pi)
        return Curve(lambda v: 0.5 * v * (1 + np.tanh(inner * (v + 0.044715 * v**3))), _GELU_TANH_LOWEST)
    return Curve(lambda v: 0.5 * v * (1 + erf(v / np.sqrt(2))), _GELU_LOWEST)


def _sigmoid(v: Floats) -> Floats:
    return np.asarray(np.exp(log_expit(v)))


def _silu(v: Floats) -> Floats:
    return v * _sigmoid(v)


def _softplus(v: Floats) -> Floats:
    return np.asarray(np.logaddexp(v, 0))


def _mish(v: Floats) -> Floats:
    return v * np.tanh(_softplus(v))


def _hard_tanh(v: Floats) -> Floats:
    return np.clip(v, -1, 1)


def _sparse_sigmoid(v: Floats) -> Floats:
    return np.clip((v + 1) / 2, 0, 1)


def _hard_sigmoid(operation: Operation) -> Shape | None:
    alpha, beta = _number(operation, "alpha", 1 / 6), _number(operation, "beta", 0.5)
    return Curve(lambda v: np.clip(alpha * v + beta, 0, 1)) if alpha >= 0 else None


def _hard_silu(operation: Operation) -> Shape | None:
    """Its settings are those of the hard sigmoid in it."""
    alpha, beta = _number(operation, "alpha", 1 / 6), _number(operation, "beta", 0.5)
    if not (alpha > 0 and 0 < beta < 1):
        return None
    return Curve(lambda v: v * np.clip(alpha * v + beta, 0, 1), -beta / (2 * alpha))


def _squareplus(operation: Operation) -> Shape | None:
    b = _number(operation, "b", 4.0)
    return Curve(lambda v: (v + np.sqrt(v * v + b)) / 2) if b >= 0 else None


def _soft_shrink(operation: Operation) -> Shape | None:
    least = _number(operation, "threshold", 0.5)
    return Curve(lambda v: v - np.clip(v, -least, least)) if least >= 0 else None


def _hard_shrink(operation: Operation) -> Shape | None:
    least = _number(operation, "threshold", 0.5)
    return Curve(lambda v: np.where(abs(v) <= least, 0.0, v)) if least >= 0 else None


def _threshold(operation: Operation) -> Shape | None:
    least, else_ = _number(operation, "threshold", np.nan), _number(operation, "default_value", np.nan)
    return Curve(lambda v: np.where(v <= least, else_, v)) if else_ <= least else None


def _sparse_plus(v: Floats) -> Floats:
    return np.where(v < 1, np.square(np.maximum(v + 1, 0)) / 4, v)


def _shares(share: Callable[[float, Floats], float]) -> ShapeOf:
    def shape(operation: Operation) -> Shape | None:
        axis = getattr(operation, "axis", -1)
        return Shares(share, axis) if isinstance(axis, int) else None

    return shape


def _softmax(own: float, others: Floats) -> float:
    return float(1 / (1 + np.exp(others - own).sum()))


def _log_softmax(own: float, others: Floats) -> float:
    return float(-np.log1p(np.exp(others - own).sum()))


_row = Activation
ACTIVATIONS: tuple[Activation, ...] = (
    # word, kinds, reach, exact, shape
    _row("linear", (), "number", True, _always(lambda v: v), homogeneous=True),
    _row("relu", ("re_lu", "relu"), "number", True, _rectified(), bounds=True, homogeneous=True),
    _row("relu6", ("relu6",), "number", True, _rectified(most=6.0), bounds=True),
    _row("leaky_relu", ("leaky_re_lu", "leaky_relu"), "number", True, _rectified(slope=0.2),
         homogeneous=True),
    _row("prelu", ("p_re_lu",), "place", True, _by_weights, homogeneous=True),
    _row("elu", ("elu",), "number", False, _elu),
    _row("celu", ("celu",), "number", False, _celu),
    _row("selu", ("selu",), "number", False, _always(_selu)),
    _row("gelu", ("gelu",), "number", False, _gelu),
    _row("silu", ("silu",), "number", False, _always(_silu, _SILU_LOWEST), aliases=("swish",)),
    _row("hard_silu", ("hard_silu",), "number", True, _hard_silu, aliases=("hard_swish",)),
    _row("mish", ("mish",), "number", False, _always(_mish, _MISH_LOWEST)),
    _row("sigmoid", ("sigmoid",), "number", False, _always(_sigmoid),
         cut="before", decides="yes", gates="silu"),
    _row("hard_sigmoid", ("hard_sigmoid",), "number", True, _hard_sigmoid, decides="yes", gates="hard_silu"),
    _row("sparse_sigmoid", ("sparse_sigmoid",), "number", True, _always(_sparse_sigmoid)),
    _row("log_sigmoid", ("log_sigmoid",), "number", False, _always(log_expit)),
    _row("tanh", ("tanh",), "number", False, _always(np.tanh)),
    _row("hard_tanh", ("hard_tanh",), "number", True, _always(_hard_tanh), bounds=True),
    _row("tanh_shrink", ("tanh_shrink",), "number", True, _always(lambda v: v - np.tanh(v))),
    _row("soft_shrink", ("soft_shrink",), "number", True, _soft_shrink),
    _row("hard_shrink", ("hard_shrink",), "number", True, _hard_shrink),
    _row("threshold", ("threshold",), "number", True, _threshold),
    _row("softplus", ("softplus",), "number", False, _always(_softplus)),
    _row("squareplus", ("squareplus",), "number", False, _squareplus),
    _row("sparse_plus", ("sparse_plus",), "number", True, _always(_sparse_plus)),
    _row("softsign", ("softsign",), "number", False, _always(lambda v: v / (1 + abs(v)))),
    _row("exponential", ("exp",), "number", False, _always(np.exp), aliases=("exp",)),
    _row("softmax", ("softmax",), "channels", False, _shares(_softmax), cut="before", decides="classes"),
    _row("log_softmax", ("log_softmax",), "channels", False, _shares(_log_softmax),
         cut="before", decides="classes"),
    _row("sparsemax", ("sparsemax",), "channels", True, _unknown),  # Keras 3.15 computes something else.
    _row("glu", ("glu",), "pairs", False, _unknown),
)  # fmt: skip


def _by(names: Callable[[Activation], tuple[str, ...]]) -> dict[str, Activation]:
    found: dict[str, Activation] = {}
    for row in ACTIVATIONS:
        for name in names(row):
            if name in found:
                raise ValueError(f'"{name}" is both {found[name].word} and {row.word}')
            found[name] = row
    return found


_BY_WORD = _by(lambda row: (row.word, *row.aliases))
_BY_KIND = _by(lambda row: row.kinds)
