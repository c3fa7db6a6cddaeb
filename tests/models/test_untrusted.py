"""A hostile file is refused before it costs memory, opens another file, or runs anything."""

from __future__ import annotations

import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from reportgen.errors import ConfigError, ModelError
from reportgen.models import cut_model, load_model
from reportgen.models.model_memory import LEAST_DEFAULT, default_max_memory
from tests.models.nets import edited, pictures
from tests.models.old_files import keras_1_convolution, numbers, old_h5

GIGABYTE = 1 << 30


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "good.keras"
    x = keras.Input((8, 8, 3))
    keras.Model(x, layers.Conv2D(2, 3, name="conv")(x)).save(path)
    return path


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def small_h5(path: Path) -> Path:
    layer = keras_1_convolution("c", 2, 3, "tf", batch_input_shape=[None, 6, 6, 1])
    weights = {"c": {"c_W": numbers(3, 3, 1, 2), "c_b": numbers(2)}}
    return old_h5(path, {"class_name": "Sequential", "config": [layer]}, weights, version="1.2.0")


# Links and other files


def test_a_symbolic_link_in_an_archive_is_refused(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(good.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("assets/link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert '"assets/link" is a symbolic link, which is never followed' in refusal(path)


@pytest.mark.parametrize("kind", ["external link", "soft link", "external data", "virtual data"])
def test_an_h5_that_points_elsewhere_is_refused(tmp_path: Path, kind: str) -> None:
    path = small_h5(tmp_path / "net.h5")
    (tmp_path / "other.bin").write_bytes(bytes(4096))
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.ones((3, 3, 1, 2), np.float32)
    with h5py.File(path, "r+") as file:
        group = file["model_weights/c"]
        del group["c_W"]
        if kind == "external link":
            group["c_W"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/secret")
        elif kind == "soft link":
            group["c_W"] = h5py.SoftLink("/model_weights/c/c_b")
        elif kind == "external data":
            outside = [(str(tmp_path / "other.bin"), 0, 72)]
            group.create_dataset("c_W", (3, 3, 1, 2), "f4", external=outside)
        else:
            layout = h5py.VirtualLayout((3, 3, 1, 2), "f4")
            layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (3, 3, 1, 2))
            group.create_virtual_dataset("c_W", layout)
    said = refusal(path)
    assert '"/model_weights/c/c_W"' in said and "never" in said


def test_the_weights_inside_an_archive_are_looked_over_too(good: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(good) as archive:
        archive.extract("model.weights.h5", tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        new.writestr("config.json", old.read("config.json"))
        new.write(tmp_path / "model.weights.h5", "model.weights.h5")
    assert '"/elsewhere" is a link to "/" of file "/etc/passwd"' in refusal(path)


# Memory


def test_a_small_h5_that_claims_a_huge_array_is_refused(tmp_path: Path) -> None:
    path = small_h5(tmp_path / "net.h5")
    with h5py.File(path, "r+") as file:
        file.create_dataset("model_weights/c/huge", (1 << 14, 1 << 14, 4), "f4", chunks=(64, 64, 4))
    assert path.stat().st_size < 100_000
    assert "bytes claim arrays of 4,294,9" in refusal(path) and '"/model_weights/c/huge"' in refusal(path)


@pytest.mark.parametrize("filters", [10**7, 10**9, 10**15])
def test_weights_beyond_the_memory_are_refused_before_they_are_allocated(
    good: Path, tmp_path: Path, filters: int
) -> None:
    def grow(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["filters"] = filters

    path = edited(good, tmp_path / "net.keras", grow)
    load_model(good)
    tracemalloc.start()
    said = refusal(path, max_memory=64 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "its weights take" in said and '"conv/kernel" alone' in said and "--max-memory" in said
    assert peak < 64 << 20
    load_model(good)  # What was refused waits for no numbers.


def test_a_tensor_beyond_the_memory_is_refused(good: Path, tmp_path: Path) -> None:
    def grow(config: dict[str, Any]) -> None:
        config["config"]["layers"][0]["config"]["batch_shape"] = [None, 8, 8, 3]
        config["config"]["layers"][1]["config"].update(padding="same", filters=4)
        config["config"]["layers"][0]["config"]["batch_shape"] = [None, 40_000, 40_000, 3]

    said = refusal(edited(good, tmp_path / "net.keras", grow), max_memory=GIGABYTE)
    assert "bytes for one picture, at most 1,073,741,824 are allocated" in said


def test_a_file_that_fits_the_memory_is_read_and_one_byte_less_refuses_it(good: Path) -> None:
    from reportgen.models.keras.reading import read_keras

    needed = 4 * (3 * 3 * 3 * 2 + 2) + 4 * max(8 * 8 * 3, 6 * 6 * 2)
    assert read_keras(good, max_memory=needed)[0].count_params() == 56
    with pytest.raises(ModelError, match="are allocated"):
        read_keras(good, max_memory=needed - 1)


def test_the_default_is_half_of_the_memory_and_at_least_two_gigabytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    for pages, expected in [(1 << 22, 8 << 30), (1 << 10, LEAST_DEFAULT)]:
        monkeypatch.setattr(os, "sysconf", lambda name, n=pages: n if name == "SC_PHYS_PAGES" else 4096)
        assert default_max_memory() == expected


# Classes of Keras that are no layers, and the user's own


@pytest.mark.parametrize(
    "activation",
    [
        {"module": "keras.utils", "class_name": "function", "config": "get_file"},
        {"module": "keras.src.utils.file_utils", "class_name": "function", "config": "get_file"},
        {"module": "keras.src.saving.saving_lib", "class_name": "DiskIOStore", "config": {"root_path": "x"}},
    ],
)
def test_functions_of_keras_that_open_files_are_refused(
    good: Path, tmp_path: Path, activation: dict[str, Any]
) -> None:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["activation"] = activation

    assert "which is not part of Keras" in refusal(edited(good, tmp_path / "net.keras", change))


@pytest.fixture
def swirl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a layer of a module that lies in the current folder, and has not been imported."""
    source = (
        "import keras\n\n\nclass Swirl(keras.layers.Layer):\n"
        "    def call(self, x):\n        return x[:, ::-1] * 2\n"
    )
    (tmp_path / "mylayers.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import mylayers  # type: ignore[import-not-found]

    x = keras.Input((8, 8, 3))
    keras.Model(x, layers.Conv2D(2, 1, name="conv")(mylayers.Swirl(name="swirl")(x))).save("net.keras")
    del sys.modules["mylayers"]
    sys.path.remove(str(tmp_path))
    return tmp_path / "net.keras"


def test_a_custom_layer_is_refused_unless_it_is_named_and_the_model_trusted(swirl: Path) -> None:
    assert "mylayers.Swirl, which is not part of Keras" in refusal(swirl)
    assert "mylayers.Swirl, which is not part of Keras" in refusal(swirl, trust_model=True)
    with pytest.raises(ConfigError, match="the model is not trusted"):
        load_model(swirl, custom=["mylayers:Swirl"])
    assert "mylayers" not in sys.modules


def test_a_custom_layer_that_is_named_and_trusted_is_used(swirl: Path) -> None:
    model = load_model(swirl, custom=["mylayers:Swirl"], trust_model=True)
    kernel = np.asarray(model.nodes[model.taps["conv"].weights].operation.kernel)[0, 0]
    shown = pictures(1, 8, 8, 3)
    found = cut_model(model, model.layer("conv"), (8, 8)).network(shown)[0]
    np.testing.assert_allclose(np.asarray(found), shown[:, ::-1] * 2 @ kernel, atol=1e-5)
    assert "mylayers:Swirl is the user's own code." in model.notes
    del sys.modules["mylayers"]


@pytest.mark.parametrize(
    ("custom", "said"),
    [
        ("mylayers", "wanted module:name"),
        ("os;x:y", "wanted module:name"),
        ("nosuchmodule:Swirl", "module nosuchmodule cannot be imported"),
        ("math:Swirl", "module math has no class or function Swirl"),
    ],
)
def test_a_custom_name_that_cannot_be_imported_is_refused(good: Path, custom: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_model(good, custom=[custom], trust_model=True)
    assert said in str(caught.value)
