"""A subclassed model of the user's own is traced as a graph, or refused with advice."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from reportgen.errors import ReportgenError
from reportgen.models import load_model
from reportgen.models.graph.submodel import network_to
from reportgen.models.keras.parity import compare_with_keras
from reportgen.models.sources import find_source
from tests.models.nets import pictures

SOURCE = """
import keras
import numpy as np
from keras import layers as L, ops


def squash(x):
    return x * ops.sigmoid(1.5 * x)


class Net(keras.Model):
    def __init__(self, **named):
        super().__init__(**named)
        self.c = L.Conv2D(8, 3, activation=squash, name="c")
        self.drop, self.p, self.d = L.Dropout(0.5), L.GlobalAveragePooling2D(), L.Dense(3, name="d")

    def call(self, x, training=None):
        y = self.c(x / 2 + 0.25)
        return self.d(self.p(self.drop(y, training=training)))


class Loose(Net):
    def build(self, shape):
        self.own = self.add_weight(shape=(3,), name="own")

    def call(self, x):
        return self.d(self.p(self.c(x * self.own)))


class Numbers(Net):
    def call(self, x):
        return self.d(self.p(self.c(x if np.max(x) > 0 else -x))) if hasattr(x, "numpy") else 1 / 0


class Pair(Net):
    def call(self, xs):
        return self.d(self.p(self.c(xs[0] + xs[1])))
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "mine_own.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("mine_own")
    sys.modules.pop("mine_own", None)


def custom(name: str) -> dict[str, Any]:
    return {"trust_model": True, "custom": [f"mine_own:{name}", "mine_own:squash"]}


def refusal(path: str, **options: Any) -> str:
    with pytest.raises(ReportgenError) as caught:
        load_model(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_subclassed_model_has_the_layers_and_values_of_its_class_and_is_compared_with_it(
    mine: Any,
) -> None:
    net = mine.Net()
    shown = pictures(2, 16, 16, 3)
    wanted = np.asarray(net(shown))
    net.save("net.keras")
    model = load_model("net.keras", **custom("Net"))
    assert [(layer.name, layer.n_units) for layer in model.layers] == [("c", 8), ("d", 3)]
    assert "Net is a subclassed model; its call was traced as a graph." in model.notes
    made = network_to(model, (16, 16), model.outputs, "its end")(shown, training=False)
    np.testing.assert_allclose(np.asarray(made), wanted, atol=1e-5)
    proof = compare_with_keras(find_source("net.keras"), model, **custom("Net"))
    assert not proof.reason and proof.of == 1 and proof.same


def test_without_its_class_the_refusal_names_the_options_that_help(mine: Any) -> None:
    net = mine.Net()
    net(pictures(1, 16, 16, 3))
    net.save("net.keras")
    said = refusal("net.keras")
    assert said.startswith("net.keras: the model is of class mine_own.Net, which is not part of Keras")
    assert "--trust-model --custom mine_own:Net" in said


def test_a_custom_activation_is_named_with_the_option_that_helps(mine: Any) -> None:

    keras.Sequential(
        [keras.Input((9, 9, 1)), keras.layers.Conv2D(2, 3, activation=mine.squash, name="c")]
    ).save("act.keras")
    said = refusal("act.keras")
    assert 'layer "c" names the function squash' in said and "--custom MODULE:squash" in said
    assert load_model("act.keras", trust_model=True, custom=["mine_own:squash"]).layers[0].name == "c"


@pytest.mark.parametrize(
    ("name", "shapes", "said"),
    [
        ("Loose", [(1, 16, 16, 3)], 'uses 1 weights outside of layers, "loose/own" the first'),
        ("Numbers", [(1, 16, 16, 3)], "cannot be traced"),
        ("Pair", [(1, 16, 16, 3), (1, 16, 16, 3)], "for inputs, wanted one picture"),
        ("Net", [], "never called"),
    ],
)
def test_a_model_that_cannot_be_traced_gets_advice_on_making_it_functional(
    mine: Any, name: str, shapes: list[tuple[int, ...]], said: str
) -> None:
    net = getattr(mine, name)(name=name.lower())
    shown = [pictures(*shape) for shape in shapes]
    if shown:
        net(shown if len(shown) > 1 else shown[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.save("net.keras")
    message = refusal("net.keras", **custom(name))
    assert f"{name} is a subclassed model" in message and said in message and "make it functional" in message
