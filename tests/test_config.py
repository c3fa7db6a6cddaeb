"""Command line over file over defaults; every mistake names the file, the key and what was wanted."""

import re

import pytest

from reportgen.config import Settings, decades, read_settings
from reportgen.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "reportgen.toml"
    path.write_text(text)
    return path


def test_the_command_line_wins_over_the_file_and_the_file_over_the_default(tmp_path):
    file = write(tmp_path, 'seeds = 2\nunits = 8\n[set]\ntv = 0.2\njitter_px = 3\n[atlas]\ntitle = "Ours"\n')
    found = read_settings({"seeds": 3, "set": {"tv": "0.5"}}, file)
    assert (found.seeds, found.units, found.signs) == (3, "8", "both")
    assert found.recipes()["scored"].tv == 0.5
    assert found.recipes()["scored"].jitter_px == 3
    assert found.atlas_spec().title == "Ours"


def test_a_file_in_the_current_folder_is_read(tmp_path, monkeypatch):
    write(tmp_path, "seeds = 1\n")
    monkeypatch.chdir(tmp_path)
    assert read_settings({}).seeds == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seads = 1", r'reportgen.toml: key "seads" does not exist \(did you mean "seeds"'),
        ("seeds = -1", r"reportgen.toml: seeds is -1"),
        ("seeds = 'x'", r"reportgen.toml: seeds is 'x', wanted a whole number$"),
        ("seeds = 65", r"reportgen.toml: seeds is 65, wanted 64 or less$"),
        ("seeds = 1.5", r"reportgen.toml: seeds is 1.5, wanted a whole number$"),
        ("trust_model = 'perhaps'", r"reportgen.toml: trust_model is 'perhaps', wanted true or false$"),
        ("units = 0", "reportgen.toml: units is 0, wanted 1 or more"),
        (
            "[score]\nflat_contrst = 1",
            r'key "score.flat_contrst" does not exist .did you mean "flat_contrast"',
        ),
        ("[score]\nduplicate_correlation = 'x'", "score.duplicate_correlation is 'x', wanted a number$"),
        ("signs = 'glad'", "reportgen.toml: signs is 'glad'"),
        ("input_range = [1, 0]", "reportgen.toml: input_range is .*LO below HI"),
        ("input_size = 'big'", "reportgen.toml: input_size is 'big', wanted HxW"),
        ("sweep = 'tv'", "reportgen.toml: sweep .*wanted key=LOW..HIGH"),
        ("[set]\ntvv = 1", 'reportgen.toml: "tvv" is not a setting'),
        ("[score]\nflat = 1", 'reportgen.toml: key "score.flat" does not exist .*flat_contrast'),
        ("[atlas]\nmax_site_bytes = 'x'", "reportgen.toml: atlas.max_site_bytes is 'x'"),
        ("recipe = 'none'", 'reportgen.toml: recipe "none" does not exist'),
        ("seeds = ", "reportgen.toml: not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_names_file_key_received_and_wanted(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        read_settings({}, write(tmp_path, text))


def test_a_mistake_that_is_not_in_the_file_does_not_name_the_file(tmp_path):
    with pytest.raises(ConfigError, match=r"^seeds is -3, wanted 1 or more$"):
        read_settings({"seeds": -3}, write(tmp_path, "seeds = 2"))


def test_a_missing_file_is_an_error_only_if_it_was_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_settings({}) == Settings()
    with pytest.raises(ConfigError, match="does not exist"):
        read_settings({}, tmp_path / "none.toml")


def test_set_reaches_the_recipe_it_names():
    found = read_settings({"set": {"tv": "0.4", "show.steps": "200"}}).recipes()
    assert (found["scored"].tv, found["shown"].steps) == (0.4, 200)
    with pytest.raises(ConfigError, match='recipe "lucid" is not in use'):
        read_settings({"set": {"lucid.tv": 1}})


def test_another_recipe_takes_the_place_of_the_display_recipe():
    found = read_settings({"recipe": "keras-vis-2019", "set": {"tv": "5"}}).recipes()
    assert found["scored"].name == "default"
    assert (found["shown"].name, found["shown"].tv) == ("keras-vis-2019", 5.0)


def test_a_sweep_goes_by_decades():
    assert decades(1e-5, 1e3) == [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0]
    recipes = read_settings({"sweep": "tv=1e-1..1e1"}).sweep_recipes()
    assert [(r.name, r.tv) for r in recipes] == [
        ("keras-vis-2019", 0.1),
        ("keras-vis-2019", 1.0),
        ("keras-vis-2019", 10.0),
    ]


def test_sizes_ranges_and_globs_are_read_as_people_write_them():
    found = read_settings({"input_size": "96X128", "input_range": "-1,1", "layers": ["conv*,dense", "::4"]})
    assert found.input_size == (96, 128)
    assert found.input_range == (-1.0, 1.0)
    assert found.layers == ("conv*", "dense", "::4")


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("-1,1", (-1.0, 1.0)),
        ("0:0:0,1:2:3", ((0.0, 0.0, 0.0), (1.0, 2.0, 3.0))),
        ("0,1:2:3", ((0.0, 0.0, 0.0), (1.0, 2.0, 3.0))),
        ([[0, 0, 0], [1, 2, 3]], ((0.0, 0.0, 0.0), (1.0, 2.0, 3.0))),
        ([0, 255], (0.0, 255.0)),
    ],
    ids=str,
)
def test_an_input_range_is_two_ends_or_ends_by_channel(said, read):
    assert read_settings({"input_range": said}).input_range == read


def test_input_ranges_have_names():
    low, high = read_settings({"input_range": "imagenet"}).input_range
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    assert low == pytest.approx([-m / d for m, d in zip(mean, deviation, strict=True)])
    assert high == pytest.approx([(1 - m) / d for m, d in zip(mean, deviation, strict=True)])
    low, high = read_settings({"input_range": "caffe"}).input_range
    assert [b - a for a, b in zip(low, high, strict=True)] == [255.0] * 3


@pytest.mark.parametrize("said", ["0:1,1:2:3", "1:1,0:0", "0:0:x,1:1:1", "nan,1", "imagenets", "0:0:,1:1:1"])
def test_an_input_range_that_is_none_is_refused(said):
    with pytest.raises(ConfigError, match="input_range"):
        read_settings({"input_range": said})


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ({"images": 3}, "images is 3, wanted a path"),
        ({"rule": 3}, "rule is 3, wanted a text, or a list of texts"),
        ({"rule": [3]}, "rule.0 is 3, wanted a text"),
        ({"group": 3}, "group is 3, wanted a text"),
        ({"score": 3}, "score is 3, wanted a table"),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_was_wanted(option, wanted):
    with pytest.raises(ConfigError, match=re.escape(wanted)):
        read_settings(option)
