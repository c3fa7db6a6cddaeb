"""Addresses, page pictures, plots and neighbours, each by what must hold of it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.atlas import plots
from reportgen.atlas.addresses import relative, root_of
from reportgen.atlas.pictures import encode_page_picture, page_picture, shrink
from reportgen.atlas.rows import RenderRow, lead_of, neighbours_of
from reportgen.atlas.summaries import n_strip
from reportgen.atlas.words import recipe_toml
from reportgen.config import RECIPES
from reportgen.judgement import Relations
from reportgen.spec import AtlasSpec, for_kind, recipe_named, with_numbers
from reportgen.units import Telemetry, UnitScore


def test_relative_links_lead_from_any_depth() -> None:
    assert relative("index.html", "m/a/v/x.html#u3") == "m/a/v/x.html#u3"
    assert relative("m/a/v/x/3.html", "m/a/v/x.html#u3") == "../x.html#u3"
    assert root_of("m/a/v/x/3.html") == "../../../../"


@settings(deadline=None, max_examples=25)
@given(st.integers(8, 90), st.integers(8, 90))
def test_shrinking_keeps_the_mean_and_the_constant(height: int, width: int) -> None:
    even = np.full((90, 90, 3), 77, np.uint8)
    assert (shrink(even, height, width) == 77).all()
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 1), dtype=np.uint8)
    assert abs(shrink(noise, height, width).mean() - noise.mean()) < 1.0


@pytest.mark.parametrize(
    ("side", "size", "enlarge"), [(32, 64, 2), (48, 96, 2), (64, 128, 2), (100, 100, 1), (224, 128, 1)]
)
def test_small_renders_are_doubled_and_large_ones_shrunk(side: int, size: int, enlarge: int) -> None:
    from io import BytesIO

    from PIL import Image

    wanted = page_picture("key", side, side, AtlasSpec())
    assert (wanted.height, wanted.width, wanted.enlarge) == (size, size, enlarge)
    data = encode_page_picture(np.full((side, side, 3), 90, np.uint8), wanted, AtlasSpec())
    with Image.open(BytesIO(data)) as image:
        assert image.format == "WEBP" and image.size == (size, size)


def test_doubled_pixels_survive_the_encoder_better_than_single_ones() -> None:
    from io import BytesIO

    from PIL import Image

    rng = np.random.default_rng(1)
    blocks = rng.integers(0, 2, (16, 16, 3), dtype=np.uint8).repeat(3, 0).repeat(3, 1) * 160 + 40
    wanted = page_picture("key", 48, 48, AtlasSpec())
    with Image.open(BytesIO(encode_page_picture(blocks, wanted, AtlasSpec()))) as image:
        doubled = np.asarray(image)[::2, ::2].astype(float)
    from reportgen.images import encode_webp

    with Image.open(BytesIO(encode_webp(blocks, quality=60))) as image:
        single = np.asarray(image).astype(float)
    assert np.abs(doubled - blocks).mean() < 0.7 * np.abs(single - blocks).mean()


def test_a_picture_has_another_name_when_any_setting_of_it_changes() -> None:
    names = {
        page_picture(key, side, side, AtlasSpec(picture_px=px, webp_quality=q)).name
        for key in ("a", "b")
        for side in (48, 224)
        for px in (64, 128)
        for q in (50, 60)
    }
    assert len(names) == 16


def test_neighbours_are_those_of_the_scoring_and_r_is_what_copies_are_found_by() -> None:
    score = UnitScore(3, "static", "", "noise", False, relations=Relations((4, 7), (0.98, 0.6)))
    assert neighbours_of(score) == ((4, 0.98), (7, 0.6))
    older = dataclasses.replace(score, relations=Relations((4, 7), (0.98,)))
    (first, r), (second, unknown) = neighbours_of(older)
    assert (first, r, second) == (4, 0.98, 7) and unknown != unknown
    assert neighbours_of(None) == neighbours_of(dataclasses.replace(score, relations=Relations())) == ()


def test_a_plot_says_in_words_what_it_draws_and_leaves_out_what_is_no_number() -> None:
    plot = plots.curves([("c0", [(0, 0.0), (1, float("nan")), (2, 4.0)])], across="steps", alt="rises to 4")
    assert plot.alt == "rises to 4"
    assert len(plot.lines[1].points.split()) == 2
    assert plots.curves([("c0", [(0, float("nan"))])], across="steps", alt="") is None


def test_a_score_stands_right_of_the_cut_exactly_when_it_is_above() -> None:
    for z in (-5.0, 0.0, 1.9, 2.1, 40.0):
        plot = plots.place_in_null(z, 2.0, (1.5, 2.5))
        cut = next(float(points.split(",")[0]) for name, points in plot.lines if name == "cut")
        assert (plot.dots[0].x > cut) == (z > 2.0)
        assert ("above" in plot.alt) == (z > 2.0)


def test_kernel_colours_are_symmetric_about_white() -> None:
    kernel = np.array([[[1.0], [-1.0], [0.0]]])
    (codes,) = plots.kernel_colours(kernel)
    assert (codes[:6], codes[6:12], codes[12:]) == ("c85200", "1854a8", "f7f7f7")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("inf"), "–"), (0, "0"), (-1.234, "−1.23"), (1234.0, "1234"), (1e-5, "1e−05")],
)
def test_numbers_for_people(value: float | None, text: str) -> None:
    assert plots.number(value) == text


def test_a_recipe_shown_as_toml_reads_back_as_that_recipe() -> None:
    import tomllib

    for named in RECIPES.values():
        for recipe in (named, for_kind(named, "dense"), for_kind(named, "conv2d")):
            read = tomllib.loads(recipe_toml(recipe))
            assert with_numbers(recipe_named(read["recipe"]), read["set"]) == recipe


def _render(
    recipe: str, reached: float, *, seed: int = 0, sign: str = "happy", failure: str = ""
) -> RenderRow:
    telemetry = Telemetry(
        activation_start=0.0, activation_best=reached, activation_end=reached, activation_transformed=(),
        gradient_start=1.0, gradient_end=0.1, moved=0.2, steps=64, stop_reason="max_steps", non_finite=0,
        reduction="leaky-mean", rescue="", curve=(),
    )  # fmt: skip
    return RenderRow(3, recipe, sign, seed, f"{recipe}{seed}{sign}", 48, 48, 3, failure, telemetry)


def test_a_display_picture_represents_its_unit_unless_it_reaches_far_less_than_the_scored_ones() -> None:
    roles = {"shown": "s", "scored": "d"}
    scored = [_render("d", 1.0 + 0.1 * seed, seed=seed) for seed in range(4)]
    good, poor, sad = _render("s", 0.8), _render("s", 0.1), _render("s", 5.0, sign="sad")
    assert lead_of([*scored, sad, good], roles, "structured") == good
    assert lead_of([*scored, sad, poor], roles, "structured") == scored[0]
    assert lead_of([poor, sad], roles, "structured") == poor
    assert lead_of([sad], roles, "structured") == sad
    assert lead_of([], roles, "structured") is None


def test_a_display_picture_that_is_hard_to_see_gives_way_to_a_clearer_scored_one() -> None:
    roles = {"shown": "s", "scored": "d"}
    white = dataclasses.replace(_render("s", 2.0), faint=True, spread=0.01)
    dim, clear = (
        dataclasses.replace(_render("d", 1.0, seed=seed), faint=faint, spread=spread)
        for seed, faint, spread in ((0, True, 0.09), (1, False, 0.4))
    )
    assert lead_of([dim, clear, white], roles, "structured") == clear
    assert lead_of([dim, white], roles, "structured") == white
    assert lead_of([dim, clear], roles, "static") == dim
    patchy = dataclasses.replace(white, spread=0.45)
    assert lead_of([clear, patchy], roles, "structured") == patchy


def test_a_unit_judged_static_is_shown_as_it_was_judged() -> None:
    roles = {"shown": "s", "scored": "d"}
    shown, scored = _render("s", 2.0), _render("d", 1.0)
    assert lead_of([shown, scored], roles, "static") == scored
    assert lead_of([shown], roles, "static") == shown


def test_a_model_page_of_many_layers_shows_fewer_pictures_of_each() -> None:
    assert [n_strip(n) for n in (0, 1, 52, 100, 201, 5000)] == [12, 12, 9, 5, 3, 3]
