"""What outputs end in: found before operations that change nothing, and left out where answers are judged."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from reportgen.models import load_model
from reportgen.prune.decision import decisions_of, end_of
from tests.prune.checking import node_by_node, pictures_for, trial_of
from tests.prune.nets import CASES, stirred

pytestmark = pytest.mark.usefixtures("uncompiled")


def _sigmoid_after_a_pool(activation):
    i = keras.Input((12, 12, 1))
    x = kl.Conv2D(1, 1, name="map")(kl.Conv2D(4, 3, activation="relu", name="stem")(i))
    return stirred(keras.Model(i, kl.Activation(activation)(kl.GlobalAveragePooling2D()(x))))


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_yes_or_no_is_told_before_a_sigmoid_that_follows_no_layer_with_units(tmp_path, activation):
    _sigmoid_after_a_pool(activation).save(tmp_path / "net.keras")
    model = load_model(tmp_path / "net.keras")
    (ref,) = model.outputs
    assert end_of(model, ref).function == activation
    shown = pictures_for(model, n=12)
    search = trial_of(model, shown)
    search.measured.trial.take({})
    (answers,) = search.measured.trial.answers(shown)
    (decision,) = decisions_of(model, [answers])
    assert decision.kind == "yes_no"
    end = np.asarray(node_by_node(model, shown.astype(np.float32) / 255)[ref[0]][0])
    np.testing.assert_array_equal(decision.decided(answers)[:, 0], end[:, 0] > 0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("pooled_last", ["softmax"]),
        ("two_outputs", ["softmax", ""]),
        ("mixed_precision", ["softmax"]),
        ("regression", [""]),
    ],
)
def test_each_output_says_what_it_ends_in(tmp_path, name, functions):
    CASES[name].build().save(tmp_path / "net.keras")
    model = load_model(tmp_path / "net.keras")
    assert [end_of(model, ref).function for ref in model.outputs] == functions
