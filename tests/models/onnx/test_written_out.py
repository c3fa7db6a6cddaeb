"""What TensorFlow's exporter writes out in several nodes, and is one layer: held against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from reportgen.models import load_model
from tests.models.onnx.test_importing import equals, kinds, numbers, write

STEM = helper.make_node("Conv", ["x", "w", "b"], ["c"], name="stem", pads=[1, 1, 1, 1])
WEIGHTS = {"w": numbers(6, 3, 3, 3), "b": numbers(6)}
TURN = helper.make_node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1])
END = [
    helper.make_node("ReduceMean", ["m"], ["g"], axes=[1, 2], keepdims=0),
    helper.make_node("MatMul", ["g", "head"], ["y"], name="head"),
]


def shape(*sides):
    return np.asarray(sides, np.int64)


def layers(path):
    model = load_model(path)
    found = {}
    for layer in model.layers:
        at, output = model.taps[layer.name].pre
        found[layer.name] = (layer.kind, tuple(model.nodes[at].output_shapes[output][1:]))
    return found, dict(model.skipped)


def dense_over_map(between=(), back=(-1, 12, 12, 5), last="d"):
    """A map made rows, a product over them, what else stands between, and the way back."""
    nodes = [
        STEM, TURN,
        helper.make_node("Reshape", ["t", "rows"], ["r"]),
        helper.make_node("MatMul", ["r", "k"], ["d"], name="dense"),
        *between,
        helper.make_node("Reshape", [last, "back"], ["m"]),
    ]  # fmt: skip
    arrays = {**WEIGHTS, "k": numbers(6, 5), "rows": shape(-1, 6), "back": shape(*back)}
    return nodes, {**arrays, "head": numbers(5, 4)}


def test_a_dense_layer_over_a_map_written_by_rows_stands_over_the_map(tmp_path):
    nodes, arrays = dense_over_map()
    path = write(tmp_path, [*nodes, *END], arrays)
    assert "reshape" not in kinds(equals(path))
    found, skipped = layers(path)
    assert found["dense"] == ("dense", (12, 12, 5))
    assert not skipped


def test_sums_and_activations_between_the_rows_come_along(tmp_path):
    between = [
        helper.make_node("Add", ["d", "bias"], ["e"]),
        helper.make_node("Relu", ["e"], ["f"]),
        helper.make_node("MatMul", ["r", "k2"], ["other"], name="beside"),
        helper.make_node("Mul", ["f", "other"], ["p"]),
        helper.make_node("Softmax", ["p"], ["s"], axis=-1),
    ]
    nodes, arrays = dense_over_map(between, last="s")
    path = write(tmp_path, [*nodes, *END], {**arrays, "bias": numbers(5), "k2": numbers(6, 5)})
    equals(path)
    found, _ = layers(path)
    assert found["dense"][1] == found["beside"][1] == (12, 12, 5)


@pytest.mark.parametrize("back", [(-1, 144, 5), (-1, 6, 24, 5), (-1, 12, 60)], ids=str)
def test_rows_that_do_not_come_back_as_the_map_stay_tokens(tmp_path, back):
    nodes, arrays = dense_over_map(back=back)
    over = list(range(1, len(back) - 1))
    head = {"head": numbers(back[-1], 4)}
    end = [helper.make_node("ReduceMean", ["m"], ["g"], axes=over, keepdims=0), END[1]]
    path = write(tmp_path, [*nodes, *end], {**arrays, **head})
    equals(path)
    found, skipped = layers(path)
    assert "tokens" in skipped["dense"]
    assert set(found) == {"stem", "head"}


def test_a_pooled_picture_and_its_one_place_are_the_same_row(tmp_path):
    nodes = [
        STEM,
        helper.make_node("GlobalAveragePool", ["c"], ["p"]),
        helper.make_node("Squeeze", ["p", "sides"], ["f"]),
        helper.make_node("MatMul", ["f", "k"], ["d"], name="dense"),
        helper.make_node("Sigmoid", ["d"], ["s"]),
        helper.make_node("Unsqueeze", ["s", "sides"], ["gate"]),
        helper.make_node("Mul", ["c", "gate"], ["y"]),
    ]
    path = write(tmp_path, nodes, {**WEIGHTS, "k": numbers(6, 6), "sides": shape(2, 3)})
    equals(path)
    assert layers(path)[0]["dense"] == ("dense", (6,))


def test_rows_that_something_else_needs_as_rows_stay_rows(tmp_path):
    beside = [
        helper.make_node("Reshape", ["d", "pairs"], ["q"]),
        helper.make_node("ReduceMax", ["q"], ["top"], axes=[1], keepdims=0),
    ]
    nodes, arrays = dense_over_map(beside)
    end = [*END[:1], helper.make_node("Add", ["g", "top"], ["sum"])]
    end.append(helper.make_node("MatMul", ["sum", "head"], ["y"], name="head"))
    path = write(tmp_path, [*nodes, *end], {**arrays, "pairs": shape(-1, 144, 5)})
    equals(path)
    assert "tokens" in layers(path)[1]["dense"]


def dilated(*, pads, crop=None, bias=None, block=2, source="c", kernel=(5, 6, 3, 3)):
    """A dilated convolution as TensorFlow's exporter has it: places become pictures and come back."""
    swap = {"perm": [1, 0, 2, 3]}
    nodes = [
        helper.make_node("Pad", [source, "pads"], ["p"]),
        helper.make_node("Transpose", ["p"], ["p1"], **swap),
        helper.make_node("SpaceToDepth", ["p1"], ["p2"], blocksize=block),
        helper.make_node("Transpose", ["p2"], ["p3"], **swap),
        helper.make_node("Conv", ["p3", "k"], ["d0"], name="wide"),
        *([helper.make_node("Add", ["d0", "bias"], ["d1"])] if bias else []),
        helper.make_node("Transpose", ["d1" if bias else "d0"], ["d2"], **swap),
        helper.make_node("DepthToSpace", ["d2"], ["d3"], blocksize=block),
    ]
    arrays = {"pads": shape(0, 0, pads[0], pads[0], 0, 0, *pads[1]), "k": numbers(*kernel)}
    if bias:
        arrays["bias"] = numbers(1, kernel[0], 1, 1)
    if crop:
        nodes.append(helper.make_node("Slice", ["d3", "from", "to", "at"], ["d4"]))
        arrays |= {"from": shape(0, 0), "to": shape(*crop), "at": shape(2, 3)}
    nodes.append(helper.make_node("Transpose", ["d4" if crop else "d3"], ["m0"], **swap))
    return nodes, arrays


HEAD = [
    helper.make_node("Relu", ["m0"], ["m1"]),
    helper.make_node("GlobalAveragePool", ["m1"], ["g0"]),
    helper.make_node("Flatten", ["g0"], ["g"]),
    helper.make_node("MatMul", ["g", "head"], ["y"], name="head"),
]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("pads", "crop", "block", "shows"),
    [
        ((2, (2, 2)), None, 2, (12, 12)), ((2, (4, 2)), (12, 12), 2, (12, 12)),
        ((3, (3, 3)), None, 3, (12, 12)), ((3, (3, 3)), (-1, -2), 3, (11, 10)),
        ((0, (0, 0)), None, 2, (8, 8)), ((0, (0, 0)), (6, 8), 2, (6, 8)),
    ],
)  # fmt: skip
def test_a_dilated_convolution_written_over_parts_is_one_layer_over_the_map(
    tmp_path, pads, crop, block, shows, bias
):
    nodes, arrays = dilated(pads=pads, crop=crop, block=block, bias=bias)
    path = write(tmp_path, [STEM, *nodes, *HEAD], {**WEIGHTS, **arrays, "head": numbers(5, 4)})
    imported = equals(path)
    assert "transpose" not in kinds(imported)
    found, skipped = layers(path)
    assert found["wide"] == ("conv2d", (*shows, 5))
    assert not skipped


def test_a_convolution_over_parts_that_are_not_put_together_is_of_the_map_too(tmp_path):
    nodes, arrays = dilated(pads=(2, (2, 2)))
    end = [
        helper.make_node("GlobalMaxPool", ["d2"], ["g0"]),
        helper.make_node("Reshape", ["g0", "four"], ["g1"]),
        helper.make_node("ReduceMax", ["g1"], ["g2"], axes=[1], keepdims=0),
        helper.make_node("Transpose", ["g2"], ["g"], perm=[1, 0]),
        helper.make_node("MatMul", ["g", "head"], ["y"], name="head"),
    ]
    arrays |= {"four": shape(5, 4, -1), "head": numbers(5, 4)}
    path = write(tmp_path, [STEM, *nodes[:-2], *end], {**WEIGHTS, **arrays})
    equals(path)
    found, skipped = layers(path)
    assert found["wide"] == ("conv2d", (12, 12, 5))
    assert set(found) == {"stem", "wide", "head"}
    assert not skipped


def test_a_dilated_convolution_that_two_read_is_one_layer(tmp_path):
    nodes, arrays = dilated(pads=(2, (2, 2)))
    beside = [
        helper.make_node("Transpose", ["d3"], ["n0"], perm=[1, 0, 2, 3]),
        helper.make_node("Sigmoid", ["n0"], ["n1"]),
        helper.make_node("Mul", ["m0", "n1"], ["m2"]),
        helper.make_node("GlobalAveragePool", ["m2"], ["g0"]),
    ]
    path = write(tmp_path, [STEM, *nodes, *beside, *HEAD[2:]], {**WEIGHTS, **arrays, "head": numbers(5, 4)})
    equals(path)
    assert sorted(layers(path)[0]) == ["head", "stem", "wide"]


def moments(rows):
    """A normalisation over each row of a matrix, as tf2onnx writes TensorFlow's fused one."""
    over = [0, 2, 3]
    return [
        helper.make_node("Reshape", ["t", rows], ["u"]),
        helper.make_node("Shape", ["u"], ["sides"]),
        helper.make_node("Gather", ["sides", "one"], ["n"]),
        helper.make_node("Expand", ["1.0", "n"], ["scale"]),
        helper.make_node("Expand", ["0.0", "n"], ["offset"]),
        helper.make_node("ReduceMean", ["u"], ["mean"], axes=over, keepdims=1),
        helper.make_node("Sub", ["u", "mean"], ["rest"]),
        helper.make_node("ReduceSumSquare", ["rest"], ["squares"], axes=over, keepdims=0),
        helper.make_node("Squeeze", ["mean", "over"], ["flat"]),
        helper.make_node("Div", ["squares", "count"], ["variance"]),
        helper.make_node("BatchNormalization", ["u", "scale", "offset", "flat", "variance"], ["v"]),
        helper.make_node("Reshape", ["v", "back"], ["n0"]),
        helper.make_node("Mul", ["n0", "gamma"], ["n1"]),
        helper.make_node("Add", ["n1", "beta"], ["m"]),
    ]


@pytest.mark.parametrize("rows", [(1, -1, 6, 1), (1, -1, 12 * 12 * 6, 1)], ids=["each place", "each picture"])
def test_a_normalisation_of_rows_by_their_own_moments_keeps_pictures_apart(tmp_path, rows):
    arrays = {
        **WEIGHTS, "rows": shape(*rows), "one": shape(1), "over": shape(0, 2, 3),
        "1.0": np.ones((), np.float32), "0.0": np.zeros((), np.float32),
        "count": np.asarray(rows[2], np.float32), "back": shape(-1, 12, 12, 6),
        "gamma": numbers(6), "beta": numbers(6), "head": numbers(6, 4),
    }  # fmt: skip
    path = write(tmp_path, [STEM, TURN, *moments("rows"), *END], arrays)
    equals(path, sizes=(1, 2, 5))
    assert sorted(layers(path)[0]) == ["head", "stem"]
