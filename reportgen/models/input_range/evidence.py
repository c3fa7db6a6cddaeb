"""Which input range the evidence supports, and with what confidence.

Sources in order: the user, the operations at the beginning of the network, the metadata of an ONNX file, the
moments of the first BatchNormalization. Only the first two decide; the others suggest a range that the user
may give.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reportgen.errors import ReportgenError
from reportgen.models.input_range.find import contradiction, read_graph
from reportgen.models.input_range.stored_moments import RangeStatistics, option_for, range_statistics
from reportgen.models.input_range.usual_ranges import Ends, named_range, usual_ranges
from reportgen.models.model import Model
from reportgen.models.model_memory import default_max_memory

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NOMINAL = {"nominalrange_0_255": "0..255", "normalized_0_1": "0..1", "normalized_1_1": "-1..1"}
_MEAN_KEYS = ("mean", "image_mean", "input_mean", "norm_mean")
_STD_KEYS = ("std", "image_std", "input_std", "norm_std")


@dataclass(frozen=True)
class Reading:
    """The evidence of one source for an input range.

    Attributes:
        source: `given`, `graph`, `metadata` or `statistics`.
        range: `LO..HI` or a name; empty where the source gives none.
        option: The command-line option that selects that range; empty where there is none.
        confidence: That the network was trained on this range, 0 to 1.
        words: A sentence.
    """

    source: str
    range: str
    option: str
    confidence: float
    words: str


@dataclass(frozen=True)
class InputEvidence:
    """All evidence for the input's range and channel order.

    Attributes:
        readings: Of each source, by priority.
        confidence: That the range in use is right, 0 to 1.
        best: The range to try if another than the one in use has better evidence; else None.
        contradiction: A sentence if a given range is not the one the network scales; else empty.
        order: The evidence for the order of channels, a sentence.
    """

    readings: tuple[Reading, ...]
    confidence: float
    best: Reading | None
    contradiction: str
    order: str

    @property
    def word(self) -> str:
        """The confidence as a word."""
        return confidence_word(self.confidence)


def confidence_word(value: float) -> str:
    """Return `certain`, `likely`, `weak` or `none`."""
    return "certain" if value >= 0.9 else "likely" if value >= 0.5 else "weak" if value > 0 else "none"


def input_evidence(model: Model, metadata: Mapping[str, str] | None = None) -> InputEvidence:
    """Return the evidence of every source for the input range.

    Args:
        model: The network; its range is the one in use.
        metadata: Of the file, by key.
    """
    graph = _from_graph(model)
    further = [_from_metadata(metadata or {}, model.input_shape[2]), _from_statistics(model)]
    against = contradiction(model.nodes, model.input_range)
    given = model.input_range.source == "given"
    used = Reading("given", str(model.input_range), "", 0.3 if against else 1.0, "given by the user")
    by_user = [used] if given else []
    readings = (*by_user, graph, *further)
    best = next((r for r in (graph, *further) if r.range and not _in_use(model, r.range)), None)
    if given or graph.range:
        best = best if against and best is graph else None
        confidence = readings[0].confidence
    else:
        confidence = max((r.confidence for r in further if r.range and _in_use(model, r.range)), default=0.0)
    return InputEvidence(readings, confidence, best, against, _order(model, metadata or {}))


_MOST_CHARACTERS = 100_000
"""Of one value of a file's metadata: the names of a thousand classes are some 20,000."""


def file_metadata(path: Path, max_memory: int | None = None) -> dict[str, str]:
    """Return the metadata of an ONNX file, by key."""
    from reportgen.models.onnx.reading import read_file

    with contextlib.suppress(ReportgenError):
        proto, _ = read_file(path, max_memory or default_max_memory())
        return {str(p.key)[:200]: str(p.value)[:_MOST_CHARACTERS] for p in proto.metadata_props}
    return {}


def _from_graph(model: Model) -> Reading:
    graph = read_graph(model.nodes)
    used = model.input_range
    if not graph.name and used.source != "given" and used.low + used.high != (0.0, 1.0):  # From its type.
        return Reading("graph", str(used), "", 0.95 if used.source == "graph" else 0.5, used.evidence)
    if not graph.name:
        return Reading("graph", "", "", 0.0, graph.sentence)
    return Reading("graph", graph.name, option_for(graph.name), 0.5 if graph.rivals else 0.95, graph.sentence)


def _from_statistics(model: Model) -> Reading:
    """Read the moments, if the network does not scale its input itself."""
    if read_graph(model.nodes).ends is not None:
        return Reading("statistics", "", "", 0.0, "not examined, since the model scales its input itself")
    found = range_statistics(model)
    if not found.best:
        return Reading("statistics", "", "", 0.0, found.reason)
    words = f'moments of "{found.layer}" against photograph-like pictures: {_misfits(found)}; less is better'
    return Reading("statistics", found.best, option_for(found.best), found.confidence, words)


def _misfits(found: RangeStatistics) -> str:
    ordered = sorted((found.misfits or {}).items(), key=lambda pair: pair[1])
    return ", ".join(f"{name} misfits by {value:.3g}" for name, value in ordered)


def _from_metadata(metadata: Mapping[str, str], channels: int) -> Reading:
    """Read the range from the file's metadata: ONNX's own key, or a mean and a deviation."""
    keys = {key.lower(): value for key, value in metadata.items()}
    nominal = keys.get("image.nominalpixelrange", "").lower()
    if name := _NOMINAL.get(nominal):
        stated = f"the file's Image.NominalPixelRange is {nominal}"
        return Reading("metadata", name, option_for(name), 0.85, stated)
    mean = next((_numbers(keys[k], channels) for k in _MEAN_KEYS if k in keys), None)
    deviation = next((_numbers(keys[k], channels) for k in _STD_KEYS if k in keys), None)
    if mean is None or deviation is None or not (deviation > 0).all():
        reason = "the file's metadata do not state it" if metadata else "the file has no metadata"
        return Reading("metadata", "", "", 0.0, reason)
    top = 255.0 if mean.max() > 2 else 1.0
    ends = tuple(((0.0 - mean) / deviation).tolist()), tuple(((top - mean) / deviation).tolist())
    words = f"the file names a mean of {_shown(mean)} and a deviation of {_shown(deviation)}"
    for name, usual in usual_ranges(channels).items():
        if _is_close(ends, usual):
            return Reading("metadata", name, option_for(name), 0.85, words)
    text = ",".join(":".join(f"{v:.6g}" for v in end) for end in ends)
    return Reading("metadata", text, f"--input-range {text}", 0.85, words)


def _numbers(text: str, channels: int) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    values = np.array([float(v) for v in re.findall(_NUMBER, text)[:65]], dtype=np.float64)
    return np.resize(values, channels) if values.size in (1, channels) and np.isfinite(values).all() else None


def _shown(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    return " ".join(f"{v:.6g}" for v in values)


def _is_close(one: Ends, other: Ends) -> bool:
    """Whether two ranges agree to within a hundredth of their width."""
    low, high = np.asarray(other[0]), np.asarray(other[1])
    slack = 0.01 * np.max(high - low)
    return bool(
        np.all(np.abs(np.asarray(one[0]) - low) < slack) and np.all(np.abs(np.asarray(one[1]) - high) < slack)
    )


def _in_use(model: Model, name: str) -> bool:
    usual = named_range(name, model.input_shape[2])
    return usual is not None and _is_close((model.input_range.low, model.input_range.high), usual)


def _order(model: Model, metadata: Mapping[str, str]) -> str:
    """Return the order in which channels are passed, and the evidence for it."""
    if model.input_shape[2] != 3:
        return ""
    used = "blue, green, red" if model.input_range.order == "bgr" else "red, green, blue"
    return f"passed as {used}: {_known_order(model, metadata)}"


def _known_order(model: Model, metadata: Mapping[str, str]) -> str:
    """Return the evidence for the channels' order; without any, red first is assumed."""
    stated = {k.lower(): v for k, v in metadata.items()}.get("image.bitmappixelformat", "").lower()
    if stated.startswith(("bgr", "rgb")):
        first = "blue" if stated.startswith("bgr") else "red"
        return f"the file's Image.BitmapPixelFormat is {stated[:8]}: it takes {first} first"
    if known := read_graph(model.nodes).order:
        return known
    if model.input_range.order == "bgr":
        return "given by the user, as the order or as the range of Caffe's networks"
    return "the model does not show it; red, green, blue is assumed"
