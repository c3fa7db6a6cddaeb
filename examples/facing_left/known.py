"""What findings.py knows of the example network: its store, the network, the held-out faces, its pictures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faces
import numpy as np

from reportgen.atlas.rows import SHOWCASE_CONTRAST
from reportgen.images import decode_png, encode_webp
from reportgen.judgement import LayerFindings
from reportgen.measure import responses
from reportgen.models import cut_model
from reportgen.prune.curves import shares_without
from reportgen.prune.search import Search, SearchOptions, start_search
from reportgen.prune.sets import PictureSet
from reportgen.store import ModelRecord, Store, layer_owner

N_SHOWN, GAP_PX, SHIFT_PX, DRAWS = 8, 2, 12, 20


@dataclass
class Known:
    """What the store and the network say, by layer."""

    store: Store
    model: ModelRecord
    network: Any
    pictures: np.ndarray
    truth: np.ndarray
    rows: dict[str, list[Any]] = field(default_factory=dict)
    findings: dict[str, LayerFindings] = field(default_factory=dict)
    removal: Search = field(init=False)

    def __post_init__(self) -> None:
        for layer in self.model.layers:
            self.rows[layer.name] = self.store.scores(self.model.id, layer.name)
            self.findings[layer.name] = self.store.findings(self.model.id, layer.name)
        # Nothing is ordered or chosen here: one set of pictures gives the means and tells what is lost.
        shown = PictureSet(self.pictures, self.truth, n_classes=len(faces.CLASSES))
        sets = {"order": shown, "choose": shown, "report": shown}
        self.removal = start_search(self.network, sets, SearchOptions(compensate=False), batch=32)

    def where(self, layer: str, holds: Callable[[Any], bool]) -> list[int]:
        """Units of a layer for which something holds."""
        return [s.unit for s in self.rows[layer] if holds(s)]

    def measured(self, layer: str, name: str) -> dict[str, np.ndarray]:
        """Arrays of a layer."""
        return self.store.measurement(layer_owner(self.model.id, layer), name) or {}

    def renders(self, layer: str, units: Sequence[int], role: str) -> dict[int, list[np.ndarray]]:
        """Happy pictures of units in one recipe, by unit, in order of seeds."""
        recipe = str(self.model.roles(layer)[role])
        found: dict[int, list[np.ndarray]] = {}
        for r in self.store.renders(self.model.id, layer, recipe=recipe, sign="happy", units=units):
            found.setdefault(r.unit, []).append(decode_png(r.picture, r.channels))
        return found


def held_out(pictures: dict[str, Any], folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and truth of the held-out people, written to class folders that sort like the outputs."""
    rows = [r for r in faces.read_labels() if r["split"] == "test" and r["label"] in faces.CLASSES]
    for row in rows:
        place = folder / f"{faces.CLASSES.index(row['label'])}-{row['label']}"
        place.mkdir(exist_ok=True)
        pictures[row["file"]].save(place / (row["file"].replace("/", "-").removesuffix(".pgm") + ".png"))
    x, truth, _ = faces.arrays(pictures, rows)
    return x.round().astype(np.uint8), truth


def accuracies(known: Known, layer: str, units: Sequence[int]) -> tuple[float, float, np.ndarray]:
    """Accuracy with all units, without some, and without as many at random (several draws).

    What is taken away gives its mean over the pictures instead.
    """
    groups = known.removal.groups
    own = groups.of_layer(layer)
    at = {int(groups.unit[g]): g for g in own}

    def right(some: Iterable[int]) -> float:
        gone = np.zeros(len(groups), bool)
        gone[[at[int(u)] for u in some]] = True
        found = shares_without(known.removal.measured, known.removal.judges["report"], gone).accuracy
        return float("nan") if found is None else found

    chance = np.random.default_rng(0)
    drawn = [right(chance.permutation(sorted(at))[: len(units)]) for _ in range(DRAWS)]
    return right(()), right(units), np.array(drawn)


def shifted_share(known: Known, layer: str) -> float:
    """Median activation of units on their own shifted render, as a share of that on the original."""
    units = range(known.model.layer(layer).n_units)
    own = known.renders(layer, list(units), "scored")
    first = np.stack([own[u][0] for u in sorted(own)])
    cut = cut_model(known.network, known.model.layer(layer), first.shape[1:3])
    moved = np.roll(first, (SHIFT_PX, SHIFT_PX), axis=(1, 2))
    before, after = (responses(cut, p)["max"][np.arange(len(own)), sorted(own)] for p in (first, moved))
    live = before > 0
    return float(np.median(after[live] / before[live]))


def strip(pictures: Sequence[np.ndarray], name: str, out: Path) -> str:
    """Write pictures side by side, each pixel twice as large; return the Markdown that shows them."""
    tall = max(p.shape[0] for p in pictures)
    parts = []
    for p in pictures:
        frame = np.full((tall + 2 * GAP_PX, p.shape[1] + 2 * GAP_PX, p.shape[2]), 150, np.uint8)
        frame[GAP_PX : GAP_PX + p.shape[0], GAP_PX : GAP_PX + p.shape[1]] = p
        parts.append(frame)
    (out / f"{name}.webp").write_bytes(encode_webp(np.concatenate(parts, axis=1), quality=70, enlarge=2))
    return f"![HappyMaps: {name.replace('-', ' ')}](findings/{name}.webp)"


def first_seeds(known: Known, layer: str, units: Sequence[int], role: str, name: str, out: Path) -> str:
    """Show one picture of each of the first few units; nothing where there are none."""
    shown = first_pictures(known, layer, units, role, N_SHOWN)
    return strip(shown, name, out) if shown else ""


def first_pictures(known: Known, layer: str, units: Sequence[int], role: str, most: int) -> list[np.ndarray]:
    """One picture of each of the first few units; nearly uniform ones only where there are no others."""
    found = known.renders(layer, list(units), role) if units else {}
    first = {unit: pictures[0] for unit, pictures in sorted(found.items())}
    ordered = sorted(first, key=lambda unit: (float(first[unit].std()) / 255 < SHOWCASE_CONTRAST, unit))
    return [first[unit] for unit in ordered[:most]]


def percent(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.1f} %"


def listed(units: Sequence[int]) -> str:
    """Units in words."""
    return ", ".join(map(str, units)) if units else "none"


def cost(known: Known, layer: str, units: Sequence[int], what: str) -> str:
    """A sentence: what is lost without some units of a layer, compared with as many at random."""
    if not units:
        return ""
    whole, without, drawn = accuracies(known, layer, units)
    beaten = int((drawn <= without).sum())
    return (
        f"Without {what} ({len(units)}) together, each replaced by its mean, accuracy on the held-out people "
        f"goes from {percent(whole)} to {percent(without)}; without as many at random to "
        f"{percent(drawn.mean())} ({percent(drawn.min())} to {percent(drawn.max())}; {beaten} of {DRAWS} "
        "draws are no better)."
    )
