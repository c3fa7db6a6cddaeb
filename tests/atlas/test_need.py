"""Are there more units than necessary? The answer in words, on the overview, on layers, on every unit."""

import dataclasses
import re
from pathlib import Path

import pytest
from sample_removal import needs_of, removal_of
from sample_store import write_sample_store

from reportgen.atlas import check_site, write_atlas
from reportgen.atlas import removal_words as words
from reportgen.atlas.addresses import Place
from reportgen.atlas.check import MOST_PAGE_BYTES
from reportgen.atlas.layer_table import MOST_SPREADS, MOST_STRIPS
from reportgen.atlas.need import layer_need_view, need_section, need_view, room_for
from reportgen.atlas.network import MOST
from reportgen.atlas.pages import template_folder
from reportgen.atlas.removal_plots import SeenUnit, need_against_structure
from reportgen.atlas.sandbox import Sandbox
from reportgen.atlas.summaries import n_strip
from reportgen.atlas.terms import MEANINGS, explained
from reportgen.removal import LayerNeed, UnitNeed
from reportgen.store import open_store

OVERVIEW, LAYER, UNIT = "m/garden/v1/index.html", "m/garden/v1/conv1.html", "m/garden/v1/conv1/0.html"
ATTACK = "<img src=x onerror=alert(1)>"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def built(folder: Path, hurt: str = "left", **changes: object) -> Path:
    """Return a site of the sample store with a removal of its first version."""
    store_path = write_sample_store(folder / "s.db", hostile=False)
    with open_store(store_path) as store:
        model = store.models()[0]
        layers = [(layer.name, layer.n_units) for layer in model.layers if not layer.head]
        changes.setdefault("fixed", (("logits", "its units are the classes"),))
        removal = removal_of(layers, **changes)
        store.put_removal(model.id, removal, needs_of(layers, hurt), fingerprint="f" * 32)
    write_atlas(store_path, folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("need"), ATTACK)


def read(site: Path, path: str) -> str:
    return plain((site / path).read_text(encoding="utf-8"))


# Words


def test_the_answer_says_how_many_can_be_removed_at_what_loss_and_what_each_layer_needs():
    assert plain(words.answer(removal_of())) == (
        "137 of 224 units can be removed together (number chosen on separate pictures): accuracy 92.4 to "
        "92.4 % on 92 "
        "pictures, 3 decisions changed; needed: 12 of 32 in conv2d_1, 25 of 64 in conv2d_2, "
        "25 of 64 in conv2d_3, 25 of 64 in dense_1."
    )


def test_without_classes_the_answer_says_decisions_that_stay():
    told = plain(words.answer(removal_of(classes=False)))
    assert (
        "96.7 % of decisions are unchanged on 92 pictures, 3 decisions changed" in told
        and "accuracy" not in told
    )


def test_where_nothing_can_go_the_answer_says_that_all_are_needed():
    told = plain(words.answer(removal_of(removed=0, steady=0, largest=0)))
    assert told.startswith("All 224 units are needed") and "1 %" in told


def test_of_many_layers_those_that_can_give_most_are_named_and_the_others_counted():
    layers = tuple(LayerNeed(f"c{i}", 10 + i, 5) for i in range(30))
    told = words.answer(dataclasses.replace(removal_of(), layers=layers))
    assert "5 of 39 in c29" in told and "c21," not in told
    assert f"and {5 * 22} of {sum(10 + i for i in range(22))} in 22 other layers" in told


def test_both_counts_are_given_where_the_curve_rises_again():
    removal = removal_of(steady=132, removed=132, largest=184)
    told = words.held_in_words(removal)
    assert (
        "up to 132" in told and "largest within it is 184" in told and told.endswith("the first was chosen")
    )
    assert words.held_in_words(dataclasses.replace(removal, removed=184)).endswith("the second was chosen")
    assert "none beyond" in words.held_in_words(dataclasses.replace(removal, largest=132))


@pytest.mark.parametrize(
    ("correlation", "said"),
    [(-0.03, "says nothing"), (0.12, "next to nothing"), (-0.45, "a little"), (0.8, "goes along with need")],
)
def test_what_looks_tell_follows_from_the_rank_correlation(correlation: float, said: str):
    told = words.looks_in_words(removal_of(looks_correlation={"": correlation}))
    sign = "−" if correlation < 0 else ""
    assert said in told and f"{sign}{abs(correlation):.2f}".replace("0.", ".") in told
    assert ("Structure is not need" in told) == (abs(correlation) < 0.3)


def test_structure_that_was_not_measured_is_not_mentioned():
    assert words.looks_in_words(removal_of(looks_correlation={})) == ""


def test_how_it_was_measured_names_the_three_sets_and_warns_where_no_group_was_named():
    grouped, alone = removal_of(), removal_of()
    alone = dataclasses.replace(alone, pictures=dataclasses.replace(alone.pictures, groups=0))
    rows = {row[0]: row[1:] for row in words.how_measured(grouped)}
    assert rows["Three separate sets"][0] == "90, 46 and 92 pictures" and rows["Groups"][0] == "40"
    assert rows["Parameters"] == ("321,456 to 98,765", "69.3\u00a0% fewer")
    assert rows["Cannot be removed"] == ("outputs", "its units are the classes")
    assert "too optimistic" in {row[0]: row for row in words.how_measured(alone)}["Groups"][2]


@pytest.mark.parametrize(("n", "told"), [(1, "1st"), (2, "2nd"), (12, "12th"), (23, "23rd"), (111, "111th")])
def test_ranks_are_written_as_ordinals(n: int, told: str):
    assert words.ordinal(n) == told


# Units


def test_a_units_page_says_its_rank_what_goes_wrong_without_it_and_whether_it_stays():
    need = UnitNeed(3, 0.21, 12, changed=5, pictures=92, hurt="left", hurt_pictures=4)
    section = need_section(removal_of(), need)
    assert section is not None
    told = {label: (what, note) for label, what, note, _ in section.facts}
    assert told["Need"][0] == "12th of 224" and "0.21 nats" in told["Need"][1]
    assert (
        told["Without it"][0] == "5 of 92 decisions change" and "most for “left”: 4" in told["Without it"][1]
    )
    assert told["Together"][0] == "stays"
    last = need_section(removal_of(), dataclasses.replace(need, unit=31, need_rank=224, changed=0))
    assert last is not None
    told = {label: (what, note) for label, what, note, _ in last.facts}
    assert told["Together"][0] == "can be removed" and told["Without it"][0] == "no decision of 92 changes"


def test_a_unit_that_was_not_measured_says_nothing_of_need():
    assert need_section(None, UnitNeed(0, 1.0, 1)) is None
    assert need_section(removal_of(), None) is None
    counted = need_section(removal_of(), UnitNeed(0, 1.0, 1))
    assert counted is not None and "Without it" not in {fact.label for fact in counted.facts}


# Pages


def test_the_overview_answers_first_then_shows_curve_widths_and_looks(site: Path):
    page = read(site, OVERVIEW)
    section = page[page.index('<h2 id="need">') : page.index("<h2>The network</h2>")]
    places = [section.index(text) for text in (
        ">removed together</button>",
        'class="chart curve wide"', 'class="chart widths"', 'class="chart cloud"',
        "How it was measured",
    )]  # fmt: skip
    assert places == sorted(places)
    assert section.count('class="chart curve small"') == 3 and "Structure is not need" in section
    assert re.search(r'<a href="conv1\.html#u\d+" tabindex="-1">', section)


def test_a_layers_page_says_what_it_needs_and_shows_its_own_curve(site: Path):
    page = read(site, LAYER)
    assert "It needs 9 of its 24 units" in page and "of conv1 alone" in page
    assert "None of its units can be removed: its units are the classes." in read(
        site, "m/garden/v1/logits.html"
    )


def test_every_unit_has_its_need_on_its_page(site: Path):
    page = read(site, UNIT)
    assert "Is it needed?" in page and re.search(r"<b>\d+(st|nd|rd|th) of 54</b>", page)


def test_a_name_of_a_class_stays_a_text(site: Path):
    page = read(site, UNIT)
    assert ATTACK not in page and "&lt;img src=x onerror" in page


def test_the_site_holds_with_its_plots(site: Path):
    assert check_site(site) == []


def test_without_removal_a_page_says_what_is_certain_and_how_to_measure(site: Path):
    page = read(site, "m/garden/v2/index.html")
    assert "certainly <button" in page and ">superfluous</button>" in page
    assert "reportgen prune MODEL --images DIR" in page
    assert 'class="chart curve' not in page and "Is it needed?" not in read(site, "m/garden/v2/conv1/0.html")


@pytest.mark.slow
def test_a_new_measurement_replaces_what_pages_say(tmp_path: Path):
    folder = built(tmp_path)
    assert "accuracy 92.4 to 92.4 %" in read(folder, OVERVIEW)
    with open_store(tmp_path / "s.db") as store:
        model = store.models()[0]
        removal = store.removal(model.id)
        assert removal is not None
        needs = {layer.name: store.needs(model.id, layer.name) for layer in model.layers}
        new = dataclasses.replace(removal, accuracy_after=0.5)
        store.put_removal(model.id, new, needs, fingerprint="e" * 32)
    write_atlas(tmp_path / "s.db", folder)
    assert "accuracy 92.4 to 50 %" in read(folder, OVERVIEW)


@pytest.mark.parametrize("n", [4, 24, 25, 52, 53, 100, 200])
def test_what_a_page_has_room_for_leaves_it_within_what_check_allows(n: int):
    layers = tuple((f"block_{i}_expand", 400) for i in range(n))
    place = Place("m", "v", tuple((name, name) for name, _ in layers))
    view, room = need_view(place, removal_of(layers), []), room_for(n)
    name = layers[-1][0]
    units = [SeenUnit(name, i, f"{name}.html#u{i}", "s", i % 9, 2.0 ** (-i % 20), True) for i in range(999)]
    view = dataclasses.replace(view, cloud=need_against_structure(units, 2.0, room.dots))
    frame = '{% from "need.html" import need_answer %}{{ need_answer(n, []) }}'
    functions = {"explained": explained, "terms": MEANINGS, "opens": str}
    own = len(Sandbox((template_folder(),), functions).from_string(frame).render(n=view).encode())
    rows = n * 920 + (n <= MOST_SPREADS) * n * 700 + (n <= MOST_STRIPS) * n * (400 + 210 * n_strip(n))
    others = 14_000 + rows + min(n, MOST) * 600
    assert own + others < MOST_PAGE_BYTES
    assert len(view.alone) == min(n, room.curves)


def test_a_layer_of_which_nothing_is_known_has_no_section():
    assert layer_need_view(None, "conv2d_1") is None and layer_need_view(removal_of(), "other") is None
    fixed = layer_need_view(removal_of(), "outputs")
    assert fixed is not None and fixed.curve is None
