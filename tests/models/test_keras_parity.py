"""Comparing with Keras running the file detects a network that was flattened wrongly."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.config import read_settings
from reportgen.models import load_model
from reportgen.models.keras.parity import compare_with_keras
from reportgen.models.model import Model
from reportgen.models.parity import compare_cuts
from reportgen.models.sources import find_source
from reportgen.run.import_report import import_report
from tests.models.nets import nested_twice, plain, skipping, stirred


def two_inputs_two_outputs() -> Any:
    """A picture, a vector that shifts it, a second map next to it, a map and a vector out."""
    x, v = keras.Input((20, 24, 3), name="picture"), keras.Input((4,), name="tuning")
    m = keras.Input((20, 24, 1), name="mask")
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(layers.Concatenate()([x, m]))
    y = layers.Add()([y, layers.Reshape((1, 1, 4))(v)])
    top = layers.Dense(3, activation="softmax", name="top")(layers.GlobalAveragePooling2D()(y))
    return stirred(keras.Model([v, x, m], [layers.Conv2D(2, 3, name="map")(y), top]))


NETS = {"plain": plain, "skipping": skipping, "nested": nested_twice}


def saved(net: Any, folder: Path, suffix: str) -> Path:
    path = folder / f"net{suffix}"
    net.save(path)
    return path


def wrong(model: Model, at: int) -> Model:
    """Return the model with one node whose output is a thousandth too large, as after a wrong flattening."""
    node = model.nodes[at]

    def call(values: Any) -> Any:
        return tuple(v * 1.001 for v in node.call(values))

    nodes = list(model.nodes)
    nodes[at] = dataclasses.replace(node, call=call)
    return dataclasses.replace(model, nodes=tuple(nodes))


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("plain", ".keras"),
        ("plain", ".h5"),
        ("skipping", ".keras"),
        ("skipping", ".h5"),
        ("nested", ".keras"),
    ],
)
def test_a_flattened_network_gives_what_keras_gives(name: str, suffix: str, tmp_path: Path) -> None:
    path = saved(NETS[name](), tmp_path, suffix)
    proof = compare_with_keras(find_source(path), load_model(path, input_range=(-2, 5)))
    assert proof.same and len(proof.found) == proof.of == 1


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_wrongly_flattened_node_is_detected_where_comparing_cuts_detects_none(
    suffix: str, tmp_path: Path
) -> None:
    path = saved(skipping(), tmp_path, suffix)
    model = load_model(path)
    conv = model.taps["left"].weights
    planted = wrong(model, conv)
    assert compare_cuts(planted).same
    proof = compare_with_keras(find_source(path), planted)
    assert proof.same is False and proof.max_rel is not None and proof.max_rel > 1e-4


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lost_activation_is_detected(suffix: str, tmp_path: Path) -> None:
    path = saved(plain(), tmp_path, suffix)
    model = load_model(path)
    at = next(i for i, node in enumerate(model.nodes) if node.name == "hidden/activation")
    nodes = list(model.nodes)
    nodes[at] = dataclasses.replace(nodes[at], call=lambda values: tuple(values))
    proof = compare_with_keras(find_source(path), dataclasses.replace(model, nodes=tuple(nodes)))
    assert proof.same is False


@pytest.mark.parametrize("hold", [{}, {"tuning": [1.0, -2.0, 0.5, 3.0], "mask": 0.7}])
def test_held_inputs_are_held_for_keras_too(hold: dict[str, Any], tmp_path: Path) -> None:
    path = saved(two_inputs_two_outputs(), tmp_path, ".keras")
    model = load_model(path, hold=hold)
    proof = compare_with_keras(find_source(path), model, hold=hold)
    assert proof.same and proof.of == 2
    if hold:
        assert compare_with_keras(find_source(path), model, hold={}).same is False


def test_a_network_keras_cannot_run_is_reported_and_never_called_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(plain(), tmp_path, ".keras")
    model = load_model(path)

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no kernel for this")

    monkeypatch.setattr("reportgen.models.keras.parity._outputs", broken)
    proof = compare_with_keras(find_source(path), model)
    assert (proof.max_abs, proof.same) == (None, None) and "no kernel for this" in proof.reason


def test_the_report_names_keras_as_the_reference(tmp_path: Path) -> None:
    path = saved(plain(), tmp_path, ".keras")
    report = import_report(path, load_model(path), read_settings({}))
    assert {"max_abs", "max_rel"} <= set(report["parity"])
    assert report["parity"]["against"] == "Keras" and report["parity"]["same"] is True
    assert report["parity_note"].startswith("1 output compared with Keras on fixed pictures")
    assert "layers compared with the whole network" in report["cuts_note"]


def test_channels_first_networks_are_compared_or_the_reason_is_given(tmp_path: Path) -> None:
    x = keras.Input((3, 16, 20))
    y = layers.Conv2D(4, 3, data_format="channels_first", name="conv", activation="relu")(x)
    y = layers.Conv2D(2, 3, data_format="channels_first", name="end")(y)
    path = saved(stirred(keras.Model(x, y)), tmp_path, ".keras")
    proof = compare_with_keras(find_source(path), load_model(path))
    assert proof.same or "Keras cannot run it here" in proof.reason
    assert np.isfinite(proof.max_abs or 0)
