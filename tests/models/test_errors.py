"""An unusable file is refused in one line that names the file, what was found, and what to try."""

from __future__ import annotations

import base64
import json
import marshal
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from reportgen.errors import ConfigError, MissingExtra, ModelError, ReportgenError, UntrustedModel
from reportgen.models import cut_model, framework, load_model
from reportgen.models.fingerprint import file_hash
from tests.models.nets import edited, loaded, pictures, plain


def small() -> Any:
    x = keras.Input((8, 8, 3))
    return keras.Model(x, layers.Conv2D(2, 3, name="conv")(x))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "good.keras"
    small().save(path)
    return path


def refusal(path: Path, kind: type[ReportgenError] = ModelError, **options: Any) -> str:
    """Return the message with which a file is refused; it is one line."""
    with pytest.raises(kind) as caught:
        load_model(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_missing_file_is_refused_with_the_nearest_names(good: Path) -> None:
    assert refusal(good.with_name("god.keras")) == '"god.keras" does not exist (nearest: "good.keras")'


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert 'neither does its folder "nowhere"' in refusal(tmp_path / "nowhere" / "a.keras")


def test_a_folder_is_refused_with_the_models_inside(good: Path, tmp_path: Path) -> None:
    assert 'is a folder, wanted a model file (inside it: "good.keras")' in refusal(good.parent)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    assert "SavedModel is not read" in refusal(tmp_path / "saved")


@pytest.mark.parametrize("kept", [0, 3, 100, 5000, -200])
def test_a_truncated_file_is_refused(good: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.keras"
    path.write_bytes(good.read_bytes()[:kept])
    assert refusal(path).startswith("cut.keras: ")


def test_a_flipped_byte_in_the_weights_is_refused(good: Path, tmp_path: Path) -> None:
    data = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    data[start + 3000] ^= 0xFF
    (tmp_path / "bad.keras").write_bytes(data)
    assert '"model.weights.h5" inside the archive is damaged' in refusal(tmp_path / "bad.keras")


def test_a_truncated_h5_is_refused(tmp_path: Path) -> None:
    small().save(tmp_path / "whole.h5")
    (tmp_path / "cut.h5").write_bytes((tmp_path / "whole.h5").read_bytes()[:3000])
    assert "cut.h5: the HDF5 file is cut short or damaged" in refusal(tmp_path / "cut.h5")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hello world", "is a text file"),
        (b"", "is empty"),
        (b"version https://git-lfs", "is a Git LFS pointer"),
        (b"<!DOCTYPE html>", "is a web page"),
        (b"\x80\x04\x95\x00\x00", "is not a model file written by Keras"),
        (b"PK\x03\x04....", "holds a zip archive"),
    ],
)
def test_another_kind_of_file_named_h5_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "net.h5").write_bytes(content)
    message = refusal(tmp_path / "net.h5")
    assert message.startswith(f"net.h5: {found}, wanted an HDF5 file")


def test_weights_without_a_network_are_refused(tmp_path: Path) -> None:
    small().save_weights(tmp_path / "net.weights.h5")
    assert refusal(tmp_path / "net.weights.h5").startswith(
        "net.weights.h5: holds weights only, no network (save the whole model"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("net.pth", "PyTorch"),
        ("net.pkl", "a pickle, which is never opened"),
        ("net.xyz", 'suffix ".xyz" is not known, wanted .keras, .h5 or .onnx'),
        ("net", 'suffix "" is not known'),
    ],
)
def test_another_suffix_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    assert said in refusal(tmp_path / name)


def test_tables_texts_and_films_are_recognised_by_their_shape(tmp_path: Path) -> None:
    for shape, said in [
        (
            (30,),
            "takes (30), which is not a picture, wanted (height, width, channels) (it looks like a table",
        ),
        ((None, 4), "takes (any, 4), which is not a picture"),
        ((28, 28), "if it is a grey picture, give it a channel: keras.Input((28, 28, 1))"),
        ((4, 8, 8, 3), "it looks like a film or a volume"),
    ]:
        x = keras.Input(shape)
        keras.Model(x, layers.Dense(2)(x)).save(tmp_path / "net.keras")
        assert said in refusal(tmp_path / "net.keras")


def test_a_text_network_is_refused(tmp_path: Path) -> None:
    x = keras.Input((12,), dtype="int32")
    keras.Model(x, layers.Dense(2)(layers.Embedding(10, 4)(x))).save(tmp_path / "net.keras")
    assert "takes (12), which is not a picture" in refusal(tmp_path / "net.keras")


def test_several_inputs_without_a_picture_are_refused(tmp_path: Path) -> None:
    a, b = keras.Input((8,), name="left"), keras.Input((5,), name="right")
    keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([a, b]))).save(tmp_path / "net.keras")
    message = refusal(tmp_path / "net.keras")
    assert 'takes 2 inputs ("left" (8), "right" (5)), wanted a picture among them' in message


def test_more_channels_than_any_camera_has_are_refused_with_advice(tmp_path: Path) -> None:
    x = keras.Input((4, 4, 1025))
    keras.Model(x, layers.Conv2D(2, 3)(x)).save(tmp_path / "net.keras")
    said = refusal(tmp_path / "net.keras")
    assert "with 1025 channels, wanted 1 to 1024" in said
    assert "1x1 convolution" in said


def test_a_weight_that_is_not_finite_is_refused_naming_its_layer(tmp_path: Path) -> None:
    net = plain()
    kernel = net.get_layer("second").kernel
    values = np.array(kernel)
    values[0, 0, 0, :2] = np.nan
    kernel.assign(values)
    net.save(tmp_path / "net.keras")
    assert 'net.keras: layer "second" has 2 of 180 numbers in "kernel"' in refusal(tmp_path / "net.keras")


def test_convolutions_over_volumes_are_skipped_and_units_over_tokens_are_not(
    tmp_path: Path,
) -> None:
    x = keras.Input((8, 8, 3))
    y = layers.Reshape((8, 24))(layers.Conv2D(3, 3, padding="same", name="flat")(x))
    y = layers.Dense(5, name="token")(layers.Conv1D(4, 3, name="line")(y))
    y = layers.MultiHeadAttention(2, 3, name="look")(y, y)
    y = layers.Conv3D(2, 1, name="box")(layers.Reshape((1, 6, 5, 1))(y))
    model = loaded(keras.Model(x, layers.Dense(2, name="end")(layers.Flatten()(y))), tmp_path)
    reasons = dict(model.skipped)
    assert set(reasons) == {"box"} and "volumes" in reasons["box"]
    assert [layer.name for layer in model.layers] == ["flat", "line", "token", "look", "end"]
    assert cut_model(model, model.layer("end"), (8, 8)).network(pictures(1, 8, 8, 3))[0].shape == (1, 2)


def test_a_network_without_units_is_refused(tmp_path: Path) -> None:
    x = keras.Input((8, 8, 3))
    keras.Model(x, layers.MaxPooling2D(2)(x)).save(tmp_path / "net.keras")
    assert "none of its 1 operations has units to render" in refusal(tmp_path / "net.keras")


# Input size


def test_an_open_size_is_assumed_with_a_note_or_given(tmp_path: Path) -> None:
    net = plain(side=None)
    model = loaded(net, tmp_path)
    assert (model.input_shape, model.input_size_source) == ((224, 224, 3), "assumed")
    assert "224x224 is assumed" in model.notes[0]
    assert model.layer("second").map_size == (109, 109)
    model = loaded(net, tmp_path, input_size=(40, 60))
    assert (model.input_shape, model.input_size_source) == ((40, 60, 3), "given")
    assert model.layer("first").map_size == (38, 58)
    assert not any("input size open" in note for note in model.notes)


def test_a_size_against_the_models_own_is_refused(good: Path) -> None:
    message = refusal(good, ConfigError, input_size=(9, 8))
    assert "input size is fixed to 8x8, received 9x8" in message
    assert load_model(good, input_size=(8, 8)).input_size_source == "model"


@pytest.mark.parametrize("size", [(0, 8), (-1, 8), (8,), (8, 10**9), (8.5, 8), ("8", "8")], ids=str)
def test_an_invalid_size_is_refused(good: Path, size: Any) -> None:
    assert re.search(r"input[ _]size is \(", refusal(good, ConfigError, input_size=size))


def test_a_size_at_which_the_network_cannot_work_is_refused(tmp_path: Path) -> None:
    plain(side=None).save(tmp_path / "net.keras")
    assert "does not work on pictures of 4x4" in refusal(tmp_path / "net.keras", input_size=(4, 4))


def test_a_sequential_network_that_was_never_built_is_refused(tmp_path: Path) -> None:
    net = keras.Sequential([layers.Conv2D(2, 3)])
    with pytest.warns(UserWarning, match="has not yet been built"):
        net.save(tmp_path / "net.keras")
    assert "never built" in refusal(tmp_path / "net.keras")


# Nothing that a file brings is run

_PROOF = "REPORTGEN_TEST_RAN"


@pytest.fixture
def lambda_file(tmp_path: Path) -> Path:
    x = keras.Input((8, 8, 3))
    code = eval(f"lambda x: (__import__('os').environ.__setitem__('{_PROOF}', 'yes'), x)[1]")
    y = layers.Lambda(code, output_shape=(8, 8, 3), name="trojan")(x)
    keras.Model(x, layers.Conv2D(2, 3, name="conv")(y)).save(tmp_path / "net.keras")
    return tmp_path / "net.keras"


def test_a_lambda_layer_is_refused_and_never_run(lambda_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_PROOF, raising=False)
    message = refusal(lambda_file, UntrustedModel)
    assert message.startswith('net.keras: layer "trojan" is a Lambda layer, code that would run here')
    assert "--trust-model" in message
    assert _PROOF not in os.environ


def test_a_lambda_layer_runs_when_the_model_is_trusted_and_a_note_says_so(
    lambda_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(_PROOF, "no")
    model = load_model(lambda_file, trust_model=True)
    assert 'Layer "trojan" runs code that came with the file.' in model.notes
    assert model.layer("conv").receptive_field_px is None
    assert cut_model(model, model.layer("conv"), (8, 8)).network(pictures(1, 8, 8, 3))[0].shape == (
        1,
        6,
        6,
        2,
    )
    assert os.environ[_PROOF] == "yes"


def test_byte_code_in_an_old_h5_is_found_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(_PROOF, raising=False)
    small().save(tmp_path / "net.h5")
    code = compile(f"__import__('os').environ.__setitem__('{_PROOF}', 'yes')", "net", "eval")
    inside = {
        "class_name": "Lambda",
        "name": "trojan",
        "inbound_nodes": [[["input_1", 0, 0, {}]]],
        "config": {
            "name": "trojan",
            "function": [base64.b64encode(marshal.dumps(code)).decode(), None, None],
            "function_type": "lambda",
        },
    }
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        nested = {"class_name": "Functional", "config": {"name": "inner", "layers": [inside]}}
        config["config"]["layers"].append(nested)
        file.attrs["model_config"] = json.dumps(config)
    assert 'layer "trojan" is a Lambda layer' in refusal(tmp_path / "net.h5", UntrustedModel)
    assert _PROOF not in os.environ


def in_conv(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def apply(config: dict[str, Any]) -> None:
        change(next(entry for entry in config["config"]["layers"] if entry["name"] == "conv"))

    return apply


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"module": "evil.layers", "class_name": "Sneaky"}, 'layer "conv" is of class evil.layers.Sneaky'),
        ({"module": "os", "class_name": "system"}, 'layer "conv" is of class os.system'),
        (
            {"module": None, "class_name": "Mine", "registered_name": "pack>Mine"},
            'layer "conv" is of class pack>Mine, which is not part of Keras',
        ),
        ({"module": "kerasish", "class_name": "Conv2D"}, "kerasish.Conv2D"),
        ({"module": "keras_hub.layers", "class_name": "X"}, "keras_hub.layers.X"),
        ({"class_name": 7}, "class_name that is not text"),
    ],
)
def test_a_class_from_outside_keras_is_refused_by_layer_and_name(
    good: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = edited(good, tmp_path / "net.keras", in_conv(lambda layer: layer.update(change)))
    assert said in refusal(path)


@pytest.mark.parametrize("class_name", ["TFSMLayer", "TorchModuleWrapper", "JaxLayer"])
@pytest.mark.parametrize("trusted", [False, True])
def test_wrappers_of_other_programs_are_refused_even_when_trusted(
    good: Path, tmp_path: Path, class_name: str, trusted: bool
) -> None:
    path = edited(good, tmp_path / "net.keras", in_conv(lambda layer: layer.update(class_name=class_name)))
    assert 'layer "conv"' in refusal(path, UntrustedModel, trust_model=trusted)


def test_a_lambda_hidden_in_an_activation_is_refused(good: Path, tmp_path: Path) -> None:
    hidden = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
    path = edited(
        good, tmp_path / "net.keras", in_conv(lambda layer: layer["config"].update(activation=hidden))
    )
    assert 'layer "conv" is a Python lambda' in refusal(path, UntrustedModel)


def test_a_function_from_elsewhere_is_refused(good: Path, tmp_path: Path) -> None:
    foreign = {
        "module": "__main__",
        "class_name": "function",
        "config": "mine",
        "registered_name": "function",
    }
    path = edited(
        good, tmp_path / "net.keras", in_conv(lambda layer: layer["config"].update(activation=foreign))
    )
    assert "__main__.mine" in refusal(path)


def test_a_custom_layer_in_an_h5_is_refused_by_name(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="conv")]).save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][-1].update(class_name="Swirl", module=None, registered_name=None)
        file.attrs["model_config"] = json.dumps(config)
    assert 'layer "conv" is of class Swirl, which is not part of Keras' in refusal(tmp_path / "net.h5")


@pytest.mark.parametrize("module", [None, "keras.layers", "keras.src.layers.locally_connected"])
def test_a_layer_that_keras_3_dropped_is_named_as_such_and_not_as_the_users_own(
    good: Path, tmp_path: Path, module: str | None
) -> None:
    dropped = {"class_name": "LocallyConnected2D", "module": module, "registered_name": None}
    said = refusal(edited(good, tmp_path / "net.keras", in_conv(lambda layer: layer.update(dropped))))
    assert 'layer "conv" is of class LocallyConnected2D, which Keras 3 no longer has' in said
    assert "ONNX" in said and "--custom" not in said


def test_a_layer_of_the_users_own_may_have_the_name_of_a_dropped_one(good: Path, tmp_path: Path) -> None:
    own = {"class_name": "Highway", "module": "mine", "registered_name": "mine>Highway"}
    said = refusal(edited(good, tmp_path / "net.keras", in_conv(lambda layer: layer.update(own))))
    assert "--custom mine:Highway" in said


def test_a_custom_loss_does_not_stand_in_the_way(good: Path, tmp_path: Path) -> None:
    loss = {"module": "somewhere", "class_name": "Loss", "config": {}, "registered_name": "pack>Loss"}
    compiled = {"optimizer": "adam", "loss": loss}
    path = edited(good, tmp_path / "net.keras", lambda config: config.update(compile_config=compiled))
    assert load_model(path).layers[0].name == "conv"


def test_an_archive_that_points_outside_itself_is_refused(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(good.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../assets/escape.txt", "x")
    assert '"../../assets/escape.txt" points outside the archive' in refusal(path)
    assert not (tmp_path.parent / "assets").exists()


def test_an_archive_that_would_fill_the_disk_is_refused(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(good.read_bytes())
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("assets/zeros", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert "would unpack to" in refusal(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("[]", "describes no model"), ('{"config": 3}', "describes no model")],
)
def test_an_invalid_configuration_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("config.json", text)
        archive.writestr("model.weights.h5", "x")
    assert said in refusal(tmp_path / "net.keras")


def test_a_configuration_of_excessive_depth_is_refused(good: Path, tmp_path: Path) -> None:
    def deepen(config: dict[str, Any]) -> None:
        inner: Any = 1
        for _ in range(400):
            inner = {"a": inner}
        config["config"]["deep"] = inner

    assert "nested more than" in refusal(edited(good, tmp_path / "net.keras", deepen))


def test_a_number_that_makes_an_invalid_layer_is_refused(good: Path, tmp_path: Path) -> None:
    path = edited(good, tmp_path / "net.keras", in_conv(lambda layer: layer["config"].update(filters=-3)))
    assert "cannot build it" in refusal(path)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"activation": 5}, "activation"),
        ({"groups": 0}, "groups"),
        ({"filters": "4"}, "'str'"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"kernel_size": [-3, 3]}, "kernel_size"),
    ],
)
def test_a_layer_that_cannot_be_made_is_named_with_its_cause_in_one_whole_line(
    good: Path, tmp_path: Path, change: dict[str, Any], cause: str
) -> None:
    said = refusal(
        edited(good, tmp_path / "net.keras", in_conv(lambda layer: layer["config"].update(change)))
    )
    assert 'layer "conv" (Conv2D)' in said and cause in said
    assert "could not be deserialized" not in said and "\n" not in said


def test_hostile_names_stay_as_they_are_and_slugs_are_safe(good: Path, tmp_path: Path) -> None:
    name = '<img src=x onerror="alert(1)">\n..'

    def rename(layer: dict[str, Any]) -> None:
        layer["name"] = layer["config"]["name"] = name

    text = json.loads(zipfile.ZipFile(good).read("config.json"))
    for entry in text["config"]["layers"]:
        if entry["name"] == "conv":
            rename(entry)
    for output in (text["config"]["output_layers"],):
        output[0] = name
    path = edited(good, tmp_path / "net.keras", lambda config: config.update(text))
    model = load_model(path)
    layer = model.layers[0]
    assert layer.name == name
    assert set(layer.slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    # A compiled loop turns names into scopes, which TensorFlow takes in a few characters only.
    compiled = keras.models.Sequential([cut_model(model, layer, (8, 8)).network])
    assert compiled.predict(pictures(1, 8, 8, 3), verbose=0)[0].shape == (1, 6, 6, 2)


# Names, hashes and imports


def test_the_name_is_the_files_and_the_version_its_hash_unless_given(good: Path) -> None:
    model = load_model(good)
    assert (model.name, model.file_name) == ("good", "good.keras")
    assert model.file_hash == file_hash(good)
    assert model.version == model.file_hash[:8]
    model = load_model(good, name="cat", version="v2")
    assert (model.name, model.version) == ("cat", "v2")


def test_reading_a_hash_loads_no_framework() -> None:
    code = (
        "import sys, reportgen.models\n"
        "from reportgen.models import file_hash, Model\n"
        "from reportgen.models.fingerprint import file_hash\n"
        "from reportgen.models.keras.archive import read_archive\n"
        "assert not {'keras', 'tensorflow', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.slow
def test_reading_a_model_leaves_the_terminal_empty(good: Path) -> None:
    code = f"from reportgen.models import load_model; load_model({str(good)!r})"
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
        env=environment,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(
    ("missing", "extra"), [("keras", "tensorflow"), ("tensorflow", "tensorflow"), ("jax", "jax")]
)
def test_a_missing_framework_is_reported_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str, extra: str
) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr(framework.importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match=f"reading a Keras model needs .*reportgen\\[{extra}\\]"):
        framework.keras_module()


def test_output_other_than_banners_still_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with framework._without_banners(3):
        os.write(2, b"I0000 00:00:17 99 port.cc:153] oneDNN custom operations are on.\nsomething is wrong\n")
    assert capfd.readouterr().err == "something is wrong\n"
