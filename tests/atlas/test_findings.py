"""What the findings and the pages of units say of copies, noise and silence, in a reader's words."""

import contextlib
import dataclasses
import re
import sqlite3

import numpy as np
import pytest
from sample_store import write_sample_store

from reportgen.atlas import write_atlas
from reportgen.atlas.addresses import places
from reportgen.atlas.findings import find
from reportgen.atlas.related import connections_section, neighbours_section
from reportgen.atlas.rows import SHOWCASE_CONTRAST, layer_rows, listed_rows, ranked
from reportgen.atlas.showcase import showcase_rows
from reportgen.atlas.unit_view import unit_view
from reportgen.atlas.view_context import ViewContext
from reportgen.images import encode_png
from reportgen.judgement import LayerFindings, Relations, ResponseGroups
from reportgen.spec import AtlasSpec
from reportgen.store import open_store


@pytest.fixture(scope="module")
def garden(small_store):
    """The rows of the first version's layers, and a context for them."""
    with open_store(small_store) as store:
        record = store.models()[0]
        rows = [layer_rows(store, record, layer) for layer in record.layers]
        rows = [own for own in rows if own.units]
        drawn = {own.layer.name: frozenset(own.units) for own in rows}
        context = ViewContext(
            AtlasSpec(), places(store.models())[record.id], store.recipes(), drawn, "reportgen"
        )
        return rows, context


def changed(rows, change):
    """Return a layer's rows with every score changed."""
    return dataclasses.replace(rows, scores={u: change(s) for u, s in rows.scores.items()})


def apart(score):
    """Return a score of a unit that is no copy."""
    return (
        score
        if score.duplicate_of is None
        else dataclasses.replace(score, duplicate_of=None, relations=Relations())
    )


def copies_of(rows):
    return next(finding for finding in find(rows) if finding.title == "Copies")


def test_whether_there_are_copies_is_answered_where_there_are_none(garden):
    rows, _ = garden
    none = [changed(own, apart) for own in rows]
    told = copies_of(none)
    assert told.text.startswith("No unit is a copy of another. ")
    assert "correlation r of 0.99 or more" in told.text and "white noise" in told.text
    assert "r = 0.983 (a copy needs r ≥ 0.99)." in told.text
    ((caption, ((at, one), (_, other))),) = told.groups
    assert caption == f"{none[at].layer.name}, the most similar pair"
    assert f"{one} and {other} of {none[at].layer.name}" in told.text


def test_copies_that_nobody_measured_are_not_denied(garden):
    rows, _ = garden
    bare = [
        dataclasses.replace(
            changed(own, lambda s: dataclasses.replace(s, duplicate_of=None, relations=Relations())),
            findings=LayerFindings(),
        )
        for own in rows
    ]
    assert copies_of(bare).text.startswith("Whether units are copies is not known")


def test_the_rule_stands_with_the_copies_too(garden):
    rows, _ = garden
    told = copies_of(rows)
    assert "are copies of another of the same layer" in told.text and "r of 0.99 or more" in told.text
    assert told.query == "copy"


def test_silent_units_are_shown(garden):
    rows, _ = garden
    told = next(finding for finding in find(rows) if finding.title == "Silent units")
    ((_, shown),) = told.groups
    assert shown and all(rows[at].scores[unit].verdict == "dead" for at, unit in shown)


def test_the_unit_with_the_least_structure_is_named_and_shown_first(garden):
    rows, _ = garden
    noise = next(finding for finding in find(rows) if finding.title == "Noise")
    static = [
        (s.structure, at, u)
        for at, own in enumerate(rows)
        for u, s in own.scores.items()
        if s.verdict == "static"
    ]
    _, at, unit = min(static)
    assert f"Least structure: unit {unit} of {rows[at].layer.name}, " in noise.text
    assert noise.groups[0][1][0] == (at, unit)


def test_the_clearest_can_be_seen(garden):
    rows, _ = garden
    best = ranked(rows[0])[0]

    def dim(score):
        look = dataclasses.replace(score.look, contrast=SHOWCASE_CONTRAST / 2)
        return dataclasses.replace(score, look=look) if score.unit == best else score

    dimmed = [changed(rows[0], dim), *rows[1:]]
    order = ranked(dimmed[0])
    good = [u for u in order if dimmed[0].scores[u].verdict in ("structured", "multifaceted")]
    good = [u for u in good if dimmed[0].scores[u].duplicate_of is None]
    assert order.index(best) == len(good) - 1, "after what can be seen, before what is not structured"
    clearest = find(dimmed)[0]
    assert (0, best) in find(rows)[0].groups[0][1] and (0, best) not in clearest.groups[0][1]
    assert "low-contrast pictures (below 0.1" in clearest.text


def test_a_unit_whose_picture_is_all_but_one_colour_is_in_no_showcase(tmp_path):
    path = write_sample_store(tmp_path / "s.db", hostile=False)
    with open_store(path) as store:
        record = store.models()[0]
        own = listed_rows(store, record, record.layers[0])
        best = ranked(own)[0]
        lead = showcase_rows(store, own, 4).lead(best)
    dark = encode_png(
        np.random.default_rng(0).integers(0, 20, (lead.height, lead.width, lead.channels), np.uint8)
    )
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert db.execute("UPDATE renders SET picture=? WHERE key=?", (dark, lead.key)).rowcount == 1
    with open_store(path) as store:
        seen = showcase_rows(store, own, 4)
    assert best in seen.dim and ranked(seen)[0] != best
    write_atlas(path, tmp_path / "site")
    page = (tmp_path / "site/m/garden/v1/findings.html").read_text(encoding="utf-8")
    clearest = page[
        page.index("<h2>The clearest</h2>") : page.index("<h2>A different picture from each start</h2>")
    ]
    assert f"HappyMap of {own.layer.name} unit {best}," not in clearest
    assert f"HappyMap of {own.layer.name} unit " in clearest


def test_a_static_units_page_leads_with_the_judged_noise_next_to_the_noise_baseline(garden):
    rows, context = garden
    own = rows[0]
    unit = next(u for u, s in own.scores.items() if s.verdict == "static")
    titles = [s.title for s in unit_view(context, own, unit).sections]
    judged, _, shown = unit_view(context, own, unit).sections[:3]
    assert titles[:3] == ["What was judged", "Every start", "Happy and sad"]
    assert [i.caption for i in judged.pictures] == ["Judged: start 0", "Noise baseline"]
    assert judged.size == "l" and shown.size == "m", "the largest picture is one that was judged"
    assert "makes patterns out of noise" in shown.note
    structured = next(u for u, s in own.scores.items() if s.verdict == "structured")
    assert unit_view(context, own, structured).sections[0].title == "Happy and sad"


def test_noise_that_recurs_is_not_called_a_sign_of_a_pattern(garden):
    rows, context = garden
    own = rows[0]
    unit = next(u for u, s in own.scores.items() if s.verdict == "static")
    numbers = next(s for s in unit_view(context, own, unit).sections if s.title == "Numbers")
    note = next(fact.note for fact in numbers.facts if fact.label == "Consistency")
    assert "noise can be similar too" in note


def test_the_most_similar_unit_is_said_to_be_no_copy_and_why(garden):
    rows, context = garden
    section = neighbours_section(context, rows[0], 3)
    assert (section.links[0].label, section.links[0].note) == ("11", "r 0.983")
    assert section.note.endswith("11 is the most similar, but no copy: a copy needs r ≥ 0.99.")
    bare = changed(rows[0], lambda s: dataclasses.replace(s, relations=Relations()))
    assert neighbours_section(context, bare, 3).facts[0].value == "none"


def test_what_the_layers_do_without_adds_up_to_what_the_model_does(garden):
    rows, _ = garden
    for certain in ([[0, 1, 2], [4], []], [[], [], []]):
        told = [
            dataclasses.replace(
                own, findings=dataclasses.replace(own.findings, certainly_superfluous=tuple(units))
            )
            for own, units in zip(rows, [*certain, [], [], []], strict=False)
        ]
        found = next(f for f in find(told) if f.title == "Are there more units than necessary?")
        listed = [int(re.match(r"(\d+) of \d+$", said)[1]) for _, said in found.layers]
        assert listed == sorted((len(units) for units in certain if units), reverse=True)
        assert found.text.startswith(f"{sum(listed)} of " if listed else "No unit is certainly superfluous")
        assert "only be measured by removing them" in found.text and "confidence" not in found.text


@pytest.mark.parametrize("told", [10**30, 9999])
def test_neighbours_that_are_no_units_of_the_layer_are_not_named(garden, told):
    rows, context = garden
    near = Relations((told,), (0.9,))
    wrong = [changed(own, lambda s: dataclasses.replace(apart(s), relations=near)) for own in rows]
    assert neighbours_section(context, wrong[0], 3).facts[0].value == "none"
    assert copies_of(wrong).groups == ()


def some_rendered(own, kept):
    """Return a layer's rows in a sample: only the units `kept` are rendered and scored."""
    return dataclasses.replace(
        own,
        units=tuple(kept),
        scores={u: own.scores[u] for u in kept},
        renders={u: own.renders[u] for u in kept if u in own.renders},
    )


def near_two(score):
    """Return a score of a unit that is similar to unit 11, and less so to unit 5."""
    relations = dataclasses.replace(apart(score).relations, neighbours=(11, 5), correlations=(0.983, 0.7))
    return dataclasses.replace(apart(score), relations=relations)


def test_a_most_similar_unit_that_is_not_rendered_is_named_all_the_same(garden):
    rows, context = garden
    own = changed(rows[0], near_two)
    both = neighbours_section(context, some_rendered(own, (3, 5)), 3)
    assert [link.unit for link in both.links] == [5]
    assert "Unit 11 is the most similar, but no copy" in both.note
    assert both.note.endswith("Not rendered: 11 r 0.983.")
    alone = neighbours_section(context, some_rendered(own, (3,)), 3)
    said = [(fact.label, fact.value, fact.note) for fact in alone.facts]
    assert said == [("Unit 11", "r 0.983", "not rendered"), ("Unit 5", "r 0.700", "not rendered")]


def test_the_most_similar_pair_is_the_nearest_that_is_rendered(garden):
    rows, _ = garden
    sample = some_rendered(changed(rows[0], near_two), (3, 5))
    text = copies_of([sample]).text
    assert re.search(r"Most similar pair of rendered units: \d and \d of [^,]+, r = 0\.700\.$", text)


def test_shares_of_a_sample_are_said_to_be_of_rendered_units(garden):
    rows, _ = garden
    static = [u for u, s in rows[0].scores.items() if s.verdict == "static"]
    noise = next(f for f in find([rows[0]]) if f.title == "Noise")
    assert all("rendered" not in said for _, said in noise.layers)
    sample = some_rendered(rows[0], static[:1])
    noise = next(f for f in find([sample]) if f.title == "Noise")
    assert [said for _, said in noise.layers] == ["1 of 1 rendered static"]


def test_a_unit_that_reads_the_input_says_that_no_unit_feeds_it(garden):
    rows, context = garden
    graph = rows[0].record.graph
    first = {graph.nodes[b][0] for a, b in graph.edges if graph.nodes[a][1] == "input"}
    notes = {own.layer.name: connections_section(context, own, 3, ()) for own in rows}
    said = {name for name, x in notes.items() if x and "reads the input picture" in x.note}
    assert said == {name for name in first if notes.get(name) and not notes[name].incoming} and said


def test_weights_stand_in_the_order_of_the_number_shown_first(garden):
    rows, context = garden
    sections = [connections_section(context, own, 3, ()) for own in rows if 3 in own.scores]
    sides = [side for section in sections if section for side in (section.incoming, section.outgoing)]
    for side in sides:
        shown = [abs(float((e.norm or e.weight).replace("−", "-"))) for e in side]
        assert shown == sorted(shown, reverse=True)
        assert [e.strength for e in side] == sorted((e.strength for e in side), reverse=True)
        assert all(e.sign == "±" or e.weight[0] == e.sign for e in side)
    assert sum(map(len, sides)) > 6


def test_a_layer_says_how_many_of_its_groups_it_lists(tmp_path):
    path = write_sample_store(tmp_path / "s.db", hostile=False)
    groups = tuple((2 * i, 2 * i + 1) for i in range(12))
    with open_store(path) as store:
        record = store.models()[0]
        layer = record.layers[0]
        found = store.findings(record.id, layer.name)
        findings = dataclasses.replace(found, response_groups=ResponseGroups(24, groups))
        own = list(listed_rows(store, record, layer).scores.values())
        store.put_scores(record.id, layer.name, own, fingerprint="e" * 32, findings=findings)
    write_atlas(path, tmp_path / "site")
    page = (tmp_path / "site/m/garden/v1" / f"{layer.slug}.html").read_text(encoding="utf-8")
    assert len(re.findall(r'href="#q=group%3A\d+">2 similar</a>', page)) == 10
    assert "2 smaller groups not shown" in page


def test_the_method_page_distinguishes_copies_from_units_that_respond_similarly(built_small):
    method = (built_small / "method.html").read_text(encoding="utf-8")
    copy, alike = (
        re.search(rf'<dt id="{word}">.*?</dt>\n<dd>(.*?)</dd>', method)[1] for word in ("copy", "alike")
    )
    assert "r of 0.99 or more, position by position" in copy and "white noise" in copy and "−0.99" in copy
    assert "in different positions, have a low r" in alike


def test_the_front_page_says_what_structured_and_static_mean(built_small):
    front = (built_small / "index.html").read_text(encoding="utf-8")
    assert ">Static</button></b>: they have not" in front


@pytest.mark.parametrize(
    "jargon", ["null deviations", "cell-maxima", "strangers", "one half is chance for", "turns one round",
               "from the picture on", "silent, constant, copies or unused", "Place in the null"]
)  # fmt: skip
def test_words_that_only_its_makers_know_are_on_no_page(built_small, jargon):
    pages = [p for p in built_small.rglob("*.html") if p.name != "method.html"]
    assert not [p.name for p in pages if jargon in p.read_text(encoding="utf-8")]
