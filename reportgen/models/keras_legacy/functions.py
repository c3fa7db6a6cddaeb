"""The Keras 3 equivalent of each TensorFlow function in a Keras 2 graph: a closed table.

`tf.clip_by_value(x, 0, 1)` in a network of Keras 2 is a layer of class TFOpLambda that names the function and
its arguments. Each function here becomes one operation or layer of Keras 3, or a short chain of them, that
computes the same; unsupported arguments mean no translation. No TensorFlow function is ever looked up by a
name from a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from reportgen.keras_types import Config

Given = Config
OPS = "keras.src.ops."
_HEADS = {
    "", "math", "nn", "linalg", "__operators__", "keras", "compat.v1", "compat.v1.math",
    "compat.v1.nn", "compat.v1.linalg",
}  # fmt: skip
"""TensorFlow packages in which the last part of a function's name identifies it."""

_WORDS = {
    "truediv": "divide", "div": "divide", "sub": "subtract", "mul": "multiply", "__truediv__": "divide",
    "__sub__": "subtract", "__mul__": "multiply", "__add__": "add", "neg": "negative", "swish": "silu",
    "floor_div": "floordiv", "mod": "floormod", "arg_max": "argmax",
}  # fmt: skip
"""Other names of the same functions."""

ACTIVATIONS = {
    "relu", "relu6", "sigmoid", "tanh", "softmax", "silu", "elu", "selu", "softplus", "softsign", "gelu",
    "log_softmax",
}  # fmt: skip
"""Functions that equal the Keras 3 activation of the same name if they have no other arguments."""

_ALONE = {
    "abs": "numpy.Absolute", "acos": "numpy.Arccos", "acosh": "numpy.Arccosh", "asin": "numpy.Arcsin",
    "asinh": "numpy.Arcsinh", "atan": "numpy.Arctan", "atanh": "numpy.Arctanh", "ceil": "numpy.Ceil",
    "cos": "numpy.Cos", "cosh": "numpy.Cosh", "erf": "math.Erf", "exp": "numpy.Exp", "expm1": "numpy.Expm1",
    "floor": "numpy.Floor", "log": "numpy.Log", "log1p": "numpy.Log1p", "log_sigmoid": "nn.LogSigmoid",
    "logical_not": "numpy.LogicalNot", "negative": "numpy.Negative", "ones_like": "numpy.OnesLike",
    "reciprocal": "numpy.Reciprocal", "round": "numpy.Round", "rsqrt": "math.Rsqrt", "sign": "numpy.Sign",
    "sin": "numpy.Sin", "sinh": "numpy.Sinh", "sqrt": "numpy.Sqrt", "square": "numpy.Square",
    "stop_gradient": "core.StopGradient", "tan": "numpy.Tan", "zeros_like": "numpy.ZerosLike",
}  # fmt: skip
"""Functions of one tensor without other arguments."""

_PAIRED = {
    "add": "numpy.Add", "atan2": "numpy.Arctan2", "divide": "numpy.Divide",
    "divide_no_nan": "numpy.DivideNoNan", "equal": "numpy.Equal", "floordiv": "numpy.FloorDivide",
    "floormod": "numpy.Mod", "greater": "numpy.Greater",
    "greater_equal": "numpy.GreaterEqual", "less": "numpy.Less", "less_equal": "numpy.LessEqual",
    "logical_and": "numpy.LogicalAnd", "logical_or": "numpy.LogicalOr", "matmul": "numpy.Matmul",
    "maximum": "numpy.Maximum", "minimum": "numpy.Minimum", "multiply": "numpy.Multiply",
    "not_equal": "numpy.NotEqual", "pow": "numpy.Power", "subtract": "numpy.Subtract",
}  # fmt: skip
"""Functions of two tensors, one of which may be a constant."""

_SECOND = {"atan2": "x", "matmul": "b", "bias_add": "bias"}
"""TensorFlow's name of the second of two arguments, if it is not `y`."""

_REDUCED = {
    "reduce_mean": "numpy.Mean", "reduce_max": "numpy.Max", "reduce_min": "numpy.Min",
    "reduce_sum": "numpy.Sum", "reduce_prod": "numpy.Prod", "reduce_std": "numpy.Std",
    "reduce_variance": "numpy.Var",
    "reduce_logsumexp": "math.Logsumexp", "reduce_any": "numpy.Any", "reduce_all": "numpy.All",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One operation or layer of Keras 3.

    Attributes:
        place: `numpy.Clip` for an operation, `layers.Softmax` for a layer.
        config: Of the class.
        more: Arguments after the tensor.
        keywords: Arguments by name.
    """

    place: str
    config: Given
    more: tuple[object, ...] = ()
    keywords: Given | None = None


def canonical(function: str) -> str | None:
    """Return the canonical name of a TensorFlow function, or None."""
    head, _, last = function.rpartition(".")
    if head in _HEADS:
        return _WORDS.get(last, last)
    return f"image.{last}" if head == "image" else None


def second(word: str) -> str | None:
    """Return the name of the other argument of a function of two tensors, or None."""
    return _SECOND.get(word, "y") if word in _PAIRED or word in ("squared_difference", "bias_add") else None


def paired(word: str) -> str | None:
    """Return the operation of a function of two tensors."""
    return _PAIRED.get("add" if word == "bias_add" else word)


def translated(word: str, given: Given) -> list[Step] | None:
    """Return the equivalent of a function of one tensor, or of a list of tensors: steps in order, or None.

    Args:
        word: Of `canonical`.
        given: Its other arguments, without those that are None.
    """
    if word in _ALONE:
        return [Step(_ALONE[word], {})] if not given else None
    if word in _REDUCED:
        return _reduced(word, given)
    if word in _OF_ONE:
        rest = dict(given)
        try:
            steps = _OF_ONE[word](rest)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None  # an argument is missing or unsupported
        return steps if not rest else None
    return None


def _reduced(word: str, given: Given) -> list[Step] | None:
    axis, keep = given.get("axis"), given.get("keepdims", False)
    whole = _whole(axis) or (isinstance(axis, list) and axis and all(_whole(a) for a in axis))
    if set(given) - {"axis", "keepdims"} or not whole or not isinstance(keep, bool):
        return None  # over the batch too, where no axis is given
    return [Step(_REDUCED[word], {"axis": axis, "keepdims": keep})]


def _clip(given: Given) -> list[Step]:
    return [Step("numpy.Clip", {"x_min": _number(given.pop("clip_value_min")),
                                "x_max": _number(given.pop("clip_value_max"))})]  # fmt: skip


def _cast(given: Given) -> list[Step]:
    return [Step("core.Cast", {"dtype": _text(given.pop("dtype"))})]


def _reshape(given: Given) -> list[Step]:
    shape = _wholes(given.pop("shape"))
    return [Step("numpy.Reshape", {"newshape": shape})]


def _transpose(given: Given) -> list[Step]:
    if given.pop("conjugate", False):
        raise ValueError
    return [Step("numpy.Transpose", {"axes": _wholes(given.pop("perm"))})]


def _concat(given: Given) -> list[Step]:
    return [Step("layers.Concatenate", {"axis": _inner_axis(given)})]


def _stack(given: Given) -> list[Step]:
    return [Step("numpy.Stack", {"axis": _inner_axis(given)})]


def _unstack(given: Given) -> list[Step]:
    return [Step("core.Unstack", {"num": given.pop("num", None), "axis": _inner_axis(given)})]


def _split(given: Given) -> list[Step]:
    parts = given.pop("num_or_size_splits")
    given.pop("num", None)
    if not _whole(parts):
        ends, total = [], 0
        for size in _wholes(parts):
            if size < 0:
                raise ValueError
            total += size
            ends.append(total)
        parts = ends[:-1]
    return [Step("numpy.Split", {"indices_or_sections": parts, "axis": _inner_axis(given)})]


def _expand(given: Given) -> list[Step]:
    return [Step("numpy.ExpandDims", {"axis": _wholes([given.pop("axis")])[0]})]


def _squeeze(given: Given) -> list[Step]:
    axis = given.pop("axis")
    return [Step("numpy.Squeeze", {"axis": axis if _whole(axis) else _wholes(axis)})]


def _pad(given: Given) -> list[Step]:
    mode, value = _text(given.pop("mode", "CONSTANT")).lower(), _number(given.pop("constant_values", 0))
    width = [_wholes(pair) for pair in given.pop("paddings")]
    if mode not in ("constant", "reflect", "symmetric") or width[0] != [0, 0]:
        raise ValueError
    keywords = {"constant_values": value} if mode == "constant" else {}
    return [Step("numpy.Pad", {"pad_width": width, "mode": mode}, keywords=keywords)]


def _resize(given: Given) -> list[Step]:
    size, method = _wholes(given.pop("size")), _text(given.pop("method", "bilinear")).lower()
    if method not in ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5") or len(size) != 2:
        raise ValueError
    if given.pop("preserve_aspect_ratio", False):
        raise ValueError
    return [Step("image.Resize", {"size": size, "interpolation": method, "data_format": "channels_last",
                                  "antialias": bool(given.pop("antialias", False))})]  # fmt: skip


def _blocks(place: str) -> Callable[[Given], list[Step]]:
    def steps(given: Given) -> list[Step]:
        size = _wholes([given.pop("block_size")])[0]
        return [Step(place, {"block_size": size, "data_format": _channels(given)})]

    return steps


def _tile(given: Given) -> list[Step]:
    repeats = _wholes(given.pop("multiples"))
    if repeats[0] != 1:
        raise ValueError
    return [Step("numpy.Tile", {"repeats": repeats})]


def _reverse(given: Given) -> list[Step]:
    return [Step("numpy.Flip", {"axis": _wholes(given.pop("axis"))})]


def _roll(given: Given) -> list[Step]:
    shift, axis = given.pop("shift"), given.pop("axis")
    both = [_wholes(v if isinstance(v, list) else [v]) for v in (shift, axis)]
    return [Step("numpy.Roll", {"shift": both[0], "axis": both[1]})]


def _gather(given: Given) -> list[Step]:
    given.pop("validate_indices", None)
    if given.pop("batch_dims", 0):
        raise ValueError
    indices = given.pop("indices")
    flat = _wholes(indices if isinstance(indices, list) else [indices])
    chosen = {"class_name": "__numpy__", "config": {"value": flat, "dtype": "int32"}}
    return [
        Step("numpy.Take", {"axis": _inner_axis(given)}, (chosen if isinstance(indices, list) else flat[0],))
    ]


def _slice(given: Given) -> list[Step]:
    begin, size = _wholes(given.pop("begin")), _wholes(given.pop("size"))
    spec = [
        {"class_name": "__slice__", "config": {"start": b, "stop": None if s < 0 else b + s, "step": None}}
        for b, s in zip(begin, size, strict=True)
    ]
    return [Step("numpy.GetItem", {}, (spec,))]


def _unit(given: Given) -> list[Step]:
    floor = math.sqrt(_number(given.pop("epsilon", 1e-12)))  # TensorFlow bounds the square
    axis = given.pop("axis")
    return [
        Step("nn.Normalize", {"axis": axis if _whole(axis) else _wholes(axis), "order": 2, "epsilon": floor})
    ]


def _softmax(place: str) -> Callable[[Given], list[Step]]:
    def steps(given: Given) -> list[Step]:
        return [Step(place, {"axis": _wholes([given.pop("axis")])[0]})]

    return steps


def _leaky(given: Given) -> list[Step]:
    return [Step("layers.LeakyReLU", {"negative_slope": _number(given.pop("alpha", 0.2))})]


def _gelu(given: Given) -> list[Step]:
    return [Step("nn.Gelu", {"approximate": bool(given.pop("approximate"))})]


def _cumsum(given: Given) -> list[Step]:
    if given.pop("exclusive", False) or given.pop("reverse", False):
        raise ValueError
    return [Step("numpy.Cumsum", {"axis": _inner_axis(given)})]


def _argument(place: str) -> Callable[[Given], list[Step]]:
    def steps(given: Given) -> list[Step]:
        given.pop("output_type", None)
        return [Step(place, {"axis": _inner_axis(given)})]

    return steps


def _pool(place: str) -> Callable[[Given], list[Step]]:
    def steps(given: Given) -> list[Step]:
        size, strides = _sides(given.pop("ksize")), _sides(given.pop("strides"))
        config = {"pool_size": size, "strides": strides, "padding": _text(given.pop("padding")).lower(),
                  "data_format": _channels(given)}  # fmt: skip
        return [Step(place, config)]

    return steps


def _plain(place: str, **config: object) -> Callable[[Given], list[Step]]:
    def steps(given: Given) -> list[Step]:
        return [Step(place, dict(config))]

    return steps


_OF_ONE: dict[str, Callable[[Given], list[Step]]] = {
    "add_n": _plain("layers.Add"),
    "argmax": _argument("numpy.Argmax"),
    "argmin": _argument("numpy.Argmin"),
    "avg_pool": _pool("layers.AveragePooling2D"),
    "avg_pool2d": _pool("layers.AveragePooling2D"),
    "cast": _cast,
    "clip_by_value": _clip,
    "concat": _concat,
    "cumsum": _cumsum,
    "depth_to_space": _blocks("nn.DepthToSpace"),
    "expand_dims": _expand,
    "gather": _gather,
    "gelu": _gelu,
    "identity": _plain("layers.Identity"),
    "image.flip_left_right": _plain("numpy.Flip", axis=-2),
    "image.flip_up_down": _plain("numpy.Flip", axis=-3),
    "image.resize": _resize,
    "image.rgb_to_grayscale": _plain("image.RGBToGrayscale", data_format="channels_last"),
    "l2_normalize": _unit,
    "leaky_relu": _leaky,
    "log_softmax": _softmax("nn.LogSoftmax"),
    "max_pool": _pool("layers.MaxPooling2D"),
    "max_pool2d": _pool("layers.MaxPooling2D"),
    "pad": _pad,
    "reshape": _reshape,
    "reverse": _reverse,
    "roll": _roll,
    "slice": _slice,
    "softmax": _softmax("layers.Softmax"),
    "space_to_depth": _blocks("nn.SpaceToDepth"),
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "tile": _tile,
    "transpose": _transpose,
    "unstack": _unstack,
}


def _inner_axis(given: Given) -> int:
    """Return an axis other than the batch."""
    axis = given.pop("axis")
    if not _whole(axis) or axis == 0:
        raise ValueError
    return int(axis)


def _channels(given: Given) -> str:
    return {"NHWC": "channels_last", "NCHW": "channels_first"}[given.pop("data_format", "NHWC")]


def _sides(value: object) -> list[int]:
    """Return height and width of a window given by one, two or four numbers."""
    numbers = _wholes(value if isinstance(value, list) else [value])
    if len(numbers) == 4:
        if numbers[0] != 1 or numbers[3] != 1:
            raise ValueError
        return numbers[1:3]
    return numbers * 2 if len(numbers) == 1 else numbers


def _wholes(value: object) -> list[int]:
    if not isinstance(value, list) or not value or not all(_whole(v) for v in value):
        raise ValueError
    return list(value)


def _whole(value: object) -> bool:
    return type(value) is int and abs(value) < 1 << 31


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value
