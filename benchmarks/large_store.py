"""A store as a large network leaves it: 100,000 units of a deep residual network, six pictures each.

Pictures come from a pool of some hundred, drawn by formula at the sizes canvases have; each render has a
key of its own, so that nothing is shared that a real store would not share. Numbers are plausible, not
measured. Made through the Store API alone.

    python -m benchmarks.large_store large.db --units 100000
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from reportgen.images import encode_png
from reportgen.judgement import LayerFindings, Look, Responsiveness, Starts
from reportgen.spec import RECIPES, content_hash, recipe_fields
from reportgen.store import ModelRecord, Store, StoredRender, layer_owner, null_owner, open_store
from reportgen.units import InputRange, Layer, LayerGraph, Telemetry, UnitScore

N_POOL, N_PROBES, N_LINKS = 12, 120, 16
LOOKS = ("structured", "unstable", "multifaceted", "static", "flat", "dead")
SHARES = (0.5, 0.12, 0.06, 0.2, 0.05, 0.07)
SIDES = (48, 64, 64, 96)
NULL = "b" * 32
COLOURS = ("black and white", "red and green", "blue and yellow", "several colours")


@cache
def hash_of(name: str) -> str:
    return content_hash(recipe_fields(RECIPES[name]))


def network(n_units: int) -> tuple[list[tuple[str, str, int, int]], list[tuple[int, int]]]:
    """Return `(name, kind, units, stage)` of a residual network of that many units, and its arrows."""
    layers, edges = [("conv1", "conv2d", 64, 0)], []
    left, stage, last = n_units - 64, 0, [0]
    depths = (3, 8, 10_000, 3)
    while left > 1000:
        width = min(64 * 2**stage, 512)
        for block in range(depths[stage]):
            sizes = (width, width, 4 * width)
            reserve = 1000 + (3 * 6 * 512 + 2048 if stage == 2 else 0)
            if left - sum(sizes) - (4 * width if block == 0 else 0) < reserve:
                break
            came = list(last)
            for part, size in enumerate(sizes):
                layers.append((f"conv{stage + 2}_block{block + 1}_{part + 1}_conv", "conv2d", size, stage))
                edges += [(i, len(layers) - 1) for i in (came if part == 0 else [len(layers) - 2])]
                left -= size
            if block == 0:
                layers.append((f"conv{stage + 2}_block1_0_conv", "conv2d", 4 * width, stage))
                edges += [(i, len(layers) - 1) for i in came]
                left -= 4 * width
                last = [len(layers) - 2, len(layers) - 1]
            else:
                last = [*came[-1:], len(layers) - 1]
        stage += 1
        if stage == len(depths):
            break
    layers.append(("predictions", "dense", left, 3))
    edges += [(i, len(layers) - 1) for i in last]
    return layers, edges


def picture(look: str, at: int, side: int, *, smooth: bool) -> np.ndarray:
    """Return `(side, side, 3)` uint8 of that look; smooth ones as a display recipe leaves them."""
    rng = np.random.default_rng([LOOKS.index(look), at, side, smooth])
    y, x = np.mgrid[0:side, 0:side] / 24.0
    value = np.full((side, side, 3), 0.5)
    for _ in range(3 if look == "multifaceted" else 2):
        angle, frequency, phase = rng.uniform(0, np.pi), rng.uniform(0.6, 2.2), rng.uniform(0, 6)
        bend = 0.3 * np.sin(rng.uniform(1, 3) * y + phase)
        wave = np.sin(2 * np.pi * frequency * (np.cos(angle) * x + np.sin(angle) * y + bend))
        value += 0.22 * wave[:, :, None] * rng.uniform(-1, 1, 3)
    if look in ("static", "dead") and not smooth:
        value = (
            rng.uniform(0.1, 0.9, value.shape) if look == "static" else 0.5 + rng.normal(0, 0.05, value.shape)
        )
    elif look == "static":
        coarse = rng.normal(0, 0.12, (side // 4 + 1, side // 4 + 1, 3)).repeat(4, 0).repeat(4, 1)
        value = 0.5 + coarse[:side, :side] + rng.normal(0, 0.05, value.shape)
    elif look == "flat":
        value = np.full(value.shape, rng.uniform(0.1, 0.9, 3)) + rng.normal(0, 0.004, value.shape)
    elif not smooth:
        value += rng.normal(0, 0.05, value.shape)
    return (np.clip(value, 0, 1) * 255).round().astype(np.uint8)


def telemetry(look: str, at: int) -> Telemetry:
    rng = np.random.default_rng([LOOKS.index(look), at, 5])
    end = 0.0 if look == "dead" else float(rng.uniform(2, 9))
    steps = int(rng.integers(48, 129))
    places = np.unique(np.linspace(0, steps, 32).astype(int))
    rise = end * (1 - np.exp(-places / 20.0)) + rng.normal(0, 0.03, places.size)
    return Telemetry(
        activation_start=float(rng.normal(0, 0.1)),
        activation_best=end,
        activation_end=end,
        activation_transformed=tuple(float(end * v) for v in rng.uniform(0.8, 1, 8)),
        gradient_start=0.0213,
        gradient_end=0.0041,
        moved=0.21,
        steps=steps,
        stop_reason="converged" if steps < 120 else "max_steps",
        non_finite=0,
        reduction="leaky-mean",
        curve=tuple((int(s), round(float(v), 5)) for s, v in zip(places, rise, strict=True)),
    )


class Pool:
    """Pictures and telemetry to take from, by look and side."""

    def __init__(self) -> None:
        self._pictures: dict[tuple[str, int, bool], list[bytes]] = {}
        self._told = {look: [telemetry(look, i) for i in range(64)] for look in LOOKS}

    def render(
        self, look: str, unit: int, recipe: str, sign: str, seed: int, side: int, key: str
    ) -> StoredRender:
        smooth = recipe == hash_of("show")
        kind = (look, side, smooth)
        if kind not in self._pictures:
            self._pictures[kind] = [encode_png(picture(look, i, side, smooth=smooth)) for i in range(N_POOL)]
        own = self._pictures[kind][
            (unit * 7 + seed * (5 if look == "unstable" else 0) + (sign == "sad")) % N_POOL
        ]
        return StoredRender(
            unit=unit,
            recipe=recipe,
            sign="sad" if sign == "sad" else "happy",
            seed=seed,
            key=key,
            picture=own,
            height=side,
            width=side,
            channels=3,
            seconds=0.1,
            failure="",
            telemetry=self._told[look][(unit * 3 + seed) % 64],
        )


def scores_of(looks: np.ndarray, salt: int) -> list[UnitScore]:
    """Return scores whose numbers agree with their verdicts."""
    rng = np.random.default_rng([salt, 9])
    found = []
    for unit, index in enumerate(looks):
        look = LOOKS[index]
        z = {"static": rng.normal(0, 0.8), "flat": rng.normal(-1, 0.5), "dead": None}.get(
            look, rng.gamma(4, 1.2) + 2
        )
        copy = int(rng.integers(0, unit)) if unit > 20 and rng.random() < 0.03 else None
        colours = COLOURS[int(rng.integers(0, 4))]
        pattern = f"oriented {int(rng.integers(0, 12)) * 15} degrees, period {int(rng.integers(4, 12))} px"
        said = {
            "static": f"no more structure than the noise baseline: structure {z or 0:.2f}",
            "flat": "one colour: contrast 0.004 below 0.035",
            "dead": "no input was found that activates it",
        }
        found.append(
            UnitScore(
                unit=unit,
                verdict=look,
                verdict_detail=pattern if look == "structured" else "",
                reason=said.get(
                    look,
                    f"a pattern that recurs: structure {z or 0:.2f} null deviations ({pattern}, "
                    f"{colours}); pictures of one unit are nearer than strangers'",
                ),
                borderline=z is not None and 1.5 < z < 2.5,
                structure=None if z is None else round(float(z), 4),
                p_structured=None if z is None else round(float(1 / (1 + np.exp(-(z - 2) / 0.35))), 5),
                p_value=None if z is None else round(float(max(1 / 33, np.exp(-max(z, 0)))), 4),
                consistency=None if look in ("flat", "dead") else round(float(rng.beta(9, 1.2)), 4),
                use=round(float(rng.random()), 4),
                duplicate_of=copy,
                facets=2 if look == "multifaceted" else None,
                starts=Starts(4, 4),
                responsiveness=Responsiveness(
                    "dead" if look == "dead" else "live",
                    proof="bounds" if look == "dead" and unit % 2 else "",
                ),
                look=Look(colours=colours, orientation_degrees=45.0, null_share_below=0.97)
                if z is not None and z > 2
                else Look(),
            )
        )
    return found


def measure(
    store: Store, record: ModelRecord, layer: Layer, before: Layer | None, after: Layer | None
) -> None:
    """Store measurements as a run does: answers to probes, the flat curve, weights, the null's setting."""
    k, owner, rng = layer.n_units, layer_owner(record.id, layer.name), np.random.default_rng(layer.position)
    answers = (rng.normal(size=(N_PROBES, 12)) @ rng.normal(size=(12, k))).astype(np.float32)
    levels = np.linspace(0, 1, 9)
    links = {}
    for way, other in (("in", before), ("out", after)):
        links |= {
            f"{way}_layer": np.full((k, N_LINKS), other.name if other else ""),
            f"{way}_unit": rng.integers(0, other.n_units if other else 1, (k, N_LINKS)).astype(np.int32),
            f"{way}_weight": rng.normal(size=(k, N_LINKS)).astype(np.float32),
            f"{way}_norm": rng.uniform(size=(k, N_LINKS)).astype(np.float32),
        }
    if layer.first:
        links["kernel"] = rng.normal(size=(7, 7, 3, k)).astype(np.float32)
    arrays = {
        "probes": {"mean": answers, "max": answers * 1.5, "min": answers * 0.1},
        "flat": {
            "level": levels,
            "response": np.maximum(0, np.outer(levels - 0.4, rng.normal(size=k))).astype("f4"),
        },
        "weights": links,
        "null": {"setting": np.array([NULL])},
    }
    for name, own in arrays.items():
        store.put_measurement(owner, name, "f" * 32, own)


def layers_of(described: list[tuple[str, str, int, int]]) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            name=name,
            slug=name,
            kind=kind,
            position=i,
            n_units=units,
            map_size=None if kind == "dense" else (56 >> stage, 56 >> stage),
            stride_px=None if kind == "dense" else (4 << stage, 4 << stage),
            receptive_field_px=None if kind == "dense" else (7 + 10 * i, 7 + 10 * i),
            activation="relu",
            head="",
            first=i == 0,
            graph_hash=f"{i:032x}",
            judged_hash=f"{i:032x}",
        )
        for i, (name, kind, units, stage) in enumerate(described)
    )


def batches(
    pool: Pool, layer: Layer, looks: np.ndarray, side: int, salt: str
) -> Iterator[list[StoredRender]]:
    wanted = [(hash_of("default"), "happy", seed) for seed in range(4)]
    wanted += [(hash_of("show"), "happy", 0), (hash_of("show"), "sad", 0)]
    for start in range(0, layer.n_units, 256):
        rows = []
        for unit in range(start, min(start + 256, layer.n_units)):
            for recipe, sign, seed in wanted:
                text = f"{salt} {layer.name} {unit} {recipe} {sign} {seed}"
                key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
                rows.append(pool.render(LOOKS[looks[unit]], unit, recipe, sign, seed, side, key))
        yield rows


def write_layer(
    store: Store,
    record: ModelRecord,
    at: int,
    pool: Pool,
    stage: int,
    run: int,
    salt: str = "",
    *,
    pictured: bool = True,
) -> None:
    """Write one layer's renders and scores; another `salt` renders it again."""
    layer, layers = record.layers[at], record.layers
    looks = np.random.default_rng([at, len(salt)]).choice(len(LOOKS), layer.n_units, p=SHARES)
    for rows in batches(pool, layer, looks, SIDES[stage], salt) if pictured else ():
        store.put_renders(record.id, layer.name, rows, run=run)
    scores = scores_of(looks, at + len(salt))
    counts = {look: int((looks == i).sum()) for i, look in enumerate(LOOKS)}
    findings = LayerFindings(
        n_units=layer.n_units,
        n_rendered=layer.n_units,
        counts=counts,
        consistency_reference="pictures of other units of this layer",
        certainly_superfluous=tuple(
            s.unit for s in scores if s.verdict == "dead" or s.duplicate_of is not None
        ),
        summary=(
            f"{layer.n_units} units judged: {counts['structured']} structured, {counts['static']} static.",
        ),
    )
    store.put_scores(record.id, layer.name, scores, fingerprint=f"{at:032x}{salt}", findings=findings)
    if pictured:
        before, after = layers[at - 1] if at else None, layers[at + 1] if at + 1 < len(layers) else None
        measure(store, record, layer, before, after)


def write_large_store(path: Path, n_units: int = 100_000, *, pictured: bool = True) -> Path:
    """Write the store; its one model is called `residual`, version `v1`."""
    described, edges = network(n_units)
    layers = layers_of(described)
    plan = {"recipes": {"scored": hash_of("default"), "shown": hash_of("show"), "sweep": []}, "seeds": 4}
    record = ModelRecord(
        name="residual",
        version="v1",
        file_name="residual.keras",
        file_hash="d" * 32,
        options={},
        input_shape=(224, 224, 3),
        input_size_source="model",
        input_range=InputRange((0.0,), (1.0,), "given", "given"),
        layers=layers,
        graph=LayerGraph(tuple((x.name, x.kind) for x in layers), tuple(edges)),
        plan=plan,
    )
    pool = Pool()
    with open_store(path, create=True) as store:
        for name in ("default", "show"):
            store.put_recipe(hash_of(name), RECIPES[name])
        run = store.begin_run("2026-01-02T03:04:05Z", {"reportgen": "0.1.0", "device": "cpu"})
        nulls = np.stack([picture("static", 77 + i, 64, smooth=False) for i in range(32)])
        store.put_measurement(null_owner(NULL), "pictures", "f" * 32, {"pictures": nulls})
        record = dataclasses.replace(store.put_model(record))
        for at in range(len(layers)):
            write_layer(store, record, at, pool, described[at][3], run, pictured=pictured)
        store.end_run(run, 3600.0)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument(
        "--scores-only", action="store_true", help="no pictures: for the pages above the layers"
    )
    given = parser.parse_args()
    print(write_large_store(given.path, given.units, pictured=not given.scores_only))
