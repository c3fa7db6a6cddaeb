"""From a model file and pictures to a smaller model file, judged as it was written."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from reportgen.config import Settings
from reportgen.errors import ConfigError, ReportgenError, in_brief
from reportgen.json_values import JsonObject
from reportgen.models.sources import find_source
from reportgen.plan import select_layers
from reportgen.removal import Reading, Removal
from reportgen.run.importing import facts_of, load_network
from reportgen.run.natural_run import at_once
from reportgen.run.progress import Reporter
from reportgen.run.removal_file import Measurement, check_place, write_measurement
from reportgen.run.removal_pictures import Gathered, gather
from reportgen.run.removal_result import in_full, removal_of
from reportgen.run.removal_run import structure_of
from reportgen.run.smaller_file import SmallerFile, TimedBy, write_and_judge
from reportgen.spec import content_hash
from reportgen.store import open_store

if TYPE_CHECKING:
    from reportgen.models import Model
    from reportgen.prune.search import Found, Search, Wanted

PRUNE_VERSION = 2
"""Raised whenever the same network and pictures would give another order or count."""

Ordered = Literal["need", "looks", "random"]
_ORDERS = get_args(Ordered)

_READ_AS: dict[tuple[Reading, bool], str] = {
    ("largest", True): "the largest of its units",
    ("each", True): "yes or no of each of its units",
    ("each", False): "yes or no",
    ("number", True): "for each of its numbers, on which side of its median it lies",
    ("number", False): "on which side of its median the number lies",
}


@dataclass(frozen=True)
class Pruned:
    """What `prune` found, and wrote.

    Attributes:
        removal: The measurement, on pictures that neither ordered nor chose.
        order: By what units were ordered.
        curve: Units removed, accuracy (None without classes) and agreement on the pictures that choose.
        tied: For each layer those that lose units with it.
        file: Where the smaller network is; None where none was written.
        bytes_before, bytes_after: Of the files; 0 where there is none.
        seconds_before, seconds_after: Of one picture, in batches; 0 where they were not timed.
        timed_by: What ran both for that: onnxruntime the two files, Keras the networks read from them.
        apart: Largest difference, of any output, between the file and the network it was tried on.
    """

    removal: Removal
    order: Ordered
    curve: tuple[tuple[int, float | None, float], ...]
    tied: Mapping[str, tuple[str, ...]]
    file: str | None = None
    bytes_before: int = 0
    bytes_after: int = 0
    seconds_before: float = 0.0
    seconds_after: float = 0.0
    timed_by: TimedBy = ""
    apart: float = 0.0

    def as_dict(self) -> JsonObject:
        """Return what was found, as JSON values (docs/pruning.md)."""
        r = self.removal
        return {
            "accuracy_before": r.accuracy_before,
            "accuracy_after": r.accuracy_after,
            "interval": list(r.interval),
            "agreement": r.agreement,
            "changed": r.changed,
            "majority_share": r.majority_share,
            "max_loss": r.max_loss,
            "units_before": r.units,
            "units_after": r.units - r.removed,
            "steady": r.steady,
            "largest": r.largest,
            "parameters_before": r.parameters_before,
            "parameters_after": r.parameters_after,
            "macs_before": r.macs_before,
            "macs_after": r.macs_after,
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "seconds_before": self.seconds_before,
            "seconds_after": self.seconds_after,
            "timed_by": self.timed_by or None,
            "apart": self.apart,
            "pictures": dataclasses.asdict(r.pictures),
            "classes": list(r.classes),
            "order": self.order,
            "compensated": r.compensated,
            "layers": [
                {
                    "layer": x.layer,
                    "before": x.units,
                    "after": x.together,
                    "kept": list(x.kept),
                    "tied": list(self.tied.get(x.layer, ())),
                }
                for x in r.layers
            ],
            "outputs": [dataclasses.asdict(x) for x in r.outputs],
            "fixed": [{"layer": name, "reason": reason} for name, reason in r.fixed],
            "curve": [{"removed": n, "accuracy": a, "agreement": g} for n, a, g in self.curve],
            "file": self.file,
        }


def prune_model(path: str | Path, settings: Settings, out: Path | None, order: Ordered, reporter: Reporter,
                stop: Callable[[], bool], *, largest: bool, force: bool) -> Pruned:  # fmt: skip
    """Return what removal finds of a network, and write the smaller one.

    Args:
        path: A model, as `render` takes it.
        settings: With `images`.
        out: Where the smaller network goes; None to write none.
        order: By what units are ordered.
        reporter: Told what is done.
        stop: Asked between rounds.
        largest: Whether the largest count that holds is taken, not the one up to which all hold.
        force: Whether an earlier file may be written over.

    Raises:
        ConfigError: The pictures or options do not fit the network.
        ModelError: The file cannot be used.
        ReportgenError: The smaller network cannot be written; or the run was stopped.
    """
    from reportgen.prune.search import begin, find
    from reportgen.prune.writing import check_target

    if order not in _ORDERS:
        raise ConfigError(f"order is {in_brief(order)}, wanted {', '.join(_ORDERS)}")
    if settings.removal is not None and order != "need":
        raise ConfigError(f"removal: a measurement is by need, and the order is {order}", hint="--order need")
    if settings.removal is not None:
        check_place(settings.removal)
    source = find_source(path)
    if out is not None:
        check_target(out, source.path, force=force)
    model = load_network(path, settings.version or source.digest()[:8], settings)
    gathered = gather(settings, model.input_shape, model.file_name)
    for line in (*facts_of(model), *_told(gathered)):
        reporter.say(line)
    wanted = _wanted(settings, order, largest, model)
    search = begin(model, gathered.sets, wanted, at_once(model))
    for line in _facts(search):
        reporter.say(line)
    keeping = _Progress(out, content_hash(_asked(model, settings, gathered, order)))
    found = find(search, wanted, rounds=keeping.rounds, note=_noting(keeping, reporter, stop))
    done = _pruned(search, found, removal_of(search, found, wanted, gathered), order)
    if settings.removal is not None:
        reporter.say("the lines of all orders, and what is lost without each unit alone")
        removal, needs = in_full(search, found, wanted, gathered, stop)
        kept = Measurement(model.file_hash, keeping.mark, removal, {k: tuple(v) for k, v in needs.items()})
        write_measurement(settings.removal, kept)
    if out is not None:
        done = _of_file(done, write_and_judge(search, found.removed(), source.path, out))
    keeping.forget()
    return done


def _asked(model: Model, settings: Settings, gathered: Gathered, order: Ordered) -> JsonObject:
    return {
        "version": PRUNE_VERSION,
        "file": model.file_hash,
        "input": [model.input_shape, model.input_range.key],
        "hold": settings.hold,
        "pictures": gathered.content,
        "layers": settings.layers,
        "compensate": settings.compensate,
        "decision": settings.decision,
        "order": order,
    }


def _wanted(settings: Settings, order: Ordered, largest: bool, model: Model) -> Wanted:
    from reportgen.prune.search import Wanted

    return Wanted(
        max_loss=settings.max_loss,
        order=order,
        compensate=settings.compensate,
        largest=largest,
        layers=[x.name for x in select_layers(model.layers, settings.layers)] if settings.layers else None,
        structure=_structure(settings, model, order) if order == "looks" or settings.removal else {},
        decision=settings.decision,
    )


def _structure(settings: Settings, model: Model, order: Ordered) -> dict[str, np.ndarray]:
    """Return each layer's `(K,)` structure from the store, empty where it has none and none is needed.

    Raises:
        ConfigError: Units are to go by looks, and the store has no scores of this file.
    """
    found: dict[str, np.ndarray] = {}
    if settings.store.is_file():
        with open_store(settings.store) as store:
            for record in [m for m in store.models() if m.file_hash == model.file_hash][-1:]:
                found = structure_of(store, record)
    if order == "looks" and not found:
        what = f"has no scores of {model.file_name}" if settings.store.is_file() else "does not exist"
        raise ConfigError(
            f'order is looks, and store "{settings.store.name}" {what}',
            hint="reportgen render MODEL, then reportgen score",
        )
    return found


def _told(gathered: Gathered) -> Iterator[str]:
    c = gathered.counts
    classes = f" of {len(gathered.classes)} classes" if gathered.classes else ", without classes"
    groups = f", {c.groups} groups kept together" if c.groups else ""
    yield (
        f"pictures{classes}: {c.order} order units, {c.choose} choose how many go, {c.report} report what is "
        f"lost{groups}"
    )
    if gathered.unused:
        yield f"pictures: {gathered.unused:,} more are not used: a set takes at most as many"
    if gathered.left_out:
        yield (
            f"pictures: {gathered.left_out:,} files are left out: outside the class folders, links to "
            "elsewhere, or too large"
        )
    if gathered.unread:
        yield f"pictures: {gathered.unread} files cannot be read and are left out"
    if gathered.twice:
        yield f"pictures: {gathered.twice} files show the same picture as others and are left out"


def _facts(search: Search) -> Iterator[str]:
    groups = search.groups
    yield f"{len(groups):,} units of {len(groups.layers())} layers can be removed"
    for read in search.readings():
        assumed = ", which is assumed (--decision each, or number)" if read.assumed else ""
        yield f'decision of output "{read.output}": {_READ_AS[read.reading, read.units > 1]}{assumed}'
    for name, reason in groups.fixed[:4]:
        yield f"kept: {name}: {reason}"
    if len(groups.fixed) > 4:
        yield f"kept: {len(groups.fixed) - 4} more layers"


def _noting(
    keeping: _Progress, reporter: Reporter, stop: Callable[[], bool]
) -> Callable[[Sequence[int], int], None]:
    state = {"gone": 0, "said": time.monotonic()}

    def note(taken: Sequence[int], n: int) -> None:
        keeping.add(taken)
        state["gone"] += len(taken)
        if time.monotonic() - state["said"] > 10:
            state["said"] = time.monotonic()
            reporter.say(f"{state['gone']:,} of {n:,} units in order")
        if stop():
            raise ReportgenError(
                f"stopped: {state['gone']:,} of {n:,} units are in order", hint="run again to go on"
            )

    return note


class _Progress:
    """The order so far, kept beside the file that is to be written, for a run that is cut short."""

    def __init__(self, out: Path | None, mark: str) -> None:
        self._path = out.with_name(f".{out.name}.order.json") if out is not None else None
        self.mark = mark
        self.rounds: list[list[int]] = []
        self._known = 0
        if self._path is not None and self._path.is_file():
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                kept = json.loads(self._path.read_text())
                if kept["mark"] == mark:
                    self.rounds = [[int(g) for g in taken] for taken in kept["rounds"]]
        self._added: list[list[int]] = []

    def add(self, taken: Sequence[int]) -> None:
        """Keep what a round took."""
        self._added.append([int(g) for g in taken])
        if self._path is None or len(self._added) <= len(self.rounds):
            return
        passing = self._path.with_suffix(".part")
        try:
            passing.write_text(json.dumps({"mark": self.mark, "rounds": self._added}))
            passing.replace(self._path)
        except OSError as error:
            passing.unlink(missing_ok=True)
            raise ReportgenError(
                f'"{self._path.name}" cannot be written: {error.strerror or error}'
            ) from None

    def forget(self) -> None:
        """Remove what was kept."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _pruned(search: Search, found: Found, removal: Removal, order: Ordered) -> Pruned:
    curve = tuple((n, found.curve[n].accuracy, found.curve[n].agreement) for n in sorted(found.curve))
    tied = {name: tuple(search.groups.tied(name)) for name in search.groups.layers()}
    return Pruned(removal, order, curve, tied)


def _of_file(done: Pruned, file: SmallerFile) -> Pruned:
    from reportgen.prune.judging import interval_of

    removal = dataclasses.replace(
        done.removal,
        accuracy_after=file.shares.accuracy,
        agreement=file.shares.agreement,
        changed=file.shares.changed,
        interval=interval_of(file.shares.share, file.shares.n),
    )
    return dataclasses.replace(
        done,
        removal=removal,
        file=str(file.path),
        bytes_before=file.bytes_before,
        bytes_after=file.bytes_after,
        seconds_before=file.seconds_before,
        seconds_after=file.seconds_after,
        timed_by=file.timed_by,
        apart=file.apart,
    )
