"""Networks from ONNX files, whose flattened maps have their channels first."""

from __future__ import annotations

import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import MissingExtra
from reportgen.models import load_model
from reportgen.prune.search import smaller
from reportgen.prune.trial import in_range
from reportgen.prune.writing import check_target, opened_again, write_network
from tests.prune.checking import apart, opened_plainly, pictures_for, some_groups, trial_of, without, written

pytestmark = pytest.mark.usefixtures("uncompiled")

HAS_EXPORT = importlib.util.find_spec("tf2onnx") is not None


def _file(folder, *, flatten):
    """Conv, BatchNormalization, Relu, MaxPool, flattened or averaged, Gemm, Relu, Gemm, Softmax."""
    rng = np.random.default_rng(6)
    n = 5 * 9 if flatten else 5
    arrays = {
        "w": rng.normal(0, 0.4, (5, 3, 3, 3)), "scale": rng.uniform(0.5, 2, 5), "shift": rng.normal(size=5),
        "mean": rng.normal(0, 0.2, 5), "variance": rng.uniform(0.5, 2, 5),
        "h": rng.normal(0, 0.3, (6, n)), "hb": rng.normal(size=6), "k": rng.normal(0, 0.6, (3, 6)),
    }  # fmt: skip
    squeeze = [helper.make_node("Flatten", ["m"], ["f"])]
    if not flatten:
        squeeze = [helper.make_node("ReduceMean", ["m"], ["f"], axes=[2, 3], keepdims=0)]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["b"]),
        helper.make_node("Relu", ["b"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        *squeeze,
        helper.make_node("Gemm", ["f", "h", "hb"], ["g"], transB=1, name="hidden"),
        helper.make_node("Relu", ["g"], ["q"]),
        helper.make_node("Gemm", ["q", "k"], ["logits"], transB=1, name="answer"),
        helper.make_node("Softmax", ["logits"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize("flatten", [True, False])
def test_a_network_from_onnx_is_made_smaller(tmp_path, flatten):
    path = _file(tmp_path, flatten=flatten)
    model = load_model(path)
    shown = pictures_for(model)
    search = trial_of(model, shown)
    assert len(search.groups) == 5 + 6
    assert not [name for name, why in search.groups.fixed if why != "it is an output of the network"]
    given = in_range(shown, model)
    (wanted,) = onnxruntime.InferenceSession(str(path)).run(None, {"x": given.transpose(0, 3, 1, 2)})
    none = np.zeros(len(search.groups), bool)
    assert apart(smaller(search, none).predicted(given), [wanted]) < 1e-4
    removed = some_groups(search.groups, 0.5, seed=1)
    made = written(search, removed, shown, tmp_path / "small.keras")
    assert apart(made, without(search, removed, shown)) < 1e-4


@pytest.mark.slow
def test_plain_keras_opens_what_came_from_onnx(tmp_path):
    model = load_model(_file(tmp_path, flatten=True))
    shown = pictures_for(model)
    search = trial_of(model, shown)
    made = written(search, some_groups(search.groups, 0.5, seed=1), shown, tmp_path / "small.keras")
    assert apart(opened_plainly([tmp_path / "small.keras"])[0], made) < 1e-4


def test_onnx_is_written_and_read_as_it_came_or_refused_before_anything_is_measured(tmp_path):
    path = _file(tmp_path, flatten=True)
    out = tmp_path / "small.onnx"
    if not HAS_EXPORT:
        with pytest.raises(MissingExtra, match="writing an ONNX file"):
            check_target(out, path, force=False)
        return
    check_target(out, path, force=False)
    model = load_model(path)
    shown = pictures_for(model)
    search = trial_of(model, shown)
    made = smaller(search, some_groups(search.groups, 0.5, seed=1))
    write_network(made, out, model.signature)
    given = in_range(shown, model)
    assert apart(opened_again(made, out, model.signature)(given), made.predicted(given)) < 1e-4
    session = onnxruntime.InferenceSession(str(out))
    (taken,), (told,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.shape[1:], taken.type) == ("x", [3, 8, 8], "tensor(float)")
    assert told.name == "y"
    assert apart(session.run(["y"], {"x": given.transpose(0, 3, 1, 2)}), made.predicted(given)) < 1e-4


def _in_halves(path, folder, kind):
    """The file with all its numbers, its picture and its answer in another floating type."""
    made = onnx.load(path)
    for held in made.graph.initializer:
        held.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(held).astype(kind), held.name))
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    onnx.save(made, folder / f"{kind}.onnx")
    return folder / f"{kind}.onnx"


@pytest.mark.skipif(not HAS_EXPORT, reason="needs reportgen[onnx-export]")
@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_other_floating_types_of_picture_and_output_are_kept(tmp_path, kind):
    path, out = _in_halves(_file(tmp_path, flatten=True), tmp_path, kind), tmp_path / "small.onnx"
    model = load_model(path)
    shown = pictures_for(model)
    search = trial_of(model, shown)
    made = smaller(search, some_groups(search.groups, 0.5, seed=1))
    write_network(made, out, model.signature)
    given = in_range(shown, model)
    assert apart(opened_again(made, out, model.signature)(given), made.predicted(given)) < 2e-3
    session = onnxruntime.InferenceSession(str(out))
    told = "tensor(float16)" if kind == "float16" else "tensor(double)"
    assert [x.type for x in (*session.get_inputs(), *session.get_outputs())] == [told, told]
    assert session.get_inputs()[0].shape[0] == "N"


def _map_of_bytes(folder):
    """A picture of bytes, channels last, as serving has it; a map, channels first, and its mean."""
    rng = np.random.default_rng(8)
    arrays = {"w": rng.normal(0, 0.02, (5, 3, 3, 3)), "v": rng.normal(size=(2, 5, 1, 1))}
    nodes = [
        helper.make_node("Cast", ["picture:0"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["f"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "v"], ["map"], name="answer"),
        helper.make_node("GlobalAveragePool", ["map"], ["g"]),
        helper.make_node("Flatten", ["g"], ["mean"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("picture:0", TensorProto.UINT8, ["n", 8, 8, 3])],
        [
            helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", 2, 8, 8]),
            helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", 2]),
        ],
        [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()],
    )
    path = folder / "map.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.skipif(not HAS_EXPORT, reason="needs reportgen[onnx-export]")
def test_names_axes_and_element_type_are_those_of_the_file_it_came_from(tmp_path):
    path, out = _map_of_bytes(tmp_path), tmp_path / "small.onnx"
    model = load_model(path)
    shown = pictures_for(model)
    search = trial_of(model, shown)
    write_network(smaller(search, np.zeros(len(search.groups), bool)), out, model.signature)
    before, after = (onnxruntime.InferenceSession(str(p)) for p in (path, out))
    for told in ("get_inputs", "get_outputs"):
        was, now = getattr(before, told)(), getattr(after, told)()
        assert [(x.name, x.type, x.shape[1:]) for x in now] == [(x.name, x.type, x.shape[1:]) for x in was]
    assert apart(after.run(None, {"picture:0": shown}), before.run(None, {"picture:0": shown})) < 1e-4
