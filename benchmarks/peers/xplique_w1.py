"""W1 by xplique, in its own environment: `python -m benchmarks.peers.xplique_w1 JSON`.

As its documentation shows it: channel objective, `optimize` with its defaults (Fourier parametrization, its
standard transformations, 256 steps of Adam), but for the size: 128 px as the network's input, and 8 units at
once. Units are `first` to `first + units`; the answer is CPU seconds from the first objective to saved PNG.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks import w1_network

AT_ONCE = 8
STEPS = 256


def main() -> None:
    """Render what the first argument asks."""
    import tensorflow as tf
    from xplique.features_visualizations import Objective, optimize

    asked = json.loads(sys.argv[1])
    tf.random.set_seed(asked.get("seed", 0))
    layer, units, folder = asked["layer"], asked["units"], asked.get("folder")
    model = w1_network.network()
    side = (w1_network.SIDE, w1_network.SIDE)
    began, wall = time.process_time(), time.perf_counter()
    for first in range(0, units, AT_ONCE):
        channels = list(range(first, min(first + AT_ONCE, units)))
        objective = Objective.channel(model, layer, channels)
        pictures = optimize(objective, nb_steps=STEPS, custom_shape=side)[0][-1]
        for channel, picture in zip(channels, np.asarray(pictures), strict=True):
            if folder:
                w1_network.save_picture(Path(folder), layer, channel, picture)
    answer = {"cpu": time.process_time() - began, "wall": time.perf_counter() - wall, "pictures": units}
    answer |= {"steps": STEPS * units, "tool": f"xplique {version('xplique')}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
