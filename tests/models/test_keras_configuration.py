"""A configuration is bounded before it is parsed, and the cause of a failure to read is reported."""

from __future__ import annotations

import errno
import json
import resource
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from reportgen.errors import ModelError, ReportgenError
from reportgen.models import cut_model, load_model
from reportgen.models.framework import functional
from reportgen.models.keras import archive
from reportgen.models.keras.configuration import MOST_BYTES, parsed
from reportgen.models.keras.reading import read_keras
from tests.models.nets import edited, pictures


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "good.keras"
    x = keras.Input((8, 8, 3), name="picture")
    keras.Model(x, layers.Conv2D(2, 3, name="conv")(x)).save(path)
    return path


def with_configuration(good: Path, target: Path, text: bytes) -> Path:
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, text if name == "config.json" else old.read(name))
    return target


def refusal(path: Path) -> str:
    with pytest.raises(ReportgenError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def entries(n: int) -> list[dict[str, Any]]:
    config = {"name": "d", "rate": 0.5}
    return [{"class_name": "Dropout", "name": "d", "config": config, "inbound_nodes": []}] * n


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"config": {"a": "' + b"x" * (60 << 20) + b'"}}', "at most 16,777,216 are read"),
        (b'{"config": {"a": "' + b"x" * MOST_BYTES + b'"}}', "at most 16,777,216 are read"),
        (json.dumps({"config": {"layers": entries(60_000)}}).encode(), "60,000 layers, at most 10,000"),
        (b'{"config":' + b"[" * 900 + b"]" * 900 + b"}", "nested more than 150 deep"),
        (b'{"config":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "nested more than 150 deep"),
        (b'{"config":' + b"[" * (8 << 20), "holds more than 1,000,000 values"),
        (b'{"config": [' + b"[]," * 4_000_000 + b"[]]}", "holds more than 1,000,000 values"),
        (b'{"config": "' + b'\\"' * (7 << 20), "is not JSON"),
        (b'{"config": "' + b'"\\' * (7 << 20), "is not JSON"),
        (b'{"config": {"a": NaN}}', "NaN for a number"),
        (b'{"config": {"a": ' + b"9" * 4000 + b"}}", "a whole number of 4,000 digits"),
        ('{"config": {}}'.encode("utf-16"), "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b'{"config": {}', "is not JSON"),
    ],
    ids=range(14),
)
def test_more_than_any_network_has_is_refused_in_one_line_and_within_seconds(text: bytes, said: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(ModelError) as caught:
        parsed(text, "net.keras")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 5


def test_a_small_archive_whose_configuration_inflates_is_refused_by_its_length(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_configuration(good, tmp_path / "net.keras", b'{"config": [' + b" " * (63 << 20) + b"]}")
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(archive, "parsed", lambda *args: pytest.fail("parsed"))
    assert "its configuration has 66,060,302 bytes, at most" in refusal(path)


@pytest.mark.parametrize("suffix", [".h5", ".json"])
def test_the_same_limits_hold_for_h5_and_json(tmp_path: Path, suffix: str) -> None:
    import h5py

    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    text = json.dumps({"class_name": "Functional", "config": {"layers": [], "deep": deep}})
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.create_group("model_weights")
        if suffix == ".h5":
            file.attrs["model_config"] = text
    if suffix == ".json":
        (tmp_path / "net.h5").rename(tmp_path / "net.weights.h5")
        (tmp_path / "net.json").write_text(text)
    assert "nested more than 150 deep" in refusal(tmp_path / f"net{suffix}")


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20,
))  # fmt: skip
def test_any_other_configuration_is_read_as_it_is(value: Any) -> None:
    for escaped in (True, False):
        text = json.dumps({"config": value}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
        assert parsed(text, "net") == {"config": value}


def test_brackets_within_names_do_not_count_as_depth(good: Path, tmp_path: Path) -> None:
    name = '[{"\\' * 400

    def rename(config: dict[str, Any]) -> None:
        config["config"]["name"] = name

    assert read_keras(edited(good, tmp_path / "net.keras", rename))[0].name == name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["EfficientNetV2L", "NASNetLarge", "ConvNeXtXLarge"])
def test_the_configuration_of_the_largest_networks_is_read(name: str) -> None:
    network = getattr(keras.applications, name)(weights=None)
    config = keras.saving.serialize_keras_object(network)
    assert len(parsed(json.dumps(config).encode(), name)["config"]["layers"]) > 250


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["layers", "operations"])
def test_a_thousand_layers_in_a_row_are_read(tmp_path: Path, kind: str) -> None:
    x = keras.Input((4, 4, 1))
    y = layers.Conv2D(2, 1, name="first")(x)
    for _ in range(1000):
        y = layers.ReLU()(y) if kind == "layers" else keras.ops.maximum(y, 0.0)
    path, limit = tmp_path / "net.keras", sys.getrecursionlimit()
    functional(x, layers.Conv2D(1, 1, name="last")(y)).save(path)
    model = load_model(path)
    assert [layer.name for layer in model.layers] == ["first", "last"]
    assert cut_model(model, model.layer("last"), (4, 4)).network(pictures(1, 4, 4, 1))[0].shape == (
        1,
        4,
        4,
        1,
    )
    assert sys.getrecursionlimit() == limit


# A folder for temporary files that holds nothing more


class _Full:
    """A file into which nothing fits."""

    def __enter__(self) -> _Full:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_folder_for_temporary_files_is_reported_as_such(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path.open

    def full(path: Path, mode: str = "r", *args: Any, **named: Any) -> Any:
        return _Full() if mode == "wb" else own(path, mode, *args, **named)

    monkeypatch.setattr(Path, "open", full)
    said = refusal(good)
    assert "temporary files" in said and "No space left on device" in said and "TMPDIR" in said
    assert tempfile.gettempdir() in said and "damaged" not in said


def test_a_missing_folder_for_temporary_files_is_reported_as_such(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Iterator[str]:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert "any folder for temporary files" in refusal(good)
