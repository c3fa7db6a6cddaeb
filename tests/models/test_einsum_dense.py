"""A product over the channels of a map is a convolution of 1x1, however its sum is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models import cut_model, load_model
from reportgen.models.keras.parity import compare_with_keras
from reportgen.models.sources import find_source
from tests.models.nets import stirred


def saved(folder: Path, layer: Any, *, tokens: bool = False) -> Path:
    """Save a network with that layer over a map, or over its places as tokens."""
    x = keras.Input((8, 6, 3))
    y = layers.Conv2D(4, 3, activation="relu", padding="same", name="front")(x)
    y = layers.Reshape((48, 4))(y) if tokens else y
    y = layers.Flatten()(layer(y))
    path = folder / "net.keras"
    stirred(keras.Model(x, layers.Dense(2, name="end")(y))).save(path)
    return path


@pytest.mark.parametrize(
    ("equation", "options"),
    [
        ("...c,cd->...d", {}),
        ("bhwc,cd->bhwd", {"bias_axes": "d"}),
        ("abcd,ed->abce", {"bias_axes": "e", "activation": "relu"}),
    ],
)
def test_over_the_channels_of_a_map_it_is_a_layer_of_the_picture(
    tmp_path: Path, equation: str, options: dict[str, Any]
) -> None:
    shape = 5 if equation.startswith("...") else (8, 6, 5)
    layer = layers.EinsumDense(equation, output_shape=shape, name="mix", **options)
    path = saved(tmp_path, layer)
    model = load_model(path)
    assert [(one.name, one.n_units) for one in model.layers] == [("front", 4), ("mix", 5), ("end", 2)]
    assert model.layer("mix").receptive_field_px == (3, 3)
    assert model.layer("mix").activation == options.get("activation", "linear")
    assert compare_with_keras(find_source(path), model).same
    pictures = np.random.default_rng(0).random((2, 8, 6, 3)).astype(np.float32)
    theirs = keras.saving.load_model(path)
    wanted = keras.Model(theirs.input, theirs.get_layer("mix").output)(pictures)
    np.testing.assert_allclose(
        cut_model(model, model.layer("mix"), (8, 6)).network(pictures)[1], wanted, rtol=1e-4, atol=1e-5
    )


def test_over_the_features_of_tokens_it_is_a_layer_over_tokens(tmp_path: Path) -> None:
    layer = layers.EinsumDense("...c,cd->...d", output_shape=(5,), name="mix")
    model = load_model(saved(tmp_path, layer, tokens=True))
    assert (model.layer("mix").n_units, model.layer("mix").map_size) == (5, (48, 1))


@pytest.mark.parametrize(
    ("equation", "shape"),
    [
        ("bhwc,hk->bkwc", (5, 6, 4)),
        ("bhwc,wcd->bhd", (8, 5)),
        ("bhwc,hwcd->bd", (5,)),
    ],
)
def test_over_anything_else_it_is_skipped_by_name(
    tmp_path: Path, equation: str, shape: tuple[int, ...]
) -> None:
    path = saved(tmp_path, layers.EinsumDense(equation, output_shape=shape, name="mix"))
    model = load_model(path)
    assert [name for name, _ in model.skipped] == ["mix"]
    assert compare_with_keras(find_source(path), model).same
