"""How often the moments of a first BatchNormalization name the range a network was trained on.

Networks of which the range is known: random first layers whose moments are those of photographs in that
range, and small ones trained to tell photographs apart. Photographs come with scikit-image; half of the
networks see them at a third to the whole of their contrast. For each network the lead of the best range
over the second is kept, and whether it is the right one; the table is what `range_check` takes its
confidence from.

    python -m benchmarks.range_evidence --random 20 --trained 3
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "retina", "immunohistochemistry")
SIDE = 64
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--random", type=int, default=20, help="random networks a range")
    parser.add_argument("--trained", type=int, default=3, help="trained networks a range")
    asked = parser.parse_args(arguments)
    found = list(study(asked.random, asked.trained))
    for kind in ("random", "trained"):
        own = [(right, best) for k, _, right, _, best in found if k == kind]
        named = [right for right, best in own if best]
        print(f"{kind}: {len(own)} networks, {len(named)} named, {sum(named)} of them right")
    for name in dict.fromkeys(n for _, n, *_ in found):
        own = [best for _, n, _, _, best in found if n == name]
        print(f"  trained on {name}: " + ", ".join(f"{b or 'none'} {own.count(b)}" for b in sorted(set(own))))
    print_table([(lead, right) for _, _, right, lead, best in found if best])


def print_table(pairs: list[tuple[float, bool]]) -> None:
    """Print the share that is right by lead, (right + 1) / (n + 2), and the same made to rise."""
    counts, shares = [], []
    for low, high in itertools.pairwise(EDGES):
        own = [right for lead, right in pairs if low <= lead < high or lead == high == EDGES[-1]]
        counts.append(len(own))
        shares.append((sum(own) + 1) / (len(own) + 2))
    rising = _rising(shares, counts)
    for low, high, n, share, risen in zip(EDGES, EDGES[1:], counts, shares, rising, strict=False):
        print(f"  lead {low:.1f} to {high:.1f}: {n:3} networks, {share:.2f} right, {risen:.2f} rising")


def _rising(shares: list[float], counts: list[int]) -> list[float]:
    """Return the nearest shares that never fall: neighbours that do are brought together."""
    pools = [[share, n + 2, 1] for share, n in zip(shares, counts, strict=True)]
    at = 0
    while at < len(pools) - 1:
        (a, m, i), (b, n, j) = pools[at], pools[at + 1]
        if a <= b:
            at += 1
            continue
        pools[at : at + 2] = [[(a * m + b * n) / (m + n), m + n, i + j]]
        at = max(at - 1, 0)
    return [share for share, _, length in pools for _ in range(int(length))]


def study(n_random: int, n_trained: int) -> Iterator[tuple[str, str, bool, float, str]]:
    """Yield kind, true range, whether the best range is it, its lead and the best range's name."""
    from reportgen.models.input_range.stored_moments import usual_ranges

    photographs = _photographs()
    with tempfile.TemporaryDirectory() as folder:
        for name, ends in usual_ranges(3).items():
            for kind, n, make in (("random", n_random, _random), ("trained", n_trained, _trained)):
                for seed in range(n):
                    model = make(photographs, ends, seed)
                    yield kind, name, *_judged(model, name, Path(folder) / "net.keras")


def _judged(model: Any, true: str, path: Path) -> tuple[bool, float, str]:
    from reportgen.models import load_model
    from reportgen.models.input_range.stored_moments import range_statistics

    model.save(path)
    found = range_statistics(load_model(path))
    return found.best == true, found.lead, found.best


def _photographs() -> list[np.ndarray]:
    from skimage import data

    found = []
    for name in PHOTOGRAPHS:
        picture = np.asarray(getattr(data, name)())[..., :3] / 255
        step = max(1, min(picture.shape[:2]) // 256)
        found.append(picture[::step, ::step].astype(np.float32))
    return found


def _crops(photographs: list[np.ndarray], n: int, ends: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return crops in a range, and which photograph each is of."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(photographs), n)
    crops = []
    for i in which:
        height, width = photographs[i].shape[:2]
        top, left = rng.integers(0, height - SIDE), rng.integers(0, width - SIDE)
        crops.append(photographs[i][top : top + SIDE, left : left + SIDE])
    pictures = np.stack(crops)
    contrast = 1.0 if seed % 2 == 0 else rng.uniform(1 / 3, 1)
    pictures = pictures.mean() + contrast * (pictures - pictures.mean())
    low, high = (np.asarray(e, np.float32) for e in ends)
    return (low + pictures * (high - low)).astype(np.float32), which


def _network(seed: int) -> Any:
    from reportgen.models.framework import keras_module

    keras = keras_module()
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    size, stride = int(rng.choice([3, 5, 7])), int(rng.integers(1, 3))
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Conv2D(16, size, strides=stride, use_bias=bool(seed % 3), name="first"),
            keras.layers.BatchNormalization(momentum=0.8, name="norm"),
            keras.layers.ReLU(),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(len(PHOTOGRAPHS)),
        ]
    )


def _random(photographs: list[np.ndarray], ends: Any, seed: int) -> Any:
    model = _network(seed)
    pictures, _ = _crops(photographs, 64, ends, seed)
    response = np.asarray(model.get_layer("first")(pictures), np.float64)
    model.get_layer("norm").moving_mean.assign(response.mean((0, 1, 2)))
    model.get_layer("norm").moving_variance.assign(response.var((0, 1, 2)))
    return model


def _trained(photographs: list[np.ndarray], ends: Any, seed: int) -> Any:
    from reportgen.models.framework import keras_module

    keras = keras_module()
    model = _network(1000 + seed)
    pictures, which = _crops(photographs, 512, ends, seed)
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(pictures, which, batch_size=32, epochs=3, verbose=0)
    return model


if __name__ == "__main__":
    main()
