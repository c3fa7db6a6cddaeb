"""The parts of W1. Each measures one thing and returns plain values, which `w1_report` puts into words."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.children import PEERS, ROOT, child, in_turns
from benchmarks.w1_network import LAYERS, judged

OURS = "benchmarks.w1_ours"
XPLIQUE, KERAS_VIS, KERAS_IO = (
    f"benchmarks.peers.{name}_w1" for name in ("xplique", "tf_keras_vis", "keras_io")
)
RECIPES = ("default", "show")
PICTURES = ROOT / "build" / "w1"
"""Where the pictures of the last run lie, a folder a tool."""
Values = dict[str, Any]


def pictures(repeats: int, many: int, few: int, peer_many: int, arithmetics: list[str]) -> Values:
    """CPU seconds a picture, activation and HF: this tool, keras.io's recipe, and xplique where installed."""
    runs: dict[str, Any] = {}
    for layer in LAYERS:
        for recipe in RECIPES:
            for arithmetic in arithmetics:
                tool = recipe if arithmetic == "float32" else f"{recipe} {arithmetic}"
                for units in (few, many):
                    asked = {
                        "what": "pictures", "layer": layer, "recipe": recipe, "units": units,
                        "arithmetic": arithmetic, "folder": str(PICTURES / tool.replace(" ", "-")),
                    }  # fmt: skip
                    runs[f"{tool}/{layer}/{units}"] = lambda asked=asked: child(OURS, asked)
        for units in (few, peer_many):
            asked = {"layer": layer, "units": units, "folder": str(PICTURES / "keras.io")}
            runs[f"keras.io/{layer}/{units}"] = lambda asked=asked: child(KERAS_IO, asked)
        if PEERS.exists():
            for units in (8, peer_many):
                asked = {"layer": layer, "units": units, "folder": str(PICTURES / "xplique")}
                runs[f"xplique/{layer}/{units}"] = lambda asked=asked: child(XPLIQUE, asked, PEERS)
    return _costs(in_turns(runs, repeats))


def keras_vis(units: int) -> Values:
    """CPU seconds a picture of tf-keras-vis with its defaults and without regularizers, once each."""
    found: Values = {}
    for layer in LAYERS:
        for tool, with_them in (("tf-keras-vis", True), ("tf-keras-vis-plain", False)):
            folder = PICTURES / tool
            asked = {"layer": layer, "units": units, "folder": str(folder), "regularizers": with_them}
            done = child(KERAS_VIS, asked, PEERS)
            active, high = judged(folder, layer)
            found[f"{tool}/{layer}"] = {
                "each": [done["cpu"] / units], "units": [units], "active": active, "high": high,
                "steps": 256, "tool": done["tool"],
            }  # fmt: skip
    return found


def overhead(repeats: int, units: int, arithmetic: str) -> Values:
    """The full loop against the bare gradient, per layer and recipe."""
    return {
        f"{recipe}/{layer}": child(
            OURS,
            {"what": "share", "layer": layer, "recipe": recipe, "repeats": repeats, "units": units,
             "arithmetic": arithmetic},
        )
        for layer in LAYERS for recipe in RECIPES
    }  # fmt: skip


def rates(repeats: int, recipes: list[str], arithmetics: list[str]) -> Values:
    """Image-steps a CPU second at 128 px, 256 steps, no early stop, 8 units at once."""
    runs = {
        f"{recipe} {arithmetic}/{layer}": (
            lambda layer=layer, recipe=recipe, arithmetic=arithmetic: child(
                OURS,
                {"what": "rate", "layer": layer, "recipe": recipe, "repeats": 1, "arithmetic": arithmetic},
            )
        )
        for layer in LAYERS for recipe in recipes for arithmetic in arithmetics
    }  # fmt: skip
    return {
        name: {**done[0], "bare": [d["bare"][0] for d in done], "full": [d["full"][0] for d in done]}
        for name, done in in_turns(runs, repeats).items()
    }


def memory(bounds: list[int], units: int) -> Values:
    """Largest resident size of a run of the fourth convolution within bounds of memory."""
    asked = {"what": "memory", "layer": "conv4", "units": units}
    return {str(bound): child(OURS, {**asked, "max_memory": bound}) for bound in bounds}


def _costs(found: dict[str, list[Values]]) -> Values:
    """Return for each tool and layer the CPU seconds a picture, one a repeat, and how pictures are."""
    costs: Values = {}
    for tool, layer in dict.fromkeys(tuple(name.split("/")[:2]) for name in found):
        few, many = (runs for name, runs in found.items() if name.startswith(f"{tool}/{layer}/"))
        active, high = judged(PICTURES / tool.replace(" ", "-"), layer)
        costs[f"{tool}/{layer}"] = {
            "each": [marginal(a, b) for a, b in zip(few, many, strict=True)],
            "units": [few[0]["pictures"], many[0]["pictures"]],
            "steps": median(run["steps"] / run["pictures"] for run in many),
            "active": active, "high": high,
            **{key: many[0][key] for key in ("canvas", "batch", "tool", "traces") if key in many[0]},
            **{key: [r[key] for r in few] for key in ("first_cpu", "first_wall") if key in few[0]},
        }  # fmt: skip
    return costs


def marginal(few: Values, many: Values) -> float:
    """Return CPU seconds a picture beyond what a start costs."""
    return float((many["cpu"] - few["cpu"]) / (many["pictures"] - few["pictures"]))


def shares(kept: Values) -> list[float]:
    """Return the full loop's share of the bare gradient's speed, repeat by repeat."""
    return [full / bare for full, bare in zip(kept["full"], kept["bare"], strict=True)]
