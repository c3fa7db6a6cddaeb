"""Sums within sums: how long they are, and that nothing writes them out."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
from keras import layers

from reportgen.models import load_model
from reportgen.models.graph.submodel import cut_model
from reportgen.render import Job, render_units
from reportgen.render.sums import MAX_TERMS, longest_sum
from reportgen.spec import RECIPES


def doubled(times):
    x = keras.Input((4, 4, 1))
    y = x
    for _ in range(times):
        y = layers.Add()([y, y])
    return x, y


def test_a_doubled_value_is_twice_as_many_terms_each_time():
    assert [longest_sum(keras.Model(*doubled(n))) for n in (1, 3, 9)] == [2, 8, 512]
    assert longest_sum(keras.Model(*doubled(40))) == MAX_TERMS + 1


def test_what_has_weights_is_one_term():
    x, y = doubled(8)
    y = layers.Conv2D(1, 1)(y)
    assert longest_sum(keras.Model(x, layers.Add()([y, y]))) == 256


def test_a_residual_network_has_short_sums():
    x = keras.Input((4, 4, 1))
    y = x
    for _ in range(50):
        y = layers.Add()([y, layers.Conv2D(1, 3, padding="same")(layers.ReLU()(y))])
    assert longest_sum(keras.Model(x, y)) <= 2 * 51


def test_forty_doublings_before_a_layer_are_rendered(tmp_path):
    x, y = doubled(40)
    keras.Model(x, layers.Conv2D(2, 3, name="conv")(layers.Rescaling(2.0**-40)(y))).save(
        tmp_path / "net.keras"
    )
    model = load_model(tmp_path / "net.keras")
    cut = cut_model(model, model.layers[0], (4, 4))
    jobs = [Job(unit, "happy", 0) for unit in range(2)]
    recipe = dataclasses.replace(RECIPES["default"], steps=RECIPES["default"].window)
    renders = [r for part in render_units(cut, jobs, recipe, batch=2) for r in part]
    assert [r.failure for r in renders] == ["", ""]
    assert np.ptp(renders[0].picture) > 0
