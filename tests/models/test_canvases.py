"""Every layer works on the canvas that its pictures are optimised at, also where nothing is padded."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from reportgen.models import cut_model
from reportgen.plan import canvas_for
from reportgen.spec import RECIPES
from tests.models.nets import loaded


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("pool", [True, False])
def test_every_layer_works_on_its_canvas(tmp_path, padding, pool):
    blocks = []
    for width in (4, 6, 8, 8):
        blocks += [layers.Conv2D(width, 3, padding=padding, activation="relu") for _ in range(3)]
        blocks += [layers.MaxPooling2D()] if pool else []
    network = loaded(keras.Sequential([keras.Input((160, 160, 3)), *blocks]), tmp_path)
    assert len(network.layers) == 12
    for layer in network.layers:
        canvas = canvas_for(layer, network.input_shape[:2], RECIPES["default"])
        places = cut_model(network, layer, canvas).network.outputs[0].shape[1:3]
        assert min(places) >= 1
        assert padding == "valid" or min(places) >= min(8, *layer.map_size)
