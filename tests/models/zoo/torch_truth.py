"""What a torch network computes at each of its modules with weights, and how it is exported."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from tests.models.zoo.family import Family
from tests.models.zoo.truth import kept, picture, weight

_UNITS = {nn.Conv2d: "convolution", nn.ConvTranspose2d: "transposed", nn.Linear: "dense"}
_OTHERS = (nn.Conv1d, nn.LSTM, nn.GRU, nn.MultiheadAttention)


def filled(family: Family) -> Any:
    """Return the network with every weight's value by formula."""
    torch.manual_seed(0)
    net = family.build().eval()
    index = 0
    named = [*net.named_parameters(), *net.named_buffers()]
    for name, values in named:
        if (
            not values.is_floating_point()
            or name in ("mean", "std", "picture")
            or "._u" in name
            or "._v" in name
        ):
            continue
        shape, owner = tuple(values.shape), net.get_submodule(name.rpartition(".")[0])
        norm = isinstance(owner, (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.InstanceNorm2d))
        word = (
            "gamma"
            if norm and name.endswith("weight")
            else name.rsplit(".", 1)[-1].replace("original", "kernel")
        )
        drawn = weight("/" + word, shape[1:] + shape[:1], index)
        values.data.copy_(torch.from_numpy(np.moveaxis(drawn, -1, 0) if len(shape) > 1 else drawn))
        index += 1
    return net


def inputs(family: Family, shift: float = 0.0) -> tuple[Any, ...]:
    """Return what the network is called with: the picture, and zeros for all else."""
    shown = picture(family.size, family.low, family.high, shift)
    shown = shown if family.shape == family.size else shown.transpose(2, 0, 1)
    first = torch.from_numpy(np.ascontiguousarray(shown).reshape(1, *(family.shape or shown.shape)))
    more = {"siamese": lambda: (torch.zeros_like(first),), "two_towers": lambda: (torch.zeros(1, 5),)}
    return (first, *more.get(family.name, tuple)())


def truth(net: Any, family: Family) -> dict[str, Any]:
    """Return what a right reading of the network finds; see `judge` for how it is compared."""
    if not family.picture:
        return {"picture": False}
    seen, outputs = _run(net, inputs(family))
    other, _ = _run(net, inputs(family, 0.7))
    layers, skipped = [], []
    for record, second in zip(seen, other, strict=True):
        values = record["values"]
        if record["kind"] == "other" or values.ndim not in (2, 4) or values.shape[0] != 1:
            skipped += [record["path"]] * (2 if record["kind"] == "attention" else 1)
        elif not np.array_equal(values, second["values"]):
            said = {"path": record["path"], "kind": record["kind"], **kept(values[0])}
            if record["normal"] is not None:
                said["normal"] = kept(record["normal"][0])
            layers.append(said)
    said = [kept(o[0]) for o in outputs]
    return {"picture": True, "size": list(family.size), "layers": layers, "skipped": skipped, "outputs": said}


def _run(net: Any, given: tuple[Any, ...]) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    records: list[dict[str, Any]] = []

    def listen(name: str, module: Any) -> Any:
        def unit(_: Any, given: Any, out: Any) -> None:
            values = out.detach().numpy()
            if not isinstance(module, nn.Linear):
                values = values.transpose(0, 2, 3, 1)
            kind = next(kind for cls, kind in _UNITS.items() if isinstance(module, cls))
            records.append({"path": [name], "kind": kind, "values": values.copy(), "normal": None})

        def other(_: Any, given: Any, out: Any) -> None:
            records.append({"path": [name], "kind": "other", "values": np.zeros(0), "normal": None})

        def norm(_: Any, given: Any, out: Any) -> None:
            before = given[0].numpy().transpose(0, 2, 3, 1)
            for record in reversed(records):
                if record["values"].shape == before.shape and np.array_equal(record["values"], before):
                    record["normal"] = out.numpy().transpose(0, 2, 3, 1).copy()
                    break

        if isinstance(module, tuple(_UNITS)):
            return module.register_forward_hook(unit)
        if isinstance(module, _OTHERS):
            return module.register_forward_hook(other)
        return module.register_forward_hook(norm) if isinstance(module, nn.BatchNorm2d) else None

    hooks = [hook for name, module in net.named_modules() if (hook := listen(name, module))]
    with torch.no_grad():
        out = net(*given)
    for hook in hooks:
        hook.remove()
    return records, [o.numpy() for o in (out if isinstance(out, tuple) else (out,))]


def bare(path: Path) -> None:
    """Take out of a file where on the exporting machine each node's code stood."""
    model = onnx.load(str(path))
    for graph in (model.graph, *model.functions):
        for node in graph.node:
            node.ClearField("metadata_props")
            node.ClearField("doc_string")
    onnx.save(model, str(path))


def export(net: Any, family: Family, form: str, path: Path) -> None:
    """Write the network as ONNX, its batch left open, by the exporter and at the opset of the form."""
    kind, opset = form.split("-")[1:]
    given = inputs(family)
    names = [f"input{i or ''}" for i in range(len(given))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "old":
            axes = {name: {0: "batch"} for name in names}
            torch.onnx.export(
                net, given, str(path), dynamo=False, opset_version=int(opset), input_names=names,
                output_names=["output"], dynamic_axes={**axes, "output": {0: "batch"}},
            )  # fmt: skip
        else:
            batch = torch.export.Dim("batch")
            given = tuple(torch.cat([one, one]) for one in given)  # of one, torch takes the batch to be fixed
            torch.onnx.export(
                net, given, str(path), dynamo=True, opset_version=int(opset), input_names=names,
                dynamic_shapes=[{0: batch} for _ in given], external_data=False, verbose=False,
            )  # fmt: skip
    bare(path)
