"""A network that was built for a batch of its own is read for any, or refused in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from reportgen.errors import ModelError
from reportgen.models import cut_model, load_model
from reportgen.models.keras.parity import compare_with_keras
from reportgen.models.sources import find_source

SIDE = 8


def built(tmp_path: Path, batch: int, after: Any) -> Path:
    """Save a convolution, what comes after it, and a dense layer, for a batch."""
    x = keras.Input(batch_shape=(batch, SIDE, SIDE, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    path = tmp_path / "net.keras"
    keras.Model(x, layers.Dense(2, name="end")(after(y, batch))).save(path)
    return path


RESHAPES = {
    "the rest is left open": lambda y, n: ops.reshape(y, (n, -1)),
    "all is said": lambda y, n: ops.reshape(y, (n, 144)),
    "tokens and back": lambda y, n: ops.mean(ops.reshape(ops.reshape(y, (n * 36, 4)), (n, 36, 4)), axis=1),
    "nothing is said": lambda y, n: layers.Flatten()(y),
}


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("after", RESHAPES.values(), ids=list(RESHAPES))
def test_a_fixed_batch_that_is_carried_along_is_opened(tmp_path: Path, batch: int, after: Any) -> None:
    path = built(tmp_path, batch, after)
    model = load_model(path)
    pictures = np.random.default_rng(0).random((batch, SIDE, SIDE, 3)).astype(np.float32)
    theirs = np.asarray(keras.saving.load_model(path)(pictures))
    network = cut_model(model, model.layer("end"), (SIDE, SIDE)).network
    np.testing.assert_allclose(np.asarray(network(pictures)[0]), theirs, atol=1e-5)
    three = np.random.default_rng(1).random((3, SIDE, SIDE, 3)).astype(np.float32)
    assert network(three)[0].shape == (3, 2)
    assert compare_with_keras(find_source(path), model).same
    assert any("batch of 8" in note for note in model.notes) == (batch == 8)


def test_a_batch_that_is_worked_on_together_is_refused_in_a_line(tmp_path: Path) -> None:
    path = built(tmp_path, 8, lambda y, n: ops.reshape(ops.mean(y, axis=0), (1, -1)))
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert "batch of 8" in str(caught.value)
    assert "\n" not in str(caught.value)
