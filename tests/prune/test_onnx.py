"""Networks from ONNX files, whose flattened maps have their channels first."""

from __future__ import annotations

import importlib.util

import numpy as np
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
    write_network(made, out, channels_first=True)
    given = in_range(shown, model)
    assert apart(opened_again(made, out, channels_first=True)(given), made.predicted(given)) < 1e-4
    session = onnxruntime.InferenceSession(str(out))
    assert session.get_inputs()[0].shape[1:] == [3, 8, 8]
