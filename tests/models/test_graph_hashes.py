"""The hash of a layer changes only with what its pre-activation depends on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from reportgen.errors import ModelError
from reportgen.models import load_model
from reportgen.models.graph.flatten import flatten
from reportgen.models.graph.hashes import node_hashes
from reportgen.models.graph.taps import find_taps
from tests.models.nets import loaded, stirred


def hashes(model: Any) -> list[str]:
    """Return the hash of each layer's pre-activation, in order."""
    nodes, outputs = flatten(model)
    found = node_hashes(nodes)
    return [found[tap.pre[0]] for tap in find_taps(nodes, outputs)[0].values()]


def net(
    *,
    prefix: str = "",
    strides: int = 1,
    activation: str = "relu",
    second: dict[str, Any] | None = None,
    middle: Callable[[Any], Any] = lambda x: x,
    change: tuple[int, float] | None = None,
    **first: Any,
) -> Any:
    x = keras.Input((16, 16, 3))
    y = layers.Conv2D(4, 3, strides=strides, activation=activation, name=f"{prefix}a", **first)(x)
    y = layers.Conv2D(4, 3, name=f"{prefix}b", **(second or {}))(middle(y))
    y = layers.Dense(2, name=f"{prefix}c")(layers.GlobalAveragePooling2D()(y))
    model = stirred(keras.Model(x, y))
    if change is not None:
        weight = model.weights[change[0]]
        values = np.array(keras.ops.convert_to_numpy(weight))
        values.flat[-1] += change[1]
        weight.assign(values)
    return model


BASE = hashes(net())


def test_three_layers_have_three_hashes() -> None:
    assert len(set(BASE)) == 3
    assert all(len(h) == 32 and set(h) <= set("0123456789abcdef") for h in BASE)


def test_the_same_network_has_the_same_hashes_also_from_a_file(tmp_path: Path) -> None:
    assert hashes(net()) == BASE
    assert [layer.graph_hash for layer in loaded(net(), tmp_path).layers] == BASE
    assert [layer.graph_hash for layer in loaded(net(), tmp_path, suffix=".h5").layers] == BASE


def test_names_do_not_change_hashes() -> None:
    assert hashes(net(prefix="other_")) == BASE


def test_training_settings_do_not_change_hashes() -> None:
    trained = net(
        kernel_regularizer="l2", kernel_initializer="he_normal", trainable=False, middle=layers.Dropout(0.3)
    )
    trained.compile("adam", "mse")
    assert hashes(trained) == BASE


def test_other_strides_with_equal_weights_change_all_hashes() -> None:
    assert not set(hashes(net(strides=2))) & set(BASE)


@pytest.mark.parametrize("weight", [0, 1, 2, 3, 4, 5])
def test_a_changed_weight_changes_its_layer_and_those_after_it_only(weight: int) -> None:
    changed = [a != b for a, b in zip(hashes(net(change=(weight, 1e-3))), BASE, strict=True)]
    assert changed == [layer >= weight // 2 for layer in range(3)]


def test_an_activation_belongs_to_what_comes_after_it() -> None:
    changed = [a != b for a, b in zip(hashes(net(activation="tanh")), BASE, strict=True)]
    assert changed == [False, True, True]


def test_a_padding_deeper_in_changes_no_earlier_hash() -> None:
    changed = [a != b for a, b in zip(hashes(net(second={"padding": "same"})), BASE, strict=True)]
    assert changed == [False, True, True]


def test_a_constant_in_the_graph_counts() -> None:
    one, two = (hashes(net(middle=lambda x, c=c: x * c)) for c in (2.0, 3.0))
    assert one[0] == two[0]
    assert one[1] != two[1]


def test_the_operand_order_of_a_constant_counts() -> None:
    assert hashes(net(middle=lambda x: x - 2.0))[1] != hashes(net(middle=lambda x: 2.0 - x))[1]


def test_the_order_of_inputs_counts() -> None:
    def order(flip: bool) -> list[str]:
        x = keras.Input((8, 8, 1))
        double = layers.Conv2D(2, 1)
        a, b = double(x), layers.Conv2D(2, 1)(x)
        y = layers.Subtract()([b, a] if flip else [a, b])
        model = keras.Model(x, layers.Conv2D(1, 1)(y))
        for weight in model.weights:
            weight.assign(np.ones(weight.shape))
        double.set_weights([w * 2 for w in double.get_weights()])
        return hashes(model)

    assert order(False)[-1] != order(True)[-1]


def test_nesting_does_not_change_hashes() -> None:
    def build(nested: bool) -> list[str]:
        x = keras.Input((8, 8, 3))
        inner = layers.Conv2D(4, 3, activation="relu")
        if nested:
            a = keras.Input((None, None, 3))
            y = keras.Model(a, inner(a))(x)
        else:
            y = inner(x)
        return hashes(stirred(keras.Model(x, layers.Conv2D(2, 1)(y))))

    assert build(True) == build(False)


@settings(max_examples=8, deadline=None)
@given(value=st.sampled_from([float("nan"), float("inf"), -float("inf")]), weight=st.integers(0, 5))
def test_a_weight_that_is_not_finite_is_refused_naming_its_layer(value: float, weight: int) -> None:
    broken = net(change=(weight, value))
    with pytest.raises(ModelError, match=f'layer "{"abc"[weight // 2]}" has 1 of .* NaN or infinite'):
        hashes(broken)


def test_operations_after_the_pre_activation_change_only_the_judged_hash(tmp_path):
    """Two heads with equal weights and different last operations share pre-activation pictures only."""
    layers = []
    for last in ("softmax", "sigmoid"):
        keras.utils.set_random_seed(0)
        network = keras.Sequential(
            [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation=last)]
        )
        network.save(tmp_path / f"{last}.keras")
        layers.append(load_model(tmp_path / f"{last}.keras").layers[0])
    soft, sigmoid = layers
    assert soft.graph_hash == sigmoid.graph_hash
    assert soft.judged_hash != sigmoid.judged_hash
