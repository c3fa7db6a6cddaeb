"""Every Keras layer with weights has units, is skipped by name, or only scales others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

from reportgen.models import load_model
from reportgen.models.graph.kinds import kind_of

PICTURE = (8, 8, 3)
SHAPES = (PICTURE, (64, 3), (8, 24), (192,), (2, 4, 8, 3), (8, 2, 4, 3))
"""Input shapes that a layer may read, made from a picture by reshaping."""

SCALING = {"batch_normalization", "layer_normalization", "group_normalization", "rms_normalization",
           "normalization", "p_re_lu", "rescaling"}  # fmt: skip
"""Their weights scale the units of other layers and define none."""

NUMBERS: dict[str, Any] = {
    "filters": 2, "kernel_size": 1, "units": 2, "num_heads": 2, "key_dim": 2, "head_dim": 2,
    "num_query_heads": 2, "num_key_value_heads": 1, "groups": 1, "input_dim": 4, "output_dim": 2,
    "equation": "...c,ck->...k", "output_shape": (8, 8, 2),
}  # fmt: skip


def made(cls: Any) -> Any:
    """Return a layer of a class with its required arguments only; None where these are unknown."""
    import inspect

    wanted = inspect.signature(cls.__init__).parameters.values()
    asked = [p.name for p in wanted if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD][1:]
    around: dict[str, Any] = {
        "layer": layers.LSTM(2) if cls is layers.Bidirectional else layers.Dense(2),
        "cell": layers.LSTMCell(2),
    }
    known = {**NUMBERS, **around}
    if not set(asked) <= set(known):
        return None
    try:
        return cls(**{name: known[name] for name in asked})
    except (TypeError, ValueError):  # it asks for more than it says
        return None


def after_a_picture(layer: Any, shape: tuple[int, ...]) -> Any:
    """Return a network in which a layer reads a picture of some shape, once or twice."""
    x = keras.Input(PICTURE)
    y = layers.Conv2D(3, 1, name="front")(x)
    y = layers.Reshape(shape)(y) if shape != PICTURE else y
    for inputs in ((y,), (y, y), ([y, y],)):
        try:
            return keras.Model(x, layer(*inputs))
        except Exception:
            continue
    return None


def classes() -> dict[str, Any]:
    return {
        name: cls
        for name, cls in sorted(vars(layers).items())
        if isinstance(cls, type) and issubclass(cls, layers.Layer) and name not in ("InputLayer", "Layer")
    }


def with_weights(cls: Any) -> tuple[Any, Any] | None:
    """Return a network with a layer of a class, and the layer; None where it has no weights."""
    for shape in SHAPES:
        layer = made(cls)
        net = after_a_picture(layer, shape) if layer is not None else None
        if net is not None:
            return (net, layer) if any("seed" not in weight.path for weight in layer.weights) else None
    return None


@pytest.mark.slow
def test_all_layer_classes_are_listed() -> None:
    names = {name for name, cls in classes().items() if with_weights(cls)}
    assert len(names) >= 35
    assert {"Conv2D", "Dense", "EinsumDense", "LSTM", "MultiHeadAttention", "SpectralNormalization",
            "TimeDistributed", "Bidirectional", "Conv3D"} <= names  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", classes())
def test_a_layer_with_weights_is_listed_or_skipped_by_name(tmp_path: Path, name: str) -> None:
    found = with_weights(classes()[name])
    if found is None:
        return  # it holds none; the list above says which do
    net, layer = found
    net.save(tmp_path / "net.keras")
    model = load_model(tmp_path / "net.keras")
    named = {name.split("/")[0] for name in (*(a.name for a in model.layers), *dict(model.skipped))}
    assert layer.name in named or kind_of(layer) in SCALING
    assert all(reason for _, reason in model.skipped)


def test_layers_inside_a_custom_layer_are_named(tmp_path: Path) -> None:
    from reportgen.models.graph.flatten import flatten
    from reportgen.models.graph.taps import find_taps

    class Block(layers.Layer):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__(name="block")
            self.inner = layers.Conv2D(3, 1)

        def call(self, x: Any) -> Any:
            return self.inner(x)

    x = keras.Input(PICTURE)
    nodes, outputs = flatten(keras.Model(x, Block()(layers.Conv2D(3, 1)(x))))
    assert "conv2d" in dict(find_taps(nodes, outputs)[1])["block"]
