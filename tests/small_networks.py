"""Small real networks that several rooms' tests save to files, and recipes made quick."""

import numpy as np

QUICK = {
    "set": {
        "steps": 24,
        "min_steps": 16,
        "window": 8,
        "show.steps": 24,
        "show.min_steps": 16,
        "show.window": 8,
    }
}
"""Numbers of recipes for tests that look at the way, not at the pictures."""

QUICK_WORDS = [word for key, value in QUICK["set"].items() for word in ("--set", f"{key}={value}")]
"""The same on the command line."""


def save_model(path, *, units=3, size=16, channels=1, seed=0):
    """Save a small classifier of pictures with known layers: `conv` (relu), `head` (softmax)."""
    import keras

    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input((size, size, channels)),
            keras.layers.Conv2D(units, 3, padding="same", activation="relu", name="conv"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax", name="head"),
        ]
    )
    network.layers[0].bias.assign(np.full(units, 0.05, np.float32))
    network.save(path)
    return path
