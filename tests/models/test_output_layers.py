"""The heads of a detector are known by the outputs they lead to."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

import reportgen
from tests.models.zoo.files import unpacked


def outputs_by_layer(path: Path) -> dict[str, list[str]]:
    found = reportgen.inspect_model(path, units=1, seeds=1).report["layers"]
    return {layer["name"]: layer["outputs"] for layer in found if layer["outputs"]}


def test_heads_of_two_scales_lead_to_the_same_outputs(tmp_path: Path) -> None:
    i = keras.Input((16, 16, 3))
    fine = layers.Conv2D(4, 3, padding="same", activation="relu", name="fine")(i)
    coarse = layers.Conv2D(4, 3, strides=2, padding="same", name="coarse")(fine)
    boxes, classes = [], []
    for scale, x in (("fine", fine), ("coarse", coarse)):
        boxes.append(layers.Reshape((-1, 4))(layers.Conv2D(4, 1, name=f"where_{scale}")(x)))
        kinds = layers.Conv2D(3, 1, activation="sigmoid", name=f"what_{scale}")(x)
        classes.append(layers.Reshape((-1, 3))(kinds))
    both = {
        "boxes": layers.Concatenate(axis=1)(boxes),
        "classes": layers.Concatenate(axis=1)(classes),
    }
    keras.Model(i, both).save(tmp_path / "net.keras")
    found = outputs_by_layer(tmp_path / "net.keras")
    assert found == {
        "where_fine": ["boxes"],
        "where_coarse": ["boxes"],
        "what_fine": ["classes"],
        "what_coarse": ["classes"],
    }


def test_an_output_with_the_name_of_its_layer_is_not_said_twice(
    tmp_path: Path,
) -> None:
    i = keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.Conv2D(3, 3, name="conv")(i))
    keras.Model(i, layers.Dense(2, activation="softmax", name="head")(x)).save(tmp_path / "net.keras")
    assert outputs_by_layer(tmp_path / "net.keras") == {}


def test_heads_of_an_exported_detector_have_the_names_of_the_outputs(tmp_path: Path) -> None:
    import onnx

    unpacked("detector", tmp_path)
    path = tmp_path / "torch-new-21.onnx"
    wanted = {output.name for output in onnx.load(path).graph.output}
    found = outputs_by_layer(path)
    assert len(found) == 4 and {name for names in found.values() for name in names} == wanted
