"""What people really hand over: one line of error with the right exit code, and nothing damaged."""

import sqlite3
import zipfile

import keras
import numpy as np
import pytest
from small_networks import QUICK_WORDS, save_model

from reportgen.store import open_store

L = keras.layers


def refused(found, said):
    code, out, err = found
    lines = [line for line in err.splitlines() if line.startswith("error:")]
    assert code == 2, out + err
    assert len(lines) == 1 and said in lines[0], err
    assert "Traceback" not in err


def saved(path, *layers, shape=(16, 16, 1)):
    keras.Sequential([keras.Input(shape), *layers]).save(path)
    return path


def test_a_missing_file(run, tmp_path):
    save_model(tmp_path / "faces.keras")
    refused(run("atlas", "face.keras"), "faces.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["faces.keras"]


def test_a_truncated_keras_file(run, tmp_path):
    path = save_model(tmp_path / "m.keras")
    path.write_bytes(path.read_bytes()[:-2000])
    refused(run("atlas", path), "m.keras")


def test_a_keras_file_without_its_weights(run, tmp_path):
    path = save_model(tmp_path / "m.keras")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "half.keras", "w") as half:
        half.writestr("config.json", whole.read("config.json"))
    refused(run("atlas", "half.keras"), "half.keras")


def test_a_text_file_named_h5(run, tmp_path):
    (tmp_path / "m.h5").write_text("not a model\n" * 100)
    refused(run("atlas", "m.h5"), "m.h5")


def test_a_lambda_layer_is_refused_and_never_run(run, tmp_path):
    mark = tmp_path / "executed"
    shout = eval(f"lambda x: (open({str(mark)!r}, 'w'), x)[1]")
    path = saved(tmp_path / "m.keras", L.Conv2D(2, 3), L.Lambda(shout, output_shape=(14, 14, 2)))
    mark.unlink(missing_ok=True)
    refused(run("atlas", path), "--trust-model")
    assert not mark.exists()
    (tmp_path / "reportgen.toml").write_text("trust_model = true\n")  # It may have come with the model.
    refused(run("atlas", path), "--trust-model")
    assert not mark.exists()


def test_a_network_of_numbers_is_no_image_network(run, tmp_path):
    refused(run("atlas", saved(tmp_path / "t.keras", L.Dense(3), shape=(7,))), "not a picture")


def test_a_network_of_words_is_no_image_network(run, tmp_path):
    path = saved(tmp_path / "w.keras", L.Embedding(50, 4), L.GlobalAveragePooling1D(), L.Dense(2), shape=(9,))
    refused(run("atlas", path), "not a picture")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(run, tmp_path, value):
    path = save_model(tmp_path / "m.keras")
    network = keras.saving.load_model(path)
    network.layers[0].bias.assign([0.0, value, 0.0])
    network.save(path)
    refused(run("atlas", path), "conv")


@pytest.mark.parametrize(
    "policy",
    [
        "float16",
        *(pytest.param(mixed, marks=pytest.mark.slow) for mixed in ("mixed_float16", "mixed_bfloat16")),
    ],
)
def test_half_precision_works_and_is_said(run, tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        path = save_model(tmp_path / "m.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    code, _, err = run("atlas", path, "--units", 1, "--seeds", 1, *QUICK_WORDS)
    assert code == 0, err
    assert "float32" in err


def test_three_dimensional_convolutions_are_skipped_by_name_and_one_dimensional_are_not(run, tmp_path):
    picture = keras.Input((16, 16, 1))
    seen = L.Conv2D(2, 3, padding="same", name="seen")(picture)
    line = L.Conv1D(2, 3, name="line")(L.Reshape((256, 2))(seen))
    cube = L.Conv3D(2, 3, name="cube")(L.Reshape((16, 4, 4, 2))(seen))
    out = L.Concatenate()([L.Flatten()(line), L.Flatten()(cube)])
    keras.Model(picture, out).save(tmp_path / "m.keras")
    code, _, err = run("render", "m.keras", "--layers", "seen", "--seeds", 1, *QUICK_WORDS)
    assert code == 0, err
    assert "skipped cube" in err and "skipped line" not in err


@pytest.mark.slow
def test_a_layer_with_a_single_unit_and_a_map_of_one_position(run, tmp_path):
    path = saved(tmp_path / "m.keras", L.Conv2D(1, 16, name="whole"), L.Flatten(), L.Dense(1, name="one"))
    code, out, err = run("atlas", path, "--seeds", 2, *QUICK_WORDS)
    assert code == 0, err
    assert "whole" in out and "one" in out


def test_a_site_folder_that_cannot_be_written(run, own_store, tmp_path):
    (tmp_path / "file").write_text("in the way")
    refused(run("site", "--store", own_store, "--site", "file/site"), "site")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_store_of_another_schema_version(run, tiny_model, tmp_path):
    open_store(tmp_path / "s.db", create=True).close()
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("UPDATE about SET value='99' WHERE key='schema'")
    before = (tmp_path / "s.db").read_bytes()
    refused(run("atlas", tiny_model, "--store", "s.db"), "schema version 99")
    assert (tmp_path / "s.db").read_bytes() == before


def test_two_rendering_runs_on_one_store(run, tiny_model, own_store):
    with open_store(own_store) as other:
        other.lock_for_rendering()
        refused(run("render", tiny_model, "--store", own_store), "another run is rendering")
        assert run("site", "--store", own_store)[0] == 0


@pytest.mark.slow
def test_a_second_model_that_cannot_be_read_loses_nothing_of_the_first(run, tiny_model, tmp_path):
    (tmp_path / "bad.keras").write_text("no")
    refused(run("render", tiny_model, "bad.keras", "--units", 1, "--seeds", 1, *QUICK_WORDS), "bad.keras")
    with open_store(tmp_path / "reportgen.db") as store:
        model = store.models()[0]
        assert np.sum([len(store.placements(model.id, layer.name)) for layer in model.layers]) > 0


def test_writing_a_site_from_no_store(run):
    refused(run("site"), "does not exist")


def test_a_name_of_a_layer_cannot_command_the_terminal(run, tmp_path):
    path = saved(
        tmp_path / "m.keras", L.Conv2D(1, 3, name="red\x1b[31m"), L.Flatten(), L.Dense(1, name="one")
    )
    _, out, err = run("inspect", path)
    assert "\x1b[31m" not in out + err

    assert "red" in out
