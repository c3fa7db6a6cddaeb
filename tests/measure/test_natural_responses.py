"""Hand-made units on hand-made pictures: how strongly they respond, where, and to which class."""

import keras
import numpy as np
import pytest

from reportgen.measure import crop_responses, natural_pass
from reportgen.measure.natural_responses import BOTTOM, TOP, field_boxes
from reportgen.models import cut_model

from .nets import loaded

SIDE = 24


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Three units of a 3 by 3 layer: the middle pixel, its inverse, always zero; then two classes.

    The first class is chosen by the first unit's mean, the second by a constant.
    """
    picture = keras.Input((SIDE, SIDE, 1))
    x = keras.layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")(picture)
    x = keras.layers.GlobalAveragePooling2D()(x)
    out = keras.layers.Dense(2, activation="softmax", name="head")(x)
    network = keras.Model(picture, out)
    kernel, bias = np.zeros((3, 3, 1, 3), np.float32), np.array([0, 1, -1], np.float32)
    kernel[1, 1, 0] = [1, -1, 0]
    network.get_layer("conv").set_weights([kernel, bias])
    head = np.array([[100, 0], [0, 0], [0, 0]], np.float32)
    network.get_layer("head").set_weights([head, np.array([0, 0.5], np.float32)])
    return loaded(tmp_path_factory.mktemp("natural"), picture, out)


@pytest.fixture(scope="module")
def pictures():
    """Black pictures with one spot each, brighter from picture to picture; the first has none."""
    found = np.zeros((8, SIDE, SIDE, 1), np.uint8)
    for i in range(1, 8):
        found[i, 2 * i + 4, 20 - 2 * i, 0] = 30 * i
    return found


@pytest.fixture(scope="module")
def passed(model, pictures):
    batches = [(pictures[:3], [0, 0, 0]), (pictures[3:6], [0, 1, 1]), (pictures[6:], [1, 1])]
    return natural_pass(model, batches, 2, 3)


def test_the_top_pictures_are_those_that_drive_a_unit_most_and_the_box_is_where(passed, pictures):
    found = passed["conv"]
    assert found["top_picture"][0].tolist() == [7, 6, 5, 4, 3, 2]
    assert found["top"][0] == pytest.approx([30 * i / 255 for i in (7, 6, 5, 4, 3, 2)], abs=1e-6)
    for picture, (top, left, bottom, right) in zip(found["top_picture"][0], found["top_box"][0], strict=True):
        assert (bottom - top, right - left) == (3, 3)
        assert pictures[picture, top + 1, left + 1, 0] == 30 * picture
    assert found["bottom_picture"][1].tolist() == [7, 6, 5]
    assert found["top"].shape[1] == TOP and found["bottom"].shape[1] == BOTTOM


def test_shares_of_zeros_largest_and_mean_activations_are_exact(passed, pictures):
    found = passed["conv"]
    assert found["zeros"][2] == 1.0 and found["max"][2] == 0.0
    inner = (SIDE - 4) ** 2  # 6 % of 24 places on each side, rounded up.
    assert found["zeros"][0] == pytest.approx(1 - 7 / (8 * inner), abs=1e-6)
    assert found["max"][0] == pytest.approx(210 / 255)
    assert found["mean"][0] == pytest.approx(pictures.mean() / 255, rel=1e-5)


def test_every_sampled_activation_is_in_the_histogram(passed):
    assert passed["conv"]["counts"].sum(axis=1).tolist() == [8 * 16] * 3
    assert passed["head"]["counts"].sum(axis=1).tolist() == [8, 8]


def test_means_of_classes_are_those_of_their_pictures(passed, pictures):
    wanted = [pictures[:4].mean() / 255, pictures[4:].mean() / 255]
    assert passed["conv"]["class_mean"][:, 0] == pytest.approx(wanted, rel=1e-5)


def test_layers_that_see_the_whole_input_have_the_whole_picture_as_their_box(passed):
    assert (passed["head"]["top_box"] == [0, 0, SIDE, SIDE]).all()


def test_boxes_are_clipped_to_the_picture_and_a_missing_place_has_no_box(model):
    boxes = field_boxes(model.layer("conv"), np.array([[0, -1]]), (SIDE, SIDE))
    assert boxes.tolist() == [[[1, 1, 4, 4], [-1, -1, -1, -1]]]


def test_the_crop_around_a_top_place_contains_it(model, passed, pictures):
    cut = cut_model(model, model.layer("conv"), (12, 12))
    found = crop_responses(cut, passed["conv"], [0], lambda i: pictures[i], 4)
    assert (found["of"][0] >= 0).all() and (found["of"][1:] == -1).all()
    assert found["response"][found["of"][0], 0] == pytest.approx([210 / 255, 180 / 255], abs=1e-3)
