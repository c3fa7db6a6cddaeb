"""Damaged and hostile model files: whatever is changed, only this package's own errors come out.

A bounded number of cases, the same on every run; `REPORTGEN_FUZZ` multiplies it for a long run.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import ReportgenError
from reportgen.models import load_model
from tests.models.nets import stirred
from tests.models.old_files import keras_1_convolution, keras_1_dense, keras_1_layer, numbers, old_h5

TIMES = int(os.environ.get("REPORTGEN_FUZZ", "1"))
MEMORY = 256 << 20
FILES = ("three.keras", "three.h5", "first.keras", "one.h5", "graph.onnx")


def bounded(cases: int) -> Any:
    return settings(
        max_examples=cases * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def onnx_graph(path: Path) -> None:
    """Write a graph with shape arithmetic, a padded convolution, a pooling, a resize and a dense end."""
    arrays = {
        "w": numbers(3, 2, 3, 3), "b": numbers(3), "end": np.array([-1]), "at": np.array([0]),
        "one": np.array([1, 1, 2, 2], np.float32), "d": numbers(48, 2), "scale": numbers(1, 2, 1, 1),
    }  # fmt: skip
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["m", "", "one"], ["large"], mode="nearest"),
        helper.make_node("Shape", ["large"], ["shape"]),
        helper.make_node("Gather", ["shape", "at"], ["n"]),
        helper.make_node("Concat", ["n", "end"], ["flat"], axis=0),
        helper.make_node("Reshape", ["large", "flat"], ["f"]),
        helper.make_node("Gemm", ["f", "d"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
        for n, s in (("x", ("n", 2, 8, 8)), ("y", None))
    ]
    stored = [numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small file of each kind, and room for mutants."""
    path = tmp_path_factory.mktemp("fuzz")
    x = keras.Input((8, 8, 2), name="picture")
    y = layers.Conv2D(3, 3, name="conv", activation="relu")(x / 255.0)
    y = layers.MaxPooling2D(name="pool")(layers.BatchNormalization(name="norm")(y))
    net = stirred(keras.Model(x, layers.Dense(2, name="end", activation="softmax")(layers.Flatten()(y))))
    net.save(path / "three.keras")
    net.save(path / "three.h5")
    o = {"data_format": "channels_first"}
    a, b = keras.Input((2, 6, 6), name="a"), keras.Input((3,), name="b")
    y = layers.GlobalAveragePooling2D(**o)(layers.Conv2D(2, 3, name="conv", **o)(a))
    stirred(keras.Model([a, b], layers.Concatenate()([y, b]))).save(path / "first.keras")
    first = keras_1_convolution("c", 3, 3, "tf", batch_input_shape=[None, 6, 6, 1])
    flat, end = keras_1_layer("Flatten", "f"), keras_1_dense("d", 2, "softmax", 48)
    weights = {
        "c": {"c_W": numbers(3, 3, 1, 3), "c_b": numbers(3)}, "f": {},
        "d": {"d_W": numbers(48, 2), "d_b": numbers(2)},
    }  # fmt: skip
    old_h5(
        path / "one.h5", {"class_name": "Sequential", "config": [first, flat, end]}, weights, version="1.2.2"
    )
    onnx_graph(path / "graph.onnx")
    for file in FILES:
        load_model(path / file)
    return path


def read(path: Path) -> None:
    """Read a mutant: it may be a network, or refused by an error of this package."""
    with contextlib.suppress(ReportgenError):
        load_model(path, max_memory=MEMORY)


bytes_changed = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8)


@pytest.mark.parametrize("file", FILES)
@bounded(60)
@given(changes=bytes_changed, kept=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_bytes_changed_or_cut_off(folder: Path, file: str, changes: Any, kept: float) -> None:
    data = bytearray((folder / file).read_bytes())
    for where, value in changes:
        data[int(where * (len(data) - 1))] = value
    mutant = folder / f"mutant{Path(file).suffix}"
    mutant.write_bytes(data[: int(kept * len(data))])
    read(mutant)


# Configurations

shares = st.floats(0, 1, exclude_max=True)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.sampled_from([10**9, 2**31, 2**63, 10**30, -(10**18)]),
    st.floats(), st.text(max_size=6), st.sampled_from(["relu", "same", "channels_first", "conv", "float16"]),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["class_name", "config", "name", "x"]), inner),
    ),
    max_leaves=5,
)
edits = st.lists(
    st.tuples(shares, st.sampled_from(["replace", "drop", "deepen", "copy"]), values), min_size=1, max_size=3
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container within a configuration with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from places(inner)


def mutated(config: Any, changes: list[tuple[float, str, Any]]) -> Any:
    config = json.loads(json.dumps(config))
    for where, what, value in changes:
        found = list(places(config))
        if not found:
            break
        container, key = found[int(where * len(found))]
        if what == "replace":
            container[key] = value
        elif what == "drop":
            del container[key]
        elif what == "copy":
            other, place = found[int(where * 7919 * len(found)) % len(found)]
            container[key] = json.loads(json.dumps(other[place]))
        else:
            for _ in range(300):
                container[key] = [container[key]]
    return config


@pytest.mark.parametrize("file", FILES[:4])
@bounded(60)
@given(changes=edits)
def test_configurations_changed(folder: Path, file: str, changes: Any) -> None:
    mutant = folder / f"mutant{Path(file).suffix}"
    if file.endswith(".keras"):
        with zipfile.ZipFile(folder / file) as old, zipfile.ZipFile(mutant, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name == "config.json":
                    data = json.dumps(mutated(json.loads(data), changes)).encode()
                new.writestr(name, data)
    else:
        mutant.write_bytes((folder / file).read_bytes())
        with h5py.File(mutant, "r+") as opened:
            config = opened.attrs["model_config"]
            opened.attrs["model_config"] = json.dumps(mutated(json.loads(config), changes))
    read(mutant)


@pytest.mark.parametrize("file", ["three.h5", "one.h5"])
@bounded(40)
@given(where=shares, shape=st.lists(st.integers(0, 5), max_size=4), text=st.booleans())
def test_weights_of_other_shapes_and_types(
    folder: Path, file: str, where: float, shape: list[int], text: bool
) -> None:
    mutant = folder / "mutant.h5"
    mutant.write_bytes((folder / file).read_bytes())
    with h5py.File(mutant, "r+") as opened:
        names: list[str] = []
        opened.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        name = names[int(where * len(names))]
        del opened[name]
        if text:
            opened[name] = "no number"
        else:
            opened.create_dataset(name, tuple(shape), "f8")
    read(mutant)


# Graphs

whole = st.sampled_from([-(2**63), -5, -1, 0, 1, 2, 3, 7, 64, 10**9, 2**31, 2**63 - 1])
words = st.sampled_from(
    ["Conv", "ConvTranspose", "Reshape", "Transpose", "Gemm", "MatMul", "Resize", "Pad", "Slice", "Concat",
     "Tile", "Expand", "Range", "LSTM", "Split", "BatchNormalization", "If", "Loop", "ConstantOfShape",
     "TopK", "Nonsense"]
)  # fmt: skip
graph_edits = st.lists(
    st.tuples(shares, st.sampled_from(["drop", "kind", "number", "side", "wire", "twice"]), whole, words),
    min_size=1, max_size=3,
)  # fmt: skip


@bounded(80)
@given(edits=graph_edits)
def test_graphs_changed(folder: Path, edits: Any) -> None:
    model = onnx.load(folder / "graph.onnx")
    graph = model.graph
    for where, how, number, word in edits:
        node = graph.node[int(where * len(graph.node))]
        tensor = graph.initializer[int(where * len(graph.initializer))]
        if how == "drop" and len(graph.node) > 1:
            graph.node.remove(node)
        elif how == "kind":
            node.op_type = word
        elif how == "number" and node.attribute:
            attribute = node.attribute[0]
            attribute.CopyFrom(helper.make_attribute(attribute.name, [number] * max(1, len(attribute.ints))))
        elif how == "side" and tensor.dims:
            tensor.dims[0] = number
        elif how == "wire" and node.input:
            node.input[0] = node.output[0] if number < 0 else graph.node[-1].output[0]
        elif how == "twice":
            graph.node.append(node)
    mutant = folder / "mutant.onnx"
    mutant.write_bytes(model.SerializeToString())
    read(mutant)
