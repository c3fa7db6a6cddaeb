"""How often four starts see all facets of a unit: planted units of several facets, rendered from many starts.

    python -m benchmarks.facets [--seeds 0,1,2] [--starts 16] [--keep DIR]

Into which facet a start falls is read from the network itself: which of the patterns that the unit was built
from answers most to the finished picture. Every choice of four of the starts is then a run of the tool, as
far as the starts decide it.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import reportgen
from reportgen.images import decode_png

LAYER, PATTERNS, RUN = "facets", "race", 4
"""The layer of units with several facets, the layer of the patterns they sum, and the starts of a run."""


def main() -> None:
    """Render, and print how many facets runs of four starts meet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0,1,2,3,4,5")
    parser.add_argument("--starts", type=int, default=16)
    parser.add_argument("--keep", type=Path, default=None, metavar="DIR")
    asked = parser.parse_args()
    met: dict[int, Counter[int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in asked.seeds.split(","):
            for facets, fallen in starts_of(int(seed), asked.starts, asked.keep or Path(folder)):
                print(f"seed {seed}: {facets} facets, starts in each {sorted(Counter(fallen).values())}")
                met.setdefault(facets, Counter()).update(runs_of(fallen))
    for facets, counts in sorted(met.items()):
        every = sum(counts.values())
        counted = ", ".join(f"{n}: {count / every:.1%}" for n, count in sorted(counts.items()))
        print(f"units of {facets} facets; a run of {RUN} starts meets so many of them: {counted}")


def runs_of(fallen: Sequence[int]) -> Counter[int]:
    """Return how many different facets every choice of four starts meets.

    Args:
        fallen: The facet of each start.
    """
    return Counter(len(set(run)) for run in itertools.combinations(fallen, RUN))


def starts_of(seed: int, starts: int, folder: Path) -> list[tuple[int, list[int]]]:
    """Return the number of facets of each unit that has several, and into which each start fell."""
    from planted import planted_network

    folder.mkdir(parents=True, exist_ok=True)
    network, truth, traits = planted_network(seed)
    model, store = folder / f"facets_{seed}.keras", folder / f"facets_{seed}.db"
    network.save(model)
    options: dict[str, Any] = {"input_range": traits.input_range} if traits.input_range else {}
    less = {"show.steps": 1, "show.min_steps": 0, "show.window": 1}
    reportgen.render(
        model,
        store=store,
        version="v1",
        layers=[LAYER],
        signs="happy",
        seeds=starts,
        least_seeds=starts,
        set=less,
        **options,
    )
    several = {t.unit: t.facets for t in truth if t.layer == LAYER and t.facets}
    weights = np.asarray(network.get_layer(LAYER).get_weights()[0])
    with reportgen.open_store(store) as opened:
        (record,) = opened.models()
        scored = str(record.roles(LAYER)["scored"])
        renders = opened.renders(record.id, LAYER, recipe=scored, sign="happy", units=list(several))
        rows = [(r.unit, decode_png(r.picture, r.channels)) for r in renders]
    answers = _answers(network, np.stack([picture for _, picture in rows]) * (traits.high / 255))
    fallen: dict[int, list[int]] = {unit: [] for unit in several}
    for (unit, _), answer in zip(rows, answers, strict=True):
        fallen[unit].append(int((answer * weights[:, unit]).argmax()))
    return [(several[unit], found) for unit, found in fallen.items()]


def _answers(network: Any, pictures: np.ndarray) -> np.ndarray:
    """Return what the patterns answer to each picture, `(n, K)`."""
    import keras

    inner = keras.Model(network.input, network.get_layer(PATTERNS).output)
    return np.asarray(inner(pictures.astype(np.float32)))


if __name__ == "__main__":
    main()
