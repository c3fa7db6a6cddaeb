"""Units over tokens through the whole way: rendered, scored, on a page, removed."""

import numpy as np
import pytest

import reportgen

keras = pytest.importorskip("keras", reason="the networks are made with Keras")
pytestmark = pytest.mark.slow


def patches_only(path):
    """Save a network of tokens whose units are linear in each patch, and return their kernels."""
    rng = np.random.default_rng(3)
    i = keras.Input((32, 32, 1))
    x = keras.layers.Reshape((16, 6))(keras.layers.Conv2D(6, 8, strides=8, name="patches")(i))
    x = keras.layers.Dense(3, name="features")(x)
    outputs = keras.layers.Dense(2, activation="softmax", name="head")(
        keras.layers.GlobalAveragePooling1D()(x)
    )
    network = keras.Model(i, outputs)
    for weight in network.weights:
        weight.assign(rng.normal(0, 0.4, weight.shape) if len(weight.shape) > 1 else np.zeros(weight.shape))
    network.save(path)
    kernels = (
        network.get_layer("patches").kernel.numpy()[:, :, 0],
        network.get_layer("features").kernel.numpy(),
    )
    return np.einsum("hwc,cd->dhw", *kernels)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    kernels = patches_only(folder / "tokens.keras")
    made = reportgen.atlas(
        folder / "tokens.keras", store=folder / "tokens.db", site=folder / "site", seeds=2, layers="features",
        input_range=(0, 1),
    )  # fmt: skip
    return kernels, made, folder


def test_the_best_picture_of_a_linear_unit_over_tokens_is_its_kernel_in_each_patch(rendered):
    kernels, _, folder = rendered
    for unit in reportgen.open(folder / "tokens.db")["features"]:
        for picture in unit.pictures.of(recipe="default"):
            pixels = picture.array[..., 0].astype(float)
            patches = pixels.reshape(4, 8, 4, 8).swapaxes(1, 2).reshape(16, 64)
            wanted = np.sign(
                kernels[unit.number].ravel()
            )  # A linear unit takes pixels to an end of the range.
            similar = [np.corrcoef(patch, wanted)[0, 1] for patch in patches if patch.std() > 0]
            assert len(similar) == 16 and np.median(similar) > 0.8, (unit.number, similar)


def test_units_over_tokens_are_scored_and_have_a_page_that_names_them(rendered):
    _, made, folder = rendered
    rows = [row for row in made.verdicts if row["layer"] == "features"]
    assert {row["verdict"] for row in rows} <= {"structured", "static"}, [row["reason"] for row in rows]
    assert [row["canvas_px"] for row in rows] == [32] * 3
    (page,) = (folder / "site" / "m").glob("*/*/features.html")
    text = page.read_text(encoding="utf-8")
    assert "dense layer over tokens" in text and "one value for each of 16 tokens" in text
