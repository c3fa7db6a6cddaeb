"""What is wrong with a model file: each fault planted in a small network, and none in a sound one."""

import json

import keras
import numpy as np
import pytest

import reportgen
from reportgen.cli.commands import FAULTS
from reportgen.judgement import Responsiveness
from reportgen.models.parity import Difference, Parity
from reportgen.run import model_check
from reportgen.run.model_check import FaultKind

L = keras.layers
MANY = 6


def network(*, normalised=True, scaled=True):
    """A classifier without a fault: its input range is in the file, and its moments look trained."""
    keras.utils.set_random_seed(3)
    made = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            *([L.Rescaling(1 / 255)] if scaled else []),
            L.Conv2D(MANY, 3, name="one", use_bias=True),
            *([L.BatchNormalization(name="norm")] if normalised else []),
            L.ReLU(),
            L.Conv2D(4, 3, name="two"),
            L.ReLU(),
            L.GlobalAveragePooling2D(),
            L.Dense(3, name="head"),
        ]
    )
    if normalised:
        norm = made.get_layer("norm")
        norm.set_weights([np.ones(MANY), np.full(MANY, 0.1), np.full(MANY, 0.05), np.full(MANY, 0.3)])
    return made


def change(model, layer, **values):
    """Change a layer's weights: `w0=` a function of the first array, and so on."""
    weights = model.get_layer(layer).get_weights()
    for name, function in values.items():
        weights[int(name[1:])] = function(weights[int(name[1:])].copy())
    model.get_layer(layer).set_weights(weights)


def filled(at, value):
    """A function that sets one unit, or the places that an index names."""

    def function(array):
        array[at] = value
        return array

    return function


def checked(model, tmp_path, **options):
    model.save(tmp_path / "m.keras")
    return reportgen.check_model(tmp_path / "m.keras", **options)


def faults(found, kind):
    return [(f.layer, f.units) for f in found.wrong if f.kind is kind]


def test_a_sound_network_has_no_fault(tmp_path):
    found = checked(network(), tmp_path)
    assert found.ok() and not found.wrong, found.wrong
    assert (found.n_layers, found.n_units) == (3, MANY + 4 + 3)


@pytest.mark.parametrize("scaled", [True, False])
def test_a_unit_that_no_picture_activates_is_dead_whether_or_not_the_input_range_is_known(tmp_path, scaled):
    model = network(normalised=False, scaled=scaled)
    change(model, "one", w0=filled((..., 2), 0), w1=filled(2, -0.5))
    found = checked(model, tmp_path)
    assert faults(found, FaultKind.DEAD) == [("one", (2,))]
    assert not found.ok()


def test_a_unit_that_is_dead_only_in_an_assumed_range_is_not_called_dead(tmp_path):
    model = network(normalised=False, scaled=False)
    change(model, "one", w1=filled(2, -100.0))  # dead on 0..1, live on 0..255
    assert not faults(checked(model, tmp_path), FaultKind.DEAD)
    assert faults(checked(model, tmp_path, input_range="0,1"), FaultKind.DEAD) == [("one", (2,))]


def test_a_unit_with_one_value_is_constant(tmp_path):
    model = network(normalised=False)
    change(model, "one", w0=filled((..., 1), 0), w1=filled(1, 0.5))
    assert faults(checked(model, tmp_path), FaultKind.CONSTANT) == [("one", (1,))]


def test_a_unit_that_nothing_reads_is_unused(tmp_path):
    model = network()
    change(model, "two", w0=filled((slice(None), slice(None), 4), 0))
    assert faults(checked(model, tmp_path), FaultKind.UNUSED) == [("one", (4,))]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_counted(tmp_path, value):
    model = network()
    change(model, "two", w0=filled((0, 0, 0, 1), value))
    found = checked(model, tmp_path)
    (fault,) = found.wrong
    assert fault.kind is FaultKind.NOT_FINITE and 'layer "two" has 1 of 216 numbers' in fault.text


@pytest.mark.parametrize(
    ("weight", "value"),
    [
        (3, 0.0),  # its variance: the channel did not vary in training
        (3, 1e20),  # so large that the channel is constant
        (0, 0.0),  # its factor
    ],
)
def test_a_saturated_channel_of_a_normalisation_is_found(tmp_path, weight, value):
    model = network()
    change(model, "norm", **{f"w{weight}": filled(5, value)})
    assert ("norm", (5,)) in faults(checked(model, tmp_path), FaultKind.NORMALIZATION)


def test_a_normalisation_that_was_never_trained_is_a_remark(tmp_path):
    model = network()
    change(model, "norm", w2=lambda a: a * 0, w3=lambda a: a * 0 + 1)
    found = checked(model, tmp_path)
    assert found.ok() and [f.layer for f in found.remarks if f.kind is FaultKind.NORMALIZATION] == ["norm"]


def test_an_input_range_against_the_networks_own_scaling_is_a_fault(tmp_path):
    found = checked(network(), tmp_path, input_range="0,1")
    assert [f.kind for f in found.wrong] == [FaultKind.INPUT_RANGE]
    unknown = checked(network(normalised=False, scaled=False), tmp_path)
    assert unknown.ok() and FaultKind.INPUT_RANGE in [f.kind for f in unknown.remarks]


def test_a_network_that_computes_something_else_than_its_file_is_a_fault(tmp_path, monkeypatch):
    apart = Parity((Difference("out", 0.5, 0.5),), 1)
    monkeypatch.setattr(model_check, "file_parity", lambda *_: apart)
    assert [f.kind for f in checked(network(), tmp_path).wrong] == [FaultKind.PARITY]
    monkeypatch.setattr(
        model_check, "file_parity", lambda *_: Parity(of=1, reason="not compared: no runtime")
    )
    assert [f.text for f in checked(network(), tmp_path).remarks] == ["not compared: no runtime"]


def test_silence_on_the_probes_is_a_remark_unless_a_whole_layer_is_silent():
    class Conv:
        name, n_units = "conv", 2

    quiet = Responsiveness(missing="renders", n_probes=64)
    live = Responsiveness(state="live", n_probes=64)
    (some,) = model_check._faults_of_layer(Conv, [quiet, live], [])
    (every,) = model_check._faults_of_layer(Conv, [quiet, quiet], [])
    assert (some.kind, some.wrong, some.units) == (FaultKind.SILENT, False, (0,))
    assert every.wrong


def test_a_file_that_cannot_be_read_has_one_fault(tmp_path):
    network().save(tmp_path / "m.keras")
    whole = (tmp_path / "m.keras").read_bytes()
    (tmp_path / "m.keras").write_bytes(whole[: len(whole) // 2])
    found = reportgen.check_model(tmp_path / "m.keras")
    assert [f.kind for f in found.wrong] == [FaultKind.IMPORT] and found.n_layers == 0


def test_the_command_exits_with_4_where_something_is_wrong_unless_it_is_allowed(run, tmp_path):
    model = network()
    change(model, "two", w0=filled((slice(None), slice(None), 4), 0))
    model.save(tmp_path / "bad.keras")
    network().save(tmp_path / "good.keras")
    code, out, err = run("check-model", tmp_path / "good.keras")
    assert (code, err) == (0, "") and "nothing is wrong" in out
    code, out, err = run("check-model", tmp_path / "good.keras", tmp_path / "bad.keras")
    assert code == 4 and "unused: one: 1 of 6 units (4)" in out
    assert "something is wrong with bad.keras" in err and err.count("\n") == 1
    code, out, _ = run("check-model", tmp_path / "bad.keras", "--allow", "unused", "--json")
    (found,) = json.loads(out)["models"]
    assert code == 0 and not found["ok"]
    assert [(f["kind"], f["layer"], f["units"]) for f in found["faults"] if f["wrong"]] == [
        ("unused", "one", [4])
    ]


def test_a_missing_file_is_wrong_use(run, tmp_path):
    code, _, err = run("check-model", tmp_path / "none.keras")
    assert code == 2 and err.count("\n") == 1


def test_the_command_knows_every_kind_of_fault():
    assert set(FAULTS) == {kind.value for kind in FaultKind}
