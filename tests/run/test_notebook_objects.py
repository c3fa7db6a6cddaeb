"""What a notebook shows of every object: pictures with unit, verdict and activation; nothing else."""

import dataclasses
import lzma
import re
import sys
import types
from html.parser import HTMLParser
from pathlib import Path

import pytest

import reportgen
from reportgen.comparison import Comparisons
from reportgen.errors import ConfigError
from reportgen.removal import CurvePoint, LayerNeed, PictureCounts, Removal, RemovalCurve
from reportgen.run.model_run import RenderSummaries, RenderSummary
from reportgen.run.notebook_html import _LINES, COLOURS, verdict_bar
from reportgen.run.notebook_progress import NotebookProgress, reporter_here
from reportgen.run.progress import Silent
from reportgen.run.removal_report import RemovalReport
from reportgen.run.results import AtlasResult, Inspection
from reportgen.store import open_store
from reportgen.verdicts import MARKS

STORED = Path(__file__).parents[1] / "data" / "stores" / "schema1.db.xz"
REMOVAL = Removal(
    "2026-11-30", 3, 2, 2, 2, 0.01, 0.9, 0.9, (0.8, 0.95), 1.0, 0, 0.5, PictureCounts(10, 10, 20),
    (LayerNeed("conv<b>", 3, 1, kept=(2,)),),
    (RemovalCurve("need", "", tuple(CurvePoint(n, 1.0, 0.9 - n / 10) for n in range(4))),),
)  # fmt: skip


class _Page(HTMLParser):
    """What a page loads, its tags, its text, and how deep it is at the end."""

    def __init__(self, html):
        super().__init__()
        self.sources, self.tags, self.text, self.open = [], [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "srcset", "data", "poster")]
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


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
def summary(atlas):
    return RenderSummary(atlas.record, 20, 20, 0, False, 1.0, store=atlas.path)


@pytest.fixture
def compared(path, tmp_path):
    """A comparison with a store of the same name, as if the units of a layer were blurred there."""
    after = tmp_path / "after" / path.name
    after.parent.mkdir()
    after.write_bytes(path.read_bytes())
    found = reportgen.compare(path, after)
    (pair,) = found.found.pairs
    conv, head = pair.layers
    blurred = tuple(dataclasses.replace(x, state="blurred") for x in conv.changes)
    pair = dataclasses.replace(pair, layers=(dataclasses.replace(conv, changes=blurred), head))
    return dataclasses.replace(found, found=Comparisons((pair,)))


@pytest.fixture
def everything(atlas, path, summary, compared):
    """Every object that a public function returns, and the number of pictures that a notebook shows of it."""
    site = types.SimpleNamespace(index=Path("site/index.html"))
    return {
        "atlas": (atlas, 5),
        "layer": (atlas["conv"], 3),
        "unit": (atlas["conv"][0], 4),
        "picture": (atlas["conv"][0].pictures[0], 1),
        "pictures": (atlas["conv"][0].pictures, 4),
        "units": (atlas.select(), 5),
        "run": (RenderSummaries([summary]), 5),
        "atlas result": (AtlasResult((summary,), atlas.verdicts, site), 5),
        "comparison": (compared, 2 * 3),
        "verdicts": (atlas.verdicts, 0),
        "gate": (reportgen.gate(path, rule=["dead <= 0", "structured >= 100"]), 0),
        "removal": (RemovalReport(REMOVAL), 0),
        "inspection": (Inspection(atlas.record, {}), 0),
    }


def test_every_object_shows_its_pictures_and_loads_nothing(everything):
    for name, (thing, n_pictures) in everything.items():
        page = _Page(thing._repr_html_())
        assert len(page.sources) == n_pictures, name
        assert all(source.startswith("data:image/png;base64,") for source in page.sources)
        assert not {"script", "link", "style", "iframe", "object"} & set(page.tags), name
        assert not page.open and not re.search(r"https?:|url\(", thing._repr_html_()), name


def test_every_object_is_a_short_text_where_there_is_no_html(everything):
    assert max(len(repr(thing)) for name, (thing, _) in everything.items() if "picture" not in name) < 1500


def test_colours_are_the_notebooks_but_for_those_that_can_be_seen_on_light_and_dark(everything):
    def luminance(colour):
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    used = set()
    for thing, _ in everything.values():
        used |= set(re.findall(r"#[0-9a-f]{6}\b", re.sub(r"base64,[^\"]*", "", thing._repr_html_())))
    named = {colour for colour in COLOURS.values() if colour != "currentColor"}
    assert used
    for colour in used | named:
        value = luminance(colour)
        assert (1.05 / (value + 0.05)) >= 2.9 and (value + 0.05) / (luminance("#111111") + 0.05) >= 2.9, (
            colour
        )


def test_every_verdict_has_a_line_and_a_colour():
    marks = set(MARKS.values())
    assert set(COLOURS) == set(_LINES) == marks
    html = verdict_bar(dict.fromkeys(MARKS, 1))
    assert html.count("background:") == len(MARKS)


def test_a_unit_is_shown_with_its_verdict_and_its_activation(atlas):
    unit = atlas["conv"][0]
    text = _Page(unit.pictures._repr_html_()).text
    assert "conv 0: structured" in text
    for picture in unit.pictures:
        assert f"{picture.activation_start:.3g} →\u00a0{picture.activation_end:.3g}" in text


def test_names_of_anyone_are_escaped_in_every_object(path, tmp_path):
    name = "<script>x</script>\u202e"
    with open_store(path, write=True) as store:
        tiny = store.models()[0]
        layers = (dataclasses.replace(tiny.layers[0], name=name), *tiny.layers[1:])
        skipped = ((name, name),)
        store.put_model(
            dataclasses.replace(tiny, name=name, version=name, layers=layers, skipped=skipped, notes=(name,))
        )
    atlas = reportgen.open(path, model=name)
    removal = dataclasses.replace(REMOVAL, layers=(LayerNeed(name, 3, 1, kept=(2,)),))
    summary = RenderSummary(atlas.record, 1, 1, 0, False, 1.0, store=path)
    shown = [atlas, atlas[name], atlas.select(), RenderSummaries([summary]), RemovalReport(removal)]
    shown += [Inspection(atlas.record, {}), atlas.verdicts]
    for thing in shown:
        html = thing._repr_html_()
        assert "<script" not in html and "\u202e" not in html


def test_a_run_whose_store_is_gone_shows_its_sentence(summary, tmp_path):
    lost = dataclasses.replace(summary, store=tmp_path / "none.db")
    page = _Page(lost._repr_html_())
    assert "20 of 20 pictures rendered" in page.text and not page.sources


def test_units_are_selected_by_a_condition_and_ordered_by_a_column(atlas):
    found = atlas["conv"].select(lambda unit: unit.number > 0, by="structure")
    assert {unit.number for unit in found} == {1, 2}
    assert [u.row["structure"] for u in found] == sorted((u.row["structure"] for u in found), reverse=True)
    assert [unit.layer.name for unit in atlas.select()] == ["conv"] * 3 + ["head"] * 2
    assert type(found[:1]) is type(found) and found[0] is atlas["conv"][found[0].number]
    with pytest.raises(ConfigError, match=r'column of numbers \(did you mean "structure"\?\)'):
        atlas.select(by="structur")


def test_undefined_numbers_come_last_in_an_order(atlas):
    atlas["conv"][0].row["structure"] = None
    assert atlas["conv"].select(by="structure")[-1].number == 0


def test_pictures_are_selected_by_recipe_sign_and_start(atlas):
    pictures = atlas.select().pictures
    assert {p.recipe for p in pictures.of(recipe="default")} == {"default"}
    assert [(p.sign, p.seed) for p in atlas["conv"][0].pictures.of(sign="sad")] == [("sad", 0)]
    assert type(pictures[:2]) is type(pictures) and not pictures.of(recipe="none")
    assert "no pictures" in pictures.of(recipe="none")._repr_html_()


def test_pictures_of_a_sweep_are_in_order_of_their_weight_and_say_it(tmp_path, tiny_model):
    pytest.importorskip("keras", reason="the sweep is rendered, which needs Keras and a backend")
    store = tmp_path / "swept.db"
    steps = {"default.steps": 4, "steps": 4, "min_steps": 4}
    reportgen.render(
        tiny_model, store=store, layers="conv", units=2, seeds=1, signs="happy", recipe="keras-vis-2019",
        sweep="tv=1e-2..1e1", set=steps,
    )  # fmt: skip
    reportgen.score(store=store)
    swept = reportgen.open(store)["conv"].select().pictures.across("tv")
    weights = [(p.unit, p.numbers["tv"]) for p in swept if p.recipe == "keras-vis-2019"]
    assert weights == sorted(set(weights)) and {w for _, w in weights} == {0.01, 0.1, 1.0, 10.0}
    assert "tv 0.01" in swept._repr_html_() and "conv 1" in swept._repr_html_()
    assert {p.numbers.get("steps") for p in swept} == {None}  # `set` holds for all pictures of the sweep.


def test_a_bar_in_a_notebook_shows_how_far_the_run_is_and_ends_full():
    shown = []
    progress = NotebookProgress(shown.append)
    progress.say("tiny <v1>: 2 layers")
    progress.begin(10, 5.0)
    progress.layer("conv<b>", 10)
    progress.rendered(4)
    progress._last = 0.0
    progress.rendered(1)
    assert 'max="10" value="5"' in shown[-1] and "5 of 10 pictures" in shown[-1]
    assert "conv&lt;b&gt;" in shown[-1] and "tiny &lt;v1&gt;" in shown[-1]
    progress.rendered(5)
    progress.end()
    assert 'max="10" value="10"' in shown[-1] and "10 pictures in" in shown[-1]


def test_a_run_that_needed_fewer_pictures_than_expected_ends_with_a_full_bar_too():
    shown = []
    progress = NotebookProgress(shown.append)
    progress.begin(10, 5.0)
    progress.rendered(7)
    progress.end()
    assert 'max="7" value="7"' in shown[-1] and "7 pictures in" in shown[-1] and "left" not in shown[-1]


def test_a_bar_in_a_notebook_shows_the_steps_of_a_single_picture():
    shown = []
    progress = NotebookProgress(shown.append)
    progress.say("all of conv, tiny")
    progress.steps("octave 1 of 2", 0, 40)
    assert 'max="40" value="0"' in shown[-1] and "0 of 40 steps, octave 1 of 2" in shown[-1]
    progress._last = 0.0
    progress.steps("octave 1 of 2", 20, 40)
    assert "20 of 40 steps, about" in shown[-1]
    progress.steps("octave 2 of 2", 40, 40)
    progress.end()
    assert "40 steps in" in shown[-1] and "octave" not in shown[-1] and "all of conv" in shown[-1]


def test_a_bar_appears_by_itself_in_a_notebook_and_only_there(monkeypatch):
    assert isinstance(reporter_here(), Silent)
    for shell, kind in (
        (types.SimpleNamespace(kernel=1), NotebookProgress),
        (object(), Silent),
        (None, Silent),
    ):
        module = types.SimpleNamespace(get_ipython=lambda shell=shell: shell)
        monkeypatch.setitem(sys.modules, "IPython", module)
        assert isinstance(reporter_here(), kind)
