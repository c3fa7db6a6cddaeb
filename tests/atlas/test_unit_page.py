"""A unit's page: its first screen, what it is connected to, what stands elsewhere and is linked."""

import dataclasses
import re

import pytest

from reportgen.atlas.addresses import places
from reportgen.atlas.need import need_of
from reportgen.atlas.recipe_list import recipe_links, recipes_of
from reportgen.atlas.related import connections_section, counterparts_section
from reportgen.atlas.rows import layer_rows
from reportgen.atlas.unit_view import unit_view
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import Counterpart
from reportgen.judgement import Responsiveness
from reportgen.spec import AtlasSpec
from reportgen.store import open_store


@pytest.fixture(scope="module")
def garden(small_store):
    """The rows of the first version's layers by name, and a context for them."""
    with open_store(small_store) as store:
        record = store.models()[0]
        rows = {layer.name: layer_rows(store, record, layer) for layer in record.layers}
        drawn = {name: frozenset(own.units) for name, own in rows.items()}
        context = ViewContext(
            AtlasSpec(), places(store.models())[record.id], store.recipes(), drawn, "reportgen"
        )
        return rows, context


def test_the_first_screen_has_the_pictures_the_baseline_and_the_decision(garden):
    rows, context = garden
    view = unit_view(context, rows["conv1"], 17)
    titles = [section.title for section in view.first]
    assert titles[:2] == ["Happy and sad", "Every start"]
    assert titles[2:] == ["Compared with the noise baseline", "How it was decided"]
    assert not set(titles) & {s.title for part in view.parts for s in part.sections}
    assert len(view.sections) == len(view.first) + sum(len(part.sections) for part in view.parts)


def test_a_unit_that_is_proved_superfluous_says_so_with_the_proof(garden):
    rows, _ = garden
    own = rows["conv1"]
    proved = Responsiveness(state="dead", proof="bounds", bound=0.0)
    score = dataclasses.replace(own.scores[3], responsiveness=proved, duplicate_of=None)
    certain = dataclasses.replace(
        own,
        scores={**own.scores, 3: score},
        findings=dataclasses.replace(own.findings, certainly_superfluous=(3,)),
    )
    need, why = need_of(certain, 3)
    assert need == "certainly superfluous" and "interval bounds" in why
    assert need_of(certain, 4) == ("need not measured", "")


def test_a_weight_whose_sum_nearly_cancels_has_no_sign(garden):
    rows, context = garden
    own = next(own for own in rows.values() if own.links.get("out"))
    unit = next(u for u in own.units if own.links["out"][u])
    found = connections_section(context, own, unit, ())
    for edge, (_, other, weight, norm) in zip(found.outgoing, own.links["out"][unit], strict=True):
        assert edge.unit == other and 1 <= edge.strength <= 8
        assert (edge.sign == "±") == (abs(weight) < norm / 2)
    assert max(edge.strength for edge in found.outgoing) == 8


def test_the_same_unit_in_other_versions_is_linked(garden):
    _, context = garden
    other = Counterpart("v2", "conv1", "5", "sharpened", "../v2/conv1.html#u5", "../../../c/x.html#b5")
    compared = dataclasses.replace(context, counterparts={"conv1": {3: (other,)}})
    assert counterparts_section(compared, "conv1", 3).counterparts == (other,)
    assert counterparts_section(compared, "conv1", 4) is None


def test_recipes_stand_once_on_the_model_page_and_are_linked_from_units(built_small, garden):
    rows, context = garden
    record = rows["conv1"].record
    listed = [r.anchor for r in recipes_of(record, context.recipes)]
    assert len(listed) == len(set(listed)) >= 2
    model = (built_small / "m/garden/v1/index.html").read_text(encoding="utf-8")
    unit = (built_small / "m/garden/v1/conv1/17.html").read_text(encoding="utf-8")
    for link in recipe_links(record, "conv1", context.recipes):
        assert model.count(f'id="{link.anchor}"') == 1
        assert f'../index.html#{link.anchor}"' in unit
    assert "parametrization" not in unit and "parametrization" in model


def test_a_units_page_names_its_place_and_the_units_around_it(built_small):
    page = (built_small / "m/garden/v1/conv1/17.html").read_text(encoding="utf-8")
    assert "unit 17 of 24" in page
    assert re.search(r'rel="prev" href="16.html"', page) and re.search(r'rel="next" href="18.html"', page)
    assert 'data-random="{}.html 0-23"' in page
