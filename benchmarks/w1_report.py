"""What W1 measured, in words: RESULTS.md's tables from the values that `w1_parts` returned."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.children import shown
from benchmarks.results import table
from benchmarks.w1_network import LAYERS
from benchmarks.w1_parts import shares

Values = dict[str, Any]
Row = tuple[object, ...]

NOT = "not measured"
STRONGEST = {"conv2": 0.51, "conv4": 2.6}
"""Lucent's activations, as once measured; it needs torch, and is not installed next to these tools."""
FASTER = {"default": {"conv2": "40x", "conv4": "15x"}, "show": {"conv2": "100x", "conv4": "40x"}}
"""How much faster than xplique a picture is wanted."""
FASTER_STEP = {"conv2": "1.25x", "conv4": "1.05x"}
KEPT = {"default": "85 %", "show": "75 %"}


def report(values: Values, commands: dict[str, str]) -> list[str]:
    """Return the lines of W1's section."""
    ratios = [
        row
        for rows in (_per_picture, _looks, _kept, _per_step, _starts, _bounded)
        for row in rows(values.get("pictures") or {}, values)
    ]
    ratios.append(("6. on a GPU", "60 % of the bare gradient; 17,000 units in 10 min", "not part of W1"))
    lines = [
        "Commands: " + "; ".join(f"`{c}`" for c in dict.fromkeys(commands.values())) + ".",
        "What W1 is stands in `w1_network.py`. CPU seconds a picture are marginal; each run is a fresh",
        "process on one core with one thread, and tools take turns. The bare gradient is a compiled forward",
        "pass and gradient to the picture of the same cut at the same batch.", "",
        *table(("what", "target", "reached"), ratios), "",
    ]  # fmt: skip
    for part, heading, write in (
        ("pictures", "### Pictures", _pictures),
        ("overhead", "### The full loop compared with the bare gradient, image-steps a CPU second", _speeds),
        ("rates", "### 128 px, 256 steps, no early stop, 8 units at once, image-steps a CPU second", _speeds),
        ("memory", "### Memory, the fourth convolution", _memory),
    ):
        lines += [heading, "", *(write(values[part]) if values.get(part) else [f"{NOT.capitalize()}."]), ""]
    return lines[:-1]


def _per_picture(costs: Values, _: Values) -> Iterator[Row]:
    for tool, layer, found in _ours(costs):
        for name, wanted in (("xplique", FASTER[tool.split()[0]][layer]), ("keras.io", "1x")):
            peer = costs.get(f"{name}/{layer}")
            ratios = _over(peer["each"], found["each"]) if peer else []
            yield f"1. CPU seconds a picture, {name}'s over ours, `{tool}`, {layer}", wanted, _times(ratios)


def _looks(costs: Values, _: Values) -> Iterator[Row]:
    for tool, layer, found in _ours(costs):
        if tool.startswith("show"):
            wanted = f"above {STRONGEST[layer]}, HF at most .15"
            reached = f"{found['active']:.2f}, HF {found['high']:.2f}"
            yield f"1. activation and HF of `{tool}`, {layer}", wanted, reached


def _kept(_: Values, values: Values) -> Iterator[Row]:
    for name, kept in (values.get("overhead") or {}).items():
        recipe, layer = name.split("/")
        wanted = "85 %" if layer == "conv4" else KEPT[recipe]
        reached = f"{shown([100 * s for s in shares(kept)], 3)} %"
        if kept.get("own"):  # runs before it was measured are kept too
            own = [100 * full / bare for full, bare in zip(kept["full"], kept["own"], strict=True)]
            reached += f"; of one channel's alone {shown(own, 3)} %"
        yield f"2. share of the bare gradient kept, `{recipe}`, {layer}", wanted, reached


def _per_step(costs: Values, values: Values) -> Iterator[Row]:
    rates = values.get("rates") or {}
    for name, kept in rates.items():
        tool, layer = name.split("/")
        peer = costs.get(f"xplique/{layer}")
        ratios = [f * median(peer["each"]) / peer["steps"] for f in kept["full"]] if peer else []
        wanted = "2x" if "bfloat16" in tool else FASTER_STEP[layer]
        yield f"3. image-steps a CPU second over xplique's, `{tool}`, {layer}", wanted, _times(ratios)
    if not any("bfloat16" in name for name in rates):
        yield "3. the same in bfloat16", "2x", NOT


def _starts(costs: Values, _: Values) -> Iterator[Row]:
    for tool, layer, found in _ours(costs):
        traced = ", ".join(f"{n} of `{what}`" for what, n in found["traces"].items())
        first = f"{shown(found['first_cpu'], 2)} CPU s, {shown(found['first_wall'], 2)} s by the clock"
        yield f"4. traces, `{tool}`, {layer}, {found['units'][1]} units", "1 of each", traced
        yield f"4. first pictures after the layer's start, `{tool}`, {layer}", "3 s", first


def _bounded(_: Values, values: Values) -> Iterator[Row]:
    for bound, found in (values.get("memory") or {}).items():
        reached = f"{found['peak'] / 1e9:.2f} GB, batches {sorted(set(found['batches']))}"
        yield f"5. largest size with `--max-memory` {int(bound) / 1e9:.1f} GB", "within the bound", reached


def _pictures(costs: Values) -> list[str]:
    head = ("layer", "tool", "CPU s / picture", "units", "canvas", "batch", "steps", "activation", "HF")
    rows = []
    for layer in LAYERS:
        for tool, of_layer, found in _all(costs):
            if of_layer == layer:
                canvas, batch = (
                    found.get("canvas", [128])[0],
                    found.get("batch", 8 if tool == "xplique" else 1),
                )
                units = " and ".join(str(n) for n in found["units"])
                steps, active, high = (
                    f"{found['steps']:.0f}",
                    f"{found['active']:.2f}",
                    f"{found['high']:.2f}",
                )
                row = (layer, f"`{tool}`", shown(found["each"]), units, f"{canvas} px", batch)
                rows.append((*row, steps, active, high))
    versions = sorted({found["tool"] for found in costs.values() if "tool" in found})
    return [
        *table(head, rows), "",
        f"The other tools: {', '.join(versions) or 'not installed'}. Activation, HF: channels 0 to 3.",
        "Uniform noise, read the same way, has .29 / 1.67 and HF .8, plain grey .05 / .15. tf-keras-vis goes",
        "unit by unit and compiles nothing, so that its seconds are those of a few units, start and all,",
        "once; `-plain` is without its regularizers. Lucent's .51 / 2.6 was measured elsewhere.",
    ]  # fmt: skip


def _speeds(found: Values) -> list[str]:
    rows = []
    for name, kept in found.items():
        recipe, layer = name.split("/")
        share = f"{shown([100 * s for s in shares(kept)], 3)} %"
        row = (layer, f"`{recipe}`", f"{kept['canvas'][0]} px", kept["batch"], kept["steps"])
        rows.append((*row, shown(kept["bare"]), shown(kept["full"]), share))
    return table(("layer", "recipe", "canvas", "batch", "steps", "bare", "full loop", "share"), rows)


def _memory(found: Values) -> list[str]:
    rows = [(f"{int(b) / 1e9:.1f} GB", f"{f['peak'] / 1e9:.2f} GB", f["batches"]) for b, f in found.items()]
    return table(("`--max-memory`", "largest resident size", "batches chosen"), rows)


def _all(costs: Values) -> Iterator[tuple[str, str, Values]]:
    for name, found in costs.items():
        tool, layer = name.split("/")
        yield tool, layer, found


def _ours(costs: Values) -> Iterator[tuple[str, str, Values]]:
    return (row for row in _all(costs) if "traces" in row[2])


def _over(first: list[float], second: list[float]) -> list[float]:
    return [a / b for a, b in zip(first, second, strict=False)]


def _times(ratios: list[float]) -> str:
    return f"{shown(ratios)} times" if ratios else NOT
