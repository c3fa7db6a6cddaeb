"""Networks of which is known how many of their units are needed, and pictures they tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers as kl

from reportgen.models import Model, load_model
from reportgen.prune.search import Search, SearchOptions, SearchResult, find_removable, start_search
from reportgen.prune.sets import PictureSet, SetName

SIDE = 12


def shapes(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return n uint8 pictures `(n, 12, 12, 1)` of lying and standing bars and squares, and their classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    found = rng.normal(70, 18, (n, SIDE, SIDE, 1))
    for picture, label in zip(found, labels, strict=True):
        y, x = rng.integers(1, SIDE - 6, 2)
        height, width = ((2, 6), (6, 2), (4, 4))[label]
        picture[y : y + height, x : x + width] += rng.uniform(70, 110)
    return np.asarray(np.clip(found, 0, 255), np.uint8), labels


def trained() -> Any:
    """Return a network that tells the shapes apart; its third layer is linear."""
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            kl.Conv2D(6, 3, activation="relu", name="first"),
            kl.MaxPooling2D(name="pool"),
            kl.Conv2D(8, 3, activation="relu", name="second"),
            kl.Conv2D(6, 1, name="linear"),
            kl.Flatten(name="flat"),
            kl.Dense(8, activation="relu", name="hidden"),
            kl.Dense(3, activation="softmax", name="answer"),
        ]
    )
    pictures, labels = shapes(480, seed=5)
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    network.fit(pictures / 255.0, labels, epochs=14, batch_size=48, verbose=0)
    return network


Weights = dict[str, tuple[np.ndarray, np.ndarray]]


def weights_of(network: Any) -> Weights:
    """Return kernel and bias of each layer that has them, by name."""
    return {x.name: tuple(np.array(w) for w in x.get_weights()) for x in network.layers if x.weights}


def rebuilt_with(weights: Weights) -> Any:
    """Return the network of `trained` with layers as wide as these weights make them."""
    wide = {name: bias.size for name, (_, bias) in weights.items()}
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            kl.Conv2D(wide["first"], 3, activation="relu", name="first"),
            kl.MaxPooling2D(name="pool"),
            kl.Conv2D(wide["second"], 3, activation="relu", name="second"),
            kl.Conv2D(wide["linear"], 1, name="linear"),
            kl.Flatten(name="flat"),
            kl.Dense(wide["hidden"], activation="relu", name="hidden"),
            kl.Dense(3, activation="softmax", name="answer"),
        ]
    )
    for name, (kernel, bias) in weights.items():
        network.get_layer(name).set_weights([kernel, bias])
    return network


AFTER = {"first": "second", "second": "linear", "linear": "hidden", "hidden": "answer"}


def _reading(weights: Weights, layer: str) -> np.ndarray:
    """Return the kernel that reads a layer as `(places, units, ...)`."""
    kernel, width = weights[AFTER[layer]][0], weights[layer][1].size
    return kernel.reshape(-1, width, kernel.shape[-1])


def _set(weights: Weights, layer: str, kernel: np.ndarray, bias: np.ndarray, reading: np.ndarray) -> None:
    after, old = AFTER[layer], weights[AFTER[layer]][0]
    if old.ndim == 4:
        reading = reading.reshape(*old.shape[:2], -1, old.shape[-1])
    else:
        reading = reading.reshape(-1, old.shape[-1])
    weights[layer], weights[after] = (kernel, bias), (reading, weights[after][1])


def split_into_copies(weights: Weights, layer: str, seed: int = 0) -> int:
    """Make two of each unit of a layer, which share its outgoing weights; return how many were added."""
    (kernel, bias), reading = weights[layer], _reading(weights, layer)
    share = np.random.default_rng(seed).uniform(0.2, 0.8, bias.size)[None, :, None]
    parts = np.concatenate([reading * share, reading * (1 - share)], axis=1)
    _set(weights, layer, np.concatenate([kernel, kernel], -1), np.tile(bias, 2), parts)
    return int(bias.size)


def mixed(weights: Weights, layer: str, n: int, seed: int = 0) -> int:
    """Make n random sums of a linear layer's units, read so that nothing changes; return how many are new."""
    (kernel, bias), reading = weights[layer], _reading(weights, layer)
    mixing = np.random.default_rng(seed).normal(size=(bias.size, n))
    back = np.linalg.pinv(mixing)
    _set(weights, layer, kernel @ mixing, bias @ mixing, np.einsum("mk,pko->pmo", back, reading))
    return int(n - bias.size)


def cancelling(weights: Weights, layer: str, pairs: int, seed: int = 0) -> int:
    """Add pairs of new units that answer alike and are read with opposite weights; return how many."""
    rng = np.random.default_rng(seed)
    (kernel, bias), reading = weights[layer], _reading(weights, layer)
    chosen = rng.normal(0, kernel.std(), (*kernel.shape[:-1], pairs))
    offset = rng.normal(0.1, 0.1, pairs)
    out = rng.normal(0, reading.std(), (reading.shape[0], pairs, reading.shape[2]))
    _set(weights, layer, np.concatenate([kernel, chosen, chosen], -1), np.concatenate([bias, offset, offset]),
         np.concatenate([reading, out, -out], axis=1))  # fmt: skip
    return 2 * pairs


def every_unit_needed(n: int = 20) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return a network of two layers with a unit for each class, with pictures and their classes.

    A class can be told without its unit only by elimination: one unit of a layer can go, no second.
    """
    rng = np.random.default_rng(2)
    patterns = np.linalg.qr(rng.normal(size=(25, 25)))[0][:, :n].T
    labels = np.tile(np.arange(n), 12)
    shown = 0.5 + 0.35 * patterns[labels] + rng.normal(0, 0.01, (len(labels), 25))
    network = keras.Sequential(
        [
            keras.Input((5, 5, 1)),
            kl.Conv2D(n, 5, activation="relu", name="patterns"),
            kl.Flatten(name="flat"),
            kl.Dense(n, activation="relu", name="again"),
            kl.Dense(n, activation="softmax", name="answer"),
        ]
    )
    kernel = patterns.T.reshape(5, 5, 1, n)
    network.get_layer("patterns").set_weights([kernel, -0.5 * kernel.sum(axis=(0, 1, 2))])
    network.get_layer("again").set_weights([np.eye(n) * 3, np.zeros(n)])
    network.get_layer("answer").set_weights([np.eye(n) * 12, np.zeros(n)])
    return network, np.asarray(np.clip(shown, 0, 1) * 255, np.uint8).reshape(-1, 5, 5, 1), labels


def opened(network: Any, path: Path) -> Model:
    """Return a network after a round trip through a file."""
    network.save(path)
    return load_model(path)


def searched(
    model: Model, pictures: np.ndarray, labels: np.ndarray, wanted: SearchOptions | None = None, **more: Any
) -> tuple[Search, SearchResult]:
    """Return what can go, on pictures shared out by turns."""
    names: tuple[SetName, ...] = ("order", "choose", "report")
    n_classes = int(labels.max()) + 1 if len(labels) else 0
    turn = np.arange(len(pictures)) // max(1, n_classes) % 3
    sets = {
        name: PictureSet(pictures[turn == t], labels[turn == t] if len(labels) else labels, n_classes)
        for t, name in enumerate(names)
    }
    wanted = wanted or SearchOptions()
    search = start_search(model, sets, wanted, 32)
    return search, find_removable(search, wanted, **more)


def kept_of(search: Search, found: SearchResult, layer: str) -> int:
    """Return how many units of a layer stay."""
    own = search.groups.of_layer(layer)
    return int((~found.removed()[own]).sum())
