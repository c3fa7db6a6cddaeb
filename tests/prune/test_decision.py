"""What outputs end in: found before operations that change nothing, and left out where answers are judged."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from reportgen.errors import ConfigError
from reportgen.models import load_model
from reportgen.prune.decision import Decision, class_decision, decisions_of, end_of, is_assumed, output_names
from reportgen.prune.judging import Judge
from tests.prune.checking import node_by_node, pictures_for, trial_of
from tests.prune.nets import CASES, stirred

pytestmark = pytest.mark.usefixtures("uncompiled")


def _sigmoid_after_a_pool(activation):
    i = keras.Input((12, 12, 1))
    x = kl.Conv2D(1, 1, name="map")(kl.Conv2D(4, 3, activation="relu", name="stem")(i))
    return stirred(keras.Model(i, kl.Activation(activation)(kl.GlobalAveragePooling2D()(x))))


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_yes_or_no_is_read_before_a_sigmoid_that_follows_no_layer_with_units(tmp_path, activation):
    _sigmoid_after_a_pool(activation).save(tmp_path / "net.keras")
    model = load_model(tmp_path / "net.keras")
    (ref,) = model.outputs
    assert end_of(model, ref).function == activation
    shown = pictures_for(model, n=12)
    search = trial_of(model, shown)
    search.measured.trial.apply({})
    (answers,) = search.measured.trial.outputs(shown)
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


NO_CLASSES = np.empty(0, np.int64)


def _shares(decisions, before, after, labels=NO_CLASSES):
    whole = [d.decided(b) for d, b in zip(decisions, before, strict=True)]
    pictures = np.zeros((len(before[0]), 1, 1, 1), np.uint8)
    return Judge(pictures, decisions, whole, labels).shares(after)


def test_labels_count_each_for_itself_and_not_by_the_largest():
    labels = Decision("yes_no", 3, (0.0,) * 3)
    found = _shares(
        [labels], [np.float32([[5, 1, -1], [2, -1, -1]])], [np.float32([[5, -1, 1], [2, -1, -1]])]
    )
    assert found.changed == 1
    assert found.agreement == pytest.approx((1 / 3 + 1) / 2)


def test_a_vector_of_numbers_changes_where_one_of_them_crosses_its_median():
    before = np.float32([[0, 900], [1, 100], [2, 800], [3, 200]])
    after = before + np.float32([0, 600])
    numbers = Decision("number", 2, (1.5, 500.0), (1.0, 300.0))
    found = _shares([numbers], [before], [after])
    assert (found.changed, found.agreement) == (2, pytest.approx(0.75))
    assert _shares([Decision("classes", 2)], [before], [after]).changed == 0  # What argmax would hide.


def test_of_several_outputs_the_one_that_keeps_least_counts():
    steady, changing = np.float32([[3, 0], [0, 3]]), np.float32([[3, 0], [3, 0]])
    both = [Decision("classes", 2)] * 2
    found = _shares(both, [steady, steady], [steady, changing])
    assert (found.changed, found.agreement) == (1, 0.5)


def test_with_classes_several_sigmoids_decide_for_the_largest():
    read = Decision("yes_no", 3, (0.0,) * 3)
    assert class_decision(read, np.zeros((2, 3), np.float32), np.array([0, 2])) == Decision("classes", 3)
    assert class_decision(read, np.zeros((2, 3), np.float32), NO_CLASSES) is read


def _model_of(tmp_path, ending):
    i = keras.Input((8, 8, 1))
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3, activation="relu", name="stem")(i))
    outputs = [kl.Dense(3, activation=ending, name="many")(x), kl.Dense(2, name="box")(x)]
    stirred(keras.Model(i, outputs)).save(tmp_path / "net.keras")
    return load_model(tmp_path / "net.keras")


@pytest.mark.parametrize(
    ("ending", "kind"), [("sigmoid", "yes_no"), ("softmax", "classes"), (None, "classes")]
)
def test_several_units_are_read_by_what_they_end_in(tmp_path, ending, kind):
    model = _model_of(tmp_path, ending)
    answers = [np.zeros((4, 3), np.float32), np.float32([[0, 9], [1, 8], [2, 7], [3, 6]])]
    assert output_names(model) == ["many", "box"]
    many, box = decisions_of(model, answers)
    assert (many.kind, box.kind) == (kind, "classes")
    many, box = decisions_of(model, answers, {"box": "number"})
    assert (many.kind, box) == (kind, Decision("number", 2, (1.5, 7.5), box.scales))
    with pytest.raises(ConfigError, match='no output "boxes"') as told:
        decisions_of(model, answers, {"boxes": "number"})
    assert told.value.hint == 'did you mean "box"?'


def test_what_a_vector_of_numbers_hangs_on_counts_each_number_in_its_own_scale():
    numbers = Decision("number", 2, (0.0, 0.0), (1.0, 100.0))
    output = keras.ops.convert_to_tensor(np.float32([[2, 300]]))
    found = numbers.objective(output, np.array([[1, 1]]), np.float32([[1, 1]]))
    assert float(found[0]) == pytest.approx((2 + 3) / 2**0.5)


def test_what_a_softmax_or_sigmoid_gives_is_not_read_as_a_number(tmp_path):
    model = _model_of(tmp_path, "softmax")
    answers = [np.zeros((4, 3), np.float32), np.zeros((4, 2), np.float32)]
    for reading in ("number", "each"):
        with pytest.raises(ConfigError, match=r'output "many" cannot be read as \w+: it ends in a softmax'):
            decisions_of(model, answers, {"many": reading})
    assert [d.kind for d in decisions_of(model, answers, {"": "number"})] == ["classes", "number"]


def _one_sigmoid(tmp_path, *behind, units=1):
    i = keras.Input((8, 8, 1))
    x = kl.Conv2D(units, 3, activation="sigmoid", name="map")(kl.Conv2D(4, 3, activation="relu")(i))
    for layer in behind:
        x = layer(x)
    stirred(keras.Model(i, x)).save(tmp_path / "net.keras")
    return load_model(tmp_path / "net.keras")


def test_one_unit_has_no_largest(tmp_path):
    model = _one_sigmoid(tmp_path, kl.GlobalMaxPooling2D())
    answers = [np.float32([[0.2], [0.8]])]
    assert [d.kind for d in decisions_of(model, answers)] == ["yes_no"]
    name = output_names(model)[0]
    with pytest.raises(ConfigError, match="cannot be read as largest"):
        decisions_of(model, answers, {name: "largest"})
    with pytest.raises(ConfigError, match="no output that can be read as largest"):
        decisions_of(model, answers, {"": "largest"})


@pytest.mark.parametrize("behind", [kl.Cropping2D(1), kl.Reshape((16, 2)), kl.Permute((2, 1, 3))])
def test_sigmoids_that_are_moved_afterwards_say_yes_above_one_half(tmp_path, behind):
    model = _one_sigmoid(tmp_path, kl.Cropping2D(0), behind, units=2)
    shape = [2, *model.nodes[model.outputs[0][0]].output_shapes[0][1:]]
    values = np.full(shape, 0.4, np.float32)
    values[1] = 0.6
    (decision,) = decisions_of(model, [values])
    assert decision.kind == "yes_no"
    assert [set(row) for row in decision.decided(values).tolist()] == [{0}, {1}]


def test_an_open_reading_is_said_to_be_assumed_and_a_settled_one_is_not(tmp_path):
    model = _model_of(tmp_path, "softmax")
    answers = [np.zeros((4, 3), np.float32), np.zeros((4, 2), np.float32)]
    many, box = decisions_of(model, answers)
    assert [is_assumed(model, o, d) for o, d in zip(model.outputs, (many, box), strict=True)] == [False, True]
