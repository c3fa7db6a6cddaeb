"""Class names and keys of Keras 1 and 2 that Keras 3 no longer accepts, and their equivalents.

Tables and small rules for one layer at a time: classes and keys that were renamed, keys that cannot affect
what a network computes, and values with which a key may be left out. `config` connects the layers.
"""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.errors import ModelError
from reportgen.keras_types import Config, ConfigValue
from reportgen.models.keras import known_classes as known

CLASSES = {
    "Convolution2D": "Conv2D",
    "AtrousConvolution2D": "Conv2D",
    "AtrousConv2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
    "SyncBatchNormalization": "BatchNormalization",
    "RandomHeight": "Identity",
    "RandomWidth": "Identity",
    "Model": "Functional",
}
"""Classes that were renamed."""

_TRAINING_ONLY = {"RandomHeight", "RandomWidth"}
"""Classes of Keras 2 that Keras 3 lacks and that are the identity outside training."""

_CONVOLUTIONS = frozenset({"Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose"})
_WINDOWS = _CONVOLUTIONS | {"MaxPooling2D", "AveragePooling2D"}
_KEYS: dict[str, tuple[str, frozenset[str] | None]] = {
    "nb_filter": ("filters", _CONVOLUTIONS),
    "subsample": ("strides", _CONVOLUTIONS),
    "atrous_rate": ("dilation_rate", frozenset({"Conv2D"})),
    "border_mode": ("padding", _WINDOWS),
    "bias": ("use_bias", _CONVOLUTIONS | {"Dense"}),
    "output_dim": ("units", frozenset({"Dense"})),
    "p": ("rate", frozenset({"Dropout", "SpatialDropout2D", "GaussianDropout"})),
    "sigma": ("stddev", frozenset({"GaussianNoise"})),
    "alpha": ("negative_slope", frozenset({"LeakyReLU"})),
    "theta": ("threshold", frozenset({"ReLU"})),
    "batch_input_shape": ("batch_shape", frozenset({"InputLayer"})),
    "input_dtype": ("dtype", frozenset({"InputLayer"})),
    "dim_ordering": ("data_format", None),
}
"""From an old key to the new one and the classes it applies to; None for all."""

_INTERPOLATIONS = {"bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"}
_ORDERS = {"th": "channels_first", "tf": "channels_last"}
_IDLE = frozenset(
    {
        "init", "inner_init", "forget_bias_init", "beta_init", "gamma_init", "weights", "lr", "learning_rate",
        "W_learning_rate_multiplier", "b_learning_rate_multiplier", "consume_less", "implementation",
        "W_regularizer", "b_regularizer", "U_regularizer", "W_constraint", "b_constraint", "U_constraint",
        "input_dim", "input_length", "input_shape", "batch_input_shape", "input_dtype", "fused",
        "renorm_clipping", "renorm_momentum", "shared_object_id", "optimizer", "experimental_autocast",
        "build_input_shape", "cache_enable", "create_input", "trainable", "synchronized",
        "query_shape", "key_shape", "value_shape",
    }
)  # fmt: skip
"""Keys that affect training or building only and never what a network computes."""

_IDLE_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_IDLE_AT: dict[str, tuple[object, ...]] = {
    "rms_scaling": (False,),
    "groups": (1, None),
    "renorm": (False, None),
    "virtual_batch_size": (None,),
    "adjustment": (None,),
    "mode": (0,),
    "ragged": (False, None),
    "sparse": (False, None),
    "dynamic": (False,),
    "stateful": (False,),
    "keepdims": (False, None),
    "time_major": (False,),
    "go_backwards": (False,),
    "optional": (False,),
    "output_padding": (None,),
    "depth_multiplier": (1,),
    "noise_shape": (None,),
    "autocast": (True, None),
    "activity_regularizer": (None,),
    "dilation_rate": (1, [1, 1]),
    "arguments": ({}, None),
}
"""Keys that affect no result at these values, but would at others."""


def current_class(class_name: str, config: Config, version: int) -> tuple[str, Config]:
    """Return the Keras 3 equivalent of a class of some version, and its configuration."""
    if version < 3 and class_name in _TRAINING_ONLY:
        config = {k: v for k, v in config.items() if k in ("name", "trainable", "dtype")}
    if (
        version < 3 and class_name == "RandomCrop"
    ):  # outside training, cropped to the proportion of the sides and resized
        config = {k: v for k, v in config.items() if k != "seed"}
        return "Resizing", {**config, "interpolation": "bilinear", "crop_to_aspect_ratio": True}
    return CLASSES.get(class_name, class_name), config


def layer_keys(class_name: str, config: Mapping[str, object], accepted: frozenset[str], where: str) -> tuple[
    Config, list[str]
]:  # fmt: skip
    """Return a layer's configuration with Keras 3's keys, and the keys that were left out.

    Args:
        class_name: In Keras 3.
        config: As in the file.
        accepted: The keys that the class accepts.
        where: File and layer, for messages.

    Raises:
        ModelError: An unknown key, or a value that the Keras 3 layer does not accept.
    """
    kept: Config = {}
    dropped: list[str] = []
    for key, value in _renamed(class_name, config, where).items():
        if key.endswith(_IDLE_ENDINGS) and key != "activity_regularizer":
            own = _own_training(key, value)
            if own or key not in accepted:
                dropped.append(f"{key} {own}".strip())
        elif key in accepted:
            kept[key] = value
        elif key in _IDLE or any(value == idle for idle in _IDLE_AT.get(key, ())):
            dropped.append(key)
        else:
            raise ModelError(
                f'{where}: key "{key}" of class {class_name} is {_short(value)}, which Keras 3 does not know',
                hint="load it with the Keras it was saved with and save it as .keras",
            )
    kept.pop("activity_regularizer", None)
    return kept, dropped


def _own_training(key: str, value: object) -> str:
    """Return the name of an initialiser, regulariser or constraint unknown to Keras; else an empty text."""
    found = value.get("class_name") if isinstance(value, dict) else value
    if found == "function" and isinstance(value, dict):
        found = value.get("config")
    if not isinstance(found, str):
        return ""
    return "" if _plain(found) in _KNOWN_TRAINING[key.rpartition("_")[2]] else found[:60]


def _plain(name: str) -> str:
    """Return the common form of class and function names: `MaxNorm`, `max_norm`, `maxnorm`."""
    return name.replace("_", "").lower()


_KNOWN_TRAINING = {
    kind: {_plain(name) for name in (*table, *known.OLD_NAMES.get(kind, ()))}
    for kind, table in (
        ("initializer", known.INITIALIZERS),
        ("regularizer", known.REGULARIZERS),
        ("constraint", known.CONSTRAINTS),
    )
}


def _renamed(class_name: str, config: Mapping[str, object], where: str) -> Config:
    result = dict(config)
    for old, (new, classes) in _KEYS.items():
        if old in result and (classes is None or class_name in classes) and new not in result:
            result[new] = result.pop(old)
    if class_name in _CONVOLUTIONS and "nb_row" in result and "nb_col" in result:
        result["kernel_size"] = [result.pop("nb_row"), result.pop("nb_col")]
    order = result.get("data_format")
    if isinstance(order, str) and order in _ORDERS:
        result["data_format"] = _ORDERS[order]
    axis = result.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        result["axis"] = axis[0]
    if class_name == "ZeroPadding2D":
        result["padding"] = _four_sides(result.get("padding"), where)
    if class_name == "Resizing" and str(result.get("interpolation", "bilinear")) not in _INTERPOLATIONS:
        raise ModelError(
            f"{where}: interpolation {_short(result['interpolation'])} of class Resizing has no counterpart "
            "in Keras 3"
        )
    if result.get("padding") == "full" and class_name in _WINDOWS:
        raise ModelError(f'{where}: border_mode "full" of class {class_name} has no counterpart in Keras 3')
    return result


def _four_sides(padding: object, where: str) -> ConfigValue:
    """Return the padding of Keras 1, two or four numbers or a mapping, as pairs."""
    if isinstance(padding, dict):
        known = {"top_pad", "bottom_pad", "left_pad", "right_pad"}
        if set(padding) - known:
            raise ModelError(
                f'{where}: key "padding" is {_short(padding)}, wanted {", ".join(sorted(known))}'
            )
        top, bottom, left, right = (
            padding.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right")
        )
        return [[top, bottom], [left, right]]
    if isinstance(padding, list) and len(padding) == 4:
        return [padding[:2], padding[2:]]
    return padding


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
