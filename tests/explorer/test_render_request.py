"""What a form asks for is understood, or refused in one line."""

import dataclasses
import shlex
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config import read_settings
from reportgen.errors import ConfigError, ReportgenError, UnknownLayer
from reportgen.explorer.render_request import Asked, parse
from reportgen.plan import PlanRequest, make_plan, select_layers, select_units
from reportgen.spec import RECIPES, for_kind, recipe_named, with_numbers
from reportgen.spec.unit_sums import MOST_TERMS, parse_terms, terms_text
from reportgen.store import open_store

FORM = {"model": "net", "version": "v1", "layer": "conv", "terms": 3}


def asked(**values):
    return parse({**FORM, **values})


@pytest.fixture(scope="module")
def record(tiny_store):
    with open_store(tiny_store) as store:
        return store.models()[0]


def test_a_form_without_more_asks_for_the_display_picture_of_a_unit():
    assert asked() == Asked("net", "v1", "conv", ((3, 1.0),))
    assert asked(seed=None, numbers=None) == asked()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (5, ((5, 1.0),)),
        ("5", ((5, 1.0),)),
        ("3 + 0.5*7 - 12", ((3, 1.0), (7, 0.5), (12, -1.0))),
        ("-2e-1*4+ 1", ((1, 1.0), (4, -0.2))),
        ("4 - 3", ((3, -1.0), (4, 1.0))),
        ([4, 3], ((3, 1.0), (4, 1.0))),
        ([[4, -2], [4, 3]], ((4, 1.0),)),
        ("layer", ()),
    ],
)
def test_sums_of_units_are_read_as_people_write_them(said, meant):
    assert parse_terms(said) == meant


@pytest.mark.parametrize(
    "said",
    ["", "a", "3 4", "3 +", "+", "3 * * 4", "1e999*3", "3.5", -1, True, None, 2.5, [[1, 2, 3]], [["1", 1]],
     "3 - 3", [[1, float("nan")]], [[1, float("inf")]], list(range(MOST_TERMS + 1)), {"3": 1}, 10**12,
     "+".join("1" * 200)],
)  # fmt: skip
def test_other_sums_are_refused_in_one_line(said):
    with pytest.raises(ConfigError) as error:
        parse_terms(said)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


@given(st.dictionaries(st.integers(0, 10**6), st.floats(-1e6, 1e6).filter(bool), min_size=1, max_size=9))
def test_a_sum_that_is_written_down_is_read_as_itself(terms):
    meant = tuple(sorted(terms.items()))
    assert parse_terms(terms_text(meant)) == meant


@pytest.mark.parametrize(
    "wrong",
    [{"colour": 1}, {"sign": "glad"}, {"sign": ["happy"]}, {"seed": -1}, {"seed": 1.5}, {"seed": "0"},
     {"seed": float("nan")}, {"recipe": "none"}, {"recipe": ["show"]}, {"numbers": 3},
     {"numbers": {"tv": -1}}, {"numbers": {"tv": "x"}}, {"numbers": {"name": "x"}},
     {"numbers": {"scored": True}},
     {"numbers": {"steps": 10**9}}, {"start": "../../etc/passwd"}, {"start": "A" * 32}, {"layer": ""},
     {"layer": 3}, {"device": "tpu"}, {"model": "x" * 2000}],
)  # fmt: skip
def test_a_form_that_does_not_fit_is_refused_in_one_line(wrong):
    with pytest.raises(ReportgenError) as error:
        asked(**wrong)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_given_start_leaves_the_seed_without_meaning():
    assert asked(start="0" * 32, seed=7) == asked(start="0" * 32)


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_form_that_says_every_number_as_it_is_asks_for_the_recipe_itself(recipe):
    base = recipe_named(recipe)
    numbers = {
        f.name: getattr(base, f.name)
        for f in dataclasses.fields(base)
        if f.name not in ("name", "scored", "tv_dense")
    }
    found = asked(recipe=recipe, numbers=numbers).recipe
    assert found == dataclasses.replace(base, tv_dense=None)


def test_a_weight_that_is_set_holds_for_dense_layers_too_also_where_others_have_it_anyway():
    wish = asked(recipe="keras-vis-2019", numbers={"tv": RECIPES["keras-vis-2019"].tv})
    assert for_kind(wish.recipe, "dense").tv == wish.recipe.tv
    assert for_kind(asked(recipe="keras-vis-2019").recipe, "dense").tv != wish.recipe.tv
    assert parse(wish.as_dict()) == wish


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_wish_survives_the_way_to_a_form_and_back(recipe):
    wish = asked(recipe=recipe, numbers={"tv": 3.5, "parametrization": "fourier"}, terms="2 - 4", seed=3)
    assert parse(wish.as_dict()) == wish
    assert parse(asked(terms="layer").as_dict()) == asked(terms="layer")


def test_a_lone_unit_has_the_key_of_the_atlas_s_own_picture(record):
    """So what the atlas holds is there at once, and what was tried can be told from it."""
    plans = make_plan(record, PlanRequest(RECIPES["default"], RECIPES["show"]), arithmetic="float32")
    for plan in plans:
        for pictures, name in zip(plan.sets, ("default", "show"), strict=True):
            planned = pictures.pictures[-1]
            wish = Asked(
                record.name, record.version, plan.layer.name, ((planned.unit, 1.0),), planned.sign,
                planned.seed, recipe=RECIPES[name],
            )  # fmt: skip
            assert wish.key(record) == planned.key
            assert wish.key(record, batch=1) != planned.key  # Computed alone, as the explorer does.


def test_whatever_changes_the_picture_changes_the_key(record):
    layer = record.layers[0].name
    base = Asked(record.name, record.version, layer)
    others = [
        dataclasses.replace(base, **change)
        for change in (
            {"terms": ((1, 1.0),)}, {"terms": ((0, 2.0),)}, {"terms": ((0, 1.0), (1, 1.0))},
            {"terms": ((0, 1.0), (1, -1.0))}, {"terms": ()}, {"sign": "sad"}, {"seed": 1},
            {"start": "0" * 32},
            {"recipe": with_numbers(base.recipe, {"tv": 9.0})}, {"layer": record.layers[1].name},
        )
    ]  # fmt: skip
    keys = [wish.key(record) for wish in (base, *others)]
    assert len(set(keys)) == len(keys)
    assert dataclasses.replace(base, device="cpu").key(record) == keys[0]


def test_what_the_model_has_not_is_refused(record):
    with pytest.raises(UnknownLayer):
        Asked(record.name, record.version, "nowhere").key(record)
    layer = record.layers[0]
    with pytest.raises(ConfigError, match=f"0 to {layer.n_units - 1}"):
        Asked(record.name, record.version, layer.name, ((layer.n_units, 1.0),)).key(record)


@pytest.mark.parametrize("recipe", sorted(RECIPES))
@pytest.mark.parametrize("numbers", [{}, {"tv": 1e-5, "jitter_px": 3, "rescue": False}, {"canvas": "input"}])
def test_the_recipe_as_toml_and_as_a_command_is_what_the_atlas_then_renders(recipe, numbers, tmp_path):
    wish = asked(recipe=recipe, numbers=numbers)
    role = "scored" if recipe == "default" else "shown"
    file = tmp_path / "reportgen.toml"
    file.write_text(wish.to_toml())
    assert read_settings({}, file).recipes()[role] == wish.recipe
    words = shlex.split(wish.to_command("a model.keras"))
    assert words[:3] == ["reportgen", "render", "a model.keras"]
    pairs = dict(w.split("=", 1) for w in words if "=" in w)
    said = {"recipe": words[words.index("--recipe") + 1]} if "--recipe" in words else {}
    assert read_settings({**said, "set": pairs}).recipes()[role] == wish.recipe


@pytest.mark.parametrize("terms", ["3", "0", "1 + 3"])
def test_the_command_renders_the_units_that_are_asked(record, terms):
    for layer in record.layers[:2]:
        wish = asked(layer=layer.name, terms=terms)
        words = shlex.split(wish.to_command())
        layers, units = (words[words.index(option) + 1] for option in ("--layers", "--units"))
        settings = read_settings({"layers": layers, "units": units})
        assert select_layers(record.layers, settings.layers) == [layer]
        assert select_units(settings.units, 9) == tuple(unit for unit, _ in wish.terms)


@pytest.mark.parametrize("name", ["a*b", "[x]", "a,b", "a?", "1::2", "::2"])
def test_a_layer_s_name_is_no_pattern_of_the_command(record, name):
    layer = dataclasses.replace(record.layers[0], name=name)
    words = shlex.split(asked(layer=name).to_command())
    globs = read_settings({"layers": words[words.index("--layers") + 1]}).layers
    assert select_layers([layer, record.layers[1]], globs) == [layer]


def test_what_a_command_cannot_say_is_said_next_to_it():
    assert asked().not_in_command() == ""
    for said, wanted in (({"seed": 4}, "seed 4"), ({"start": "0" * 32}, "start from"),
                         ({"terms": "layer"}, "as a whole"), ({"terms": "2 - 3"}, "sum")):  # fmt: skip
        assert wanted in asked(**said).not_in_command()


def test_amplitudes_survive_toml_and_command(tmp_path):
    wish = asked(recipe="maco", numbers={"spectrum": [0.1 * i for i in range(16)]})
    assert tomllib.loads(wish.to_toml())["set"]["spectrum"] == list(wish.recipe.spectrum)
    pairs = dict(w.split("=", 1) for w in shlex.split(wish.to_command()) if "=" in w)
    assert read_settings({"recipe": "maco", "set": pairs}).recipes()["shown"] == wish.recipe


def test_a_hostile_name_stays_one_word_of_the_command():
    wish = asked(version="v1; rm -rf ~")
    assert "v1; rm -rf ~" in shlex.split(wish.to_command("$(touch x).keras"))
