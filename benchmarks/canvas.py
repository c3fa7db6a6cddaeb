"""Whether verdicts hang on the canvas: the same units judged at the chosen canvas and at twice the side.

    python -m benchmarks.canvas MODEL [--layers GLOB] [--units N] [--set canvas_fields=2]

Both are rendered and scored whole, at default settings but for `canvas_fields` and the least side. Layers
whose canvas is the model's input either way are left out, since they would agree with themselves.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import reportgen
from reportgen.plan import canvas_for, select_layers
from reportgen.spec import RECIPES, with_numbers
from reportgen.store import open_store


def main() -> None:
    """Render a model twice and print where the verdicts differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--layers", default="*")
    parser.add_argument("--units", default="16")
    parser.add_argument("--input-range", default=None)
    parser.add_argument("--input-size", default=None)
    parser.add_argument("--fields", type=float, default=RECIPES["default"].canvas_fields)
    parser.add_argument("--least", type=int, default=RECIPES["default"].canvas_min_px)
    asked = parser.parse_args()
    options = {k: v for k, v in (("input_range", asked.input_range), ("input_size", asked.input_size)) if v}
    with tempfile.TemporaryDirectory() as folder:
        compare(asked, options, Path(folder) / "canvas.db")


def compare(asked: argparse.Namespace, options: dict[str, Any], store: Path) -> None:
    """Render, score and print."""
    plain, double = ({"canvas_fields": f * asked.fields, "canvas_min_px": f * asked.least} for f in (1, 2))
    record = reportgen.inspect_model(asked.model, **options).model
    chosen = [
        layer.name
        for layer in select_layers(record.layers, [asked.layers])
        if len({_canvas(layer, record, numbers) for numbers in (plain, double)}) == 2
    ]
    seconds = {}
    for version, numbers in (("chosen", plain), ("twice", double)):
        began = time.process_time()
        reportgen.render(
            asked.model, store=store, version=version, layers=chosen, units=asked.units, signs="happy",
            **options, **{"set": {**numbers, "show.steps": 16}},
        )  # fmt: skip
        seconds[version] = time.process_time() - began
    rows: dict[str, dict[tuple[str, int], dict[str, Any]]] = {"chosen": {}, "twice": {}}
    for row in reportgen.score(store=store):
        rows[row["version"]][row["layer"], row["unit"]] = row
    _print(rows["chosen"], rows["twice"])
    print(f"CPU seconds: {seconds['chosen']:.0f} and {seconds['twice']:.0f}")
    with open_store(store) as opened:
        for model in opened.models():
            sizes = Counter(
                (r.height, r.width) for x in chosen for r in opened.renders(model.id, x, sign="happy")
            )
            print(model.version, dict(sizes))


def _canvas(layer: Any, record: Any, numbers: dict[str, float]) -> tuple[int, int]:
    return canvas_for(layer, record.input_shape[:2], with_numbers(RECIPES["default"], numbers))


def _print(chosen: dict[Any, Any], twice: dict[Any, Any]) -> None:
    same = [k for k in chosen if chosen[k]["verdict"] == twice[k]["verdict"]]
    clear = [k for k in chosen if not chosen[k]["borderline"] and not twice[k]["borderline"]]
    clear_same = [k for k in clear if k in same]
    for k in chosen:
        if k not in same:
            a, b = chosen[k], twice[k]
            print(
                f"  {k[0]} {k[1]}: {a['verdict']} z {_z(a)} p {a['consistency']}; "
                f"{b['verdict']} z {_z(b)} p {b['consistency']}"
            )
    print(f"same verdict: {len(same)} of {len(chosen)}, {100 * len(same) / len(chosen):.1f} %")
    print(f"where neither is borderline: {len(clear_same)} of {len(clear)}")
    for rows in (chosen, twice):
        print(dict(Counter(r["verdict"] for r in rows.values())))


def _z(row: dict[str, Any]) -> str:
    return "-" if row["structure"] is None else f"{row['structure']:.2f}"


if __name__ == "__main__":
    main()
