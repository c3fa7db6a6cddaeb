"""From a model file and pictures to a smaller model file, which is evaluated as written."""

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
from reportgen.run.importing import load_network, summary_lines
from reportgen.run.natural_run import network_batch
from reportgen.run.notebook_views import removal_html
from reportgen.run.progress import Reporter
from reportgen.run.removal_file import Measurement, check_place, write_measurement
from reportgen.run.removal_pictures import RemovalPictures, read_removal_pictures
from reportgen.run.removal_result import full_removal, removal_of
from reportgen.run.removal_run import structure_of
from reportgen.run.smaller_file import SmallerFile, TimedBy, write_and_judge
from reportgen.spec import content_hash
from reportgen.store import open_store

if TYPE_CHECKING:
    from reportgen.models import Model
    from reportgen.prune.search import Search, SearchOptions, SearchResult

PRUNE_VERSION = 2
"""Increased whenever the same network and pictures would give another order or count."""

RemovalOrder = Literal["need", "looks", "random"]
_ORDERS = get_args(RemovalOrder)

_READ_AS: dict[tuple[Reading, bool], str] = {
    ("largest", True): "the largest of its units",
    ("each", True): "yes or no of each of its units",
    ("each", False): "yes or no",
    ("number", True): "for each of its numbers, on which side of its median it lies",
    ("number", False): "on which side of its median the number lies",
}


@dataclass(frozen=True)
class Pruned:
    """The result of `prune`.

    Attributes:
        removal: The measurement, on pictures that were used neither for the order nor for the count.
        order: How units were ordered.
        curve: Units removed, accuracy (None without classes) and agreement on the pictures for the count.
        tied: For each layer, the layers that lose the same units.
        file: The smaller network's file; None if none was written.
        bytes_before, bytes_after: Sizes of the files; 0 if there is none.
        seconds_before, seconds_after: Time a picture, in batches; 0 if not measured.
        timed_by: What was timed: the two files in onnxruntime, or the networks read from them in Keras.
        apart: Largest difference, in any output, between the file and the network that was evaluated.
    """

    removal: Removal
    order: RemovalOrder
    curve: tuple[tuple[int, float | None, float], ...]
    tied: Mapping[str, tuple[str, ...]]
    file: str | None = None
    bytes_before: int = 0
    bytes_after: int = 0
    seconds_before: float = 0.0
    seconds_after: float = 0.0
    timed_by: TimedBy = ""
    apart: float = 0.0

    def _repr_html_(self) -> str:
        return removal_html(self.removal, title=f"written: {self.file}" if self.file else "")

    def as_dict(self) -> JsonObject:
        """Return the result as JSON values (docs/pruning.md)."""
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


def prune_model(path: str | Path, settings: Settings, out: Path | None, order: RemovalOrder,
                reporter: Reporter, stop: Callable[[], bool], *, largest: bool,
                force: bool) -> Pruned:  # fmt: skip
    """Measure removal on a network, write the smaller network, and return the result.

    Args:
        path: A model, as `render` takes it.
        settings: With `images`.
        out: File for the smaller network; None to write none.
        order: How units are ordered.
        reporter: Receives the progress.
        stop: Called between rounds; once true the run ends with an error that says how to resume.
        largest: Whether to take the largest count within the loss, even if a smaller count is not within it.
        force: Whether an existing file may be overwritten.

    Raises:
        ConfigError: The pictures or options do not fit the network.
        ModelError: The file cannot be used.
        ReportgenError: The smaller network cannot be written; or the run was stopped.
    """
    from reportgen.prune.search import find_removable, start_search
    from reportgen.prune.writing import check_target

    if order not in _ORDERS:
        raise ConfigError(f"order is {in_brief(order)}, wanted {', '.join(_ORDERS)}")
    if settings.removal is not None and order != "need":
        raise ConfigError(
            f"removal: order is {order}, but a file of measurements needs the order by need",
            hint="--order need",
        )
    if settings.removal is not None:
        check_place(settings.removal)
    source = find_source(path)
    if out is not None:
        check_target(out, source.path, force=force)
    model = load_network(path, settings.version or source.digest()[:8], settings)
    gathered = read_removal_pictures(settings, model.input_shape, model.file_name)
    for line in (*summary_lines(model), *_picture_lines(gathered)):
        reporter.say(line)
    wanted = _wanted(settings, order, largest, model)
    search = start_search(model, gathered.sets, wanted, network_batch(model))
    for line in _search_lines(search):
        reporter.say(line)
    resume = _ResumeFile(out, content_hash(_request(model, settings, gathered, order)))
    found = find_removable(search, wanted, rounds=resume.rounds, note=_note_rounds(resume, reporter, stop))
    done = _pruned(search, found, removal_of(search, found, wanted, gathered), order)
    if settings.removal is not None:
        reporter.say("measuring the curves of all orders, and the loss without each single unit")
        removal, needs = full_removal(search, found, wanted, gathered, stop)
        kept = Measurement(model.file_hash, resume.mark, removal, {k: tuple(v) for k, v in needs.items()})
        write_measurement(settings.removal, kept)
    if out is not None:
        done = _of_file(done, write_and_judge(search, found.removed(), source.path, out))
    resume.delete()
    return done


def _request(model: Model, settings: Settings, gathered: RemovalPictures, order: RemovalOrder) -> JsonObject:
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


def _wanted(settings: Settings, order: RemovalOrder, largest: bool, model: Model) -> SearchOptions:
    from reportgen.prune.search import SearchOptions

    return SearchOptions(
        max_loss=settings.max_loss,
        order=order,
        compensate=settings.compensate,
        largest=largest,
        layers=[x.name for x in select_layers(model.layers, settings.layers)] if settings.layers else None,
        structure=_structure(settings, model, order) if order == "looks" or settings.removal else {},
        decision=settings.decision,
    )


def _structure(settings: Settings, model: Model, order: RemovalOrder) -> dict[str, np.ndarray]:
    """Return each layer's `(K,)` structure from the store; empty if it has none and none is needed.

    Raises:
        ConfigError: Units should be ordered by looks, and the store has no scores of this file.
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


def _picture_lines(gathered: RemovalPictures) -> Iterator[str]:
    c = gathered.counts
    classes = f" of {len(gathered.classes)} classes" if gathered.classes else ", without classes"
    groups = f", {c.groups} groups kept together" if c.groups else ""
    yield (
        f"pictures{classes}: {c.order} for the order of units, {c.choose} for their number, "
        f"{c.report} for the report{groups}"
    )
    if gathered.unused:
        yield f"pictures: {gathered.unused:,} more are not used, beyond the most that a set takes"
    if gathered.left_out:
        yield (
            f"pictures: {gathered.left_out:,} files are left out: outside the class folders, links that lead "
            "out of the folder, or too large"
        )
    if gathered.unread:
        yield f"pictures: {gathered.unread} files cannot be read and are left out"
    if gathered.twice:
        yield f"pictures: {gathered.twice} files show the same picture as others and are left out"


def _search_lines(search: Search) -> Iterator[str]:
    groups = search.groups
    yield f"{len(groups):,} units of {len(groups.layers())} layers can be removed"
    for read in search.readings():
        assumed = ", which is assumed (--decision each, or number)" if read.assumed else ""
        yield f'decision of output "{read.output}": {_READ_AS[read.reading, read.units > 1]}{assumed}'
    for name, reason in groups.fixed[:4]:
        yield f"kept: {name}: {reason}"
    if len(groups.fixed) > 4:
        yield f"kept: {len(groups.fixed) - 4} more layers"


def _note_rounds(
    resume: _ResumeFile, reporter: Reporter, stop: Callable[[], bool]
) -> Callable[[Sequence[int], int], None]:
    ordered, last_report = 0, time.monotonic()

    def note(taken: Sequence[int], n: int) -> None:
        nonlocal ordered, last_report
        resume.add(taken)
        ordered += len(taken)
        if time.monotonic() - last_report > 10:
            last_report = time.monotonic()
            reporter.say(f"{ordered:,} of {n:,} units ordered")
        if stop():
            raise ReportgenError(
                f"stopped: {ordered:,} of {n:,} units are ordered",
                hint="run again to resume" if resume.stored else "",
            )

    return note


class _ResumeFile:
    """The order so far, stored next to the output file, so that a run that was interrupted can resume."""

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

    @property
    def stored(self) -> bool:
        """Whether there is a file: without an output file there is none."""
        return self._path is not None

    def add(self, taken: Sequence[int]) -> None:
        """Store the units that a round took."""
        self._added.append([int(g) for g in taken])
        if self._path is None or len(self._added) <= len(self.rounds):
            return
        temporary = self._path.with_suffix(".part")
        try:
            temporary.write_text(json.dumps({"mark": self.mark, "rounds": self._added}))
            temporary.replace(self._path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ReportgenError(
                f'"{self._path.name}" cannot be written: {error.strerror or error}'
            ) from None

    def delete(self) -> None:
        """Delete the file."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _pruned(search: Search, found: SearchResult, removal: Removal, order: RemovalOrder) -> Pruned:
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
