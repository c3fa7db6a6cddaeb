"""Versions named, rendered, compared and held against rules from the command line."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from small_networks import QUICK_WORDS, save_model

import reportgen
from reportgen.errors import StoreError
from reportgen.run.change_pictures import SIDE_PX, change_picture
from reportgen.store import open_store

SOME = ["--seeds", 2, "--signs", "happy", *QUICK_WORDS]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model and a copy of it whose second filter answers nothing."""
    import keras

    folder = tmp_path_factory.mktemp("files")
    (folder / "a").mkdir()
    first = save_model(folder / "a" / "net.keras")
    model = keras.saving.load_model(first)
    kernel, bias = model.get_layer("conv").get_weights()
    kernel[..., 1], bias[1] = 0, -1
    model.get_layer("conv").set_weights([kernel, bias])
    (folder / "b").mkdir()
    model.save(folder / "b" / "net.keras")
    return first, folder / "b" / "net.keras"


@pytest.fixture(scope="module")
def both(files, tmp_path_factory):
    """A store with both under v1 and v2, compared once as files."""
    from small_networks import QUICK

    store = tmp_path_factory.mktemp("both") / "both.db"
    for version, path in zip(("v1", "v2"), files, strict=True):
        reportgen.render(path, store=store, version=version, seeds=2, signs="happy", **QUICK)
    reportgen.score(store=store)
    return store


def test_two_files_are_rendered_asked_about_each_others_pictures_and_the_second_time_only_read(
    run, files, tmp_path
):
    code, out, err = run("compare", *files, *SOME, "--json")
    assert code == 0, err
    found = json.loads(out)
    pair = found["comparisons"][0]
    assert pair["counts"]["died"] == 1
    died = [u for layer in pair["layers"] for u in layer["units"] if u["state"] == "died"]
    assert [u["a"]["unit"] for u in died] == [1] and not died[0]["consequence"]
    assert [r["rendered"] > 0 for r in found["renders"]] == [True, True]
    code, out, _ = run("compare", *files, *SOME, "--json")
    assert code == 0
    again = json.loads(out)
    assert [r["rendered"] for r in again["renders"]] == [0, 0]
    assert again["comparisons"] == found["comparisons"]


@pytest.mark.slow
def test_the_same_file_under_another_version_renders_nothing_and_shares_every_picture(
    run, files, both, tmp_path
):
    store = shutil.copy(both, tmp_path / "own.db")
    code, out, _ = run("render", files[0], "--version", "v3", "--store", store, *SOME, "--json")
    assert code == 0 and json.loads(out)["renders"][0]["rendered"] == 0
    with open_store(store) as opened:
        keys = {
            m.version: {key for x in m.layers for *_, key in opened.placements(m.id, x.name)}
            for m in opened.models()
        }
    assert keys["v1"] == keys["v3"] and keys["v1"] != keys["v2"]


def test_versions_are_named_by_label_by_store_and_label_or_by_a_store_alone(run, both, tmp_path):
    said = []
    for words in (["v1", "v2", "--store", both], [f"{both}@v1", f"{both}@v2"], [both],
                  ["net/v1", "net/v2", "--store", both]):  # fmt: skip
        code, out, err = run("compare", *words, "--json")
        assert code == 0, err
        said.append(json.loads(out)["comparisons"])
    assert all(x == said[0] for x in said)


def test_a_folder_of_a_versions_name_is_not_taken_for_a_model(run, both, tmp_path):
    (tmp_path / "v1").mkdir()
    assert run("compare", "v1", "v2", "--store", both)[0] == 0


def test_nothing_of_a_comparison_of_stores_loads_a_framework(both, tmp_path):
    import subprocess
    import sys

    script = (
        "import sys, reportgen\n"
        f"c = reportgen.compare({str(both)!r}); g = reportgen.gate({str(both)!r}, rule='dead <= 9')\n"
        "print(len(c.found.pairs), g.held, sorted({'tensorflow', 'keras', 'jax', 'dash'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == "1 True []", done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["v1", "v9"], 'v9" matches 0 of them (known: net/v1, net/v2)'),
        (["v1"], "only one version is named"),
        (["none.keras", "v1", "--store", "none.db"], "is not a file, and there is no store"),
    ],
)
def test_a_version_that_is_not_there_is_one_line_and_exit_2(run, both, words, said):
    words = words if "--store" in words else [*words, "--store", both]
    code, out, err = run("compare", *words)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_names_of_a_model_are_escaped_in_markdown(run, both, tmp_path):
    store = shutil.copy(both, tmp_path / "odd.db")
    import sqlite3

    with sqlite3.connect(store) as db:
        db.execute("UPDATE models SET version = ? WHERE version = 'v2'", ("<b>|@someone [x](y)",))
    db.close()
    code, out, _ = run("compare", store, "--markdown")
    assert code == 0
    assert "<b>" not in out.replace("\\<b\\>", "") and "@someone" not in out and "[x](y)" not in out


def test_a_summary_links_to_units_where_the_sites_address_is_known(run, both, tmp_path):
    (tmp_path / "reportgen.toml").write_text('[atlas]\nurl = "https://example.org/atlas"\n')
    code, out, _ = run("compare", both, "--markdown")
    assert code == 0
    assert "](https://example.org/atlas/m/net/v1/conv.html#u1)" in out and "**died**" in out
    assert "| layer |" in out


def test_the_largest_changes_are_one_picture_with_a_row_for_each(run, both, tmp_path):
    code, _, err = run("compare", both, "--pictures", tmp_path / "changes.png")
    assert code == 0, err
    (pair,) = reportgen.compare(both).found.pairs
    changed, row = len(pair.largest(99)), SIDE_PX + 8
    with Image.open(tmp_path / "changes.png") as picture:
        assert changed and picture.format == "PNG"
        assert picture.height == 8 + 28 + changed * row
        pixels = np.asarray(picture.convert("L"))
    before = [pixels[at : at + SIDE_PX, 8 : 8 + SIDE_PX] for at in range(36, 36 + changed * row, row)]
    assert max(field.std() for field in before) > 10  # units' pictures, not empty fields


def test_where_nothing_changed_the_picture_says_so(both, tmp_path):
    (pair,) = reportgen.compare(both).found.pairs
    (tmp_path / "same.png").write_bytes(change_picture([replace(pair, layers=())], [(both, both)]))
    with Image.open(tmp_path / "same.png") as picture:
        assert picture.height == 8 + 28 and np.asarray(picture.convert("L")).min() < 100  # one line of text
    with pytest.raises(StoreError):
        change_picture([pair], [(tmp_path / "none.db", tmp_path / "none.db")])


def test_a_gate_that_holds_exits_with_0_and_one_that_does_not_with_4(run, both):
    assert run("gate", both, "--rule", "dead <= 1")[0] == 0
    code, out, err = run("gate", both, "--rule", "dead <= 0", "--rule", "units >= 5")
    assert code == 4 and "1 of 2 rules" in err
    assert "fail" in out and "conv 1" in out
    code, out, _ = run("gate", f"{both}@v2", "--against", "v1", "--rule", "died <= 0", "--json")
    found = json.loads(out)
    assert code == 4 and not found["held"]
    assert [(u["layer"], u["unit"]) for u in found["rules"][0]["units"]] == [("conv", 1)]


def test_rules_stand_in_the_configuration_too(run, both, tmp_path):
    (tmp_path / "reportgen.toml").write_text(f'store = "{both}"\nagainst = "v1"\nrule = ["died <= 0"]\n')
    named = ("--config", tmp_path / "reportgen.toml")  # its store lies elsewhere, so it must be named
    assert run("gate", *named)[0] == 4
    assert run("gate", *named, "--rule", "died <= 1")[0] == 0


def test_a_gate_without_rules_is_wrong_use(run, both):
    code, _, err = run("gate", both)
    assert code == 2 and "no rule is given" in err


def test_from_python_as_from_the_command_line(both):
    result = reportgen.compare(both)
    assert [p.layer_b for p in result.found.pairs[0].layers] == ["conv", "head"]
    assert "net v1 and net" in result._repr_html_() and "data:image/png" in result._repr_html_()
    assert np.isfinite(result.found.pairs[0].layers[0].cka)
