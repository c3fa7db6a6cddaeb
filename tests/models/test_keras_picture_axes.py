"""The channel axis of a Keras network's picture is read from the network, or must be given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from reportgen.errors import ConfigError, ModelError
from reportgen.models import cut_model, load_model
from reportgen.models.keras.parity import compare_with_keras
from reportgen.models.sources import find_source
from tests.models.nets import stirred

Turn = Callable[[Any], Any]
TURNS: dict[str, Turn] = {
    "permute": layers.Permute((2, 3, 1)),
    "transpose": lambda x: ops.transpose(x, (0, 2, 3, 1)),
    "moveaxis": lambda x: ops.moveaxis(x, 1, -1),
    "swapaxes": lambda x: ops.swapaxes(ops.swapaxes(x, 1, 2), 2, 3),
    "scaled and cut": lambda x: ops.moveaxis(layers.Rescaling(1 / 255.0)(x)[:, :, 1:-1, 1:-1], 1, -1),
    "in a model inside": lambda x: keras.Sequential([keras.Input(x.shape[1:]), layers.Permute((2, 3, 1))])(x),
    "frame by frame": lambda x: ops.stack([x[:, i] for i in range(x.shape[1])], axis=-1),
}


def saved(picture: Any, x: Any, folder: Path, ending: str = "keras") -> Path:
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    net = stirred(keras.Model(picture, layers.Dense(2, name="end")(layers.GlobalAveragePooling2D()(x))))
    net.save(folder / f"net.{ending}")
    return folder / f"net.{ending}"


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("shape", [(3, 24, 20), (4, 84, 84), (5, 5, 5)])
def test_a_picture_that_the_network_transposes_itself_has_channels_first(
    shape: tuple[int, ...], ending: str, tmp_path: Path
) -> None:
    picture = keras.Input(shape)
    path = saved(picture, layers.Permute((2, 3, 1))(picture), tmp_path, ending)
    model = load_model(path)
    assert model.input_shape == (*shape[1:], shape[0])
    assert model.layer("conv").receptive_field_px == (3, 3)
    assert any("channels first" in note for note in model.notes)
    assert compare_with_keras(find_source(path), model).same
    seen = np.random.default_rng(0).random((2, *shape[1:], shape[0]), np.float32)
    theirs = keras.models.load_model(path)(seen.transpose(0, 3, 1, 2))
    mine = seen
    for node in model.nodes[1:]:
        (mine,) = node.call([mine])
    np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_every_way_of_transposing_is_recognised(turn: Turn, tmp_path: Path) -> None:
    picture = keras.Input((3, 24, 20))
    path = saved(picture, turn(picture), tmp_path)
    model = load_model(path)
    assert model.input_shape == (24, 20, 3)
    assert compare_with_keras(find_source(path), model).same


def test_height_and_width_may_be_swapped_and_channels_stay_last(tmp_path: Path) -> None:
    picture = keras.Input((3, 20, 16))
    path = saved(picture, layers.Permute((2, 1, 3))(picture), tmp_path)
    assert load_model(path).input_shape == (3, 20, 16)


def mlp(shape: tuple[int, ...], folder: Path, turn: Turn = lambda x: x) -> Path:
    picture = keras.Input(shape)
    x = layers.Dense(4, activation="relu")(layers.Flatten()(turn(picture)))
    stirred(keras.Model(picture, layers.Dense(2)(x))).save(folder / "mlp.keras")
    return folder / "mlp.keras"


@pytest.mark.parametrize(("shape", "turn"), [
    ((3, 64, 64), lambda x: x), ((8, 8, 8), layers.Permute((2, 3, 1))), ((3, 64, 64), layers.Dense(7)),
])  # fmt: skip
def test_an_ambiguous_axis_must_be_given_and_is_then_used(
    shape: tuple[int, ...], turn: Turn, tmp_path: Path
) -> None:
    path = mlp(shape, tmp_path, turn)
    with pytest.raises(ModelError, match="the network does not show which side of input") as caught:
        load_model(path)
    assert "--channels" in caught.value.hint
    first, last = (load_model(path, channels=c) for c in ("first", "last"))
    assert first.input_shape == (*shape[1:], shape[0]) and last.input_shape == shape
    assert compare_with_keras(find_source(path), first, channels="first").same


def test_channels_are_last_in_keras_without_evidence_against_it(tmp_path: Path) -> None:
    for shape in ((28, 28, 1), (32, 32, 3), (16, 16, 12)):
        assert load_model(mlp(shape, tmp_path)).input_shape == shape


def test_a_given_axis_that_contradicts_the_network_is_refused(tmp_path: Path) -> None:
    picture = keras.Input((3, 24, 20))
    path = saved(picture, TURNS["permute"](picture), tmp_path)
    with pytest.raises(ConfigError, match='"last", but the network takes those of input'):
        load_model(path, channels="last")


def test_a_second_picture_is_held_with_its_channels_first_as_well(tmp_path: Path) -> None:
    left, right = keras.Input((3, 24, 20), name="left"), keras.Input((3, 24, 20), name="right")
    x = layers.Permute((2, 3, 1))(layers.Concatenate(axis=1)([left, right]))
    path = saved([left, right], x, tmp_path)
    model = load_model(path)
    assert model.input_shape == (24, 20, 3)
    assert compare_with_keras(find_source(path), model).same
    assert cut_model(model, model.layer("conv"), (12, 12)).network(np.zeros((1, 12, 12, 3)))[0].shape[
        1:3
    ] == (
        10,
        10,
    )
