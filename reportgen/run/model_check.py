"""What is wrong with a model file: it is read, compared with itself, and measured without rendering anything.

A fault is proved, by weights or by bounds. What is only suspected, such as a unit that no probe activates, is
a remark: rendering can show more.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np

from reportgen.config import Settings, read_settings
from reportgen.errors import ModelError, ShapeError, WeightsNotFinite
from reportgen.json_values import JsonObject
from reportgen.models.sources import find_source
from reportgen.run.import_report import (
    file_parity,
    input_report,
    parity_sentence,
    runtime_of,
)
from reportgen.run.notebook_html import as_html
from reportgen.run.options import CheckOptions, takes
from reportgen.score.responsiveness import responsiveness_of, without_outgoing_weights
from reportgen.spec import ScoreSpec
from reportgen.units import InputRange, visible_line

if TYPE_CHECKING:
    from reportgen.judgement import Responsiveness
    from reportgen.models import Model
    from reportgen.models.sources import ModelSource
    from reportgen.units import Layer

Arrays = Mapping[str, np.ndarray]


class FaultKind(StrEnum):
    """What a fault is about."""

    IMPORT = "import"
    PARITY = "parity"
    INPUT_RANGE = "input-range"
    NOT_FINITE = "not-finite"
    DEAD = "dead"
    CONSTANT = "constant"
    UNUSED = "unused"
    SILENT = "silent"
    NORMALIZATION = "normalization"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a model, or may be.

    Attributes:
        kind: What it is about.
        wrong: Whether it is proved; a remark otherwise.
        layer: The layer or operation, by the model's own name; empty for the whole model.
        units: The units or channels, in order; empty where it is about all.
        n_units: How many the layer has; 0 where it is not about units.
        text: What is wrong, a part of a sentence.
    """

    kind: FaultKind
    wrong: bool
    text: str
    layer: str = ""
    units: tuple[int, ...] = ()
    n_units: int = 0

    def __str__(self) -> str:
        return ": ".join(part for part in (self.kind.value, visible_line(self.layer), self.text) if part)


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What `check_model` found.

    Attributes:
        file: The model's file name.
        faults: What is wrong, and remarks; in the order of `FaultKind`, then of the network.
        n_layers, n_units: Its layers with units, and their units; 0 where it cannot be read.
    """

    file: str
    faults: tuple[Fault, ...]
    n_layers: int = 0
    n_units: int = 0

    @property
    def wrong(self) -> tuple[Fault, ...]:
        """The faults that are proved."""
        return tuple(fault for fault in self.faults if fault.wrong)

    @property
    def remarks(self) -> tuple[Fault, ...]:
        """What is only suspected, or was not checked."""
        return tuple(fault for fault in self.faults if not fault.wrong)

    def ok(self, allow: Collection[str] = ()) -> bool:
        """Return whether nothing is wrong but what is allowed, by kind of fault."""
        return all(fault.kind.value in allow for fault in self.wrong)

    def as_dict(self) -> JsonObject:
        """Return the result as JSON values (docs/models.md)."""
        return {
            "file": self.file,
            "ok": self.ok(),
            "layers": self.n_layers,
            "units": self.n_units,
            "faults": [
                {**dataclasses.asdict(f), "kind": f.kind.value, "units": list(f.units)} for f in self.faults
            ],
        }

    def _repr_html_(self) -> str:
        lines = [f"<li>{'' if f.wrong else '(remark) '}{as_html(str(f))}</li>" for f in self.faults]
        return f"<p>{as_html(self.file)}</p><ul>{''.join(lines) or '<li>nothing is wrong</li>'}</ul>"


@takes(CheckOptions)
def check_model(path: str | Path, **options: Unpack[CheckOptions]) -> ModelCheck:
    """Return what is wrong with a model file, in seconds; a file with faults raises nothing.

    Nothing is rendered, and no store is written.

    Args:
        path: A model, named as in docs/models.md.
        options: What the file may leave open (docs/commands.md).

    Returns:
        `faults`: what is wrong (`wrong`), and what may be (`remarks`), each with its kind, layer and units.

    Raises:
        ModelError: There is no such file, or it is no model by its name.
        ConfigError: An option does not fit.
        MissingExtra: The framework that reads it is not installed.

    Example:
        >>> import reportgen
        >>> found = reportgen.check_model("model.keras")
        >>> found.ok(), [fault.kind.value for fault in found.remarks]
        (True, ['input-range'])
    """
    words = {key: value for key, value in options.items() if key != "config"}
    return _check(path, read_settings(words, options.get("config")))


def _check(path: str | Path, settings: Settings) -> ModelCheck:
    from reportgen.run.importing import load_network

    source = find_source(path)
    try:
        model = load_network(path, "check", settings)
    except (ModelError, ShapeError) as error:
        kind = FaultKind.NOT_FINITE if isinstance(error, WeightsNotFinite) else FaultKind.IMPORT
        return ModelCheck(source.file_name, (Fault(kind, True, str(error)),))
    with np.errstate(all="ignore"):  # results that are not finite are reported, not warned about
        faults = [*_of_parity(source, model, settings), *_of_input(source, model, settings)]
        faults += _of_weights(model)
        faults += _of_units(model)
    order = list(FaultKind)
    faults.sort(key=lambda fault: (not fault.wrong, order.index(fault.kind)))
    return ModelCheck(
        source.file_name, tuple(faults), len(model.layers), sum(x.n_units for x in model.layers)
    )


def _of_parity(source: ModelSource, model: Model, settings: Settings) -> list[Fault]:
    parity = file_parity(source, model, settings)
    said = parity_sentence(parity, runtime_of(source), "output")
    if parity.max_rel is not None and not math.isfinite(parity.max_rel):
        return [Fault(FaultKind.NOT_FINITE, True, said)]
    return [] if parity.same else [Fault(FaultKind.PARITY, parity.same is False, said)]


def _of_input(source: ModelSource, model: Model, settings: Settings) -> list[Fault]:
    found = input_report(source, model, settings)
    if found["contradiction"]:
        return [Fault(FaultKind.INPUT_RANGE, True, str(found["contradiction"]))]
    used = found["range"]["text"]
    if found["best"]:
        text = f"{used} is {found['source']}, but {found['best']['range']} has better evidence"
        return [Fault(FaultKind.INPUT_RANGE, False, f"{text}: {found['best']['option']}")]
    if found["source"] == "assumed" and not found["confidence"]:
        text = f"{used} is assumed, since nothing in the file says which it is: --input-range sets it"
        return [Fault(FaultKind.INPUT_RANGE, False, text)]
    return []


def _of_weights(model: Model) -> list[Fault]:
    from reportgen.measure.faults import saturated_channels, untouched_normalizations

    faults = []
    for name, (channels, of) in saturated_channels(model).items():
        text = f"{len(channels):,} of {of:,} channels are saturated: constant in training, or from here on"
        faults.append(_about_units(FaultKind.NORMALIZATION, True, name, channels.tolist(), of, text))
    for name in untouched_normalizations(model):
        text = "its stored moments are those of a new layer, 0 and 1: it was never trained"
        faults.append(Fault(FaultKind.NORMALIZATION, False, text, name))
    return faults


_ANY_VALUE = 1e6
"""Bounds over this range hold for every picture, whichever range the model expects."""


def _of_units(model: Model) -> list[Fault]:
    """Return units that are dead, constant or unused, and layers that no probe reaches."""
    from reportgen import measure
    from reportgen.measure.faults import probe_ends
    from reportgen.models.keras.hdf5 import first_line

    wide = InputRange((-_ANY_VALUE,), (_ANY_VALUE,))
    known = model.input_range.source != "assumed"
    bounds = measure.bounds(model if known else dataclasses.replace(model, input_range=wide))
    weights = measure.weights(model)
    ends: Mapping[str, Arrays] = {}
    faults = []
    try:
        ends = probe_ends(model)
    except Exception as error:  # a network that the framework cannot run is reported, not fatal
        faults.append(Fault(FaultKind.IMPORT, True, f"it does not run: {first_line(error)}"))
    for layer in model.layers:
        units = responsiveness_of(
            layer.n_units, ends.get(layer.name), None, bounds[layer.name], weights[layer.name],
            activation=layer.activation, spec=ScoreSpec(),
        )  # fmt: skip
        unused = np.flatnonzero(without_outgoing_weights(weights[layer.name], layer.n_units))
        faults += _faults_of_layer(layer, units, unused.tolist())
    return faults


def _faults_of_layer(layer: Layer, units: Sequence[Responsiveness], unused: Sequence[int]) -> list[Fault]:
    n = layer.n_units
    by_bounds = {
        kind: [i for i, unit in enumerate(units) if unit.state == kind.value and unit.proof == "bounds"]
        for kind in (FaultKind.DEAD, FaultKind.CONSTANT)
    }
    silent = [i for i, unit in enumerate(units) if unit.missing == "renders"]
    broken = [i for i, unit in enumerate(units) if unit.missing == "finite"]
    texts = {
        FaultKind.DEAD: "always zero, whatever the picture",
        FaultKind.CONSTANT: "constant, whatever the picture",
    }
    faults = [
        _about_units(kind, True, layer.name, found, n, f"{_units(found, n)} {texts[kind]}")
        for kind, found in by_bounds.items()
        if found
    ]
    if unused:
        text = f"{_units(unused, n)} without outgoing weights: nothing reads them"
        faults.append(_about_units(FaultKind.UNUSED, True, layer.name, unused, n, text))
    if broken:
        text = f"{_units(broken, n)} with activations on the probes that are not finite"
        faults.append(_about_units(FaultKind.NOT_FINITE, True, layer.name, broken, n, text))
    if silent:
        every = len(silent) == n
        text = f"{_units(silent, n)} with the same activation on all {units[silent[0]].n_probes} probes"
        faults.append(_about_units(FaultKind.SILENT, every and n > 1, layer.name, silent, n, text))
    return faults


def _about_units(
    kind: FaultKind, wrong: bool, layer: str, units: Sequence[int], n_units: int, text: str
) -> Fault:
    return Fault(kind, wrong, text, layer, tuple(units), n_units)


_MOST_NAMED = 8


def _units(units: Sequence[int], of: int) -> str:
    """Return `2 of 64 units (3, 17)`."""
    named = ", ".join(map(str, units[:_MOST_NAMED])) + (", ..." if len(units) > _MOST_NAMED else "")
    return f"{len(units):,} of {of:,} units ({named})"
