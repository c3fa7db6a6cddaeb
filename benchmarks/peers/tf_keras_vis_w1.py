"""W1 by tf-keras-vis, in its own environment: `python -m benchmarks.peers.tf_keras_vis_w1 JSON`.

As its documentation shows it: the layer extracted, `ActivationMaximization` one unit after the other with its
default modifiers, optimizer and regularizers, 256 steps, input range 0..1; or, with `"regularizers": false`,
without any. The answer is CPU seconds from the first call to saved PNG.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks import w1_network

STEPS = 256


def main() -> None:
    """Render what the first argument asks."""
    import tensorflow as tf
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer

    asked = json.loads(sys.argv[1])
    tf.random.set_seed(asked.get("seed", 0))
    np.random.seed(asked.get("seed", 0))
    layer, units, folder = asked["layer"], asked["units"], asked.get("folder")
    more = {} if asked.get("regularizers", True) else {"regularizers": None}
    network = w1_network.network()
    began, wall = time.process_time(), time.perf_counter()
    search = ActivationMaximization(network, model_modifier=ExtractIntermediateLayer(layer), clone=True)
    for channel in range(units):
        picture = search(
            lambda output, channel=channel: tf.reduce_mean(output[..., channel]),
            steps=STEPS, input_range=(0.0, 1.0), **more,
        )  # fmt: skip
        if folder:
            w1_network.save_picture(Path(folder), layer, channel, np.asarray(picture)[0])
    answer = {"cpu": time.process_time() - began, "wall": time.perf_counter() - wall, "pictures": units}
    answer |= {"steps": STEPS * units, "tool": f"tf-keras-vis {version('tf-keras-vis')}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
