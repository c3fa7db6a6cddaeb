"""Dreams: pictures of a layer or a unit from noise or a photograph, with their recipe inside."""

import base64
import dataclasses
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import reportgen
from reportgen.errors import ReportgenError
from reportgen.run.dreaming import GENTLE, GENTLE_STEPS
from reportgen.run.octaves import octave_sizes, octave_start
from reportgen.run.progress import Silent
from reportgen.units import Layer

SHORT = {"steps": 8}
LAYER = Layer(
    name="conv", slug="conv", kind="conv2d", position=0, n_units=3, map_size=(8, 8), stride_px=(1, 1),
    receptive_field_px=(3, 3), activation="relu", head="", first=True, graph_hash="", judged_hash="",
)  # fmt: skip


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """A picture of smooth shades, 40 x 60 px."""
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    y, x = np.mgrid[0:40, 0:60]
    Image.fromarray((np.stack([y * 4, x * 3, y + x], 2)).astype(np.uint8)).save(path)
    return path


def test_a_dream_activates_its_layer_more_than_its_start(tiny_model, photograph):
    for start in (None, photograph):
        made = reportgen.dream(tiny_model, "conv", start=start)
        assert made.telemetry.activation_end > made.telemetry.activation_start
        assert made.words == f"all of conv, {made.model}" and made.terms == ()


def test_a_unit_s_dream_is_the_picture_of_the_atlas(tiny_model, tmp_path):
    reportgen.render(tiny_model, store=tmp_path / "s.db", layers="conv", units="1,", seeds=1, signs="happy")
    pictures = reportgen.open(tmp_path / "s.db")["conv"][1].pictures
    (shown,) = (p.array for p in pictures if p.recipe == "show")
    made = reportgen.dream(tiny_model, "conv", units=1, size=shown.shape[:2])
    assert np.abs(made.picture.astype(int) - shown).max() <= 2  # batches are summed in another order


@pytest.mark.slow
def test_a_photograph_is_changed_less_than_noise_would_be(tiny_model, photograph):
    made = reportgen.dream(tiny_model, "conv", start=photograph, size="40x60")
    few = {"steps": 4}
    gentle, usual = (
        reportgen.dream(tiny_model, "conv", start=photograph, size="40x60", set={**few, **numbers})
        for numbers in ({}, {"step_size": 0.07})
    )
    assert 0 < gentle.telemetry.moved < usual.telemetry.moved
    assert {key: getattr(made.recipe, key) for key in GENTLE} == GENTLE
    assert made.photograph == "photo.png"


def test_without_a_size_it_has_the_input_s_or_twice_that_in_the_photograph_s_shape(tiny_model, photograph):
    assert reportgen.dream(tiny_model, "conv", set=SHORT).picture.shape[:2] == (16, 16)
    assert reportgen.dream(tiny_model, "conv", start=photograph, set=SHORT).picture.shape[:2] == (24, 32)
    assert reportgen.dream(tiny_model, "head", start=photograph, set=SHORT).picture.shape[:2] == (16, 16)


@pytest.mark.slow
def test_octaves_grow_to_the_picture_s_size_and_share_the_steps(tiny_model, photograph):
    made = reportgen.dream(tiny_model, "conv", start=photograph, size="96x144")
    assert made.octaves == ((32, 56), (48, 72), (72, 104), (96, 144)) and made.picture.shape == (96, 144, 1)
    assert made.recipe.steps * len(made.octaves) == made.telemetry.steps == GENTLE_STEPS
    assert made.as_dict()["octaves_px"] == [[32, 56], [48, 72], [72, 104], [96, 144]]
    assert made.telemetry.activation_end > made.telemetry.activation_start
    once = reportgen.dream(tiny_model, "conv", start=photograph, size="96x144", octaves=1)
    assert once.octaves == ((96, 144),) and once.telemetry.steps == GENTLE_STEPS


def test_from_noise_there_is_one_octave_unless_more_are_asked_for(tiny_model):
    assert reportgen.dream(tiny_model, "conv", size="64x64", set=SHORT).octaves == ((64, 64),)
    more = reportgen.dream(tiny_model, "conv", size="64x64", octaves=3, set=SHORT)
    assert more.octaves == ((32, 32), (48, 48), (64, 64)) and more.telemetry.steps == 24
    before = reportgen.dream(tiny_model, "conv", size="48x48", octaves=2, set=SHORT).picture
    start = octave_start(None, before, (64, 64))
    assert np.abs(more.picture - start.astype(float)).mean() < np.abs(more.picture - 127.5).mean()


def test_each_side_of_an_octave_is_a_multiple_of_what_the_layer_wants():
    layer = dataclasses.replace(LAYER, canvas_multiple_px=(32, 1))
    sizes = octave_sizes(layer, (512, 512), None, usual=4)
    assert sizes == ((192, 184), (256, 264), (352, 368), (512, 512))
    assert octave_sizes(layer, (64, 64), None, usual=4) == ((32, 32), (32, 48), (64, 64))
    assert octave_sizes(layer, (32, 32), None, usual=4) == ((32, 32),)


def test_what_changed_in_a_photograph_is_enlarged_and_its_details_stay(photograph):
    small, large = (20, 30), (40, 60)
    pixels = np.asarray(Image.open(photograph))
    first = octave_start(pixels, None, small)
    assert first.shape == (20, 30, 3)
    assert np.abs(octave_start(pixels, first, large).astype(int) - pixels).max() <= 1
    brighter = octave_start(pixels, np.clip(first, 0, 200) + np.uint8(20), large)
    assert np.abs(np.clip(pixels.astype(int), 0, 200) + 20 - brighter).mean() < 2


class Noting(Silent):
    """Keeps what it receives."""

    def __init__(self):
        self.said, self.seen, self.ended = [], [], 0

    def say(self, text):
        self.said.append(text)

    def steps(self, name, done, total):
        self.seen.append((name, done, total))

    def end(self):
        self.ended += 1


def test_each_step_is_reported_with_its_octave_and_the_range_that_is_assumed(tiny_model):
    noting = Noting()
    reportgen.dream(tiny_model, "conv", size="48x48", octaves=2, set=SHORT, reporter=noting)
    assert [done for _, done, _ in noting.seen] == [*range(9), *range(8, 17)]
    assert {total for *_, total in noting.seen} == {16} and noting.ended == 1
    assert [name for name, *_ in noting.seen[::9]] == [
        "octave 1 of 2, 32 × 32 px",
        "octave 2 of 2, 48 × 48 px",
    ]
    assert "range 0..1 (assumed" in noting.said[0] and "2 octaves of 8 steps" in noting.said[1]


def test_the_same_seed_gives_the_same_picture_and_another_another(tiny_model):
    first, again, other = (
        reportgen.dream(tiny_model, "conv", units="0 - 0.5*2", seed=seed, set=SHORT) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.picture, again.picture)
    assert not np.array_equal(first.picture, other.picture)
    assert first.terms == ((0, 1.0), (2, -0.5))


def test_a_sad_dream_is_another_and_says_so(tiny_model):
    happy, sad = (reportgen.dream(tiny_model, "conv", units=0, sign=s, set=SHORT) for s in ("happy", "sad"))
    assert sad.activation < happy.activation
    assert sad.words.startswith("sad, unit 0 of conv")


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_the_file_holds_the_picture_and_its_recipe(tiny_model, tmp_path, ending):
    made = reportgen.dream(tiny_model, "conv", units=1, out=tmp_path / f"d{ending}", set={"tv": 0.5, **SHORT})
    with Image.open(made.path) as image:
        assert np.array_equal(np.asarray(image.convert("L")), made.picture[:, :, 0])
        notes = image.text["reportgen"] if ending == ".png" else image.getexif()[270]
    said = json.loads(notes)
    assert said == json.loads(json.dumps(made.as_dict()))
    assert reportgen.RenderSpec(**{**said["recipe"], "spectrum": ()}) == made.recipe
    assert made.recipe.tv == 0.5 and made.recipe.steps == 8
    assert [p.name for p in tmp_path.iterdir()] == [f"d{ending}"]


def test_the_layer_is_the_middle_one_that_sees_a_part_where_none_is_named(tiny_model):
    assert reportgen.dream(tiny_model, set=SHORT).layer == "conv"


def test_a_stopped_dream_writes_nothing(tiny_model, tmp_path):
    with pytest.raises(ReportgenError, match="stopped before its end"):
        reportgen.dream(tiny_model, "conv", out=tmp_path / "d.png", stop=lambda: True)
    assert not (tmp_path / "d.png").exists()


def test_a_notebook_shows_it(tiny_model):
    made = reportgen.dream(tiny_model, "conv", set=SHORT)
    html = dataclasses.replace(made, layer="<b>").__class__._repr_html_(made)
    assert "data:image/png" in html and "conv" in html
    large = dataclasses.replace(
        made, picture=np.random.default_rng(0).integers(0, 255, (150, 300, 3), np.uint8)
    )
    (png,) = re.findall(r"data:image/png;base64,([^\"]+)", large._repr_html_())
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))), large.picture)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layer": "covn"}, 'nearest: "conv"'),
        ({"units": 3}, 'unit 3: layer "conv" has units 0 to 2'),
        ({"units": "3 +"}, "wanted such as 3, 3 + 7"),
        ({"seed": -1}, "seed is -1, wanted a whole number from 0"),
        ({"size": "3"}, "size is '3', wanted HxW"),
        ({"size": (9000, 16)}, "wanted HxW with sides from 1 to 4096 px"),
        ({"layer": "head", "size": "32x32"}, 'layer "head" sees the whole input'),
        ({"out": "dream.jpg"}, "wanted a file name that ends in .png or .webp"),
        ({"start": "nowhere.jpg"}, 'photograph "nowhere.jpg" cannot be read'),
        ({"start": __file__}, "it is not a picture"),
        ({"octaves": 0}, "octaves is 0, wanted a whole number from 1"),
        ({"octaves": 3, "size": "48x48"}, "octaves is 3: 48 × 48 px have room for 2 (a larger --size"),
        ({"layer": "head", "octaves": 2}, 'octaves: layer "head" sees the whole input, which has one size'),
        ({"recipe": "shew"}, 'did you mean "show"'),
        ({"set": {"stepz": 3}}, "stepz"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(tiny_model, options, said):
    with pytest.raises(ReportgenError) as caught:
        reportgen.dream(tiny_model, **{"layer": "conv", **options})
    assert said in str(caught.value) and "\n" not in str(caught.value)
