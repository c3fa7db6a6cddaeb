"""Small networks with known responses, loaded from a file as the rest of the program loads them."""

import keras
import numpy as np

from reportgen.models import Cut, load_model
from reportgen.units import InputRange

SIZE = (12, 12, 3)


def loaded(folder, picture, outputs, **options):
    """Return the `Model` of a functional network saved and loaded again."""
    path = folder / "net.keras"
    keras.Model(picture, outputs).save(path)
    return load_model(path, **options)


def randomise(network, seed, scale=0.4):
    """Give every weight of a network random numbers; variances stay positive."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        values = [scale * rng.standard_normal(w.shape) for w in layer.get_weights()]
        if isinstance(layer, keras.layers.BatchNormalization):
            values[-1] = 0.2 + rng.random(values[-1].shape)
        layer.set_weights(values)


def cut_of(network, size, n_units):
    """Return a cut of a network whose two outputs are `pre` and `post`."""
    h, w, c = size
    return Cut(
        network=network,
        raw_network=network,
        n_units=n_units,
        canvas_px=(h, w),
        channels=c,
        input_range=InputRange(),
        is_map=len(network.outputs[0].shape) == 4,
        layer_name="by hand",
    )
