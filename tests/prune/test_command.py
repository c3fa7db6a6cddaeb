"""`reportgen prune` as it is used: the file, the numbers, and one line for all that cannot be."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import reportgen
from reportgen.errors import ReportgenError
from reportgen.run.pruning import _ResumeFile
from tests.prune.halves import folder_of, network

KEYS = (
    "accuracy_before", "accuracy_after", "agreement", "majority_share", "units_before", "units_after",
    "parameters_before", "parameters_after", "macs_before", "macs_after", "pictures", "layers", "curve",
    "file",
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A folder with the network's file and pictures of two classes."""
    folder = tmp_path_factory.mktemp("prune")
    network().save(folder / "net.keras")
    folder_of(folder / "photos")
    return folder


@pytest.fixture(autouse=True)
def _no_time_is_taken_for_timing(monkeypatch):
    monkeypatch.setattr("reportgen.run.smaller_file._TIMED_SECONDS", 0.0)


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_command_writes_a_smaller_file_and_prints_its_numbers(run, given, tmp_path):
    out = tmp_path / "small.keras"
    words = ("prune", given / "net.keras", "--images", given / "photos", "--json", "--out")
    code, said, _ = run(*words, out)
    assert code == 0
    found = json.loads(said)
    assert set(KEYS) <= set(found)
    assert (found["accuracy_before"], found["accuracy_after"], found["majority_share"]) == (1.0, 1.0, 0.5)
    assert found["units_before"] == 10
    assert 2 <= found["units_after"] <= 5
    assert {x["layer"]: x["before"] for x in found["layers"]} == {"first": 4, "hidden": 6}
    assert all(len(x["kept"]) == x["after"] for x in found["layers"])
    assert sum(x["after"] for x in found["layers"]) == found["units_after"]
    assert sum(found["pictures"][k] for k in ("order", "choose", "report")) == 48
    assert [p["removed"] for p in found["curve"]] == sorted({p["removed"] for p in found["curve"]})
    assert all(0 <= p["accuracy"] <= 1 and 0 <= p["agreement"] <= 1 for p in found["curve"])
    small = keras.saving.load_model(out)
    assert {x["layer"]: small.get_layer(x["layer"]).get_weights()[1].size for x in found["layers"]} == {
        x["layer"]: x["after"] for x in found["layers"]
    }
    assert found["parameters_after"] == small.count_params() < found["parameters_before"] == 924
    assert found["macs_before"] == 36 * 9 * 4 + 144 * 6 + 6 * 2
    assert found["macs_after"] < found["macs_before"]
    assert _left(tmp_path) == ["small.keras"]
    bytes_before = out.read_bytes()
    code, said, told = run(*words, out)
    assert (code, said) == (2, "")
    assert "--force" in told
    assert out.read_bytes() == bytes_before
    code, said, _ = run(*words, out, "--force")
    again = json.loads(said)
    timed = {"seconds_before", "seconds_after", "bytes_after"}
    assert {k: v for k, v in again.items() if k not in timed} == {
        k: v for k, v in found.items() if k not in timed
    }


def test_the_model_itself_is_never_written_over(run, given):
    before = (given / "net.keras").read_bytes()
    code, _, told = run(
        "prune", given / "net.keras", "--images", given / "photos", "--out", given / "net.keras", "--force"
    )
    assert code == 2
    assert "the model itself" in told
    assert (given / "net.keras").read_bytes() == before


def _refused(run, given, *more, images=None):
    words = ("prune", given / "net.keras", "--images", images or given / "photos", "--dry-run")
    code, said, told = run(*words, *more)
    assert (code, said) == (2, "")
    assert "Traceback" not in told
    return told


def test_pictures_that_cannot_be_used_are_refused_in_a_line(run, given, tmp_path):
    few = _refused(run, given, images=folder_of(tmp_path / "few", n=9))
    assert "18 pictures" in few
    assert "at least 20" in few
    one = _refused(run, given, images=folder_of(tmp_path / "one", names=("left",)))
    assert "only one class folder" in one
    three = _refused(run, given, images=folder_of(tmp_path / "three", names=("left", "right", "up")))
    assert "3 classes" in three
    assert "2 units" in three
    chance = _refused(run, given, images=folder_of(tmp_path / "mixed", wrong=True))
    assert "chance" in chance
    assert "does not exist" in _refused(run, given, images=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "no pictures" in _refused(run, given, images=tmp_path / "empty")
    broken = folder_of(tmp_path / "broken", n=12)
    for path in [*broken.rglob("*.png")][:8]:
        path.write_bytes(b"no picture")
    assert "16 pictures, 8 that cannot be read" in _refused(run, given, images=broken)


def test_options_that_do_not_fit_are_refused_in_a_line(run, given, tmp_path):
    assert "matches none" in _refused(run, given, "--layers", "conv9")
    assert "does not match" in _refused(run, given, "--group", "person(\\d+)")
    assert "regular expression" in _refused(run, given, "--group", "(")
    assert "folder of --images" in _refused(run, given, "--judge", given / "photos")
    assert "max_loss" in _refused(run, given, "--max-loss", "150%")
    names = tmp_path / "names.txt"
    names.write_text("left\nup\n")
    assert '"right" is not a class' in _refused(run, given, "--class-names", names)
    words = ("prune", given / "net.keras", "--images", given / "photos")
    for more, said in (
        ((), "--out"),
        (("--out", tmp_path / "a.h5"), ".keras"),
        (("--out", tmp_path / "no" / "a.keras"), "does not exist"),
    ):
        code, _, told = run(*words, *more)
        assert code == 2
        assert said in told


def test_a_network_of_other_pictures_is_refused_in_a_line(run, given, tmp_path):
    many = keras.Sequential([keras.Input((8, 8, 5)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(),
                             keras.layers.Dense(2, activation="softmax")])  # fmt: skip
    many.save(tmp_path / "many.keras")
    code, _, told = run("prune", tmp_path / "many.keras", "--images", given / "photos", "--dry-run")
    assert code == 2
    assert "5 channels" in told


def _pruned(given, **options):
    images = options.pop("images", given / "photos")
    return reportgen.prune(given / "net.keras", images=images, **options).as_dict()


def test_an_order_that_there_is_not_is_refused(given):
    with pytest.raises(ReportgenError, match="order is 'nead', wanted need, looks, random"):
        reportgen.prune(given / "net.keras", images=given / "photos", order="nead")


def test_how_outputs_decide_is_refused_where_classes_settle_it(run, given):
    words = ("prune", given / "net.keras", "--images", given / "photos", "--dry-run", "--decision")
    for reading in ("each", "number"):
        code, _, said = run(*words, reading)
        assert code == 2 and "decision" in said and said.count("error:") == 1
    assert run(*words, "largest")[0] == 0


def test_a_network_that_gives_its_outputs_under_keys_does_so_afterwards(run, given, tmp_path):
    net = network()
    small, named = tmp_path / "small.keras", tmp_path / "named.keras"
    keras.Model(net.inputs[0], {"zeta": net.outputs[0], "alpha": net.outputs[0] * 2.0}).save(named)
    words = ("--images", given / "photos", "--out", small, "--json")
    code, said, _ = run("prune", named, *words)
    assert code == 0
    assert [x["output"] for x in json.loads(said)["outputs"]] == ["alpha"]
    found = keras.saving.load_model(small)(np.zeros((1, *net.inputs[0].shape[1:]), np.float32))
    assert sorted(found) == ["alpha", "zeta"]
    np.testing.assert_allclose(found["alpha"], 2 * np.asarray(found["zeta"]), rtol=1e-4)


def test_other_layers_than_those_asked_for_stay(given):
    only = _pruned(given, layers=["hid*"])
    assert [x["layer"] for x in only["layers"]] == ["hidden"]
    assert only["fixed"][0] == {"layer": "first", "reason": "only other layers were requested"}
    assert only["file"] is None
    assert only["bytes_after"] == 0


def test_a_requested_layer_is_listed_with_its_own_reason(run, given):
    told = _refused(run, given, "--layers", "answer")
    assert 'no unit can be removed: "answer": it is an output of the network' in told


def test_a_layer_tied_to_one_not_requested_is_listed_with_that_layer(run, given, tmp_path):
    there = keras.Input((8, 8, 1))
    first = keras.layers.Conv2D(4, 3, padding="same", name="a")(there)
    both = keras.layers.Add()([first, keras.layers.Conv2D(4, 3, padding="same", name="b")(first)])
    ends = keras.layers.Dense(2, activation="softmax", name="ends")(keras.layers.Flatten()(both))
    keras.Model(there, ends).save(tmp_path / "tied.keras")
    code, _, told = run(
        "prune", tmp_path / "tied.keras", "--images", given / "photos", "--dry-run", "--layers", "a"
    )
    assert code == 2
    assert '"a": its units are removed with those of "b", which was not requested' in told


def test_a_place_for_a_measurement_that_cannot_be_used_is_refused_before_anything_is_measured(
    run, given, tmp_path, monkeypatch
):
    monkeypatch.setattr("reportgen.run.pruning.load_network", None)  # Nothing gets as far as that.
    for text, why in (
        ("{", "removal: other.json: not valid JSON"),
        ("[3]", "removal: other.json: 0 is 3, wanted a table"),
    ):
        (tmp_path / "other.json").write_text(text)
        assert why in _refused(run, given, "--removal", tmp_path / "other.json")
    assert "does not exist" in _refused(run, given, "--removal", tmp_path / "no" / "r.json")
    assert "Is a directory" in _refused(run, given, "--removal", tmp_path)


def test_an_unreadable_file_of_measurements_is_refused_before_anything_is_rendered(run, given, tmp_path):
    (tmp_path / "other.json").write_text("{")
    code, _, told = run(
        "render", given / "net.keras", "--store", tmp_path / "s.db", "--removal", tmp_path / "other.json"
    )
    assert code == 2
    assert "removal: other.json: not valid JSON" in told
    assert _left(tmp_path) == ["other.json"]


def test_class_names_that_are_no_text_are_refused_with_what_was_wanted(run, given, tmp_path):
    told = _refused(run, given, "--class-names", tmp_path)
    assert "cannot be read: Is a directory (wanted a file with one name a line)" in told
    assert "Errno" not in told
    (tmp_path / "names.bin").write_bytes(b"\xff\xfe")
    assert "not text in UTF-8" in _refused(run, given, "--class-names", tmp_path / "names.bin")


@pytest.mark.slow
def test_options_do_what_they_say(given, tmp_path):
    assert not _pruned(given, compensate=False)["compensated"]
    at_random = _pruned(given, order="random")
    assert at_random["order"] == "random"
    assert at_random["units_after"] >= _pruned(given)["units_after"]
    strict, lax = (_pruned(given, max_loss=loss) for loss in (0.0, 0.45))
    assert lax["units_after"] <= strict["units_after"]
    largest = _pruned(given, largest=True)
    assert largest["units_before"] - largest["units_after"] == largest["largest"] >= largest["steady"]
    judged = _pruned(given, judge=folder_of(tmp_path / "judge", n=7, seed=3))
    assert judged["pictures"]["report"] == 14
    assert judged["pictures"]["order"] + judged["pictures"]["choose"] == 48
    grouped = _pruned(given, group=r"-(\d)")
    assert grouped["pictures"]["groups"] == 3


@pytest.mark.slow
def test_folders_inside_class_folders_keep_pictures_together(given, tmp_path):
    found = _pruned(given, images=folder_of(tmp_path / "people", inner=6))
    assert found["pictures"]["groups"] == 6


def test_without_classes_agreement_is_what_counts(given, tmp_path):
    photos = folder_of(tmp_path / "all", names=("left", "right"))
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in photos.rglob("*.png"):
        path.rename(flat / path.name)
    found = _pruned(given, images=flat)
    assert found["accuracy_before"] is found["accuracy_after"] is None
    assert found["agreement"] >= 0.9
    assert found["classes"] == []
    assert all(p["accuracy"] is None for p in found["curve"])


@pytest.mark.slow
def test_one_unit_behind_a_sigmoid_decides_between_two_classes(given, tmp_path):
    network(sigmoid=True).save(tmp_path / "net.keras")
    found = reportgen.prune(
        tmp_path / "net.keras", images=given / "photos", out=tmp_path / "s.keras"
    ).as_dict()
    assert (found["accuracy_before"], found["accuracy_after"]) == (1.0, 1.0)
    assert found["units_after"] < 8


class _Full:
    """A disk on which a Keras file does not fit."""

    def __init__(self, monkeypatch):
        real = keras.Model.save

        def save(network, path, *args, **kwargs):
            real(network, path, *args, **kwargs)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(keras.Model, "save", save)


def test_on_a_full_disk_nothing_half_is_left_and_an_earlier_file_stays(given, tmp_path, monkeypatch):
    out = tmp_path / "small.keras"
    out.write_bytes(b"an earlier file")
    _Full(monkeypatch)
    with pytest.raises(ReportgenError, match="No space left") as told:
        reportgen.prune(given / "net.keras", images=given / "photos", out=out, force=True)
    assert "\n" not in str(told.value)
    assert out.read_bytes() == b"an earlier file"
    assert set(_left(tmp_path)) <= {"small.keras", ".small.keras.order.json"}


def test_a_stopped_run_goes_on_and_comes_to_the_same_end(given, tmp_path):
    whole = _pruned(given, out=tmp_path / "whole.keras")
    asked = iter(range(100))
    with pytest.raises(ReportgenError, match="stopped"):
        _pruned(given, out=tmp_path / "small.keras", stop=lambda: next(asked) >= 3)
    assert _left(tmp_path) == [".small.keras.order.json", "whole.keras"]
    kept = json.loads((tmp_path / ".small.keras.order.json").read_text())["rounds"]
    assert len(kept) == 4
    found = _pruned(given, out=tmp_path / "small.keras")
    assert _left(tmp_path) == ["small.keras", "whole.keras"]
    timed = {"seconds_before", "seconds_after", "bytes_after", "file"}
    assert {k: v for k, v in found.items() if k not in timed} == {
        k: v for k, v in whole.items() if k not in timed
    }
    ends = [keras.saving.load_model(tmp_path / f"{name}.keras").get_weights() for name in ("small", "whole")]
    for a, b in zip(*ends, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_an_earlier_run_kept_is_ignored_where_it_is_no_order(tmp_path):
    kept = tmp_path / ".small.keras.order.json"
    for text in (
        "",
        "{",
        "[]",
        '{"mark": 3}',
        '{"mark": "x", "rounds": 7}',
        '{"mark": "m", "rounds": [["a"]]}',
    ):
        kept.write_text(text)
        assert _ResumeFile(tmp_path / "small.keras", "m").rounds == []
    kept.write_text('{"mark": "m", "rounds": [[3, 1], [2]]}')
    assert _ResumeFile(tmp_path / "small.keras", "m").rounds == [[3, 1], [2]]
    assert _ResumeFile(tmp_path / "small.keras", "another").rounds == []


@pytest.mark.slow
def test_a_killed_run_leaves_no_file_and_the_next_goes_on(given, tmp_path):
    whole = _pruned(given, out=tmp_path / "whole.keras")
    out = tmp_path / "small.keras"
    words = [sys.executable, "-m", "reportgen", "prune", given / "net.keras", "--images", given / "photos",
             "--out", out]  # fmt: skip
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kept = tmp_path / ".small.keras.order.json"
    while not kept.exists() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    found = _pruned(given, out=out)
    assert [x["kept"] for x in found["layers"]] == [x["kept"] for x in whole["layers"]]
    assert found["curve"] == whole["curve"]
    assert _left(tmp_path) == ["small.keras", "whole.keras"]


_ON_BACKEND = """
import sys, json, reportgen
found = reportgen.prune(sys.argv[1], images=sys.argv[2], out=sys.argv[3]).as_dict()
print(json.dumps(found))
"""


@pytest.mark.slow
def test_both_backends_take_the_same_units_and_write_the_same_file(given, tmp_path):
    found, weights = {}, {}
    for backend in ("tensorflow", "jax"):
        out = tmp_path / f"{backend}.keras"
        done = subprocess.run(
            [sys.executable, "-c", _ON_BACKEND, given / "net.keras", given / "photos", out],
            env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        found[backend] = json.loads(done.stdout.splitlines()[-1])
        weights[backend] = keras.saving.load_model(out).get_weights()
    a, b = found.values()
    assert a["layers"] == b["layers"]
    assert (a["units_after"], a["accuracy_after"]) == (b["units_after"], b["accuracy_after"])
    for one, other in zip(*weights.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_pictures_of_another_size_and_colour_are_brought_to_the_networks(given, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        for i in range(12):
            plain = rng.normal(90, 8, (20, 24, 3))
            plain[:, :12] += 60 if name == "left" else 0
            plain[:, 12:] += 60 if name == "right" else 0
            Image.fromarray(np.asarray(np.clip(plain, 0, 255), np.uint8)).save(
                tmp_path / name / f"{name}{i}.png"
            )
    assert _pruned(given, images=tmp_path)["accuracy_before"] == 1.0
