"""Classifiers that end in names of classes: read up to the numbers, which onnxruntime gives too."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from reportgen.errors import ModelError
from reportgen.models import load_model
from reportgen.models.onnx import compare_with_onnxruntime, read_onnx

ML = "ai.onnx.ml"
RNG = np.random.default_rng(3)
NAMES = ["cat", "dog", "hen"]
TENSORS = {
    "w": (RNG.normal(size=(4, 3, 3, 3)) * 0.3).astype(np.float32),
    "k": (RNG.normal(size=(4, 3)) * 0.5).astype(np.float32),
}
BODY = [
    helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
    helper.make_node("Relu", ["c"], ["r"]),
    helper.make_node("GlobalAveragePool", ["r"], ["p"]),
    helper.make_node("Flatten", ["p"], ["f"]),
    helper.make_node("MatMul", ["f", "k"], ["logits"], name="fc"),
    helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
]
ARGMAX = helper.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0)
FEATURE = helper.make_node("ArrayFeatureExtractor", ["names", "best"], ["named"], domain=ML)
FLAT = helper.make_node("Reshape", ["named", "minus"], ["label"])
ENCODED = helper.make_node(
    "LabelEncoder", ["best"], ["label"], domain=ML, keys_int64s=[0, 1, 2], values_strings=NAMES
)
PICKED = helper.make_node("Gather", ["names", "best"], ["label"])


def zip_map(numbers="probabilities", **classes):
    return helper.make_node("ZipMap", [numbers], ["scores"], domain=ML, **classes)


def ints(name):
    return helper.make_tensor_value_info(name, TensorProto.INT64, None)


def texts(name):
    return helper.make_tensor_value_info(name, TensorProto.STRING, None)


def numbers(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def maps(name, key=TensorProto.STRING):
    one = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    return helper.make_value_info(name, helper.make_sequence_type_proto(one))


def write(tmp_path, nodes, outputs, *, names=True):
    stored = [numpy_helper.from_array(a, n) for n, a in TENSORS.items()]
    stored.append(numpy_helper.from_array(np.asarray([-1], np.int64), "minus"))
    if names:
        stored.append(helper.make_tensor("names", TensorProto.STRING, [3], [n.encode() for n in NAMES]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ("N", 3, 12, 12))
    graph = helper.make_graph([*BODY, *nodes], "net", [x], outputs, stored)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def same(path, imported):
    pictures = RNG.uniform(size=(3, 12, 12, 3)).astype(np.float32)
    assert max(p.max_rel for p in compare_with_onnxruntime(path, imported, pictures)) < 1e-5


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([ARGMAX, FEATURE, FLAT, zip_map(classlabels_strings=NAMES)], [texts("label"), maps("scores")]),
        ([ARGMAX, ENCODED, zip_map(classlabels_strings=NAMES)], [texts("label"), maps("scores")]),
        ([ARGMAX, PICKED, zip_map(classlabels_strings=NAMES)], [maps("scores"), texts("label")]),
        (
            [ARGMAX, zip_map(classlabels_int64s=[0, 1, 2])],
            [ints("best"), maps("scores", TensorProto.INT64)],
        ),
        ([zip_map(classlabels_strings=NAMES)], [maps("scores")]),
        ([ARGMAX, ENCODED], [texts("label")]),
    ],
    ids=["extractor", "encoder", "gather", "choice", "zipmap alone", "label alone"],
)
def test_an_ending_of_names_is_read_up_to_the_numbers(tmp_path, nodes, outputs):
    path = write(tmp_path, nodes, outputs)
    imported = read_onnx(path)
    assert imported.outputs == ("probabilities",)
    for output in outputs:
        assert any(f'"{output.name}"' in note for note in imported.notes)
    same(path, imported)
    model = load_model(path)
    assert [layer.name for layer in model.layers] == ["conv", "fc"]
    assert model.taps["fc"].head is not None, "the softmax behind the names is a head all the same"


def test_scores_next_to_class_names_stay_the_output_and_no_layer_is_lost(tmp_path):
    path = write(tmp_path, [ARGMAX, ENCODED], [numbers("probabilities"), texts("label")])
    imported = read_onnx(path)
    assert imported.outputs == ("probabilities",)
    same(path, imported)
    path = write(tmp_path, [ARGMAX, ENCODED], [numbers("f"), texts("label")])
    assert read_onnx(path).outputs == ("f", "probabilities")


def test_a_choice_that_no_other_output_is_made_from_stays_as_it_is(tmp_path):
    path = write(tmp_path, [ARGMAX], [ints("best")], names=False)
    imported = read_onnx(path)
    assert imported.outputs == ("best",)
    assert not any("left out" in note for note in imported.notes)
    path = write(tmp_path, [ARGMAX], [numbers("f"), ints("best")], names=False)
    assert read_onnx(path).outputs == ("f", "best")


def test_other_nodes_of_that_domain_are_refused_by_name(tmp_path):
    scaled = helper.make_node("Scaler", ["f"], ["y"], name="scaling", domain=ML, offset=[0.0], scale=[1.0])
    with pytest.raises(ModelError, match='"scaling" is a Scaler of the custom domain'):
        read_onnx(write(tmp_path, [scaled], [numbers("y")]))


def test_an_ending_that_reads_itself_is_refused(tmp_path):
    round_about = helper.make_node("Identity", ["label"], ["label"])
    with pytest.raises(ModelError):
        read_onnx(write(tmp_path, [round_about], [texts("label")], names=False))
