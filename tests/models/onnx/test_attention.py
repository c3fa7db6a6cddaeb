"""Attention and affine grids as single operators: right where onnxruntime, or the definition, says so."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from reportgen.errors import ModelError
from reportgen.models import load_model
from tests.models.onnx.test_importing import equals, numbers, write

N = 9
STEM = [
    helper.make_node("Conv", ["x", "w"], ["c"], name="stem", strides=[4, 4]),
    helper.make_node("Reshape", ["c", "tokens"], ["t0"]),
    helper.make_node("Transpose", ["t0"], ["t"], perm=[0, 2, 1]),
]
WEIGHTS = {"w": numbers(8, 3, 4, 4), "tokens": np.asarray([0, 8, N], np.int64)}
END = [
    helper.make_node("ReduceMean", ["a", "one"], ["m"], keepdims=0),
    helper.make_node("MatMul", ["m", "head"], ["y"], name="head"),
]
TAIL = {"one": np.asarray([1], np.int64), "head": numbers(8, 4)}


def products(*names, width=8):
    nodes = [helper.make_node("MatMul", ["t", f"w{n}"], [n], name=n) for n in names]
    return nodes, {f"w{n}": numbers(8, width, scale=0.7) for n in names}


def network(tmp_path, attention, arrays=(), width=8, opset=23):
    nodes, weights = products("q")
    others, more = products("k", "v", width=width)
    arrays = {**WEIGHTS, **weights, **more, **TAIL, **dict(arrays)}
    return write(tmp_path, [*STEM, *nodes, *others, attention, *END], arrays, opset=opset)


@pytest.mark.parametrize(
    ("inputs", "options", "arrays"),
    [
        ([], {}, {}),
        ([], {"scale": 0.9}, {}),
        ([], {"is_causal": 1}, {}),
        ([], {"softcap": 0.5}, {}),
        (["mask"], {}, {"mask": numbers(N, N, scale=2)}),
        (["mask"], {}, {"mask": np.arange(N * N).reshape(N, N) % 3 != 0}),
        (["mask"], {"is_causal": 1}, {"mask": numbers(1, 2, N, N)}),
    ],
    ids=["plain", "scale", "causal", "softcap", "added mask", "hiding mask", "both"],
)
def test_attention_in_three_axes_gives_what_onnxruntime_gives(tmp_path, inputs, options, arrays):
    heads = {"q_num_heads": 2, "kv_num_heads": 2}
    node = helper.make_node("Attention", ["q", "k", "v", *inputs], ["a"], **heads, **options)
    path = network(tmp_path, node, arrays)
    equals(path)
    model = load_model(path, channels="first")
    assert {layer.name for layer in model.layers} == {"stem", "q", "k", "v", "head"}
    assert not model.skipped


def test_queries_in_groups_share_keys_and_values(tmp_path):
    node = helper.make_node("Attention", ["q", "k", "v"], ["a"], q_num_heads=4, kv_num_heads=2)
    equals(network(tmp_path, node, width=4))


def test_a_query_whose_keys_are_all_masked_gives_zero(tmp_path):
    hidden = np.ones((N, N), bool)
    hidden[2] = False
    node = helper.make_node("Attention", ["q", "k", "v", "mask"], ["a"], q_num_heads=2, kv_num_heads=2)
    path = network(tmp_path, node, {"mask": hidden})
    model = load_model(path, channels="first")
    picture = np.random.default_rng(0).normal(size=(1, 12, 12, 3)).astype(np.float32)
    values = []
    for one in model.nodes:
        given = [values[at][which] for at, which in one.inputs]
        values.append((picture,) if one.kind == "input" else one.call(given))
    attended = next(
        np.asarray(v[0])
        for n, v in zip(model.nodes, values, strict=True)
        if v[0].shape == (1, N, 8) and n.name == "a"
    )
    assert not attended[0, 2].any()
    assert np.abs(attended[0, 3]).max() > 0


def test_attention_over_sequences_of_several_lengths_is_refused_by_name(tmp_path):
    node = helper.make_node(
        "Attention", ["q", "k", "v", "", "", "", "n"], ["a"], name="step", q_num_heads=2, kv_num_heads=2
    )
    with pytest.raises(ModelError, match="several lengths"):
        equals(network(tmp_path, node, {"n": np.asarray([N], np.int64)}, opset=24))


@pytest.mark.parametrize("flush", [0, 1])
def test_a_network_that_turns_its_picture_gives_what_onnxruntime_gives(tmp_path, flush):
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "k", "b"], ["g"], name="turn"),
        helper.make_node("Reshape", ["g", "six"], ["theta"]),
        helper.make_node("Shape", ["x"], ["sides"]),
        helper.make_node("AffineGrid", ["theta", "sides"], ["grid"], align_corners=flush),
        helper.make_node("GridSample", ["x", "grid"], ["turned"], mode="linear", align_corners=flush),
        helper.make_node("Conv", ["turned", "w"], ["y"], name="conv"),
    ]
    arrays = {
        "k": numbers(3, 6), "b": np.asarray([0.9, 0.2, 0.1, -0.3, 1.1, -0.2], np.float32),
        "six": np.asarray([-1, 2, 3], np.int64), "w": numbers(4, 3, 3, 3),
    }  # fmt: skip
    path = write(tmp_path, nodes, arrays, ("N", 3, 10, 14), opset=20)
    equals(path)
    model = load_model(path, channels="first")
    assert [layer.name for layer in model.layers] == ["turn", "conv"]
    assert not model.skipped, "a grid holds no weights"
