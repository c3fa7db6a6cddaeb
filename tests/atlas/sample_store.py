"""A store with pictures drawn by formula: every verdict, hostile names, two versions, a sweep.

Made through the Store API alone, so that pages can be tested without a model or a renderer.
The numbers are plausible, not measured.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.images import encode_png
from reportgen.judgement import (
    Decision,
    Facet,
    LayerFindings,
    Light,
    Look,
    Relations,
    ResponseGroups,
    Responsiveness,
    Shortfall,
)
from reportgen.plan import recipe_hash
from reportgen.spec import RECIPES, canonical_json
from reportgen.store import (
    ModelRecord,
    Store,
    StoredRender,
    layer_owner,
    null_owner,
    open_store,
)  # fmt: skip
from reportgen.units import InputRange, Layer, LayerGraph, Telemetry, UnitScore, unique_slugs

HOSTILE = (
    "<script>alert(1)</script>",
    "a/b",
    "CON",
    "混合層 é",
    "Edge",
    "edge",
    '=cmd|"x"!A1',
    "x.html",
    "x",
)
LOOKS = ("structured", "structured", "structured", "unstable", "multifaceted", "static", "flat", "dead")
SWEEP_TV = (0.003, 0.03, 0.3)
NULL_SETTING = "a" * 32


def picture(look: str, unit: int, seed: int, side: int, channels: int, *, smooth: bool = False) -> np.ndarray:
    """Return an `(side, side, channels)` uint8 picture of that look."""
    rng = np.random.default_rng([len(look), unit, seed, side])
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    angle = unit * 0.41 + (seed * 0.7 if look == "unstable" else seed * 0.04)
    frequency = 3 + (unit * 7 % 5) * 1.3
    phase = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    across = np.cos(angle + 1.4) * x + np.sin(angle + 1.4) * y
    kind = (unit // 2) % 4 if look != "multifaceted" else (unit + seed) % 4
    waves = np.sin(2 * np.pi * frequency * along + phase)
    if kind == 1:
        waves = 0.5 * (waves + np.sin(2 * np.pi * frequency * across))
    elif kind == 2:
        centres = rng.uniform(-0.4, 0.4, (5, 2))
        waves = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) * 90) for a, b in centres) * 2 - 0.6
    elif kind == 3:
        bent = along + 0.08 * np.sin(2 * np.pi * 2 * across + phase)
        waves = np.sign(np.sin(2 * np.pi * frequency * 0.7 * bent)) * 0.8
    hue = rng.uniform(-1, 1, 3) if look == "unstable" else np.random.default_rng(unit).uniform(-1, 1, 3)
    colour = hue / np.abs(hue).max() if channels == 3 else np.ones(1)
    value = 0.5 + 0.38 * waves[:, :, None] * (0.55 * colour + 0.45)
    if look == "static":
        value = rng.uniform(0, 1, (side, side, channels))
    elif look == "flat":
        value = np.full((side, side, channels), 0.92 if unit % 2 else 0.1) + rng.normal(
            0, 0.004, (side, side, channels)
        )
    elif look in ("dead", "failed"):
        value = 0.5 + rng.normal(0, 0.05, (side, side, channels))
    elif not smooth:
        value = value + rng.normal(0, 0.04, value.shape)
    return (np.clip(value, 0, 1) * 255).round().astype(np.uint8)


def telemetry(look: str, unit: int, seed: int) -> Telemetry:
    rng = np.random.default_rng([unit, seed, 5])
    end = 0.0 if look == "dead" else float(rng.uniform(3, 9))
    start = float(rng.normal(0, 0.1)) if look != "dead" else 0.0
    steps = int(rng.integers(48, 97))
    at = np.unique(np.linspace(0, steps, 24).astype(int))
    rise = start + (end - start) * (1 - np.exp(-at / 22.0)) + rng.normal(0, 0.03 * abs(end), at.size)
    if look == "failed":
        end = float("nan")
    return Telemetry(
        activation_start=start,
        activation_best=end * 1.02,
        activation_end=end,
        activation_transformed=tuple(float(end * v) for v in rng.uniform(0.8, 1.0, 8)),
        gradient_start=0.0 if look == "dead" else 0.02,
        gradient_end=0.004,
        moved=0.0 if look == "dead" else 0.21,
        steps=steps,
        stop_reason="non_finite" if look == "failed" else "converged" if steps < 90 else "max_steps",
        non_finite=3 if look == "failed" else 0,
        reduction="leaky-mean",
        rescue="cell-maxima" if unit % 9 == 4 else "",
        curve=tuple((int(s), float(v)) for s, v in zip(at, rise, strict=True)),
    )


def score(look: str, unit: int, layer: Layer) -> UnitScore:
    """Return a score of that verdict whose numbers agree with it."""
    rng = np.random.default_rng([unit, layer.position, 9])
    z = {
        "structured": rng.uniform(2.6, 9),
        "unstable": rng.uniform(2.2, 6),
        "multifaceted": rng.uniform(3, 6),
        "static": rng.uniform(-1, 1.4),
        "flat": rng.uniform(-2, 0),
    }.get(look)
    borderline = look == "structured" and unit % 11 == 6
    if borderline:
        z = 2.2
    reason = {
        "structured": f"a pattern that recurs: structure {z or 0:.1f}, above 2 where patterns begin",
        "unstable": "another pattern on each run: consistency 0.71 over 4 starts",
        "multifaceted": "2 tight groups of seeds, each with structure",
        "static": f"no more structure than the noise baseline: structure {z or 0:.1f}",
        "flat": "inner contrast 0.004 of the range, below 0.035",
        "dead": "no probe and no render woke it; its upper bound is -0.31",
        "undecided": "fewer than two live seeds",
        "failed": "the loss was not a finite number at 3 steps",
    }[look]
    detail = {"flat": "bright" if unit % 2 else "dark", "dead": "proved", "multifaceted": "2 facets"}.get(
        look, ""
    )
    logits = layer.head == "softmax"
    return UnitScore(
        unit=unit,
        verdict=look,
        verdict_detail=detail,
        reason=reason,
        borderline=borderline,
        structure=None if z is None else float(z),
        p_structured=None if z is None else float(1 / (1 + np.exp(-(z - 2) / 0.35))),
        p_value=None if z is None else float(max(1 / 49, np.exp(-max(z, 0)))),
        consistency={"structured": 0.97, "unstable": 0.71, "multifaceted": 0.9, "static": 0.93}.get(look),
        use=None if look in ("dead", "failed") else float(rng.uniform(0, 2)),
        duplicate_of=unit - 8 if unit >= 16 and unit % 8 == 1 and not logits else None,
        mirror_of=0 if unit == 2 and not logits else None,
        complement_of=1 - unit if logits and unit < 2 else None,
        facets=2 if look == "multifaceted" else None,
        relations=near(look, unit, layer.n_units),
        **evidence(look, z),
    )


def evidence(look: str, z: float | None) -> dict[str, Any]:
    """Return what scoring found beside a verdict, as far as pages show it."""
    asked = {"n_probes": 40, "n_renders": 12}
    if z is None:
        silent = Responsiveness("dead" if look == "dead" else "unknown", low=0, high=0, **asked)
        proved = dataclasses.replace(silent, proof="bounds", bound=0)
        return {
            "responsiveness": proved if look == "dead" else silent,
            "decision": (Decision("activation", False if look == "dead" else None),),
        }
    found: dict[str, Any] = {"responsiveness": Responsiveness("live", low=0, high=4.1, **asked)}
    contrast = 0.004 if look == "flat" else 0.21
    steps = [
        Decision("activation", True),
        Decision("contrast", look != "flat", {"contrast": contrast, "threshold": 0.035}),
    ]
    if look == "flat":
        light = Light("rises", black=0.05, white=2, share=0.8)
        return {**found, "light": light, "decision": tuple(steps)}
    steps.append(Decision("structure", z >= 2, {"structure": float(z), "threshold": 2}))
    if look != "static":
        numbers = {
            "closer_share": 0.03,
            "closer_share_limit": 0.08,
            "texture_distance": 0.1,
            "texture_distance_limit": 0.15,
        }
        steps.append(Decision("recurrence", look == "structured", numbers))
    described = {"null_share_below": 0.98, "orientation_degrees": 45.0} if look == "structured" else {}
    found |= {"look": Look(contrast=contrast, **described), "decision": tuple(steps)}
    if look == "multifaceted":
        found["facet_groups"] = (Facet((0, 2), 3.25), Facet((1, 3), 2.5))
    return found


def near(look: str, unit: int, n_units: int) -> Relations:
    """Return which units answer most like one; a copy's is what it is a copy of."""
    if look in ("dead", "failed") or n_units <= 8:
        return Relations()
    copied = unit >= 16 and unit % 8 == 1
    first = unit - 8 if copied or unit ^ 8 >= n_units else unit ^ 8
    most = 0.9962 if copied else 0.9831
    short = None if copied else Shortfall("all", most, 0.99)
    if first < 0:
        return Relations(((unit + 3) % n_units,), (0.6123,), copy_shortfall=short)
    return Relations((first, (unit + 3) % n_units), (most, 0.6123), copy_shortfall=short)


class _Model:
    """Writes one model version into the store."""

    def __init__(self, store: Store, record: ModelRecord, salt: str, run: int) -> None:
        self.store, self.salt, self.run = store, salt, run
        self.record = store.put_model(record)

    def _key(self, *parts: Any) -> str:
        return hashlib.blake2b(canonical_json([self.salt, *parts]).encode(), digest_size=16).hexdigest()

    def layer(
        self, layer: Layer, side: int, looks: tuple[str, ...], *, sweep: bool = False, sad: bool = True
    ) -> None:
        channels = self.record.input_shape[2]
        kinds = [looks[unit % len(looks)] for unit in range(layer.n_units)]
        plan = self.record.plan["recipes"]
        wanted = [(plan["scored"], "happy", seed, False) for seed in range(4)] + [
            (plan["shown"], "happy", 0, True)
        ]
        wanted += [(plan["shown"], "sad", 0, True)] if sad else []
        wanted += [(r, "happy", 0, True) for r in plan["sweep"]] if sweep else []
        rows = []
        for unit, look in enumerate(kinds):
            for recipe, sign, seed, smooth in wanted:
                drawn = look if sign == "happy" or look != "flat" else "static"
                pixels = picture(drawn, unit, seed, side, channels, smooth=smooth)
                if sign == "sad":
                    pixels = 255 - pixels
                rows.append(
                    StoredRender(
                        unit=unit,
                        recipe=recipe,
                        sign=sign,
                        seed=seed,
                        key=self._key(layer.name, recipe, sign, seed, unit),
                        picture=encode_png(pixels),
                        height=side,
                        width=side,
                        channels=channels,
                        seconds=0.1,
                        failure="the loss was not a finite number" if look == "failed" else "",
                        telemetry=telemetry(look, unit, seed),
                    )
                )
        self.store.put_renders(self.record.id, layer.name, rows, run=self.run)
        scores = [score(look, unit, layer) for unit, look in enumerate(kinds)]
        self.scores(layer, scores)
        self.measurements(layer)

    def scores(self, layer: Layer, scores: list[UnitScore]) -> None:
        counts: dict[str, int] = {}
        for s in scores:
            counts[s.verdict] = counts.get(s.verdict, 0) + 1
        dead = [s.unit for s in scores if s.verdict == "dead"]
        findings = LayerFindings(
            n_units=layer.n_units,
            n_rendered=len(scores),
            counts=counts,
            consistency_reference="the layer's own pictures of other units",
            null_structure=tuple(round(-1.5 + 0.25 * i, 3) for i in range(12)),
            response_groups=ResponseGroups(
                len(scores) - len(dead), ((3, 7, 5),) if layer.n_units > 8 else ()
            ),
            certainly_superfluous=tuple(dead),
            summary=(
                f"{counts.get('structured', 0)} of {layer.n_units} units are structured.",
                f"{len(dead)} units are dead: nothing the optimiser or the probes found wakes them.",
            ),
        )
        self.store.put_scores(self.record.id, layer.name, scores, fingerprint="f" * 32, findings=findings)

    def measurements(self, layer: Layer) -> None:
        k, owner = layer.n_units, layer_owner(self.record.id, layer.name)
        rng = np.random.default_rng([layer.position, 3])
        basis = rng.normal(size=(40, 6))
        mix = rng.normal(size=(6, k))
        answers = (np.maximum(basis @ mix, 0) + rng.uniform(0, 0.2, (40, k))).astype(np.float32)
        self.put(
            owner, "probes", max=answers * 1.5, min=answers * 0.1, mean=answers, samples=answers[:, None, :]
        )
        levels = np.linspace(0, 1, 9)
        slope = rng.normal(size=k)
        curve = np.maximum(0, np.outer(levels - 0.4, slope)) + 0.05
        self.put(owner, "flat", level=levels, response=curve.astype(np.float32))
        self.put(
            owner,
            "bounds",
            pre_low=np.full(k, -4.0),
            pre_high=np.full(k, 6.0),
            post_low=np.zeros(k),
            post_high=np.full(k, 6.0),
            exact=np.array(True),
        )
        names = [x.name for x in self.record.layers]
        at = names.index(layer.name)
        before, after = names[at - 1] if at else "", names[at + 1] if at + 1 < len(names) else ""
        n = 6
        size_before = self.record.layers[at - 1].n_units if at else 3
        size_after = self.record.layers[at + 1].n_units if after else 1
        weights: dict[str, np.ndarray] = {
            "in_layer": np.full((k, n), before, dtype="U80"),
            "in_unit": rng.integers(0, size_before, (k, n)).astype(np.int32),
            "in_weight": rng.normal(size=(k, n)).astype(np.float32),
            "in_norm": rng.uniform(0, 1, (k, n)).astype(np.float32),
            "out_layer": np.full((k, n), after, dtype="U80"),
            "out_unit": rng.integers(0, size_after, (k, n)).astype(np.int32),
            "out_weight": rng.normal(size=(k, n)).astype(np.float32),
            "out_norm": rng.uniform(0, 1, (k, n)).astype(np.float32),
            "out_total": rng.uniform(0, 9, k),
            "equal_to": np.array([u - 8 if u >= 16 and u % 8 == 1 else -1 for u in range(k)], np.int32),
        }
        if layer.first:
            side, cin = 5, self.record.input_shape[2]
            y, x = np.mgrid[-2:3, -2:3]
            kernel = np.stack(
                [np.sin(1.6 * (np.cos(u * 0.41) * x + np.sin(u * 0.41) * y)) for u in range(k)], axis=-1
            )
            weights["kernel"] = (kernel[:, :, None, :] * rng.uniform(-1, 1, (1, 1, cin, k))).reshape(
                side, side, cin, k
            )
        self.put(owner, "weights", **weights)
        self.put(owner, "null", setting=np.array([NULL_SETTING]))

    def put(self, owner: str, name: str, **arrays: np.ndarray) -> None:
        self.store.put_measurement(owner, name, "f" * 32, arrays)


def layers_of(described: list[tuple[str, str, int, int | None, str]]) -> tuple[Layer, ...]:
    """Return layers of `(name, kind, n_units, receptive field or None, head)`."""
    slugs = unique_slugs(name for name, *_ in described)
    return tuple(
        Layer(
            name=name,
            slug=slug,
            kind=kind,
            position=i,
            n_units=units,
            map_size=None if kind == "dense" else (32, 32),
            stride_px=None if kind == "dense" else (2**i, 2**i),
            receptive_field_px=None if field is None else (field, field),
            activation="linear" if head else "relu",
            head=head,
            first=i == 0 and kind == "conv2d",
            graph_hash=f"{i:032x}",
            judged_hash=f"{i:032x}",
        )
        for i, ((name, kind, units, field, head), slug) in enumerate(zip(described, slugs, strict=True))
    )


def import_report(layers: tuple[Layer, ...], range_: InputRange) -> dict[str, Any]:
    """Return an import report as a run would keep it, with names that are attacks where the layers' are."""
    statistics = {
        "source": "statistics",
        "range": "-1..1",
        "option": "--input-range -1,1",
        "confidence": 0.4,
        "confidence_word": "weak",
        "words": f'moments of "{layers[0].name}" <i>misfit</i>',
    }
    return {
        "layers": [
            {
                "name": x.name,
                "units": x.n_units,
                "output_shape": [*(x.map_size or ()), x.n_units],
                "receptive_field_px": x.receptive_field_px,
                "stride_px": x.stride_px,
                "canvas_px": [48, 48],
                "merged": [{"name": f"{x.name}/activation", "kind": "relu", "role": "activation"}],
            }
            for x in layers
        ],
        "input": {
            "range": {"low": list(range_.low), "high": list(range_.high), "text": str(range_)},
            "source": range_.source,
            "evidence": range_.evidence,
            "confidence": 0.3,
            "confidence_word": "weak",
            "readings": [statistics],
            "best": statistics,
            "contradiction": "The given input range <b>0..1</b> contradicts the model",
            "channel_order": "the model does not show it; red, green, blue is assumed",
        },
        "parity_note": f"{len(layers)} layers compared with the whole network: at most 0 apart",
        "cuts_note": f"{len(layers)} layers compared with the whole network: at most 0 apart",
    }


def record_of(
    name: str, version: str, layers: tuple[Layer, ...], channels: int, plan: dict[str, Any]
) -> ModelRecord:
    nodes = (("picture", "input"), *((x.name, x.kind) for x in layers))
    range_ = InputRange((-1.0,) * channels, (1.0,) * channels, "graph", "a rescaling layer reads [0, 255]")
    return ModelRecord(
        name=name,
        version=version,
        file_name=f"{name[:8]}.keras",
        file_hash=hashlib.blake2b(version.encode(), digest_size=16).hexdigest(),
        options={},
        input_shape=(64, 64, channels),
        input_size_source="model",
        input_range=range_,
        layers=layers,
        graph=LayerGraph(nodes, tuple((i, i + 1) for i in range(len(layers)))),
        skipped=(("embedding <b>", "not an image layer"),),
        notes=("weights are float16; they were read as float32",),
        plan={**plan, "report": import_report(layers, range_)},
    )


def write_sample_store(path: Path, *, hostile: bool = True, wide: int = 0) -> Path:
    """Write the sample store and return its path.

    Args:
        hostile: Whether to add layers and a model whose names are attacks.
        wide: Units of an additional layer whose units share one picture; 0 leaves it out.
    """
    scored, shown = RECIPES["default"], RECIPES["show"]
    sweep = [dataclasses.replace(shown, name=f"show tv {tv:g}", tv=tv) for tv in SWEEP_TV]
    plan = {
        "recipes": {
            "scored": recipe_hash(scored),
            "shown": recipe_hash(shown),
            "sweep": [recipe_hash(r) for r in sweep],
        },
        "seeds": 4,
        "signs": ["happy", "sad"],
    }
    common = [("conv1", "conv2d", 24, 5, ""), ("block1/conv2", "conv2d", 20, 14, "")]
    first = layers_of([*common, ("fc", "dense", 10, None, ""), ("logits", "dense", 2, None, "softmax")])
    names = [(name, "conv2d", 3, 22, "") for name in HOSTILE] if hostile else []
    extra = [("wide", "conv2d", wide, 30, "")] if wide else []
    second = layers_of(
        [*common, *names, *extra, ("fc", "dense", 10, None, ""), ("logits", "dense", 2, None, "softmax")]
    )
    with open_store(path, create=True) as store:
        for recipe in (scored, shown, *sweep):
            store.put_recipe(recipe_hash(recipe), recipe)
        run = store.begin_run(
            "2026-01-02T03:04:05Z", {"reportgen": "0.1.0", "device": "cpu <b>", "arithmetic": "float32"}
        )
        nulls = np.stack([picture("static", i, 77, 48, 3) for i in range(12)])
        store.put_measurement(null_owner(NULL_SETTING), "pictures", "f" * 32, {"pictures": nulls})
        for version, layers in (("v1", first), ("v2", second)):
            model = _Model(store, record_of("garden", version, layers, 3, plan), f"garden {version}", run)
            for layer in layers:
                if layer.name == "wide":
                    _write_wide(store, model.record, layer, plan["recipes"]["shown"], run)
                    continue
                looks = (
                    ("structured",)
                    if layer.head
                    else (*LOOKS, "undecided", "failed")
                    if layer.position == 1
                    else LOOKS
                )
                model.layer(layer, 64 if layer.kind == "dense" else 48, looks, sweep=layer.name == "conv1")
        if hostile:
            grey = layers_of([("stem", "conv2d", 12, 5, ""), ("out", "dense", 4, None, "")])
            model = _Model(
                store, record_of('<script>alert("m")</script>', 'a/b "q"', grey, 1, plan), "grey", run
            )
            for layer in grey:
                model.layer(layer, 48 if layer.first else 160, LOOKS, sad=not layer.first)
        store.end_run(run, 12.5)
    return path


def _write_wide(store: Store, record: ModelRecord, layer: Layer, recipe: str, run: int) -> None:
    one = StoredRender(
        unit=0,
        recipe=recipe,
        sign="happy",
        seed=0,
        key="e" * 32,
        picture=encode_png(picture("structured", 3, 0, 48, 3)),
        height=48,
        width=48,
        channels=3,
        seconds=0.1,
        failure="",
        telemetry=telemetry("structured", 3, 0),
    )
    store.put_renders(record.id, layer.name, [one], run=run)
    store.place(record.id, layer.name, [(u, recipe, "happy", 0, one.key) for u in range(layer.n_units)])
    scores = [score(LOOKS[u % len(LOOKS)], u, layer) for u in range(layer.n_units)]
    store.put_scores(
        record.id, layer.name, scores, fingerprint="f" * 32, findings=LayerFindings(n_units=layer.n_units)
    )


if __name__ == "__main__":
    import sys

    print(write_sample_store(Path(sys.argv[1])))
