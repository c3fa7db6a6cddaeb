"""The evidence for an input range: each source by its priority, with its confidence."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models import load_model
from reportgen.models.input_range.evidence import confidence_word, file_metadata, input_evidence
from tests.models.nets import loaded
from tests.models.test_parity import small_onnx
from tests.models.test_stored_moments import trained_on


def scaled() -> keras.Model:
    x = keras.Input((24, 24, 3))
    return keras.Model(x, layers.Conv2D(2, 3)(layers.Rescaling(1 / 255, name="bytes")(x)))


def bare() -> keras.Model:
    x = keras.Input((24, 24, 3))
    return keras.Model(x, layers.Conv2D(2, 3)(x))


def test_a_scaling_in_the_network_is_certain_evidence(tmp_path: Path) -> None:
    found = input_evidence(loaded(scaled(), tmp_path))
    assert found.word == "certain" and found.best is None and not found.contradiction
    assert found.readings[0].source == "graph" and '"bytes"' in found.readings[0].words


def test_a_given_range_against_the_network_is_weak_and_the_right_option_is_named(tmp_path: Path) -> None:
    found = input_evidence(loaded(scaled(), tmp_path, input_range=(0, 1)))
    assert found.word == "weak" and "contradicts" in found.contradiction
    assert found.best is not None and found.best.option == "--input-range 0,255"


def test_a_given_range_without_contradiction_is_certain(tmp_path: Path) -> None:
    found = input_evidence(loaded(scaled(), tmp_path, input_range=(0, 255)))
    assert (found.word, found.best, found.contradiction) == ("certain", None, "")


def test_moments_name_the_range_trained_on_and_do_not_change_the_one_in_use(tmp_path: Path) -> None:
    model = loaded(trained_on(-1, 1), tmp_path)
    found = input_evidence(model)
    assert str(model.input_range) == "0..1" and found.word == "none"
    assert found.best is not None and (found.best.range, found.best.source) == ("-1..1", "statistics")
    assert found.best.option == "--input-range -1,1" and 0 < found.best.confidence < 1


def test_moments_that_agree_with_the_assumed_range_raise_its_confidence(tmp_path: Path) -> None:
    found = input_evidence(loaded(trained_on(0, 1), tmp_path))
    assert found.confidence > 0 and found.best is None


def test_without_any_evidence_no_range_is_suggested(tmp_path: Path) -> None:
    found = input_evidence(loaded(bare(), tmp_path))
    assert (found.confidence, found.word, found.best) == (0, "none", None)


@pytest.mark.parametrize(
    ("metadata", "option"),
    [
        ({"Image.NominalPixelRange": "Normalized_1_1"}, "--input-range -1,1"),
        ({"Image.NominalPixelRange": "NominalRange_0_255"}, "--input-range 0,255"),
        ({"mean": "[0.485, 0.456, 0.406]", "std": "[0.229, 0.224, 0.225]"}, "--input-range imagenet"),
        ({"image_mean": "127.5", "image_std": "127.5"}, "--input-range -1,1"),
        ({"mean": "0 0 0", "std": "0.5 1 2"}, "--input-range 0:0:0,2:1:0.5"),
    ],
    ids=str,
)
def test_the_metadata_of_an_onnx_file_is_read(tmp_path: Path, metadata: dict[str, str], option: str) -> None:
    path = small_onnx(tmp_path / "net.onnx", metadata)
    found = input_evidence(load_model(path), file_metadata(path))
    assert found.best is not None and (found.best.source, found.best.option) == ("metadata", option)


@pytest.mark.parametrize(
    "metadata",
    [{"mean": "x", "std": "y"}, {"mean": "0.5", "std": "0"}, {"mean": "1 2", "std": "1 2"}, {"author": "me"}],
    ids=str,
)
def test_metadata_without_a_range_are_no_evidence(tmp_path: Path, metadata: dict[str, str]) -> None:
    assert input_evidence(loaded(bare(), tmp_path), metadata).best is None


def test_the_order_of_channels_is_read_where_it_shows(tmp_path: Path) -> None:
    x = keras.Input((24, 24, 3))
    means = np.array([103.939, 116.779, 123.68], np.float32)
    caffe = keras.Model(x, layers.Conv2D(2, 3)(x - means))
    assert "blue first" in input_evidence(loaded(caffe, tmp_path)).order
    flipped = keras.Model(x, layers.Conv2D(2, 3)(x[..., ::-1] - means))
    assert "takes red first" in input_evidence(loaded(flipped, tmp_path)).order
    assert "assumed" in input_evidence(loaded(bare(), tmp_path)).order
    assert "bgr8" in input_evidence(loaded(bare(), tmp_path), {"Image.BitmapPixelFormat": "Bgr8"}).order


def test_confidence_has_four_words() -> None:
    assert [confidence_word(v) for v in (0, 0.3, 0.6, 0.95)] == ["none", "weak", "likely", "certain"]
