"""Structured mutants of model files: attributes, shapes, names and types changed, the container whole."""

from __future__ import annotations

import copy
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import onnx

_NUMBERS = [-(2**63), -(2**31), -5, -1, 0, 1, 2, 3, 4, 5, 7, 16, 64, 1000, 2**31 - 1, 2**31, 2**63 - 1]
_FLOATS = [0.0, -1.0, 0.5, 1e-38, 1e38, float("inf"), float("nan")]
_VALUES = [None, True, False, -1, 0, 1, 3, 10**9, 2**63, 0.5, "", "relu", "same", "conv", [], {}, [1, 2]]


def onnx_mutant(model: Any, seed: int) -> bytes:
    """Return an ONNX file with one to three fields changed, dropped, doubled or swapped."""
    draw = random.Random(seed)
    mutant = copy.deepcopy(model)
    for _ in range(draw.randint(1, 3)):
        places = list(_fields(mutant.graph))
        _change(draw, *draw.choice(places), places)
    return bytes(mutant.SerializeToString())


def _fields(message: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each message within a message with each of the fields that it has set."""
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from _fields(inner)


def _change(draw: random.Random, message: Any, field: Any, places: list[tuple[Any, Any]]) -> None:
    value = getattr(message, field.name)
    how = draw.choice(["new", "new", "drop", "double", "other"])
    if how == "drop":
        message.ClearField(field.name)
    elif how == "other":
        alike = [getattr(m, f.name) for m, f in places if f.full_name == field.full_name]
        _set(message, field, copy.deepcopy(draw.choice(alike)))
    elif field.is_repeated and how == "double" and len(value) < 50:
        value.extend(copy.deepcopy(list(value)))
    elif field.is_repeated and field.message_type is not None:
        del value[draw.randrange(len(value)) :]
    elif field.message_type is None:
        new = _drawn(draw, field, places)
        if field.is_repeated:
            value[draw.randrange(len(value))] = new
        else:
            setattr(message, field.name, new)


def _set(message: Any, field: Any, value: Any) -> None:
    message.ClearField(field.name)
    if field.is_repeated:
        getattr(message, field.name).extend(value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _drawn(draw: random.Random, field: Any, places: list[tuple[Any, Any]]) -> Any:
    kind = field.cpp_type
    if kind == field.CPPTYPE_ENUM:
        return draw.choice(field.enum_type.values).number
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return draw.choice(_FLOATS[:4] if kind == field.CPPTYPE_FLOAT else _FLOATS)
    if kind in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32):
        return draw.choice([n for n in _NUMBERS if 0 <= n < 2**31])
    if kind in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64):
        return draw.choice(_NUMBERS if kind == field.CPPTYPE_INT64 else _NUMBERS[4:])
    if field.name == "op_type":
        return draw.choice(sorted({s.name for s in onnx.defs.get_all_schemas()}))
    if field.type == field.TYPE_STRING:
        alike = [getattr(m, f.name) for m, f in places if f.type == f.TYPE_STRING and not f.is_repeated]
        return draw.choice([*alike, "", "a\0b", "é" * 300])
    return draw.randbytes(draw.choice([0, 1, 4, 17]))


def mutant_of(file: Path, seed: int, folder: Path) -> Path:
    """Write a mutant of a model file of any form to a folder, its weights beside it, and return where."""
    mutant = folder / f"mutant{file.suffix}"
    if file.suffix == ".onnx":
        mutant.write_bytes(onnx_mutant(onnx.load(file), seed))
    elif file.suffix == ".json":
        mutant.write_text(json.dumps(_edited(random.Random(seed), json.loads(file.read_text()))))
        mutant.with_suffix(".weights.h5").write_bytes(file.with_suffix(".weights.h5").read_bytes())
    elif zipfile.is_zipfile(file):
        _archive_mutant(file, seed, mutant)
    else:
        mutant.write_bytes(file.read_bytes())
        _change_hdf5(random.Random(seed), mutant)
    return mutant


def _archive_mutant(file: Path, seed: int, mutant: Path) -> None:
    """Write a `.keras` archive with its configuration changed, or the weights in it, or their names."""
    draw = random.Random(seed)
    chosen = draw.choice(["config.json"] * 6 + ["metadata.json", "model.weights.h5", "model.weights.h5"])
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(mutant, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == chosen and name.endswith(".json"):
                data = json.dumps(_edited(draw, json.loads(data))).encode()
            elif name == chosen:
                beside = mutant.with_suffix(".inner")
                beside.write_bytes(data)
                _change_hdf5(draw, beside)
                data = beside.read_bytes()
            new.writestr(name, data)


def _change_hdf5(draw: random.Random, file: Path) -> None:
    """Change an HDF5 file: what its attributes say of the network, or its arrays."""
    with h5py.File(file, "r+") as opened:
        said = [name for name in ("model_config", "training_config") if name in opened.attrs]
        if said and draw.random() < 0.6:
            name = draw.choice([*said, said[0]])
            opened.attrs[name] = json.dumps(_edited(draw, json.loads(opened.attrs[name])))
            return
        for _ in range(draw.randint(1, 3)):
            _change_item(draw, opened)


def _change_item(draw: random.Random, opened: Any) -> None:
    items: list[str] = []
    opened.visit(items.append)
    if not items:
        return
    name = draw.choice(items)
    item, how = opened[name], draw.choice(["drop", "rename", "shape", "type", "attribute", "other", "group"])
    if how == "attribute" and (keys := [*item.attrs, *opened.attrs]):
        owner = item if (key := draw.choice(keys)) in item.attrs else opened
        owner.attrs[key] = draw.choice([0, -1.5, "text", b"\xff\xfe", [1, 2], ["a", "b"], "[]", "null", ""])
    elif how == "rename":
        new = f"{name}{draw.choice(['_1', '.', 'é', ' '])}"
        if new not in opened:
            opened.move(name, new)
    elif how in ("drop", "group"):
        del opened[name]
        if how == "group":
            opened.create_group(name)
    elif how == "other":
        other = draw.choice(items)
        if not (f"{name}/".startswith(f"{other}/") or f"{other}/".startswith(f"{name}/")):
            del opened[name]
            opened[name] = opened[other]
    elif isinstance(item, h5py.Dataset):
        shape = tuple(draw.choice([0, 1, 2, 3, 7]) for _ in range(draw.randint(0, 5)))
        kind = draw.choice(["f2", "f8", "i8", "?", "S3", "c8"]) if how == "type" else item.dtype
        old = item.shape if how == "type" else shape
        del opened[name]
        opened.create_dataset(name, old, kind)


def _edited(draw: random.Random, config: Any) -> Any:
    """Return a configuration with one to three values changed, dropped or swapped."""
    for _ in range(draw.randint(1, 3)):
        _edit(draw, config)
    return config


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


def _edit(draw: random.Random, config: Any) -> None:
    found = list(_places(config))
    if not found:
        return
    container, key = draw.choice(found)
    how = draw.choice(["new", "drop", "other", "alike", "wrap"])
    if how == "new":
        container[key] = copy.deepcopy(draw.choice(_VALUES))
    elif how == "drop":
        del container[key]
    elif how == "wrap":
        container[key] = draw.choice([[container[key]], {"class_name": container[key], "config": {}}])
    else:
        others = [c[k] for c, k in found if how == "other" or k == key]
        container[key] = copy.deepcopy(draw.choice(others))
