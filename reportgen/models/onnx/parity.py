"""Parity of an imported ONNX model: the same pictures through onnxruntime, compared output by output."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.errors import MissingExtra, ModelError, ShapeError
from reportgen.models.onnx.reading import onnx_module
from reportgen.models.onnx.widen_floats import widen_halves

if TYPE_CHECKING:
    from reportgen.models.onnx.importing import OnnxImport


_LEAST_RANGE = 0.01
"""Smallest range that differences of a sigmoid (bounds 1 apart) are divided by: implementations differ by
about 1e-7 however close to a bound all results are. Its input shows whether networks differ."""


@dataclass(frozen=True)
class OutputParity:
    """How far one output is from onnxruntime's.

    Attributes:
        name: ONNX name of the output.
        max_abs: Largest difference.
        max_rel: The same as a share of the output's range over all pictures; of at least `_LEAST_RANGE` where
            the output is that of a bounded function whose input is compared as well.
    """

    name: str
    max_abs: float
    max_rel: float


def compare_with_onnxruntime(path: Path, imported: OnnxImport, pictures: np.ndarray) -> list[OutputParity]:
    """Return for each output how far the imported model is from onnxruntime running the file.

    Args:
        path: The file that was imported; its 16-bit parts are run in 32 bits, as they are imported.
        imported: The result of `read_onnx`.
        pictures: `(n, h, w, c)` in the model's own range.

    Raises:
        MissingExtra: onnxruntime is not installed.
        ModelError: onnxruntime cannot run the file.
        ShapeError: The pictures do not fit.
    """
    pictures = np.asarray(pictures, np.float32)
    wanted = tuple(imported.model.inputs[0].shape[1:])
    if pictures.ndim != 4 or not len(pictures) or pictures.shape[1:] != wanted:
        raise ShapeError(f"pictures are {pictures.shape}, wanted (n, {', '.join(map(str, wanted))})")
    if "int" in imported.picture_dtype:
        pictures = np.round(pictures)
    theirs = _outputs(path, imported, pictures)
    ours = imported.model(pictures, training=False)
    ours = ours if isinstance(ours, (list, tuple)) else [ours]
    found = []
    for name, axes, own, their in zip(imported.outputs, imported.output_axes, ours, theirs, strict=True):
        array = np.asarray(own, np.float64).transpose(np.argsort(axes))
        if array.shape != their.shape:
            raise ModelError(
                f'{path.name}: output "{name}" is {array.shape} here, {their.shape} in onnxruntime'
            )
        worst = float(np.max(np.abs(array - their), initial=0.0))
        spread = float(np.ptp(their)) if their.size else 0.0
        spread = max(spread, _LEAST_RANGE) if imported.before.get(name) in imported.outputs else spread
        found.append(OutputParity(name, worst, worst / spread if spread > 0 else worst))
    return found


def _outputs(path: Path, imported: OnnxImport, pictures: np.ndarray) -> list[np.ndarray]:
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = _session(path, imported.outputs, options)
        types = {i.name: _dtype(i.type) for i in session.get_inputs()}
        feed = pictures if imported.channels_last else pictures.transpose(0, 3, 1, 2)
        feed = feed.astype(types[imported.picture_input])
        others = {n: a.astype(types[n]) for n, a in imported.held.items() if n in types}
        # A held input with an open batch has one row, so pictures are run one at a time.
        n = imported.fixed_batch or (1 if others else len(feed))
        ends = zip(imported.model.outputs, imported.output_axes, strict=True)
        along = [_picture_axis(tensor, axes) for tensor, axes in ends]
        parts = []
        for start in range(0, len(feed), n):
            part = feed[start : start + n]
            full = (
                np.concatenate([part, np.repeat(part[-1:], n - len(part), axis=0)]) if len(part) < n else part
            )
            got = session.run(list(imported.outputs), {imported.picture_input: full, **others})
            parts.append([_first(g, axis, n, len(part)) for g, axis in zip(got, along, strict=True)])
    except Exception as error:  # onnxruntime raises its own error classes, one for each status
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"{path.name}: onnxruntime cannot run it: {cause}") from None
    single = [name for name, array in zip(imported.outputs, parts[0], strict=True) if not array.ndim]
    if single:
        raise ModelError(
            f'{path.name}: output "{single[0]}" is one number in onnxruntime, wanted one for each picture'
        )
    columns = zip(zip(*parts, strict=True), along, strict=True)
    return [np.concatenate(column, axis=min(axis, column[0].ndim - 1)) for column, axis in columns]


def _session(path: Path, wanted: Sequence[str], options: Any) -> Any:
    """Return a session whose outputs are the wanted values, which may precede the file's own outputs.

    16-bit floating-point numbers are widened to 32 bits, as in the import.
    """
    runtime, providers = _onnxruntime(), ["CPUExecutionProvider"]
    onnx = onnx_module()
    model = onnx.load(str(path), load_external_data=False)
    widened = widen_halves(model)
    missing = set(wanted) - {output.name for output in model.graph.output}
    if not missing and not widened:
        return runtime.InferenceSession(str(path), options, providers=providers)
    model.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in wanted if name in missing
    )
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.parent))
    return runtime.InferenceSession(model.SerializeToString(), options, providers=providers)


def _onnxruntime() -> Any:
    """Return the imported `onnxruntime`, with its telemetry turned off."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra("onnx", needed_for="comparing with onnxruntime") from None
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _picture_axis(tensor: Any, axes: tuple[int, ...]) -> int:
    """Return the index of an output's batch axis in the ONNX file."""
    return next((axes[i] for i, side in enumerate(tensor.shape) if side is None), 0)


def _first(output: object, axis: int, n: int, kept: int) -> np.ndarray:
    """Return the part of an output that belongs to the first `kept` of `n` pictures."""
    array = np.asarray(output, np.float64)
    if n == kept or array.ndim <= axis:
        return array
    return array.take(range(array.shape[axis] // n * kept), axis=axis)


def _dtype(name: str) -> Any:
    word = name.removeprefix("tensor(").removesuffix(")")
    return {"float": np.float32, "double": np.float64, "bool": np.bool_}.get(word) or np.dtype(word)
