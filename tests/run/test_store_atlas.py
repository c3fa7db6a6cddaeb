"""A store opened from Python: layers by name, units by number, pictures, data frames, notebooks."""

import dataclasses
import lzma
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import reportgen
from reportgen.errors import MissingExtra, ReportgenError, StoreError, UnknownLayer, UnknownUnit
from reportgen.run.model_run import RenderSummary
from reportgen.run.notebook_html import COLOURS
from reportgen.run.results import Inspection, Verdicts
from reportgen.run.store_atlas import AtlasUnit
from reportgen.store import open_store

STORED = Path(__file__).parents[1] / "data" / "stores" / "schema1.db.xz"


@pytest.fixture
def path(tmp_path):
    """A store of one model, tiny v1: conv with three units, head with two."""
    found = tmp_path / "tiny.db"
    found.write_bytes(lzma.decompress(STORED.read_bytes()))
    return found


@pytest.fixture
def atlas(path):
    return reportgen.open(path)


@pytest.fixture
def several(path):
    """The same store with a second version of the model, and with another model."""
    with open_store(path, write=True) as store:
        (tiny,) = store.models()
        store.put_model(dataclasses.replace(tiny, version="v2"))
        store.put_model(dataclasses.replace(tiny, name="other", version="v1"))
    return path


class _Asked(HTMLParser):
    """Whatever a page would fetch, and all its text."""

    def __init__(self, html):
        super().__init__()
        self.sources, self.tags, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data):
        self.text += data


def test_layers_stand_in_the_networks_order_and_units_by_their_numbers(atlas):
    assert (atlas.model, atlas.version, atlas.layers) == ("tiny", "v1", ("conv", "head"))
    assert [layer.name for layer in atlas] == ["conv", "head"]
    assert [unit.number for unit in atlas["conv"]] == [0, 1, 2]
    assert "conv" in atlas and "con" not in atlas
    assert len(atlas) == 2 and len(atlas["head"]) == atlas["head"].n_units == 2
    assert atlas["conv"][np.int64(1)] is atlas["conv"][1]


def test_verdicts_and_reasons_are_those_of_the_table(atlas, path):
    rows = reportgen.verdicts(path).rows
    units = [unit for layer in atlas for unit in layer]
    assert [(unit.verdict, unit.reason) for unit in units] == [
        (row["verdict"], row["reason"]) for row in rows
    ]
    assert [unit.row for unit in units] == list(rows) == list(atlas.verdicts.rows)
    assert {unit.verdict for unit in atlas["conv"]} == {"structured"}


def test_pictures_are_the_stored_ones_and_the_first_represents_the_unit(atlas, path):
    pictures = atlas["conv"][0].pictures
    assert [(p.sign, p.recipe, p.seed) for p in pictures] == [
        ("happy", "show", 0),
        ("sad", "show", 0),
        ("happy", "default", 0),
        ("happy", "default", 1),
    ]
    with open_store(path) as store:
        stored = {r.key: r for r in store.renders(store.models()[0].id, "conv", units=[0])}
    assert {p.png for p in pictures} == {r.picture for r in stored.values()}
    assert all(p.array.shape == (16, 16, 1) and p.array.dtype == np.uint8 for p in pictures)
    rose = {(p.sign, p.activation_end > p.activation_start) for p in pictures}
    assert rose == {("happy", True), ("sad", False)}


def test_an_unknown_layer_is_refused_with_the_nearest_name(atlas):
    with pytest.raises(UnknownLayer, match=r"tiny v1 has no layer 'conf' \(did you mean \"conv\"\?\)"):
        atlas["conf"]
    with pytest.raises(LookupError, match=r"one of conv, head"):
        atlas["zzz"]
    with pytest.raises(UnknownLayer):
        atlas[0]


@pytest.mark.parametrize("name", [["x"], {}, slice(0, 2), np.zeros(2), 0, None])
def test_a_layer_that_is_no_text_is_not_there(atlas, name):
    assert name not in atlas
    with pytest.raises(UnknownLayer, match=r"tiny v1 has no layer .*one of conv, head"):
        atlas[name]


def test_a_name_in_other_letters_is_the_nearest(several):
    with open_store(several, write=True) as store:
        store.put_model(dataclasses.replace(store.models()[0], name="otheR2", version="v1"))
    with pytest.raises(StoreError, match=r'did you mean "otheR2"\?'):
        reportgen.open(several, model="OTHER2")


def test_a_folder_is_no_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (".", "", tmp_path):
        with pytest.raises(StoreError, match="is a folder"):
            reportgen.open(folder)


@pytest.mark.parametrize(("number", "nearest"), [(3, 2), (10**30, 2), (-1, 0)])
def test_a_unit_out_of_range_is_refused_with_the_range_and_the_nearest(atlas, number, nearest):
    with pytest.raises(UnknownUnit, match=rf'"conv" has units 0 to 2, not .* \(did you mean {nearest}\?\)'):
        atlas["conv"][number]


@pytest.mark.parametrize("number", ["1", 1.0, None])
def test_a_unit_that_is_no_whole_number_is_refused(atlas, number):
    with pytest.raises(UnknownUnit, match="is not an integer"):
        atlas["conv"][number]


def test_a_unit_that_was_not_rendered_is_reported_as_that(several):
    layer = reportgen.open(several, model="tiny", version="v2")["conv"]
    assert (len(layer), layer.n_units, list(layer)) == (0, 3, [])
    with pytest.raises(UnknownUnit, match="unit 1 was not rendered"):
        layer[1]


def test_one_of_several_models_must_be_named(several):
    with pytest.raises(StoreError, match=r"holds 2 models, .* \(model= one of tiny, other\)"):
        reportgen.open(several)
    assert reportgen.open(several, model="other").model == "other"
    with pytest.raises(StoreError, match=r"no model 'othr' \(did you mean \"other\"\?\)"):
        reportgen.open(several, model="othr")


def test_the_version_stored_last_is_opened_unless_another_is_named(several):
    assert reportgen.open(several, model="tiny").version == "v2"
    assert reportgen.open(several, model="tiny", version="v1").version == "v1"
    with pytest.raises(StoreError, match="no version 'v3' of tiny"):
        reportgen.open(several, model="tiny", version="v3")


def test_an_empty_store_is_refused(tmp_path):
    with open_store(tmp_path / "none.db", create=True):
        pass
    with pytest.raises(StoreError, match="holds no model"):
        reportgen.open(tmp_path / "none.db")
    with pytest.raises(StoreError, match="does not exist"):
        reportgen.open(tmp_path / "nowhere.db")


def test_a_notebook_gets_the_pictures_themselves_and_asks_nothing_of_others(atlas):
    for thing, n_pictures in [(atlas["conv"][0], 4), (atlas["conv"], 3), (atlas["conv"][0].pictures[0], 1)]:
        asked = _Asked(thing._repr_html_())
        assert len(asked.sources) == n_pictures
        assert all(source.startswith("data:image/png;base64,") for source in asked.sources)
        assert not {"script", "link", "style", "iframe"} & set(asked.tags)
    shown = _Asked(atlas["conv"][0]._repr_html_()).text
    assert atlas["conv"][0].reason in shown and "structured" in shown
    assert "3 structured" in _Asked(atlas._repr_html_()).text


def test_a_notebooks_own_colours_are_taken_whether_light_or_dark(atlas):
    """Text and ground are inherited; set are the grey behind pictures, and the colours of verdicts."""
    html = re.sub(r"base64,[^\"]*", "", atlas["conv"][0]._repr_html_() + atlas["conv"]._repr_html_())
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", html)) <= {"#777", *COLOURS.values()}
    assert set(re.findall(r"(?<![-\w])color:(\w+)", html)) == {"inherit"}


def test_a_large_layer_shows_some_of_its_units_and_says_so(atlas, monkeypatch):
    monkeypatch.setattr("reportgen.run.notebook_views.MAX_SHOWN", 2)
    asked = _Asked(atlas["conv"]._repr_html_())
    assert len(asked.sources) == 2 and "the first 2 of them shown" in asked.text


def test_names_of_a_store_are_escaped(several):
    with open_store(several, write=True) as store:
        tiny = store.models()[0]
        store.put_model(dataclasses.replace(tiny, name="<script>x</script>", version="<b>"))
    html = reportgen.open(several, model="<script>x</script>")._repr_html_()
    assert "<script" not in html and "<b>&lt;script" in html


def test_what_turns_the_reading_direction_of_a_name_is_shown(several):
    with open_store(several, write=True) as store:
        store.put_model(dataclasses.replace(store.models()[0], name="a\u202eb", version="v"))
    html = reportgen.open(several, model="a\u202eb")._repr_html_()
    assert "\u202e" not in html and "a\ufffdb" in html


def test_what_a_terminal_or_page_would_obey_in_a_name_is_shown_wherever_a_store_shows_itself(several):
    name = "a\u202e\n\x1b[31m"
    with open_store(several, write=True) as store:
        tiny = store.models()[0]
        layers = (dataclasses.replace(tiny.layers[0], name=name), *tiny.layers[1:])
        store.put_model(dataclasses.replace(tiny, name=name, version="v", layers=layers))
    atlas = reportgen.open(several, model=name)
    layer = atlas[name]
    summary = RenderSummary(atlas.record, 1, 1, 0, False, 1.0)
    shown = (atlas, layer, atlas.verdicts, summary, Inspection(atlas.record, {}))
    assert all(thing._repr_html_().replace("\n", "").isprintable() for thing in shown)
    unit = AtlasUnit(layer, 0, {"verdict": ""})
    assert all(repr(thing).isprintable() for thing in (atlas, layer, unit))
    assert repr(unit) == "<unit 0 of a\ufffd␊␛[31m: not scored>"


def test_units_that_were_not_scored_are_reported_as_that():
    row = {"model": "m", "version": "v", "layer": "conv", "verdict": ""}
    assert "1 not scored" in Verdicts((row,))._repr_html_()


def test_a_picture_that_failed_or_is_none_is_a_line_in_its_place(atlas):
    picture = atlas["conv"][0].pictures[0]
    failed = dataclasses.replace(picture, png=b"", failure="the loss <was> no number")
    with pytest.raises(StoreError, match=r"this picture failed: the loss <was> no number"):
        _ = failed.array
    assert "the loss &lt;was&gt; no number" in failed._repr_html_()
    assert "cannot be read" in dataclasses.replace(picture, png=b"no picture")._repr_html_()


def test_pictures_of_other_than_one_or_three_channels_are_shown_as_their_mean(atlas):
    from reportgen.images import encode_png

    two = np.zeros((4, 4, 2), np.uint8)
    picture = dataclasses.replace(atlas["conv"][0].pictures[0], png=encode_png(two), channels=2)
    assert picture.array.shape == (4, 4, 2)
    assert len(_Asked(picture._repr_html_()).sources) == 1


def test_nothing_stays_open_and_what_was_read_is_kept(atlas, path):
    before = atlas["conv"][0].pictures
    path.unlink()
    assert atlas["conv"][0].pictures is before and atlas["conv"][1].verdict
    with pytest.raises(ReportgenError, match="does not exist"):
        _ = atlas["conv"][1].pictures


def test_a_data_frame_has_the_columns_of_the_table_and_whole_numbers_stay_whole(atlas):
    pandas = pytest.importorskip("pandas")
    frame = atlas.to_frame()
    assert list(frame.columns) == list(atlas.verdicts.rows[0])
    assert list(frame["unit"]) == [0, 1, 2, 0, 1] and str(frame["unit"].dtype) == "Int64"
    assert frame["duplicate_of"].isna().all() and str(frame["duplicate_of"].dtype) == "Int64"
    assert list(frame["structure"].dropna()) == [
        unit.row["structure"] for layer in atlas for unit in layer if unit.row["structure"] is not None
    ]
    assert (len(atlas["head"].to_frame()), len(atlas["conv"][2].to_frame())) == (2, 1)
    assert isinstance(atlas["conv"][2].to_frame(), pandas.DataFrame)
    assert len(reportgen.verdicts(atlas.path).to_frame()) == 5


def test_without_pandas_a_data_frame_is_one_clear_line(atlas, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for thing in (atlas, atlas["conv"], atlas["conv"][0]):
        with pytest.raises(
            MissingExtra, match=r"a data frame needs .* \(pip install 'reportgen\[pandas\]'\)"
        ):
            thing.to_frame()
