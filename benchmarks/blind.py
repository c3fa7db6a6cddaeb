"""The tool's verdicts compared with blind labellings: 60 units of MobileNetV2, 15 at each of four depths.

    python -m benchmarks.blind draw MODEL --store S --sheets DIR     render, write sheets without names
    python -m benchmarks.blind compare --store S [--pictures DIR]    agreement, and where they differ

Units are drawn by a fixed seed: three convolutions of each quarter of the network, five units of each. A
draw that was compared once is spent; `--seed` names another, whose labels stand in a folder of that number. A
sheet shows the four scored pictures of six units next to each other, in an order independent of depth
or layer. Whoever labels sees nothing but the sheets and `benchmarks/data/blind/README.md`; the labels are
committed before any score is computed.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import reportgen
from reportgen.images import decode_png
from reportgen.store import Store, open_store

SEED, DEPTHS, LAYERS, UNITS = 6, 4, 3, 5
VERSION, RANGE = "blind", "imagenet"
SIDE, GAP, ROWS = 224, 6, 6
LABELS = Path(__file__).parent / "data" / "blind"
WORDS = ("structured", "unstable", "multifaceted", "static", "flat")


def main() -> None:
    """Draw or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw")
    draw.add_argument("model")
    draw.add_argument("--sheets", type=Path, required=True)
    compare = commands.add_parser("compare")
    compare.add_argument("--pictures", type=Path, default=None, help="also write where they differ")
    for command in (draw, compare):
        command.add_argument("--store", type=Path, required=True)
        command.add_argument("--seed", type=int, default=SEED, help=f"of the draw; {SEED} if left out")
    asked = parser.parse_args()
    if asked.command == "draw":
        render_drawn(asked.model, asked.store, asked.seed)
        write_sheets(asked.store, asked.sheets, asked.seed)
    else:
        print_agreement(asked.store, asked.pictures, asked.seed)


def drawn(layers: dict[str, int], seed: int = SEED) -> list[tuple[str, int]]:
    """Return the layer and index of each unit, in the order of the sheets.

    Args:
        layers: Units of each convolution, in order of depth.
        seed: Of the draw.
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for part in np.array_split(np.array(list(layers), dtype=object), DEPTHS):
        for layer in sorted(rng.choice(len(part), LAYERS, replace=False)):
            name = str(part[layer])
            chosen += [(name, int(u)) for u in sorted(rng.choice(layers[name], UNITS, replace=False))]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def render_drawn(model: str, store: Path, seed: int) -> None:
    """Render the four scored pictures of every drawn unit, a layer at a time."""
    for layer, pairs in itertools.groupby(sorted(_drawn_of(model, seed)), key=lambda pair: pair[0]):
        units = ",".join(str(unit) for _, unit in pairs)
        reportgen.render(
            model, store=store, version=VERSION, input_range=RANGE, layers=[layer], units=units,
            signs="happy", least_seeds=4, **{"set": {"show.steps": 1, "show.min_steps": 0, "show.window": 1}},
        )  # fmt: skip


def write_sheets(store: Path, folder: Path, seed: int) -> None:
    """Write a sheet for each six units, named `sheet-NN.png`; rows carry their number and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_store(store) as opened:
        rows = [pictures for _, _, pictures in _pictures(opened, seed)]
    for first in range(0, len(rows), ROWS):
        several = rows[first : first + ROWS]
        sheet = Image.new("RGB", (60 + 4 * (SIDE + GAP), len(several) * (SIDE + GAP)), "white")
        pen = ImageDraw.Draw(sheet)
        for i, pictures in enumerate(several):
            pen.text((8, i * (SIDE + GAP) + SIDE // 2), f"{first + i:02d}", fill="black", font_size=26)
            for k, picture in enumerate(pictures):
                sheet.paste(_tile(picture), (60 + k * (SIDE + GAP), i * (SIDE + GAP)))
        sheet.save(folder / f"sheet-{first // ROWS:02d}.png")


def print_agreement(store: Path, folder: Path | None, seed: int) -> None:
    """Print how often the tool and each labelling say the same, and each other; and where they differ."""
    scored = {(r["layer"], r["unit"]): r for r in reportgen.score(store=store) if r["version"] == VERSION}
    labels = {file.stem: _read(file) for file in sorted((LABELS / str(seed)).glob("labels-*.csv"))}
    with open_store(store) as opened:
        rows = list(_pictures(opened, seed))
    found = [str(scored[layer, unit]["verdict"]) for layer, unit, _ in rows]
    for name, said in labels.items():
        print(f"{name}: the tool agrees on {_share(found, said)}")
    for (one, a), (other, b) in itertools.combinations(labels.items(), 2):
        print(f"{one} and {other} agree on {_share(a, b)}")
    for i, (layer, unit, pictures) in enumerate(rows):
        said = [words[i] for words in labels.values()]
        if any(word != found[i] for word in said):
            z = scored[layer, unit]["structure"]
            deviations = "-" if z is None else f"{z:.2f}"
            print(f"{i:02d} {layer} {unit}: {found[i]}, z {deviations}; labels {', '.join(said)}")
            if folder is not None:
                _write_strip(pictures, folder / f"{i:02d}.png")


def _drawn_of(model: str, seed: int) -> list[tuple[str, int]]:
    record = reportgen.inspect_model(model, input_range=RANGE).model
    return drawn({layer.name: layer.n_units for layer in record.layers if layer.is_map}, seed)


def _pictures(opened: Store, seed: int) -> Iterator[tuple[str, int, list[np.ndarray]]]:
    """Yield layer, unit and the scored pictures of each drawn unit, in the order of the sheets."""
    record = next(m for m in opened.models() if m.version == VERSION)
    for layer, unit in drawn({x.name: x.n_units for x in record.layers if x.is_map}, seed):
        scored = str(record.roles(layer)["scored"])
        renders = opened.renders(record.id, layer, recipe=scored, sign="happy")
        own = sorted((r for r in renders if r.unit == unit), key=lambda r: r.seed)
        yield layer, unit, [decode_png(r.picture, r.channels) for r in own]


def _tile(picture: np.ndarray) -> Image.Image:
    """Return a picture enlarged in whole pixels, in the middle of a white tile."""
    image = Image.fromarray(picture if picture.shape[2] == 3 else picture[:, :, 0]).convert("RGB")
    times = max(1, SIDE // max(image.size))
    large = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    tile = Image.new("RGB", (SIDE, SIDE), "white")
    tile.paste(large, ((SIDE - large.width) // 2, (SIDE - large.height) // 2))
    return tile


def _write_strip(pictures: list[np.ndarray], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    strip = Image.new("RGB", (4 * (SIDE + GAP), SIDE), "white")
    for k, picture in enumerate(pictures):
        strip.paste(_tile(picture), (k * (SIDE + GAP), 0))
    strip.resize((strip.width // 2, strip.height // 2), Image.Resampling.LANCZOS).save(path, optimize=True)


def _read(file: Path) -> list[str]:
    """Return the label of each row of the sheets, in order."""
    with file.open(encoding="utf-8", newline="") as lines:
        by_row = {int(line["row"]): line["label"] for line in csv.DictReader(lines)}
    said = [by_row[i] for i in range(DEPTHS * LAYERS * UNITS)]
    wrong = set(said) - set(WORDS)
    if wrong:
        raise SystemExit(f"{file}: labels {sorted(wrong)}; wanted {', '.join(WORDS)}")
    return said


def _share(one: list[str], other: list[str]) -> str:
    same = sum(a == b for a, b in zip(one, other, strict=True))
    return f"{same} of {len(one)}, {100 * same / len(one):.0f} %"


if __name__ == "__main__":
    main()
