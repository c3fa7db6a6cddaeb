"""A Keras network in which one picture's result depends on the rest of its batch is refused in one line."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers, ops

from reportgen.errors import ModelError
from reportgen.models import load_model
from reportgen.models.batch_independence import may_mix_batch
from tests.models.nets import nested_twice, plain, skipping

SIDE = 8


def saved(tmp_path: Path, step: Any, batch: int | None) -> Path:
    """Save a convolution, a step after it, a second convolution and a dense layer."""
    keras.utils.set_random_seed(1)
    x = keras.Input(batch_shape=(batch, SIDE, SIDE, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a softmax over one picture
        y = step(y, batch)
    y = layers.Conv2D(4, 3, name="after")(y)
    path = tmp_path / "net.keras"
    keras.Model(x, layers.Dense(2, name="end")(layers.GlobalAveragePooling2D()(y))).save(path)
    return path


def turned_softmax(y: Any, n: int | None) -> Any:
    return ops.transpose(ops.softmax(ops.transpose(y, (3, 1, 2, 0)), axis=-1), (3, 1, 2, 0))


MIXED = {
    "softmax": lambda y, n: layers.Softmax(axis=0, name="step")(y),
    "unit_normalization": lambda y, n: layers.UnitNormalization(axis=0, name="step")(y),
    "flip": lambda y, n: ops.flip(y, axis=0),
    "roll": lambda y, n: ops.roll(y, 1, axis=0),
    "cumsum": lambda y, n: ops.cumsum(y, axis=0),
    "turned softmax": turned_softmax,
}
MEAN = {"mean": lambda y, n: y - ops.mean(y, axis=0, keepdims=True)}
FIXED = {
    "layer_normalization": lambda y, n: layers.LayerNormalization(axis=(0, 1, 2, 3), name="step")(y),
    "batch_normalization": lambda y, n: layers.BatchNormalization(axis=0, name="step")(y),
}
REGROUPED = {"reshape": lambda y, n: ops.reshape(ops.softmax(ops.reshape(y, (n // 2, -1))), (n, 6, 6, 4))}
ALONE = {
    "rows of pictures": lambda y, n: ops.reshape(ops.relu(ops.reshape(y, (-1, 6, 4))), (-1, 6, 6, 4)),
    "in training": lambda y, n: layers.BatchNormalization()(y, training=True),
    "softmax over places": lambda y, n: layers.Softmax(axis=(1, 2))(y),
    "pictures in between": lambda y, n: ops.transpose(
        ops.softmax(ops.transpose(y, (1, 0, 2, 3)), axis=0), (1, 0, 2, 3)
    ),
    "its own mean": lambda y, n: y - ops.mean(y, axis=(1, 2), keepdims=True),
}


@pytest.mark.parametrize(
    ("kind", "step", "batch"),
    [(k, s, b) for k, s in MIXED.items() for b in (None, 1, 4)]
    + [(k, s, None) for k, s in MEAN.items()]
    + [(k, s, 4) for k, s in REGROUPED.items()],
)
def test_a_network_that_mixes_pictures_is_refused_naming_the_first_operation(
    tmp_path: Path, kind: str, step: Any, batch: int | None
) -> None:
    with pytest.raises(ModelError, match="mixes the pictures of a batch") as caught:
        load_model(saved(tmp_path, step, batch))
    assert f"({kind.split()[-1]})" in str(caught.value) and "\n" not in str(caught.value)


def test_an_operation_that_gives_a_single_picture_is_refused(tmp_path: Path) -> None:
    def spread(y: Any, n: int | None) -> Any:
        return ops.broadcast_to(layers.GlobalMaxPooling2D(keepdims=True)(y), (1, 6, 6, 4)) * y

    with pytest.raises(ModelError, match=r"\(broadcast_to\) works for one batch size only"):
        load_model(saved(tmp_path, spread, None))


@pytest.mark.parametrize("step", FIXED.values(), ids=list(FIXED))
def test_a_layer_with_weights_for_each_picture_of_a_batch_is_refused(tmp_path: Path, step: Any) -> None:
    with pytest.raises(ModelError, match=r'layer "step" .* works for one batch size only'):
        load_model(saved(tmp_path, step, 4))


@pytest.mark.parametrize("step", ALONE.values(), ids=list(ALONE))
def test_operations_that_move_the_batch_axis_without_mixing_are_accepted(tmp_path: Path, step: Any) -> None:
    assert [layer.name for layer in load_model(saved(tmp_path, step, None)).layers] == [
        "conv",
        "after",
        "end",
    ]


@pytest.mark.parametrize("net", [plain, skipping, nested_twice])
def test_layers_whose_settings_name_no_axis_are_not_run(tmp_path: Path, net: Any) -> None:
    net().save(tmp_path / "net.keras")
    nodes = load_model(tmp_path / "net.keras").nodes
    assert not any(may_mix_batch(nodes, node) for node in nodes)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
def test_a_state_kept_between_batches_is_refused_as_such(tmp_path: Path, kind: Any) -> None:
    x = keras.Input(batch_shape=(2, SIDE, SIDE, 3))
    y = layers.Reshape((6, 24))(layers.Conv2D(4, 3, name="conv")(x))
    path = tmp_path / "net.keras"
    keras.Model(x, layers.Dense(2)(kind(5, stateful=True, name="steps")(y))).save(path)
    with pytest.raises(ModelError, match=r'"steps" .* keeps its state from one batch .* stateful=False'):
        load_model(path)
