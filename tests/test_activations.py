from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras.src import activations as keras_activations
from keras.src.activations import activations as keras_classes

import reportgen
from reportgen.activations import (
    ACTIVATIONS,
    Activation,
    Curve,
    Shares,
    Slopes,
    activation_called,
    activation_of_kind,
)  # fmt: skip
from reportgen.models.graph.kinds import kind_of
from reportgen.models.onnx.own_layers import own_layers

GRID = np.linspace(-12.0, 12.0, 481)
SETTINGS: dict[str, tuple[dict[str, float], ...]] = {
    "celu": ({"alpha": 0.5}, {"alpha": 2.0}),
    "elu": ({"alpha": 0.5},),
    "gelu": ({"approximate": True}, {"approximate": False}),
    "hard_shrink": ({"threshold": 2.0},),
    "leaky_relu": ({"negative_slope": 0.01},),
    "relu": ({"threshold": 1.0}, {"max_value": 3.0}, {"negative_slope": 0.3, "max_value": 6.0}),
    "soft_shrink": ({"threshold": 2.0},),
    "squareplus": ({"b": 0.25},),
    "threshold": ({"threshold": 1.0, "default_value": -2.0},),
}
"""Settings besides the usual ones."""
USUAL = {"threshold": {"threshold": 0.5, "default_value": 0.0}}
BY_NAME = [row for row in ACTIVATIONS if row.reach != "place"]


def of_keras(row: Activation, **settings: float) -> Any:
    return keras_activations.get(row.word), {**USUAL.get(row.word, {}), **settings}


def answers(row: Activation, x: np.ndarray, **settings: float) -> np.ndarray:
    function, given = of_keras(row, **settings)
    return np.asarray(ops.convert_to_numpy(function(ops.convert_to_tensor(x, "float32"), **given)), float)


def curve_of(row: Activation, **settings: float) -> Curve:
    shape = row.shape(SimpleNamespace(**{**USUAL.get(row.word, {}), **settings}))
    assert isinstance(shape, Curve)
    return shape


def named(row: Activation) -> str:
    return row.word


CURVES = [row for row in ACTIVATIONS if row.reach == "number"]
CASES = [(row, s) for row in CURVES for s in ({}, *SETTINGS.get(row.word, ()))]


def test_every_activation_of_keras_has_a_row() -> None:
    names = set(keras_activations.ALL_OBJECTS_DICT)
    missing = [name for name in sorted(names) if activation_called(name) is None]
    assert len(names) > 25
    assert not missing, f"no row in reportgen/activations.py for {missing}"


def test_every_activation_layer_of_keras_is_a_kind_of_some_row() -> None:
    found = [
        layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax,
        keras_classes.ReLU, keras_classes.Mish,
    ]  # fmt: skip
    for made in found:
        operation = made.__new__(made)
        assert activation_of_kind(kind_of(operation), operation) is not None, made


@pytest.mark.parametrize("row", ACTIVATIONS, ids=named)
def test_a_row_says_what_its_operations_are(row: Activation) -> None:
    """Each kind is the class of something that Keras has, in snake case."""
    from keras.src.ops import math, nn, numpy

    classes = {
        kind_of(made.__new__(made)): made
        for room in (layers, keras_classes, nn, numpy, math)
        for made in vars(room).values()
        if isinstance(made, type) and issubclass(made, keras.Operation)
    }
    assert all(kind in classes for kind in row.kinds)
    assert row.kinds or row.word == "linear"


@pytest.mark.parametrize(("row", "settings"), CASES, ids=lambda v: getattr(v, "word", str(v)))
def test_a_row_runs_as_keras_does(row: Activation, settings: dict[str, float]) -> None:
    found = curve_of(row, **settings).function(GRID)
    np.testing.assert_allclose(found, answers(row, GRID, **settings), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(("row", "settings"), CASES, ids=lambda v: getattr(v, "word", str(v)))
def test_a_curve_falls_nowhere_but_before_its_lowest_point(
    row: Activation, settings: dict[str, float]
) -> None:
    curve = curve_of(row, **settings)
    lowest = -np.inf if curve.lowest is None else curve.lowest
    rises = np.diff(curve.function(GRID))
    assert (rises[GRID[:-1] >= lowest] >= -1e-12).all()
    assert (rises[GRID[1:] <= lowest] <= 1e-12).all()


@pytest.mark.parametrize("row", BY_NAME, ids=named)
def test_reach_is_what_a_number_depends_on(row: Activation) -> None:
    x = np.random.default_rng(0).normal(size=(1, 8))
    x[0, 0] += 5.0
    changed = x.copy()
    changed[0, 7] += 10.0
    before, after = answers(row, x), answers(row, changed)
    assert (before.shape == x.shape) == (row.reach != "pairs")
    if row.reach == "number":
        np.testing.assert_array_equal(before[:, :7], after[:, :7])
    else:
        assert (before[:, :7] != after[:, :7]).any()


@pytest.mark.parametrize("row", CURVES, ids=named)
def test_an_exact_activation_never_only_tends_to_a_value(row: Activation) -> None:
    """Far out it stays where it is or keeps going."""
    run = curve_of(row).function
    ends = [(run(np.array([a]))[0], run(np.array([b]))[0]) for a, b in ((-12.0, -8.0), (8.0, 12.0))]
    settled = all(a == b or abs(a - b) > 4 * 0.05 for a, b in ends)
    assert settled == row.exact


@pytest.mark.parametrize("row", CURVES, ids=named)
def test_bounds_leave_numbers_as_they_are_and_hold_all_beyond(row: Activation) -> None:
    found = curve_of(row).function(GRID)
    kept, held = found == GRID, np.isin(found, (found[0], found[-1]))
    whole = bool((kept | held).all()) and np.diff(found).max() < 0.1  # Without a jump.
    assert row.bounds == (whole and 1 < kept.sum() < len(GRID))


@pytest.mark.parametrize("row", [row for row in ACTIVATIONS if row.gates], ids=named)
def test_a_gate_times_its_number_is_the_activation_it_names(row: Activation) -> None:
    product = activation_called(row.gates)
    assert product is not None
    np.testing.assert_allclose(GRID * curve_of(row).function(GRID), curve_of(product).function(GRID))


@pytest.mark.parametrize("row", [r for r in ACTIVATIONS if isinstance(r.shape(None), Shares)], ids=named)
def test_shares_are_those_of_keras(row: Activation) -> None:
    x = np.random.default_rng(1).normal(size=7)
    shape = row.shape(SimpleNamespace())
    assert isinstance(shape, Shares)
    found = [shape.share(x[i], np.delete(x, i)) for i in range(7)]
    np.testing.assert_allclose(found, answers(row, x[None])[0], atol=1e-5)


def test_slopes_of_weights_are_their_least_and_most_by_channel() -> None:
    row = activation_called("prelu")
    assert row is not None
    shape = row.shape(SimpleNamespace(alpha=np.array([[[0.1, 0.2]], [[0.3, -0.4]]])))
    assert isinstance(shape, Slopes)
    assert (shape.least.tolist(), shape.most.tolist()) == ([0.1, -0.4], [0.3, 0.2])


@pytest.mark.parametrize(
    ("word", "settings"),
    [("elu", {"alpha": -1.0}), ("celu", {"alpha": 0.0}), ("relu", {"threshold": -1.0}),
     ("threshold", {"threshold": 0.0, "default_value": 1.0}), ("hard_sigmoid", {"alpha": -0.2}),
     ("relu", {"max_value": "much"}), ("squareplus", {"b": float("nan")}), ("softmax", {"axis": (1, 2)})],
)  # fmt: skip
def test_settings_that_make_it_fall_or_are_no_numbers_leave_it_unknown(
    word: str, settings: dict[str, Any]
) -> None:
    row = activation_called(word)
    assert row is not None
    assert row.shape(SimpleNamespace(**settings)) is None


@pytest.mark.parametrize("word", ["hard_sigmoid", "hard_silu"])
def test_a_hard_sigmoid_of_other_figures_runs_by_its_own(word: str) -> None:
    layer = own_layers().HardSigmoid(alpha=0.2, beta=0.4, dtype="float32")
    row = activation_called(word)
    curve = None if row is None else row.shape(layer)
    assert isinstance(curve, Curve)
    wanted = np.asarray(ops.convert_to_numpy(layer(GRID))) * (GRID if word == "hard_silu" else 1.0)
    np.testing.assert_allclose(curve.function(GRID), wanted, atol=1e-5)
    assert curve.lowest in (None, -1.0)


OTHER_WORDS = {
    "models/keras_legacy/functions.py": "functions of TensorFlow 2, by their names there",
    "models/onnx/operators/activations.py": "what ONNX's operators are built of",
}
"""Modules that name several activations in the words of another vocabulary, or to build them."""


def test_no_module_keeps_a_list_of_activations_of_its_own() -> None:
    """What is known of an activation stands in its row; two words of activations together are a list."""
    names = {name for row in ACTIVATIONS for name in (row.word, *row.kinds)} - {"linear", "threshold"}
    root = Path(reportgen.__file__).parent
    lists = []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if place == "activations.py" or place in OTHER_WORDS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Set, ast.Tuple, ast.List, ast.Dict)):
                held = node.keys if isinstance(node, ast.Dict) else node.elts
                words = {v.value for v in held if isinstance(v, ast.Constant)} & names
                if len(words) > 1:
                    lists.append(f"{place}:{node.lineno} {sorted(words)}")
    assert not lists
    assert all((root / place).exists() for place in OTHER_WORDS)
