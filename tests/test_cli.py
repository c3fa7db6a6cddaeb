"""The command line does what its help says, in one line where it cannot."""

import json
import os
import subprocess
import sys

import pytest
from small_networks import QUICK_WORDS, save_model

from reportgen import cli


def test_atlas_goes_the_whole_way_and_the_second_time_renders_nothing(run, tiny_model, tmp_path):
    code, out, err = run("atlas", tiny_model, "--seeds", 2, *QUICK_WORDS)
    assert code == 0, err
    assert "20 pictures rendered" in out and "20 pictures to render" in err
    assert "conv" in out and "head" in out
    assert out.rstrip().splitlines()[-1] == (tmp_path / "site" / "index.html").as_uri()
    assert (tmp_path / "reportgen.db").is_file()
    code, out, err = run("atlas", tiny_model, "--seeds", 2, *QUICK_WORDS)
    assert code == 0
    assert "0 pictures rendered" in out
    assert run("check", "site")[0] == 0


@pytest.mark.slow
def test_the_steps_apart_are_the_same_as_the_whole(run, tiny_model):
    assert run("render", tiny_model, "--seeds", 2, "--units", 1, *QUICK_WORDS)[0] == 0
    code, out, _ = run("score", "--json")
    assert code == 0
    assert [x["layer"] for x in json.loads(out)["layers"]] == ["conv", "head"]
    code, out, _ = run("site", "--site", "elsewhere")
    assert code == 0 and "elsewhere/index.html" in out


def test_nothing_of_a_second_run_loads_tensorflow(tmp_path, tiny_model, own_store):
    script = (
        "import sys; sys.argv = ['reportgen', 'atlas', *sys.argv[1:]]\n"
        "from reportgen import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: code = stop.code\n"
        "print('loaded', sorted({'tensorflow', 'keras', 'jax', 'dash'} & set(sys.modules)), 'code', code)"
    )
    words = [str(tiny_model), "--store", str(own_store), "--version", "v1", "--seeds", "2", *QUICK_WORDS]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert "loaded [] code 0" in done.stdout, done.stdout + done.stderr


def test_inspect_says_what_a_file_holds(run, tiny_model):
    code, out, _ = run("inspect", tiny_model)
    assert code == 0
    assert "conv" in out and "logits of softmax" in out and "16x16x1" in out
    found = json.loads(run("inspect", tiny_model, "--json")[1])
    assert [x["n_units"] for x in found["layers"]] == [3, 2]
    assert found["input_range"]["source"] == "assumed"


def test_inspect_gives_the_whole_import_report_as_json(run, tiny_model):
    found = json.loads(run("inspect", tiny_model, "--json")[1])
    conv, head = found["layers"]
    assert {"name", "kind", "units", "receptive_field_px", "canvas_px", "stride_px", "merged"} <= set(conv)
    assert (conv["units"], conv["receptive_field_px"], conv["output_shape"]) == (3, [3, 3], [16, 16, 3])
    assert conv["merged"] == [{"name": "conv/activation", "kind": "relu", "role": "activation"}]
    assert head["merged"][0]["role"] == "cut off" and head["receptive_field_px"] is None
    assert found["parity"]["max_abs"] <= 1e-6 and found["parity"]["max_rel"] <= 1e-6
    assert {"shape", "range", "evidence", "confidence"} <= set(found["input"])
    assert found["skipped"] == []
    estimate = found["estimate"]
    assert estimate["pictures"] == 22 and estimate["image_steps"] > 22 and estimate["seconds"] > 0
    assert estimate["site_bytes"] > 1000


def test_inspect_prints_proof_evidence_and_what_an_atlas_takes(run, tiny_model):
    code, out, _ = run("inspect", tiny_model)
    assert code == 0
    assert "proof: 1 output compared with Keras" in out and "2 layers compared with the whole network" in out
    assert out.count("the same to within rounding") == 2
    assert "input range 0..1 (assumed): none" in out and "--input-range -1,1" in out
    assert "its full atlas: about 22 pictures" in out


@pytest.fixture
def bytes_model(tmp_path):
    """A network that scales 0..255 itself."""
    import keras

    x = keras.Input((16, 16, 1))
    y = keras.layers.Conv2D(2, 3, name="conv")(keras.layers.Rescaling(1 / 255, name="<i>bytes")(x))
    keras.Model(x, y).save(tmp_path / "bytes.keras")
    return tmp_path / "bytes.keras"


def test_a_range_against_the_graph_is_warned_of_by_inspect_render_and_the_page(run, bytes_model, tmp_path):
    said = "The given input range -1..1 contradicts the model"
    code, out, _ = run("inspect", bytes_model, "--input-range", "-1,1")
    assert code == 0 and said in out and "to use it: --input-range 0,255" in out
    words = ["--input-range", "-1,1", "--seeds", 1, "--version", "v1", *QUICK_WORDS]
    code, _, err = run("atlas", bytes_model, *words)
    assert code == 0 and said in err and "proof: 1 layer compared" in err
    page = (tmp_path / "site/m/bytes/v1/index.html").read_text()
    assert f"<b>Warning:</b> {said}" in page and "--input-range 0,255" in page
    assert "<i>bytes" not in page and "&lt;i&gt;bytes" in page
    assert "proof:" not in run("render", bytes_model, *words)[2]


def test_inspect_takes_a_range_by_channel_and_says_it_is_given(run, tmp_path):
    path = save_model(tmp_path / "colour.keras", channels=3)
    found = json.loads(run("inspect", path, "--input-range", "0:0:0,1:2:3", "--json")[1])["input"]
    assert (found["range"]["low"], found["range"]["high"]) == ([0, 0, 0], [1, 2, 3])
    assert (found["source"], found["confidence_word"]) == ("given", "certain")


def test_inspect_leaves_no_file_behind(run, tiny_model, tmp_path):
    run("inspect", tiny_model)
    assert list(tmp_path.iterdir()) == []


def test_export_writes_the_table_and_the_pictures(run, tiny_store, tmp_path):
    assert run("export", "--store", tiny_store, "--format", "csv", "--out", "t.csv")[0] == 0
    assert (tmp_path / "t.csv").read_text().startswith("model,version,layer,kind,unit,")
    assert run("export", "--store", tiny_store, "--out", "t.json")[0] == 0
    assert len(json.loads((tmp_path / "t.json").read_text())) == 5
    assert run("export", "--store", tiny_store, "--pictures", "p")[0] == 0
    for name in ("happy-0.png", "happy-1.png", "show-happy-0.png", "show-sad-0.png"):
        assert (tmp_path / "p" / "conv" / "2" / name).is_file()


def test_export_writes_node_data_for_model_explorer_into_a_folder(run, tiny_store, tmp_path):
    asked = ("export", "--store", tiny_store, "--format", "model-explorer", "--out", "nodes")
    assert run(*asked)[0] == 0
    assert run(*asked)[0] == 0  # again: the folder is there now
    assert (
        json.loads((tmp_path / "nodes" / "structured_share.json").read_text())["results"]["conv"]["value"] > 0
    )


def test_dream_writes_a_picture_and_names_what_it_shows(run, tiny_model, tmp_path):
    code, said, _ = run("dream", tiny_model, "--unit", "1", "--set", "steps=8", "--out", "d.png")
    assert code == 0 and "d.png: unit 1 of conv" in said and (tmp_path / "d.png").is_file()
    code, said, _ = run("dream", tiny_model, "--set", "steps=8", "--out", "d.webp", "--json")
    assert code == 0 and json.loads(said)["terms"] == "layer" and (tmp_path / "d.webp").is_file()
    assert not (tmp_path / "reportgen.db").exists()


def test_report_writes_one_file_and_says_how_much_it_shows(run, tiny_store, tmp_path):
    code, said, _ = run("report", tiny_store, "--out", "r.html")
    assert code == 0 and "r.html: " in said and "all units shown" in said
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    code, said, _ = run("report", tiny_store, "--out", "r.html", "--json")
    assert code == 0 and json.loads(said)["units"] == json.loads(said)["shown"] == 5
    code, _, said = run("report", tiny_store, "--max-mb", "0.001")
    assert code == 2 and "more than max_mb allows" in said and said.count("\n") == 1


def test_a_check_that_fails_exits_with_4(run, own_store, tmp_path):
    assert run("site", "--store", own_store)[0] == 0
    (tmp_path / "site" / "method.html").unlink()
    code, out, err = run("check", "site")
    assert code == 4
    assert "method.html" in out and "problems" in err


def test_failed_units_exit_with_3_and_the_rest_is_there(run, tmp_path):
    import keras
    import numpy as np

    path = save_model(tmp_path / "m.keras")
    network = keras.saving.load_model(path)
    head = network.get_layer("head")
    head.kernel.assign(np.full(head.kernel.shape, 3e38))  # Finite, but what it gives is not.
    network.save(path)
    code, out, err = run("atlas", path, "--seeds", 1, *QUICK_WORDS)
    assert code == 3, out + err
    assert run("export", "--out", "t.json")[0] == 0
    table = json.loads((tmp_path / "t.json").read_text())
    assert {row["layer"] for row in table if row["verdict"] == "failed"} == {"head"}
    assert {row["layer"] for row in table if row["verdict"] != "failed"} == {"conv"}
    assert "not finite" in next(row["reason"] for row in table if row["verdict"] == "failed")
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "tv"], "wanted KEY=VALUE"),
        (["--set", "tvv=1"], "is not a setting"),
        (["--seeds", "0"], "error: seeds is 0, wanted 1 or more\n"),
        (["--set", "stps=3"], '"stps" is not a setting of recipe "default" (did you mean "steps"?)'),
        (["--recipe", "shwo"], 'recipe "shwo" does not exist (did you mean "show"?)'),
        (["--signs", "hapy"], "signs is 'hapy', wanted one of happy, sad, both (did you mean \"happy\"?)"),
        (["--signs", "glad"], "signs is 'glad'"),
        (["--units", "x"], "units is 'x', wanted all, a number N, or a list such as 3,17,40-47"),
        (["--units", "0"], "units is '0', wanted 1 or more, a list such as 3,17,40-47, or all"),
        (["--layers", "cnov"], 'nearest: "conv"'),
        (["--recipe", "lucit"], 'recipe "lucit" does not exist'),
        (["--input-range", "3"], "wanted LO,HI"),
        (["--config", "none.toml"], '"none.toml" does not exist'),
        (["--sweep", "tv"], "wanted key=LOW..HIGH"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(run, tiny_model, words, said):
    code, out, err = run("atlas", tiny_model, *words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err and out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["export", "--out", "x", "--format", "cvs"],
            "--format is 'cvs', wanted one of csv, json, parquet, model-explorer (did you mean \"csv\"?)",
        ),
        (["export", "--frmat", "csv"], "did you mean '--format'?"),
        (["atals", "x.keras"], "did you mean 'atlas'?"),
    ],
)
def test_a_word_mistyped_offers_the_nearest(run, words, said):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said in err.replace("Did", "did")


def test_an_error_shows_its_traceback_when_asked(run, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reportgen", "--debug", "inspect", "none.keras"])
    with pytest.raises(Exception, match=r"none\.keras"):
        cli.main()


@pytest.mark.slow
def test_ctrl_c_scores_and_writes_what_there_is(tmp_path, tiny_model):
    """The run is interrupted as soon as its first pictures are in the store."""
    script = """
import os, signal, sys
from reportgen import cli
from reportgen.terminal.progress import Progress
plain = Progress.rendered
def rendered(self, n):
    plain(self, n)
    os.kill(os.getpid(), signal.SIGINT)
Progress.rendered = rendered
sys.argv = ["reportgen", "atlas", *sys.argv[1:]]
cli.main()
"""
    words = [str(tiny_model), "--seeds", "2", "--batch", "2", *QUICK_WORDS]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "stopping" in done.stderr and "stopped early" in done.stdout
    assert (tmp_path / "site" / "index.html").is_file()
    again = subprocess.run(
        [sys.executable, "-m", "reportgen", "atlas", *words], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "complete" in again.stdout


@pytest.mark.slow
def test_another_file_under_a_used_version_is_said(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    words = ["--version", "v1", "--units", 1, "--seeds", 1, *QUICK_WORDS]
    first, second = (save_model(f / "net.keras", seed=i) for i, f in enumerate((tmp_path, other)))
    assert "another file" not in run("render", first, *words)[2]
    code, _, err = run("render", second, *words)
    assert code == 0 and "net v1 was another file" in err
