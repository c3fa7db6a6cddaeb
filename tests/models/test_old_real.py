"""Archives written by Keras 2.12 and 2.15 themselves give the same outputs as there, layer by layer.

The files and the script that makes them lie in `old_keras`.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from reportgen.models import load_model
from reportgen.models.keras.reading import read_keras

HERE = Path(__file__).parent / "old_keras"
FILES = sorted(HERE.glob("*.keras"))


def test_the_files_are_there() -> None:
    assert len(FILES) == 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_layer_gives_what_it_gave_in_the_keras_that_wrote_the_file(path: Path) -> None:
    model, _ = read_keras(path)
    with np.load(path.with_suffix(".npz")) as stored:
        expected = dict(stored)
    picture = expected.pop("picture").astype(np.float32)
    taps = {operation.name: operation.output for operation in model.operations if operation.name in expected}
    assert len(taps) == len(expected) - 1, "all but the network's own output"
    found = keras.Model(model.inputs[0], {**taps, "output": model.outputs[0]})(picture, training=False)
    for name, array in found.items():
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(
            np.asarray(array), expected[name], rtol=1e-4, atol=1e-5 * scale, err_msg=name
        )


@pytest.mark.parametrize("version", ["212", "215"])
def test_layers_and_units_are_those_of_the_source(version: str) -> None:
    model = load_model(HERE / f"plain-{version}.keras")
    assert [(layer.name, layer.n_units) for layer in model.layers][:3] == [
        ("stem_conv", 4), ("depthwise_conv2d", 4), ("separable_conv2d", 5),
    ]  # fmt: skip
    assert (model.input_range.low, model.input_range.high) == ((0.0,), (255.0,))
