"""Places in a list of all pictures' numbers, as torch's exporter writes `as_strided`: each picture's own."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper

from reportgen.errors import ModelError
from reportgen.models.onnx import read_onnx
from tests.models.onnx.test_importing import equals, kinds, numbers, write

STEM = [
    helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
    helper.make_node("Reshape", ["c", "all"], ["list"]),
]
WEIGHTS = {"w": numbers(2, 3, 3, 3), "b": numbers(2), "all": np.asarray([-1], np.int64)}
SIDE = 6
OWN = 2 * SIDE * SIDE
HEAD = [
    helper.make_node("Reshape", ["picked", "rows"], ["r"]),
    helper.make_node("MatMul", ["r", "k"], ["y"]),
]
PLACES = (np.arange(2)[:, None, None] * 36 + np.arange(3)[:, None] * 12 + np.arange(2) * 2).astype(np.int64)


def counted(stride=OWN, then=()):
    return [
        helper.make_node("Shape", ["x"], ["sides"], start=0, end=1),
        helper.make_node("Squeeze", ["sides"], ["n"]),
        helper.make_node("Range", ["zero", "n", "one"], ["range"]),
        helper.make_node("Mul", ["range", "stride"], ["first"]),
        helper.make_node("Unsqueeze", ["first", "axes"], ["column"]),
        *then,
        helper.make_node("Add", ["within" if then else "column", "places"], ["index"]),
        helper.make_node("Gather", ["list", "index"], ["picked"], axis=0),
    ], {
        "zero": np.asarray(0), "one": np.asarray(1), "stride": np.asarray(stride),
        "axes": np.asarray([1, 2, 3]), "places": PLACES[None],
    }  # fmt: skip


def tail(width):
    return {"rows": np.asarray([-1, width], np.int64), "k": numbers(width, 4)}


def test_places_counted_on_for_each_picture_are_the_pictures_own(tmp_path):
    nodes, arrays = counted()
    path = write(tmp_path, [*STEM, *nodes, *HEAD], {**WEIGHTS, **arrays, **tail(12)}, ("N", 3, SIDE, SIDE))
    equals(path, sizes=(1, 2, 5))


@pytest.mark.parametrize("batch", ["N", 1, 3])
def test_places_counted_by_the_older_exporter_are_the_pictures_own(tmp_path, batch):
    fill = numpy_helper.from_array(np.ones(1, np.float32))
    count = [
        helper.make_node("Shape", ["x"], ["sides"], start=0, end=1),
        helper.make_node("ConstantOfShape", ["sides"], ["ones"], value=fill),
        helper.make_node("NonZero", ["ones"], ["row"]),
        helper.make_node("Transpose", ["row"], ["turned"], perm=[1, 0]),
        helper.make_node("Squeeze", ["turned", "one"], ["range"]),
    ]
    nodes, arrays = counted()
    arrays["one"] = np.asarray([1])
    path = write(
        tmp_path,
        [*STEM, *count, *nodes[3:], *HEAD],
        {**WEIGHTS, **arrays, **tail(12)},
        (batch, 3, SIDE, SIDE),
    )
    equals(path, sizes=(1, 3))


def test_places_that_the_picture_says_are_refused_by_name(tmp_path):
    nodes = [*STEM, helper.make_node("NonZero", ["c"], ["y"], name="where")]
    with pytest.raises(ModelError, match=r'"where" \(NonZero\).*depends on the picture'):
        read_onnx(write(tmp_path, nodes, WEIGHTS, (1, 3, SIDE, SIDE)))


@pytest.mark.parametrize("n", [1, 2])
def test_places_written_out_for_a_fixed_batch_are_each_pictures_own(tmp_path, n):
    index = np.arange(n).reshape(n, 1, 1, 1) * OWN + PLACES[None]
    nodes = [*STEM, helper.make_node("Gather", ["list", "index"], ["picked"], axis=0), *HEAD]
    arrays = {**WEIGHTS, "index": index, **tail(12), "rows": np.asarray([n, 12], np.int64)}
    equals(write(tmp_path, nodes, arrays, (n, 3, SIDE, SIDE)), sizes=(1, 4))


def test_all_places_in_their_order_are_a_reshape(tmp_path):
    nodes, arrays = counted()
    arrays["places"] = np.arange(OWN).reshape(1, 2, SIDE, SIDE)
    path = write(tmp_path, [*STEM, *nodes, *HEAD], {**WEIGHTS, **arrays, **tail(OWN)}, ("N", 3, SIDE, SIDE))
    assert "take" not in kinds(equals(path))


@pytest.mark.parametrize(
    ("stride", "shift", "then"),
    [
        (OWN // 2, 0, ()),
        (2 * OWN, 0, ()),
        (OWN, OWN - 1, ()),
        (OWN, -1, ()),
        (OWN, 0, [helper.make_node("Min", ["column", "stride"], ["within"])]),
        (OWN, 0, [helper.make_node("Mul", ["column", "column"], ["within"])]),
        (OWN, 0, [helper.make_node("Mod", ["column", "stride"], ["within"])]),
    ],
    ids=["half a picture", "every other", "the next", "the last", "at most", "squared", "rest"],
)
def test_places_in_other_pictures_are_refused_by_name(tmp_path, stride, shift, then):
    nodes, arrays = counted(stride, then)
    arrays["places"] = arrays["places"] + shift
    path = write(tmp_path, [*STEM, *nodes, *HEAD], {**WEIGHTS, **arrays, **tail(12)}, ("N", 3, SIDE, SIDE))
    with pytest.raises(ModelError, match=r"pictures of a batch|picks from"):
        equals(path)


def test_numbers_that_count_pictures_are_no_part_of_a_network(tmp_path):
    nodes, arrays = counted()
    nodes = [*nodes[:3], helper.make_node("Cast", ["range"], ["f"], to=1)]
    nodes += [helper.make_node("Unsqueeze", ["f", "last"], ["u"]), helper.make_node("Flatten", ["c"], ["v"])]
    nodes += [helper.make_node("Add", ["v", "u"], ["y"])]
    arrays |= {**WEIGHTS, "last": np.asarray([1])}
    with pytest.raises(ModelError, match="counts the pictures of a batch"):
        equals(write(tmp_path, [*STEM[:1], *nodes], arrays, ("N", 3, SIDE, SIDE)))
