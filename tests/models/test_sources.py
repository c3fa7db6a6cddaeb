"""Sources of models: files by content, architectures with weights, networks of Keras's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from small_networks import QUICK_WORDS

import reportgen
from reportgen.config import read_settings
from reportgen.errors import ConfigError, MissingExtra, ModelError
from reportgen.models import cut_model, load_model, sources
from reportgen.models.sources import find_source
from reportgen.store import open_store
from tests.models.nets import pictures, stirred


def save(path: Path, shape: tuple[int, ...] = (8, 8, 3)) -> Path:
    x = keras.Input(shape)
    y = layers.Conv2D(2, 3, name="conv")(x)
    stirred(keras.Model(x, layers.Dense(2, name="end")(layers.Flatten()(y)))).save(path)
    return path


def refusal(text: str | Path) -> str:
    with pytest.raises(ModelError) as caught:
        find_source(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# By content


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_without_a_suffix_is_recognised_by_its_content(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"net{suffix}").rename(tmp_path / "net")
    assert find_source(path).kind == suffix[1:]
    assert [layer.name for layer in load_model(path).layers] == ["conv", "end"]


def test_an_onnx_graph_without_a_suffix_is_recognised_and_one_named_h5_is_refused(tmp_path: Path) -> None:
    from onnx import helper

    ends = [helper.make_tensor_value_info(n, 1, [1, 3, 8, 8]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    data = helper.make_model(graph).SerializeToString()
    for name, kind in [("net", "onnx"), ("net.onnx", "onnx")]:
        (tmp_path / name).write_bytes(data)
        assert find_source(tmp_path / name).kind == kind
    (tmp_path / "net.h5").write_bytes(data)
    said = refusal(tmp_path / "net.h5")
    assert said == "net.h5: holds an ONNX graph, wanted an HDF5 file (rename it to end in .onnx)"


def test_a_savedmodel_is_refused_with_how_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    assert "load it and save it as" in refusal(tmp_path / "saved")


# Architectures


def test_an_architecture_alone_is_refused_with_how_to_name_its_weights(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text("{}")
    assert "name both: net.json+weights.h5" in refusal(tmp_path / "net.json")
    assert '"no.h5" does not exist' in refusal(f"{tmp_path / 'net.json'}+no.h5")


def test_weights_named_after_an_architecture_are_found_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text("{}")
    (tmp_path / "w.h5").write_bytes(b"x")
    found = find_source(f"{tmp_path / 'net.json'}+w.h5")
    assert (found.weights, found.name, found.file_name) == (tmp_path / "w.h5", "net", "net.json+w.h5")


# keras.applications


@pytest.mark.parametrize("text", ["", "../x", "a b", "os.system", "MobileNetV2\n"])
def test_an_invalid_name_is_refused(text: str) -> None:
    assert "names no network" in refusal(f"keras.applications:{text}")


def test_an_application_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ModelError, match='"MobileNetV9" is not a network of keras'):
        load_model("keras.applications:MobileNetV9")
    with pytest.raises(ModelError, match='"keras" is not a network of keras'):
        load_model("keras.applications:keras")


def test_an_application_is_identified_by_its_name_and_the_version_of_keras(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = find_source("keras.applications:MobileNetV2")
    assert (source.name, source.file_name) == ("MobileNetV2", "keras.applications:MobileNetV2")
    own = source.digest()
    assert len(own) == 32 and own != find_source("keras.applications:VGG16").digest()
    monkeypatch.setattr(sources, "_keras_version", lambda: "3.99")
    assert source.digest() != own
    monkeypatch.undo()
    error = sources.importlib.metadata.PackageNotFoundError

    def absent(name: str) -> str:
        raise error(name)

    monkeypatch.setattr(sources.importlib.metadata, "version", absent)
    with pytest.raises(MissingExtra):
        source.digest()


def test_offline_missing_weights_are_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> Any:
        raise OSError("URL fetch failure on somewhere: None -- no route to host\nmore")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", offline)
    with pytest.raises(ModelError) as caught:
        load_model("keras.applications:MobileNetV2")
    said = str(caught.value)
    assert said.startswith("keras.applications:MobileNetV2: its weights are not available: URL fetch failure")
    assert "go online" in said and "\n" not in said


def test_an_application_takes_pictures_of_0_to_255_and_gives_what_keras_gives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A small network stands in for the download; its scaling is the one of ResNet50: BGR minus a mean."""
    x = keras.Input((32, 32, 3))
    y = layers.Conv2D(2, 3, name="conv1")(x)
    net = stirred(keras.Model(x, layers.Dense(2, name="end")(layers.GlobalAveragePooling2D()(y))))

    def make(weights: str) -> Any:
        print("Downloading data")
        return net

    make.__module__ = keras.applications.ResNet50.__module__
    monkeypatch.setattr(keras.applications, "ResNet50", make)
    shown = pictures(2, 32, 32, 3)
    scaled = keras.applications.resnet50.preprocess_input(shown * 255)
    wanted = np.asarray(net(scaled))
    model = load_model("keras.applications:ResNet50")
    assert capsys.readouterr().out == ""
    assert (model.name, model.input_range.high, model.input_range.source) == ("ResNet50", (255.0,), "graph")
    assert [layer.name for layer in model.layers] == ["conv1", "end"]
    found = cut_model(model, model.layer("end"), (32, 32)).network(shown)[1]
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-4, atol=1e-2)


# The whole way


@pytest.mark.parametrize("channels", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_an_atlas_of_pictures_with_other_channels(run: Any, tmp_path: Path, channels: int) -> None:
    path = save(tmp_path / "net.keras", (12, 12, channels))
    code, out, err = run("atlas", path, "--seeds", 2, *QUICK_WORDS)
    assert code == 0, out + err
    assert f"Pictures have {channels} channels; pages show their mean as grey" in out + err
    assert run("check", "site")[0] == 0
    assert run("export", "--pictures", "masters")[0] == 0
    from PIL import Image

    with Image.open(next(Path("masters").rglob("conv/0/happy-0.png"))) as image:
        width, height = image.size
    assert width == channels * height
    with open_store(tmp_path / "reportgen.db") as store:
        assert store.models()[0].input_shape[2] == channels


def test_a_held_value_reaches_the_record_and_another_value_reads_the_file_again(
    run: Any, tmp_path: Path
) -> None:
    a, b = keras.Input((8, 8, 3), name="photo"), keras.Input((2,), name="age")
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3, name="conv")(a))
    net = keras.Model([a, b], layers.Dense(2, name="end")(layers.Concatenate()([y, b])))
    stirred(net).save(tmp_path / "net.keras")
    said = []
    for value in ("0.25", "0.5,1"):
        code, out, err = run("inspect", tmp_path / "net.keras", "--hold", f"age={value}", "--json")
        assert code == 0, err
        said.append(" ".join(json.loads(out)["notes"]))
    assert "is held at 0.25" in said[0] and "is held at 0.5 1" in said[1]


def test_max_memory_refuses_and_custom_needs_trust(run: Any, tmp_path: Path) -> None:
    x = keras.Input((64, 64, 3))
    keras.Model(x, layers.Dense(32)(layers.Flatten()(x))).save(tmp_path / "net.keras")
    code, _, err = run("inspect", tmp_path / "net.keras", "--max-memory", "1MB")
    assert code == 2 and "at most 1,048,576 are read" in err
    assert run("inspect", tmp_path / "net.keras", "--max-memory", "1GB")[0] == 0
    code, _, err = run("inspect", tmp_path / "net.keras", "--custom", "os:getcwd")
    assert code == 2 and "add --trust-model" in err


@pytest.mark.slow
def test_an_architecture_is_a_model_for_the_command_line(run: Any, tmp_path: Path) -> None:
    net = keras.saving.load_model(save(tmp_path / "net.keras"))
    (tmp_path / "arch.json").write_text(net.to_json())
    net.save_weights(tmp_path / "late.weights.h5")
    code, out, err = run("inspect", "arch.json+late.weights.h5", "--json")
    assert code == 0, err
    assert (json.loads(out)["name"], json.loads(out)["file_name"]) == ("arch", "arch.json+late.weights.h5")
    found = reportgen.inspect_model(f"{tmp_path}/arch.json+late.weights.h5").model
    assert found.version == found.file_hash[:8]


# The options in a file


def test_options_of_the_command_line_win_over_the_file_and_tables_are_joined(tmp_path: Path) -> None:
    file = tmp_path / "reportgen.toml"
    file.write_text(
        'max_memory = "3GB"\ncustom = ["a:B"]\n[hold]\nage = 0.5\nplace = [1, 2]\n', encoding="utf-8"
    )
    found = read_settings({}, file)
    assert (found.max_memory, found.custom) == (3 << 30, ("a:B",))
    assert found.hold == {"age": 0.5, "place": [1.0, 2.0]}
    found = read_settings({"max_memory": "512MB", "custom": ("c:D",), "hold": {"age": "2"}}, file)
    assert (found.max_memory, found.custom) == (512 << 20, ("c:D",))
    assert found.hold == {"age": 2.0, "place": [1.0, 2.0]}
    assert (read_settings({}).max_memory, read_settings({}).custom, read_settings({}).hold) == (None, (), {})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("max_memory", "lots", "wanted a size such as 8GB"),
        ("max_memory", 5, "at least 1MB"),
        ("hold", {"age": "old"}, "wanted a number for 'age'"),
        ("hold", {"age": float("inf")}, "wanted finite numbers"),
        ("hold", 3, "wanted a table of values"),
    ],
)
def test_an_invalid_option_is_refused_naming_its_key(key: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({key: value})
    assert str(caught.value).startswith(f"{key} is") and said in str(caught.value)


def test_custom_counts_only_in_a_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reportgen.toml").write_text('custom = ["a:B"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="custom is only allowed in a file named with --config"):
        read_settings({})
    assert "a" not in sys.modules


def test_a_keras_file_that_is_hdf5_is_read_as_keras_2_wrote_it(tmp_path: Path) -> None:
    """Up to 2.12, `model.save("net.keras")` wrote HDF5."""
    picture = keras.Input((8, 8, 3))
    normalised = keras.layers.LayerNormalization()(picture)
    keras.Model(picture, keras.layers.Conv2D(2, 3, name="conv")(normalised)).save(tmp_path / "net.h5")
    (tmp_path / "net.h5").rename(tmp_path / "net.keras")
    assert [layer.name for layer in load_model(tmp_path / "net.keras").layers] == ["conv"]
