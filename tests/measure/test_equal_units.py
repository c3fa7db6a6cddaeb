"""Units with the very same weights are found from the file alone; whatever differs makes them two."""

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.measure.equal_units import equal_units

from .nets import SIZE, loaded, randomise


def network(tmp_path, *behind, groups=1, change=None):
    """Return a network whose units 3 and 5 of `conv` have the weights of unit 1, with layers behind it."""
    picture = keras.Input(SIZE)
    first = layers.Conv2D(4, 3, name="first")(picture)
    conv = layers.Conv2D(6, 3, name="conv", groups=groups)
    x = conv(first)
    for layer in behind:
        x = layer(x)
    model = keras.Model(picture, layers.Conv2D(2, 1, name="last")(x))
    randomise(model, 0)
    for layer in (conv, *behind):
        values = [np.array(v) for v in layer.get_weights()]
        for v in values:
            v[..., 3] = v[..., 5] = v[..., 1]
        if change is not None and layer.name == change:
            values[-1][..., 5] += 1e-3
        layer.set_weights(values)
    return loaded(tmp_path, model.input, model.output)


@pytest.mark.parametrize(
    "behind",
    [
        (),
        (layers.ReLU(),),
        (layers.BatchNormalization(name="bn"), layers.ReLU()),
        (layers.PReLU(shared_axes=(1, 2)),),
    ],
)
def test_equal_units_are_found_behind_what_keeps_a_number_for_each_unit(tmp_path, behind):
    behind = tuple(layer.__class__.from_config(layer.get_config()) for layer in behind)
    assert equal_units(network(tmp_path, *behind), "conv").tolist() == [-1, -1, -1, 1, -1, 1]


@pytest.mark.parametrize("change", ["conv", "bn"])
def test_another_bias_or_another_normalisation_makes_two_units(tmp_path, change):
    made = network(tmp_path, layers.BatchNormalization(name="bn"), layers.ReLU(), change=change)
    assert equal_units(made, "conv").tolist() == [-1, -1, -1, 1, -1, -1]


@pytest.mark.parametrize(
    ("behind", "found"),
    [(layers.ReLU(), 1), (layers.LeakyReLU(), 1), (layers.ReLU(max_value=6), -1), (layers.Softmax(), -1)],
)
def test_a_factor_between_units_stays_one_only_behind_what_keeps_factors(tmp_path, behind, found):
    picture = keras.Input(SIZE)
    conv = layers.Conv2D(6, 3, name="conv")
    bn = layers.BatchNormalization(name="bn")
    model = keras.Model(picture, layers.Conv2D(2, 1, name="last")(behind(bn(conv(picture)))))
    randomise(model, 0)
    weights, bias = (np.array(v) for v in conv.get_weights())
    weights[..., 3], bias[3] = 2 * weights[..., 1], 2 * bias[1]
    conv.set_weights([weights, bias])
    gamma, beta, mean, variance = (np.array(v) for v in bn.get_weights())
    gamma[3], mean[3], variance[3], beta[3] = 1.5 * gamma[1], 2 * mean[1], variance[1], 3 * beta[1]
    bn.set_weights([gamma, beta, mean, variance])
    assert equal_units(loaded(tmp_path, model.input, model.output), "conv")[3] == found


def test_equal_weights_on_other_inputs_make_no_equal_units(tmp_path):
    found = equal_units(network(tmp_path, groups=2), "conv")
    assert found.tolist() == [-1, -1, -1, -1, -1, 3]


def test_the_responses_of_equal_units_are_equal(tmp_path):
    made = network(tmp_path, layers.BatchNormalization(name="bn"), layers.ReLU())
    from reportgen.models import cut_model

    cut = cut_model(made, made.layer("conv"), SIZE[:2])
    shown = np.random.default_rng(0).uniform(size=(3, *SIZE)).astype(np.float32)
    _, post = (np.asarray(x) for x in cut.network(shown))
    for unit, lowest in enumerate(equal_units(made, "conv")):
        if lowest >= 0:
            np.testing.assert_array_equal(post[..., unit], post[..., lowest])


def test_a_normalisation_behind_the_activation_is_kept_apart_from_the_weights(tmp_path):
    """There the factor of a unit does not pass through a ReLU that a shift follows."""
    picture = keras.Input(SIZE)
    conv, bn = layers.Conv2D(4, 3, name="conv", activation="elu"), layers.BatchNormalization(name="bn")
    model = keras.Model(picture, layers.Conv2D(2, 1, name="last")(bn(conv(picture))))
    randomise(model, 0)
    weights, bias = (np.array(v) for v in conv.get_weights())
    weights[..., 3], bias[3] = weights[..., 1], bias[1]
    weights[..., 2], bias[2] = 2 * weights[..., 1], 2 * bias[1]
    conv.set_weights([weights, bias])
    assert equal_units(loaded(tmp_path, model.input, model.output), "conv").tolist() == [-1, -1, -1, 1]


def test_of_many_units_over_many_inputs_only_the_equal_ones_are_found(tmp_path):
    picture = keras.Input((20, 20, 3))
    dense = layers.Dense(600, name="dense", activation="relu")
    model = keras.Model(picture, layers.Dense(2, name="last")(dense(layers.Flatten()(picture))))
    randomise(model, 0)
    weights, bias = (np.array(v) for v in dense.get_weights())
    weights[:, 599], bias[599] = 3 * weights[:, 7], 3 * bias[7]
    dense.set_weights([weights, bias])
    found = equal_units(loaded(tmp_path, model.input, model.output), "dense")
    assert found[599] == 7 and (found[:599] == -1).all()
