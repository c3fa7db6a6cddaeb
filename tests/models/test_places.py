"""Places of a map are distinguished from windows, tokens and channels through reshapes and transpositions."""

from pathlib import Path

import keras
import pytest
from keras import layers

from reportgen.models import load_model


def read(tmp_path: Path, build):
    picture = keras.Input((12, 12, 4))
    path = tmp_path / "net.keras"
    keras.Model(picture, build(layers.Conv2D(16, 3, padding="same", name="first")(picture))).save(path)
    return load_model(path)


def shuffled(x):
    """A pixel shuffle as separate operations: 12 x 12 x (2, 2, 4) becomes 24 x 24 x 4."""
    x = keras.ops.transpose(keras.ops.reshape(x, (-1, 12, 12, 2, 2, 4)), (0, 1, 3, 2, 4, 5))
    return layers.Conv2D(2, 1, name="last")(keras.ops.reshape(x, (-1, 24, 24, 4)))


def decoded(x):
    x = layers.Reshape((6, 6, 8))(layers.Dense(288, name="code")(layers.GlobalAveragePooling2D()(x)))
    return layers.Conv2DTranspose(3, 3, strides=2, name="last")(x)


@pytest.mark.parametrize("build", [shuffled, decoded])
def test_maps_that_are_shuffled_or_begin_in_a_decoder_have_units(tmp_path, build):
    model = read(tmp_path, build)
    assert "last" in model.taps and not model.skipped


def mixed(x):
    return layers.Conv2D(2, 1, name="last")(layers.Reshape((24, 24, 4))(x))


def windows(x):
    x = keras.ops.transpose(keras.ops.reshape(x, (-1, 3, 4, 3, 4, 16)), (0, 1, 3, 2, 4, 5))
    return layers.Dense(2, name="last")(keras.ops.reshape(x, (-1, 9, 16, 16)))


@pytest.mark.parametrize("build", [mixed, windows])
def test_maps_of_mixed_places_or_windows_are_skipped_by_name(tmp_path, build):
    model = read(tmp_path, build)
    assert [name for name, _ in model.skipped] == ["last"]
