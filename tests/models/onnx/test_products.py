"""Products with weights, wherever the weights stand: a layer, or skipped by name; never neither."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from reportgen.errors import ModelError
from reportgen.models import load_model
from tests.models.onnx.test_importing import equals, numbers, write

node = helper.make_node
STEM = node("Conv", ["x", "w"], ["c"], name="stem", strides=[4, 4])
VECTOR = [STEM, node("GlobalAveragePool", ["c"], ["p"]), node("Flatten", ["p"], ["f"])]
ROWS = node("Transpose", ["f"], ["ft"], perm=[1, 0])
BACK = node("Transpose", ["q"], ["y"], perm=[1, 0])
TOKENS = [STEM, node("Reshape", ["c", "tokens"], ["t"])]
HEADS = [STEM, node("Reshape", ["c", "heads"], ["h"])]
LAST = node("Transpose", ["c"], ["d"], perm=[0, 2, 3, 1])
ARRAYS = {
    "w": numbers(8, 3, 4, 4), "tokens": np.asarray([0, 8, 9], np.int64),
    "heads": np.asarray([0, 2, 4, 9], np.int64), "one": np.asarray([1], np.int64),
}  # fmt: skip


def product(a, b, result):
    return node("MatMul", [a, b], [result], name="product")


def einsum(equation, *inputs):
    return node("Einsum", inputs or ["c", "k"], ["y"], name="product", equation=equation)


@pytest.mark.parametrize(
    ("nodes", "sides", "shows"),
    [
        ([*VECTOR, ROWS, product("k", "ft", "q"), BACK], (5, 8), (5,)),
        ([*VECTOR, ROWS, node("Gemm", ["k", "ft"], ["q"], name="product", alpha=0.5), BACK], (5, 8), (5,)),
        ([*VECTOR, node("Gemm", ["k", "f"], ["q"], name="product", transB=1), BACK], (5, 8), (5,)),
        ([*VECTOR, product("f", "k", "g"), node("Unsqueeze", ["g", "one"], ["y"])], (8,), (1,)),
        ([STEM, LAST, product("d", "k", "y")], (1, 1, 8, 5), (3, 3, 5)),
        ([STEM, einsum("bchw,kc->bkhw")], (5, 8), (3, 3, 5)),
        ([STEM, einsum("bchw,ck->bhwk")], (8, 5), (3, 3, 5)),
        ([STEM, einsum("kc,bchw->bkhw", "k", "c")], (5, 8), (3, 3, 5)),
        ([*VECTOR, einsum("bc,kc->bk", "f", "k")], (1, 8), (1,)),
    ],
    ids=["left", "Gemm, left", "Gemm, turned", "one vector", "four axes", "einsum", "einsum, last",
         "einsum, left", "one unit"],
)  # fmt: skip
def test_a_sum_over_features_or_channels_is_a_layer(tmp_path, nodes, sides, shows):
    path = write(tmp_path, nodes, {**ARRAYS, "k": numbers(*sides)})
    equals(path)
    model = load_model(path, channels="first")
    at, output = model.taps["product"].pre
    assert model.nodes[at].output_shapes[output][1:] == shows
    assert not model.skipped


@pytest.mark.parametrize(
    ("nodes", "sides"),
    [
        ([*TOKENS, product("k", "t", "y")], (5, 8)),
        ([*TOKENS, product("k", "t", "y")], (1, 8)),
        ([*TOKENS, product("k", "t", "y")], (8,)),
        ([*TOKENS, product("t", "k", "y")], (9, 1)),
        ([STEM, product("k", "c", "y")], (5, 3)),
        ([*HEADS, product("h", "k", "y")], (2, 9, 5)),
        ([*HEADS, product("h", "k", "y")], (2, 9, 1)),
        ([STEM, einsum("bchw,c->bhw")], (8,)),
        ([STEM, einsum("bchw,chwk->bk")], (8, 3, 3, 5)),
        ([STEM, einsum("bchw,vh->bcvw")], (5, 3)),
    ],
    ids=["left", "left, one", "left, vector", "right, one", "rows of a map", "each head", "each head, one",
         "weighted sum", "all axes", "einsum over rows"],
)  # fmt: skip
def test_any_other_product_with_weights_is_skipped_by_name(tmp_path, nodes, sides):
    path = write(tmp_path, nodes, {**ARRAYS, "k": numbers(*sides)})
    equals(path)
    model = load_model(path, channels="first")
    assert [name for name, _ in model.skipped] == ["product"]
    assert [layer.name for layer in model.layers] == ["stem"]


@pytest.mark.parametrize(
    "between",
    [
        node("LRN", ["x"], ["l"], size=3),
        node(
            "Resize",
            ["x", "", "", "sizes"],
            ["l"],
            mode="linear",
            coordinate_transformation_mode="asymmetric",
        ),
    ],
    ids=["LRN", "Resize"],
)
def test_what_the_reader_works_out_is_no_layer_with_weights(tmp_path, between):
    nodes = [between, node("Conv", ["l", "w"], ["y"], name="stem", strides=[4, 4])]
    path = write(tmp_path, nodes, {**ARRAYS, "sizes": np.asarray([1, 3, 17, 15], np.int64)})
    model = load_model(path, channels="first")
    assert not model.skipped


def test_a_product_over_pictures_is_refused(tmp_path):
    nodes = [*VECTOR, ROWS, product("ft", "f", "y")]
    with pytest.raises(ModelError, match="mixes the pictures"):
        equals(write(tmp_path, nodes, ARRAYS))
    with pytest.raises(ModelError, match="mixes the pictures"):
        equals(write(tmp_path, [*VECTOR, einsum("bc,bd->cd", "f", "f")], ARRAYS))
