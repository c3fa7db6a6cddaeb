"""The import report: what a network is, its parity with the file, and the input range it is taken to expect.

It collects what `models` finds, as JSON values: `inspect` prints them, and the store keeps them with the
model version, so that pages can show them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.config import Settings
from reportgen.json_values import JsonObject, Parsed
from reportgen.models.sources import find_source
from reportgen.plan import canvas_for
from reportgen.run.estimate import Estimate
from reportgen.spec import RenderSpec, for_kind
from reportgen.units import Layer

if TYPE_CHECKING:
    from reportgen.models import Model
    from reportgen.models.input_range.evidence import InputEvidence, Reading
    from reportgen.models.parity import Parity
    from reportgen.models.sources import ModelSource


def import_report(path: str | Path, model: Model, settings: Settings) -> JsonObject:
    """Return the import report of a model that was just read, without its estimate.

    Args:
        path: The source it was read from.
        model: The network.
        settings: Those it was read with.

    Returns:
        JSON values; the keys are listed in docs/import-report.md.
    """
    from reportgen.models.class_labels import labels_in
    from reportgen.models.graph.output_layers import outputs_of_layers
    from reportgen.models.parity import compare_cuts
    from reportgen.prune.decision import output_names

    source = find_source(path)
    cuts, parity = compare_cuts(model), file_parity(source, model, settings)
    against = runtime_of(source)
    given = outputs_of_layers(model.nodes, model.taps, model.outputs, output_names(model))
    scored = settings.recipes()["scored"]
    return {
        "layers": [_layer(model, layer, scored, given[layer.name]) for layer in model.layers],
        "skipped": [{"name": name, "reason": reason} for name, reason in model.skipped],
        "notes": list(model.notes),
        "classes": list(labels_in(_metadata(source, settings))),
        "input": input_report(source, model, settings),
        "parity": _parity_json(parity, against),
        "parity_note": parity_sentence(parity, against, "output"),
        "cuts": _parity_json(cuts, "the whole network"),
        "cuts_note": parity_sentence(cuts, "the whole network", "layer"),
    }


def runtime_of(source: ModelSource) -> str:
    """Return the name of what runs such a file, which an import is compared with."""
    return "onnxruntime" if source.kind == "onnx" else "Keras"


def input_report(source: ModelSource, model: Model, settings: Settings) -> Parsed:
    """Return what is known of a network's input, with its evidence, as JSON values."""
    from reportgen.models.input_range.evidence import input_evidence

    return _input(model, input_evidence(model, _metadata(source, settings)))


def _metadata(source: ModelSource, settings: Settings) -> dict[str, str]:
    from reportgen.models.input_range.evidence import file_metadata

    return file_metadata(source.path, settings.max_memory) if source.kind == "onnx" else {}


def file_parity(source: ModelSource, model: Model, settings: Settings) -> Parity:
    """Return how far the imported network is from the file's own runtime."""
    from reportgen.models.keras.parity import compare_with_keras
    from reportgen.models.parity import compare_import

    if source.kind == "onnx":
        return compare_import(
            source.path,
            model,
            input_size=settings.input_size,
            hold=settings.hold,
            max_memory=settings.max_memory,
            channels=settings.channels,
        )
    return compare_with_keras(
        source,
        model,
        trust_model=settings.trust_model,
        custom=settings.custom,
        hold=settings.hold,
        max_memory=settings.max_memory,
        channels=settings.channels,
    )


def estimate_report(found: Estimate) -> JsonObject:
    """Return the cost of the full atlas, as JSON values."""
    rate = found.image_steps / max(found.seconds, 1e-9)
    return {**dataclasses.asdict(found), "seconds": round(found.seconds, 1),
            "image_steps_a_second": round(rate, 2)}  # fmt: skip


def _layer(model: Model, layer: Layer, scored: RenderSpec, outputs: Sequence[str]) -> JsonObject:
    tap = model.taps[layer.name]
    shape = model.nodes[tap.pre[0]].output_shapes[tap.pre[1]]
    own = for_kind(scored, layer.kind)
    return {
        **dataclasses.asdict(layer),
        "units": layer.n_units,
        "output_shape": list(shape[1:]),
        "canvas_px": list(canvas_for(layer, model.input_shape[:2], own)),
        "merged": _merged(model, layer),
        "outputs": [name for name in outputs if name != layer.name],
    }


def _merged(model: Model, layer: Layer) -> list[dict[str, str]]:
    """Return the operations after a layer's weights that belong to it: BatchNormalization, activation."""
    tap = model.taps[layer.name]
    merged = []
    for (index, _), before, role in (
        (tap.pre, tap.weights, "judged after"),
        (tap.post, tap.pre[0], "activation"),
        (tap.head or tap.post, tap.post[0], "cut off"),
    ):
        if index != before:
            node = model.nodes[index]
            kind = tap.activation if role == "activation" else node.function or node.kind
            merged.append({"name": node.name, "kind": kind, "role": role})
    return merged


def _input(model: Model, evidence: InputEvidence) -> JsonObject:
    used = model.input_range
    words = [r.words for r in evidence.readings if r.range] or [r.words for r in evidence.readings]
    return {
        "shape": list(model.input_shape),
        "size_source": model.input_size_source,
        "range": {"low": list(used.low), "high": list(used.high), "text": str(used)},
        "source": used.source,
        "evidence": "; ".join(dict.fromkeys(words)),
        "confidence": round(evidence.confidence, 2),
        "confidence_word": evidence.word,
        "readings": [_reading(r) for r in evidence.readings],
        "best": _reading(evidence.best) if evidence.best else None,
        "contradiction": evidence.contradiction,
        "order": used.order,
        "channel_order": evidence.order,
    }


def _reading(reading: Reading) -> JsonObject:
    from reportgen.models.input_range.evidence import confidence_word

    return {**dataclasses.asdict(reading), "confidence_word": confidence_word(reading.confidence)}


def _parity_json(parity: Parity, against: str) -> JsonObject | None:
    if not parity.found:
        return None
    return {
        "against": against,
        "max_abs": _number(parity.max_abs),
        "max_rel": _number(parity.max_rel),
        "same": parity.same,
        "of": parity.of,
        "outputs": [
            {"name": d.name, "max_abs": _number(d.max_abs), "max_rel": _number(d.max_rel)}
            for d in parity.found
        ],
    }


def parity_sentence(parity: Parity, against: str, thing: str) -> str:
    """Return a comparison in one sentence."""
    if not parity.found:
        return parity.reason or "not compared"
    n, of = len(parity.found), parity.of
    compared = (
        f"{n} {thing}{'s' if n != 1 else ''}" if n == of else f"{n} of {of} {thing}s, spread over the depth,"
    )
    if parity.max_rel is None or not math.isfinite(parity.max_rel):
        return f"{compared} compared with {against}: some results are not finite numbers"
    far = f"at most {parity.max_abs:.2g} apart, {parity.max_rel:.2g} of the range"
    verdict = "the same to within rounding" if parity.same else "NOT the same"
    return f"{compared} compared with {against} on fixed pictures: {far}; {verdict}"


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def report_lines(report: Parsed) -> Sequence[str]:
    """Return the report's comparisons and its range in sentences, to print while rendering."""
    comparisons = dict.fromkeys((report["parity_note"], report["cuts_note"]))
    return [*(f"proof: {text}" for text in comparisons), *input_lines(report["input"])]


def input_lines(found: Mapping[str, Any]) -> list[str]:
    """Return sentences about the input range: its evidence, its confidence, and which option to try."""
    lines = [
        f"input range {found['range']['text']} ({found['source']}): {found['confidence_word']}, "
        f"{found['confidence']:g} of 1; {found['evidence']}"
    ]
    best = found["best"]
    if best:
        confidence = f"{best['confidence_word']}, {best['confidence']:g} of 1"
        lines.append(f"the evidence suggests {best['range']} ({confidence}); to use it: {best['option']}")
    elif found["source"] == "assumed" and not found["confidence"]:
        lines.append(
            "if it is different, set it: --input-range -1,1 or 0,255 or 0,65535 or imagenet or caffe"
        )
    return lines
