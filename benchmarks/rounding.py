"""How far pictures and verdicts move with what only rounds otherwise: batch, threads, processor.

The example's full atlas is rendered and judged once as it is, and once under each condition, in a process
of its own; pictures are compared byte by byte under their unit, recipe, sign and seed, and verdicts by
unit. The processor's conditions are asked of oneDNN, which TensorFlow computes with on Intel's and AMD's.

    python -m benchmarks.rounding
    python -m benchmarks.rounding --only batch-4,threads-1
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from reportgen.store import ModelRecord, Store, open_store

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "facing_left"
CONDITIONS: dict[str, tuple[dict[str, str], list[str]]] = {
    "again": ({}, []),
    "max-memory-1500MB": ({}, ["--max-memory", "1500MB"]),
    "threads-1": ({"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}, []),
    "batch-4": ({}, ["--batch", "4"]),
    "avx2": ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, []),
    "without-onednn": ({"TF_ENABLE_ONEDNN_OPTS": "0"}, []),
}

Pictures = dict[tuple[str, int, str, str, int], str]
Verdicts = dict[tuple[str, int], tuple[str, float | None]]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a line for each condition."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="conditions, by commas; all unless given")
    asked = parser.parse_args(arguments)
    chosen = asked.only.split(",") if asked.only else list(CONDITIONS)
    pictures, verdicts = _rendered({}, [])
    print(f"{len(pictures)} pictures of {len(verdicts)} units: {_counted(verdicts)}")
    for name in chosen:
        theirs, judged = _rendered(*CONDITIONS[name])
        changed = sum(theirs[key] != digest for key, digest in pictures.items())
        moved = [
            f"{k[0]} {k[1]}: {v[0]}, {judged[k][0]}" for k, v in verdicts.items() if judged[k][0] != v[0]
        ]
        pairs = [(v[1], judged[k][1]) for k, v in verdicts.items()]
        most = max(abs(a - b) for a, b in pairs if a is not None and b is not None)
        print(
            f"{name}: {changed} pictures differ, structure moves by at most {most:.3f}, verdicts: "
            f"{'; '.join(moved) or 'none'}",
            flush=True,
        )


def _rendered(variables: dict[str, str], words: list[str]) -> tuple[Pictures, Verdicts]:
    """Return the hash of every picture and the verdict and structure of every unit under a condition."""
    with tempfile.TemporaryDirectory() as folder:
        store, model = Path(folder) / "s.db", str(EXAMPLE / "facing_left.keras")
        places = ["--config", str(EXAMPLE / "reportgen.toml"), "--store", str(store)]
        for command in (["render", model, *places, *words], ["score", "--store", str(store)]):
            subprocess.run(
                [sys.executable, "-m", "reportgen", *command],
                env={**os.environ, **variables},
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        with open_store(store) as opened:
            (record,) = opened.models()
            return _pictures(opened, record), _verdicts(opened, record)


def _pictures(store: Store, record: ModelRecord) -> Pictures:
    return {
        (layer.name, r.unit, r.recipe, r.sign, r.seed): hashlib.blake2b(r.picture).hexdigest()
        for layer in record.layers
        for r in store.renders(record.id, layer.name)
    }


def _verdicts(store: Store, record: ModelRecord) -> Verdicts:
    return {
        (layer.name, score.unit): (score.verdict, score.structure)
        for layer in record.layers
        for score in store.scores(record.id, layer.name)
    }


def _counted(verdicts: Verdicts) -> str:
    words = [word for word, _ in verdicts.values()]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


if __name__ == "__main__":
    main()
