"""Layers over tokens: ViT, Swin, Mixer; and convolutions along one axis of a spectrogram as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from reportgen.errors import ModelError
from reportgen.models import Model, cut_model, load_model
from reportgen.models.parity import compare_cuts, compare_import
from tests.models.nets import pictures, stirred
from tests.models.zoo.files import unpacked

CONTEXT = "reads windows (such as Swin's), or tokens of all pictures in one list"


def vit() -> Any:
    """Patch embedding, a class token, attention and an MLP, as ViT has them."""
    x = i = keras.Input((24, 24, 3))
    x = layers.Reshape((9, 8))(layers.Conv2D(8, 8, strides=8, name="patches")(x))
    x = ops.concatenate([ops.mean(x, axis=1, keepdims=True), x], axis=1)
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4, name="attention")(y, y)])
    y = layers.Dense(16, activation="gelu", name="wide")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(8, name="narrow")(y)])
    return keras.Model(i, layers.Dense(3, activation="softmax", name="head")(x[:, 0]))


def grouped() -> Any:
    """Attention whose heads share keys and values."""
    i = keras.Input((24, 24, 3))
    x = layers.Reshape((9, 8))(layers.Conv2D(8, 8, strides=8, name="patches")(i))
    x = layers.Add()([x, layers.GroupQueryAttention(4, 4, 2, name="attention")(x, x)])
    return keras.Model(i, layers.Dense(3, name="head")(layers.GlobalAveragePooling1D()(x)))


def mixer() -> Any:
    """An MLP over tokens, for each feature, and one over features, for each token."""
    i = keras.Input((24, 24, 3))
    x = layers.Reshape((9, 8))(layers.Conv2D(8, 8, strides=8, name="patches")(i))
    y = layers.Dense(9, name="across")(layers.Permute((2, 1))(layers.LayerNormalization()(x)))
    x = layers.Add()([layers.Permute((2, 1))(y), x])
    x = layers.Add()([x, layers.Dense(8, name="along")(layers.LayerNormalization()(x))])
    return keras.Model(i, layers.Dense(3, name="head")(layers.GlobalAveragePooling1D()(x)))


def swin() -> Any:
    """A layer within windows, whose rows are windows of pictures, and an MLP over all places."""

    def turned(x: Any) -> Any:
        return ops.transpose(ops.reshape(x, (-1, 2, 2, 2, 2, 8)), (0, 1, 3, 2, 4, 5))

    i = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 4, strides=4, name="patches")(i)
    inside = layers.Dense(8, name="inside")(ops.reshape(turned(x), (-1, 4, 8)))
    x = layers.Add()([x, ops.reshape(turned(inside), (-1, 4, 4, 8))])
    y = layers.Dense(16, activation="gelu", name="wide")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(8, name="narrow")(y)])
    return keras.Model(i, layers.Dense(3, name="head")(layers.GlobalAveragePooling2D()(x)))


def spectrogram() -> Any:
    """Frequencies down, time across; two convolutions along time, over all frequencies."""
    i = keras.Input((20, 32, 1))
    x = layers.Reshape((32, 20))(layers.Permute((2, 1, 3))(i))
    x = layers.Conv1D(6, 5, activation="relu", name="first")(x)
    x = layers.Conv1D(5, 3, padding="same", activation="relu", name="second")(layers.MaxPooling1D(2)(x))
    return keras.Model(i, layers.Dense(2, activation="softmax", name="head")(layers.GlobalMaxPooling1D()(x)))


def read(build: Callable[[], Any], folder: Path) -> tuple[Any, Model]:
    """Return a network with random weights, and what is read from its file."""
    network = stirred(build())
    network.save(folder / "net.keras")
    return network, load_model(folder / "net.keras")


def names(model: Model) -> list[str]:
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    ("build", "wanted"),
    [
        (vit, {"attention": (10, 1), "wide": (10, 1), "narrow": (10, 1)}),
        (grouped, {"attention": (9, 1)}),
        (mixer, {"along": (9, 1)}),
        (swin, {"wide": (4, 4), "narrow": (4, 4)}),
        (spectrogram, {"first": (28, 1), "second": (14, 1)}),
    ],
)
def test_units_over_tokens_have_the_values_of_the_network(
    build: Callable[[], Any], wanted: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    network, model = read(build, tmp_path)
    assert compare_cuts(model).same
    shown = pictures(3, *model.input_shape)
    low, high = model.input_range.low[0], model.input_range.high[0]
    for name, places in wanted.items():
        layer = model.layer(name)
        assert (layer.map_size, layer.n_units) == (places, network.get_layer(name).output.shape[-1])
        own = cut_model(model, layer, model.input_shape[:2])
        found = own.network(shown)[1]
        theirs = keras.Model(network.input, network.get_layer(name).output)(shown * (high - low) + low)
        np.testing.assert_allclose(
            np.reshape(found, (3, *places, -1)), np.reshape(theirs, (3, *places, -1)), rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize(("build", "name"), [(vit, "wide"), (mixer, "along"), (swin, "narrow")])
def test_one_unit_over_tokens_alone_has_the_values_that_it_has_among_all(
    build: Callable[[], Any], name: str, tmp_path: Path
) -> None:
    _, model = read(build, tmp_path)
    cut = cut_model(model, model.layer(name), model.input_shape[:2])
    shown, units = pictures(3, *model.input_shape), np.array([[0], [4], [7]])
    whole = np.asarray(cut.network(shown)[0])
    alone = np.asarray(cut.single_unit_network([shown, units]))
    wanted = [whole[at, ..., unit] for at, unit in enumerate(units[:, 0])]
    np.testing.assert_allclose(alone, np.stack(wanted), rtol=1e-4, atol=1e-5)


def test_units_that_mix_tokens_are_skipped_and_the_reason_says_so(tmp_path: Path) -> None:
    _, model = read(mixer, tmp_path)
    assert names(model) == ["patches", "along", "head"]
    assert "mix tokens" in dict(model.skipped)["across"]


def test_a_layer_within_windows_is_skipped_and_the_reason_says_so(tmp_path: Path) -> None:
    _, model = read(swin, tmp_path)
    assert names(model) == ["patches", "wide", "narrow", "head"]
    assert CONTEXT in dict(model.skipped)["inside"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (lambda: layers.LSTM(6, return_sequences=True, name="other"), "reads a series step by step"),
        (lambda: layers.EinsumDense("bte,ehd->bthd", (9, 2, 3), name="other"), "a product over several axes"),
        (lambda: layers.AdditiveAttention(name="other"), "attention: its units respond to tokens"),
    ],
)
def test_other_layers_over_tokens_are_skipped_and_the_reason_says_so(
    kind: Callable[[], Any], reason: str, tmp_path: Path
) -> None:
    i = keras.Input((24, 24, 3))
    x = layers.Reshape((9, 8))(layers.Conv2D(8, 8, strides=8, name="patches")(i))
    other = kind()
    y = other([x, x]) if isinstance(other, layers.AdditiveAttention) else other(x)
    y = layers.Dense(3, name="head")(layers.Flatten()(y))
    keras.Model(i, y).save(tmp_path / "net.keras")
    model = load_model(tmp_path / "net.keras")
    assert names(model) == ["patches", "head"] and reason in dict(model.skipped)["other"]


def test_a_layer_over_tokens_reads_the_whole_input_so_that_its_canvas_is_the_input(tmp_path: Path) -> None:
    _, model = read(vit, tmp_path)
    wide = model.layer("wide")
    assert wide.over_tokens and wide.field_px is None and wide.stride_px is None
    assert not model.layer("patches").over_tokens and not model.layer("head").over_tokens


@pytest.mark.parametrize(
    ("name", "form", "tokens", "skipped"),
    [
        (
            "vit",
            "torch-new-21",
            3,
            1,
        ),  # queries, keys and values in one; the MLP
        ("mixer", "torch-old-17", 1, 1),
        ("swin", "torch-new-21", 0, 2),  # both layers are within windows
        ("vit", "tf2onnx-17", 2, 4),
    ],
)
def test_exported_networks_have_the_same_units_or_say_why_not(
    name: str, form: str, tokens: int, skipped: int, tmp_path: Path
) -> None:
    unpacked(name, tmp_path)
    path = tmp_path / f"{form}.onnx"
    model = load_model(path)
    assert sum(layer.over_tokens for layer in model.layers) == tokens
    assert compare_import(path, model).same and compare_cuts(model).same
    assert len(model.skipped) == skipped
    assert all(CONTEXT in reason or "mix tokens" in reason for _, reason in model.skipped)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((12,), "not a picture"),
        ((200, 1), "text or a series"),
        ((8, 16, 16, 1), "a film or a volume"),
    ],
)
def test_tables_sound_and_volumes_are_refused_by_what_they_look_like(
    shape: tuple[int, ...], reason: str, tmp_path: Path
) -> None:
    i = keras.Input(shape)
    kernel = {1: layers.Dense(4), 2: layers.Conv1D(4, 3), 4: layers.Conv3D(4, 3)}[len(shape)]
    keras.Model(i, kernel(i)).save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match=reason):
        load_model(tmp_path / "net.keras")
