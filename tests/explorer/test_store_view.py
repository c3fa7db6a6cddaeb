"""What the explorer shows is what an atlas of the same store shows, under the same addresses."""

import base64
import re
import shutil

import numpy as np
import pytest
from unpacking import of_script

from reportgen.atlas import write_atlas
from reportgen.atlas.plots import number
from reportgen.atlas.site_map import RESERVED
from reportgen.errors import UnknownLayer
from reportgen.explorer.render_request import parse
from reportgen.explorer.store_view import KEY_BYTES, StoreView, find_version
from reportgen.images import decode_webp, encode_webp
from reportgen.store import layer_owner, model_owner, open_store, pictures_owner


@pytest.fixture(scope="module")
def site(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    write_atlas(sample, folder)
    return folder


@pytest.fixture(scope="module")
def garden(store_view):
    return find_version(store_view.versions(), "garden", "v2")


def value_of(script):
    return of_script(script.decode())


def test_the_columns_of_all_units_are_those_of_the_atlas(store_view, garden, site):
    (packed,) = (site / garden.place.folder).glob("units.*.js")
    theirs, ours = value_of(packed.read_bytes()), value_of(store_view.columns(garden))
    known = {layer["slug"] for layer in theirs["layers"]}
    assert [x for x in ours["layers"] if x["slug"] in known] == theirs["layers"]
    assert {k: v for k, v in ours.items() if k != "layers"} == {
        k: v for k, v in theirs.items() if k != "layers"
    }


def test_every_page_of_a_layer_has_its_place_in_the_explorer(store_view, garden, site):
    for page in (site / garden.place.folder).glob("*.html"):
        if page.stem not in RESERVED:
            assert garden.layer(page.stem).name


def test_a_unit_has_the_sections_of_the_atlas_with_pictures_by_content_key(store_view, garden, sample):
    own = store_view.unit(garden, "conv1", 3)
    assert own.view.unit == 3 and own.view.verdict and own.view.reason
    titles = [section.title for section in own.view.sections]
    assert {"Every start", "Numbers", "Activation during optimisation"} <= set(titles)
    with open_store(sample) as store:
        keys = {p[4] for p in store.placements(garden.record.id, "conv1") if p[0] == 3}
    shown = {p.file for section in own.view.sections if section.kind == "pics" for p in section.pictures}
    assert shown and shown <= keys and own.lead.key in keys


def test_links_to_other_units_have_a_picture(store_view, garden):
    view = store_view.unit(garden, "conv1", 3).view
    links = [link for section in view.sections if section.kind == "units" for link in section.links]
    own = [link.thumbnail for link in links if link.slug == "conv1"]
    assert own and all(re.fullmatch(r"[0-9a-f]{32}", key) for key in own)


def test_the_names_of_a_layers_pictures_are_their_content_keys(store_view, garden, sample):
    names = value_of(store_view.layer_names(garden, "conv1"))
    wide = 24
    leads = [names["leads"][i : i + wide] for i in range(0, len(names["leads"]), wide)]
    found = [base64.b64decode(text)[:KEY_BYTES].hex() for text in leads]
    with open_store(sample) as store:
        keys = {p[4] for p in store.placements(garden.record.id, "conv1")}
    assert len(found) == garden.record.layer("conv1").n_units and set(found) <= keys | {"00" * KEY_BYTES}
    assert found[3] == store_view.unit(garden, "conv1", 3).lead.key


def test_a_picture_is_found_by_its_key_alone(store_view, garden):
    key = store_view.unit(garden, "conv1", 3).lead.key
    assert decode_webp(store_view.picture(key)).shape[2] == 3
    assert store_view.picture("0" * 32) is None


def test_pieces_of_a_person_s_own_pictures_are_shown_and_found(sample, tmp_path):
    own = StoreView(shutil.copy(sample, tmp_path / "own.db"))
    at = find_version(own.versions(), "garden", "v2")
    assert own.natural(at, "conv1", 0) is None
    height, width, _ = at.record.input_shape
    n = at.record.layer("conv1").n_units
    answers = {
        "top": np.ones((n, 2)), "top_picture": np.tile([0, 1], (n, 1)),
        "top_box": np.tile([[0, 0, height // 2, width // 2], [0, 0, height, width]], (n, 1, 1)),
    }  # fmt: skip
    about = {"folder": np.array(["f" * 32]), "names": np.array(["a.png", "b.png"]), "crops": np.array([True])}
    red = encode_webp(np.full((height, width, 3), (200, 40, 40), np.uint8), quality=95)
    with open_store(own.path) as store:
        store.put_measurement(layer_owner(at.record.id, "conv1"), "natural", "x", answers)
        store.put_measurement(model_owner(at.record.id), "natural", "x", about)
        kept = pictures_owner("f" * 32, at.record.input_shape)
        for index in ("0", "1"):
            store.put_measurement(kept, index, "x", {"webp": np.frombuffer(red, np.uint8)})
    (section,) = [s for s in own.unit(at, "conv1", 2).view.sections if s.title == "Natural pictures"]
    assert {picture.file for picture in section.pictures} == {"/m/garden/v2/conv1/2/natural"}
    pixels = decode_webp(own.natural(at, "conv1", 2)).astype(float)
    assert pixels.shape[1] >= 2 * pixels.shape[0]
    assert np.abs(pixels[pixels.shape[0] // 2, pixels.shape[0] // 2] - (200, 40, 40)).max() < 30


def test_the_table_of_layers_counts_verdicts(store_view, garden):
    rows = {row["layer"]: row for row in store_view.layers(garden)}
    with open_store(store_view.path) as store:
        for name, row in rows.items():
            found = [s.verdict for s in store.scores(garden.record.id, name)]
            columns = ("structured", "static", "flat", "dead")
            assert [row[word] for word in columns] == [found.count(word) for word in columns]
            assert sum(row[word] for word in (*columns, "other")) == row["units"]
    assert set(rows) == {layer.name for layer in garden.record.layers}
    scored = value_of(store_view.columns(garden))
    words = base64.b64decode(scored["words"]["verdict"]["places"])
    static = sum(scored["words"]["verdict"]["listed"][i] == "static" for i in words)
    assert sum(row["static"] for row in rows.values()) == static > 0


@pytest.mark.parametrize(
    ("slug", "unit"), [("nothing", 0), ("../../etc", 0), ("conv1", 10**6), ("conv1", -1)]
)
def test_what_is_not_there_is_said(store_view, garden, slug, unit):
    with pytest.raises(UnknownLayer):
        store_view.unit(garden, slug, unit)


def test_what_a_run_adds_is_seen_and_an_experiment_costs_no_new_columns(sample, tmp_path):
    own = StoreView(shutil.copy(sample, tmp_path / "own.db"))
    (at, *_) = own.versions()
    before = own.columns(at)
    assert own.columns(at) is before or own.columns(at) == before
    layer = at.record.layers[0].name
    with open_store(own.path) as store:
        store.drop_scores(at.record.id, layer)
    assert own.columns(at) != before


def test_a_unit_says_by_which_form_its_leading_picture_was_made(tiny_store):
    """Asked for by it, the very picture comes back: a comparison with it says what differs."""
    own = StoreView(tiny_store)
    version = own.versions()[0]
    layer = version.record.layers[0]
    view = own.unit(version, version.place.slug(layer.name), 0)
    assert view.lead and parse(view.lead.as_json()["form"]).key(version.record) == view.lead.key
    assert own.asked_of(view.lead.key, version.name) == view.lead.asked and own.asked_of("0" * 32) is None


def test_a_static_unit_s_form_is_the_scored_recipe_and_a_structured_one_s_the_display_recipe(
    store_view, garden
):
    seen = {}
    for unit in range(garden.record.layer("conv1").n_units):
        own = store_view.unit(garden, "conv1", unit)
        if own.lead:
            seen.setdefault(own.view.verdict, set()).add(own.lead.asked.recipe.name)
    assert seen["static"] == {"default"} and "show" in seen["structured"]


def test_the_activation_of_the_picture_shown_is_the_number_of_the_unit_s_page(store_view, garden):
    own = store_view.unit(garden, "conv1", 3)
    (telemetry,) = [section for section in own.view.sections if section.title == "Telemetry"]
    asked = own.lead.asked
    (row,) = [row for row in telemetry.rows if row[0] == f"{asked.recipe.name} {asked.sign} {asked.seed}"]
    assert row[2] == number(own.lead.activation)
