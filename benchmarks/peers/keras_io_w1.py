"""W1 by keras.io's tutorial "Visualizing what convnets learn": `python -m benchmarks.peers.keras_io_w1 JSON`.

From faint uniform noise around grey, 30 steps of 10 along the gradient over its L2 norm, of the mean
activation without two positions on each side; one unit after the other. The step is a `tf.function` that
takes the unit as a Python number, so that it is traced once a unit. Pixels may leave the input's range;
pictures are clipped at the end. The answer is CPU seconds from the first step to saved PNG.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import w1_network

STEPS, STEP, RIM, SPREAD = 30, 10.0, 2, 0.25


def main() -> None:
    """Render what the first argument asks."""
    import keras
    import tensorflow as tf

    asked = json.loads(sys.argv[1])
    tf.random.set_seed(asked.get("seed", 0))
    layer, units, folder = asked["layer"], asked["units"], asked.get("folder")
    whole = w1_network.network()
    extractor = keras.Model(whole.inputs, whole.get_layer(layer).output)
    side = w1_network.SIDE

    @tf.function
    def step(picture: Any, unit: int) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            activation = tf.reduce_mean(extractor(picture)[:, RIM:-RIM, RIM:-RIM, unit])
        return picture + STEP * tf.math.l2_normalize(tape.gradient(activation, picture))

    began, wall = time.process_time(), time.perf_counter()
    for unit in range(units):
        picture = 0.5 + SPREAD * (tf.random.uniform((1, side, side, 3)) - 0.5)
        for _ in range(STEPS):
            picture = step(picture, unit)
        if folder:
            w1_network.save_picture(Path(folder), layer, unit, picture[0].numpy())
    answer = {"cpu": time.process_time() - began, "wall": time.perf_counter() - wall, "pictures": units}
    print(json.dumps({**answer, "steps": STEPS * units, "tool": "keras.io's recipe"}))


if __name__ == "__main__":
    main()
