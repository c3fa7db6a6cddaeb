"""Reads one file of the zoo and says how it compares with what its source framework says of the network.

`python -m tests.models.zoo.judge [FAMILY...]` prints what is not right.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reportgen.errors import ReportgenError
from reportgen.models import Model, load_model
from reportgen.units import Layer
from tests.models.zoo.family import Family
from tests.models.zoo.truth import differs, picture

Word = Literal["right", "refused", "wrong", "traceback", "unwritten"]

_KINDS = {
    "conv2d": "convolution", "depthwise_conv2d": "convolution", "separable_conv2d": "separable",
    "conv2d_transpose": "transposed", "dense": "dense",
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """How a file was read.

    Attributes:
        word: `right`: as the source has it, or refused where there is no picture in it. `refused`: with a
            line. `wrong`: read, but differs. `traceback`: an error of another kind. `unwritten`: the
            program whose form it is cannot write this network.
        why: In what it differs, the line of the refusal, or the program's own reason.
    """

    word: Word
    why: str = ""


def judge(path: Path, truth: dict[str, Any], family: Family) -> Judgement:
    """Return how a file compares with the truth that was kept with it."""
    if "unwritten" in truth:
        return Judgement("unwritten", truth["unwritten"])
    open_size = {"input_size": (32, 32)} if family.name == "all_convolutional" else {}
    try:
        model = load_model(path, **open_size)
        if not truth["picture"]:
            return Judgement("wrong", f"read as a picture of {model.input_shape}, and it takes none")
        onnx = path.suffix == ".onnx"
        wrong = _differences(model, truth, family, onnx=onnx)
        if wrong and (reported := _reported(model, truth, wrong, onnx)):
            return Judgement("refused", reported)
    except ReportgenError as error:
        line = " ".join(str(error).split())
        return Judgement("refused" if truth["picture"] else "right", line)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        return Judgement(
            "traceback", f"{type(error).__name__} at {place}: {' '.join(str(error).split())[:200]}"
        )
    return Judgement("wrong", "; ".join(wrong)) if wrong else Judgement("right")


def _differences(model: Model, truth: dict[str, Any], family: Family, *, onnx: bool) -> list[str]:
    if list(model.input_shape) != truth["size"]:
        return [f"a picture of {list(model.input_shape)}, the source has {truth['size']}"]
    values = _run(model, picture(tuple(truth["size"]), family.low, family.high))
    wrong = _range_differs(model, family)
    wrong += _layers_differ(model, values, _as_written(truth["layers"], onnx), family.tolerance, onnx)
    wrong += _unlisted_differ(model, truth["skipped"], onnx)
    return wrong + _outputs_differ(model, values, truth["outputs"], family.tolerance)


def _reported(model: Model, truth: dict[str, Any], wrong: list[str], onnx: bool) -> str:
    """Return the reader's own reasons, if all that differs is that layers with units are skipped by name."""
    if not all(why.startswith("no layer is") for why in wrong):
        return ""
    known = {part for path in truth["skipped"] for part in path}
    extra = [
        f"{name}: {why}" for name, why in model.skipped if not known & set(name.split("#")[0].split("/"))
    ]
    enough = len(model.skipped) - (len(truth["skipped"]) if onnx else 0) >= len(wrong)
    return f"skips {'; '.join(extra)}" if enough and len(extra) >= len(wrong) else ""


def _run(model: Model, shown: np.ndarray) -> list[tuple[Any, ...]]:
    """Return the outputs of all nodes for one picture in the network's own range."""
    values: list[tuple[Any, ...]] = []
    for node in model.nodes:
        given = [values[at][which] for at, which in node.inputs]
        values.append((shown[None],) if node.kind == "input" else node.call(given))
    return values


def _range_differs(model: Model, family: Family) -> list[str]:
    found = model.input_range
    ends = [
        f"{name} end of the range {found_end}, the source has {wanted}"
        for name, found_end, wanted in (("low", found.low, family.low), ("high", found.high, family.high))
        if not np.allclose(found_end, wanted, rtol=1e-3, atol=1e-3)
    ]
    source = "graph" if family.ranged else "assumed"
    said = [] if found.source == source else [f"the range is said to be {found.source}, wanted {source}"]
    return ends + said + ([] if found.order == family.order else [f"channel order {found.order}"])


def _as_written(layers: list[dict[str, Any]], onnx: bool) -> list[dict[str, Any]]:
    """Return the layers as a form has them: ONNX has a separable convolution as two."""
    if not onnx:
        return layers
    parts: list[dict[str, Any]] = []
    for layer in layers:
        separable = layer["kind"] == "separable"
        parts += [{"path": layer["path"], "kind": "convolution", "inner": True}] if separable else []
        parts.append({**layer, "kind": "convolution"} if separable else layer)
    return parts


def _layers_differ(
    model: Model, values: Sequence[Any], wanted: list[dict[str, Any]], tolerance: float, onnx: bool
) -> list[str]:
    """Return in what layers differ; their order is right if each comes after all that it is made from."""
    over = _over_tokens(model)
    found = {layer.name: layer for layer in model.layers if layer.name not in over}
    order = [model.taps[layer.name].weights for layer in model.layers]
    wrong = [] if order == sorted(order) else ["layers do not stand in the order of their operations"]
    for source in sorted(wanted, key=lambda one: "inner" in one):
        reasons: list[str] = []
        for name, layer in found.items():
            if not onnx and not _same_name(name, source["path"]):
                continue
            at = model.taps[name].pre
            tap = np.asarray(values[at[0]][at[1]])[0]
            if not (why := _layer_differs(layer, tap, source, tolerance)):
                del found[name]
                break
            reasons.append(f'"{name}" {why}')
        else:
            path = "/".join(source["path"])
            known = (
                "; ".join(reasons[:2]) if reasons and not onnx else f"{source['kind']}, {source.get('shape')}"
            )
            wrong.append(f'no layer is the source\'s "{path}" ({known})')
    extra = ", ".join(f'"{name}"' for name in found)
    return wrong + ([f"the source has no {extra}"] if extra else [])


def _same_name(name: str, path: list[str]) -> bool:
    return set(name.split("#")[0].split("/")) <= {part for step in path for part in step.split("/")}


def _layer_differs(layer: Layer, tap: np.ndarray, source: dict[str, Any], tolerance: float) -> str:
    if _KINDS[layer.kind] != source["kind"]:
        return f"is {layer.kind}, the source has {source['kind']}"
    if layer.n_units != tap.shape[-1]:
        return f"has {layer.n_units} units, its values {tap.shape[-1]}"
    return "" if "inner" in source else _tap_differs(tap, source, tolerance)


def _tap_differs(tap: np.ndarray, source: dict[str, Any], tolerance: float) -> str:
    """Return in what a tap differs from the layer's own output and from its BatchNormalization's."""
    plain = differs(tap, source, tolerance)
    return plain if not plain or "normal" not in source else differs(tap, source["normal"], tolerance)


def _over_tokens(model: Model) -> list[str]:
    """Return the layers over tokens, of which the truth has names alone (tests/models/test_tokens.py)."""
    return [
        x.name for x in model.layers if len(model.nodes[model.taps[x.name].weights].output_shapes[0]) == 3
    ]


def _unlisted_differ(model: Model, wanted: list[list[str]], onnx: bool) -> list[str]:
    """Return which layers that the truth does not list are neither skipped by name nor read over tokens."""
    names = [*(name for name, _ in model.skipped), *_over_tokens(model)]
    if onnx:  # exporters rename: their number is what can be compared
        few = len(names) < len(wanted)
        return [f"{len(names)} layers skipped {names}, the source has {len(wanted)} such"] if few else []
    known = {part for name in names for part in name.split("#")[0].split("/")}
    missing = ["/".join(path) for path in wanted if not known & set(path)]
    return [f"neither listed nor skipped: {', '.join(missing)}"] if missing else []


def _outputs_differ(
    model: Model, values: Sequence[Any], wanted: list[dict[str, Any]], tolerance: float
) -> list[str]:
    found = [np.asarray(values[at][which])[0] for at, which in model.outputs]
    if len(found) != len(wanted):
        return [f"{len(found)} outputs, the source has {len(wanted)}"]
    wrong = []
    for index, (output, source) in enumerate(zip(found, wanted, strict=True)):
        turned = [output, output.transpose(2, 0, 1)] if output.ndim == 3 else [output]
        offs = [differs(one, source, tolerance) for one in turned]
        if all(offs):
            wrong.append(f"output {index}: {offs[0]}")
    return wrong


if __name__ == "__main__":
    from tests.models.zoo.files import report

    report(sys.argv[1:])
