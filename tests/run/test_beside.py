"""From a folder and a file to findings: pictures of one's own and the twin, beside the verdicts."""

import json
import re
import shutil
import sqlite3

import numpy as np
import pytest
from PIL import Image
from small_networks import QUICK, QUICK_WORDS, save_model

import reportgen
from reportgen.removal import LayerNeed, PictureCounts, Removal, UnitNeed
from reportgen.run.progress import Silent
from reportgen.store import layer_owner, model_owner, pictures_owner


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of six small pictures each, and a file that is no picture."""
    where, chance = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 120)):
        (where / name).mkdir()
        for i in range(6):
            pixels = chance.integers(low, low + 120, (20, 24, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(where / name / f"{i}.png")
    (where / "dark" / "broken.png").write_bytes(b"no picture")
    return where


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("net") / "net.keras", units=10)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, model_file, folder):
    """A store and a site made with everything beside the verdicts; read them only."""
    where = tmp_path_factory.mktemp("whole")
    reportgen.atlas(
        model_file, store=where / "s.db", site=where / "site", version="v1", seeds=2, images=folder,
        twin=True, **QUICK,
    )  # fmt: skip
    return where


@pytest.fixture
def store(whole, tmp_path):
    return shutil.copy(whole / "s.db", tmp_path / "s.db")


def test_the_layer_says_what_pictures_and_twin_gave(whole):
    with reportgen.open_store(whole / "s.db") as store:
        (model,) = store.models()
        found = store.findings(model.id, "conv")
    assert found.natural.n_pictures == 12 and found.natural.n_classes == 2
    assert 0 <= found.twin.auc <= 1 and found.twin.n_untrained == 10
    page = re.sub(r"<[^>]*>", "", (whole / "site" / "m" / "net" / "v1" / "conv.html").read_text())
    told = ("natural pictures in 2 classes", "certainly superfluous", "reportgen prune MODEL --images")
    for said in (*told, "untrained twin"):
        assert said in page


def test_where_removal_was_measured_no_layer_asks_for_it(store):
    with reportgen.open_store(store) as opened:
        (model,) = opened.models()
        layer = LayerNeed("conv", units=10, together=7)
        removal = Removal(
            "2026-11-30",
            10,
            3,
            3,
            3,
            0.01,
            None,
            None,
            (0.9, 1.0),
            1.0,
            0,
            0.5,
            PictureCounts(6, 3, 3),
            (layer,),
        )
        opened.put_removal(model.id, removal, {"conv": [UnitNeed(0, 0.5, 1)]}, fingerprint="r" * 32)
    reportgen.score(store=store)
    with reportgen.open_store(store) as opened:
        told = opened.findings(model.id, "conv").supplementary
    assert told and not any("reportgen prune" in text for text in told)


def test_the_twin_is_nobodys_model(whole):
    rows = reportgen.verdicts(whole / "s.db").rows
    assert {(r["version"], r["layer"]) for r in rows} == {("v1", "conv"), ("v1", "head")}
    assert [p.name for p in (whole / "site" / "m" / "net").iterdir()] == ["v1"]
    assert {x["version"] for x in reportgen.prune_list(whole / "s.db")} == {"v1"}


def test_the_table_has_trust_next_to_each_verdict(whole):
    rows = [r for r in reportgen.verdicts(whole / "s.db").rows if r["layer"] == "conv"]
    live = [r for r in rows if r["verdict"] not in ("dead", "failed")]
    assert all(r["trust"] for r in live)
    assert all(0 <= r["zeros_share"] <= 1 for r in rows)
    assert any(r["natural_agreement"] is not None for r in live)
    assert {r["selective_class"] for r in rows} <= {"dark", "light", ""}


def test_verdicts_do_not_depend_on_supplementary_values(whole, store):
    with sqlite3.connect(store) as plain:
        plain.execute("DELETE FROM measurements WHERE name IN ('natural', 'natural_near')")
        plain.execute("DELETE FROM models WHERE version LIKE '%twin%'")
        for table in ("scores", "scored"):
            plain.execute(f"DELETE FROM {table}")
    plain.close()
    reportgen.score(store=store)
    own = ("verdict", "structure", "p_structured", "consistency", "use", "reason", "duplicate_of")
    alone, beside = (
        [{k: r[k] for k in own} for r in reportgen.verdicts(p).rows] for p in (store, whole / "s.db")
    )
    assert alone == beside
    assert all(r["zeros_share"] is None for r in reportgen.verdicts(store).rows)


def test_a_second_run_measures_nothing_again(store, model_file, folder):
    lines = []
    reporter = Silent()
    reporter.say = lines.append
    reportgen.render(
        model_file, store=store, version="v1", seeds=2, images=folder, twin=True, reporter=reporter, **QUICK
    )
    assert "images: responses to these pictures are in the store already" in lines


def test_a_units_page_shows_what_its_places_saw(whole):
    page = (whole / "site" / "m" / "net" / "v1" / "conv" / "0.html").read_text()
    names = set(re.findall(r'p/(\w+\.webp)"[^>]*alt="Part of natural picture', page))
    assert page.count('alt="Part of natural picture') == 8 and len(names) == 1
    assert (whole / "site" / "p" / names.pop()).is_file()
    assert not reportgen.check_site(whole / "site", 10**9)


def test_pieces_of_natural_pictures_are_exported_with_the_renders(whole, tmp_path):
    n = reportgen.export_pictures(whole / "s.db", tmp_path / "out")
    found = sorted((tmp_path / "out" / "conv" / "0").glob("natural-*.png"))
    assert n == len(list((tmp_path / "out").rglob("*.png"))) and len(found) == 8
    with Image.open(found[0]) as piece:
        assert max(piece.size) <= 3


def test_without_crops_no_pixel_is_kept(store, model_file, folder):
    with reportgen.open_store(store) as opened:
        about = opened.measurement(model_owner(1), "natural")
        owner = pictures_owner(str(about["folder"][0]), (16, 16, 1))
        kept = int(opened.measurement(layer_owner(1, "conv"), "natural")["top_picture"][0, 0])
        assert opened.measurement(owner, str(kept)) is not None
    reportgen.render(model_file, store=store, version="v1", seeds=2, images=folder, no_crops=True, **QUICK)
    with reportgen.open_store(store) as opened:
        assert opened.measurement(owner, str(kept)) is None
        assert opened.measurement(model_owner(1), "natural")["names"].tolist() == about["names"].tolist()


def test_another_file_under_the_same_label_forgets_what_pictures_said(store, tmp_path):
    other = save_model(tmp_path / "net.keras", units=10, seed=5)
    reportgen.render(other, store=store, version="v1", seeds=1, units=1, layers="conv", **QUICK)
    reportgen.score(store=store)
    with reportgen.open_store(store) as opened:
        (model,) = opened.models()
        assert opened.measurement(model_owner(model.id), "natural") is None
        found = opened.findings(model.id, "conv")
        assert found.natural is None and found.twin is None


@pytest.mark.parametrize("name", ["natural", "natural_near", "renders"])
@pytest.mark.parametrize("arrays", [{}, {"max": np.zeros((2, 3)), "of": np.array([[99]])}])
def test_measurements_of_another_shape_are_not_read(store, name, arrays):
    with reportgen.open_store(store) as opened:
        opened.put_measurement(layer_owner(1, "conv"), name, "other", arrays)
    reportgen.score(store=store)
    with reportgen.open_store(store) as opened:
        found = opened.findings(1, "conv")
    assert found.n_units == 10 and (name != "natural" or found.natural is None)


def test_the_prune_list_is_read_by_programs(run, whole):
    code, out, _ = run("prune-list", "--store", whole / "s.db")
    listed = {x["layer"]: x for x in json.loads(out)}
    assert code == 0 and listed["conv"]["n_units"] == 10
    certain = [u["unit"] for layer in listed.values() for u in layer["certain"]]
    code, out, _ = run("prune-list", "--store", whole / "s.db", "--format", "csv")
    lines = out.splitlines()
    assert code == 0 and lines[0] == "model,version,layer,unit,sureness,reason"
    assert len(lines) == 1 + len(certain)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: p / "nowhere", "does not exist"),
        (lambda p: p, "there are no pictures in it"),
        (lambda p: (p / "x.png").write_bytes(b"?") and p, "none of 1 files"),
    ],
)
def test_a_bad_folder_is_one_line(run, tiny_model, own_store, tmp_path, make, said):
    (tmp_path / "own").mkdir()
    words = ("render", tiny_model, "--store", own_store, "--version", "v1", "--seeds", 2, *QUICK_WORDS)
    code, _, err = run(*words, "--images", make(tmp_path / "own"))
    (line,) = [x for x in err.splitlines() if x.startswith("error")]
    assert code == 2 and said in line


def test_a_missing_folder_is_refused_before_anything_is_rendered(run, tiny_model, tmp_path):
    code, _, err = run("render", tiny_model, *QUICK_WORDS, "--images", tmp_path / "nowhere")
    assert code == 2 and "does not exist" in err and "pictures to render" not in err
    assert not (tmp_path / "reportgen.db").exists()
