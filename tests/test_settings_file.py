"""A configuration file may be anybody's: whatever it says is a setting or one line; it reaches nowhere."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reportgen.config import Settings, read_settings
from reportgen.errors import ConfigError

KEYS = [field.alias or name for name, field in Settings.model_fields.items()]
TABLES = ["set.tv", "set.steps", "set.spectrum", "score.crop", "score.borderline_z", "atlas.title",
          "atlas.unit_pages_max", "hold.age"]  # fmt: skip
LONG = "9" * 5000

# As a file would write them, for TOML has values (dates, hexadecimal numbers) that Python writes otherwise.
SCALARS = st.one_of(
    st.sampled_from(
        ["0", "-1", "1e400", "-0.0", "nan", "true", "''", '"\\u0000"', '"\\u001b[2J"', '"a\\nb"', "{}",
         "[]", "[[]]", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "0x" + "f" * 6000, "9" * 30,
         "'" + LONG + "'", '"' + LONG + 'GB"', '"' + LONG + 'x9"', f'"0,{LONG}"', "'tv=1e-999..1e999'",
         "'='", "'.'", "'/'", "'nan,nan'", "'1h'", "'lucid'"]
    ),
    st.integers(min_value=-(2**70), max_value=2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(st.characters(min_codepoint=32, max_codepoint=767, exclude_characters="'\x7f"), max_size=12).map(
        "'{}'".format
    ),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: "[" + ", ".join(parts) + "]"),
        st.lists(inner, max_size=2).map(
            lambda parts: "{" + ", ".join(f"k{i} = {part}" for i, part in enumerate(parts)) + "}"
        ),
    ),
    max_leaves=8,
)


def one_line(file, *, named=True, options=None):
    """Return the error of reading it, or nothing; anything but a `ConfigError` of a line fails the test."""
    try:
        read_settings(options or {}, file if named else None)
    except ConfigError as error:
        text = str(error)
        assert text.isprintable() and len(text) < 600, text[:1000]
        return text
    return ""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS + TABLES), value=VALUES)
@example(key="layers", value=LONG)
@example(key="set.steps", value="[" * 5000 + "]" * 5000)
@example(key="input_size", value="[{a = 1}, 2]")
@example(key="input_range", value="[[1], {a = 2}]")
@example(key="max_memory", value="0x" + "f" * 6000)
def test_any_value_of_any_key_is_a_setting_or_one_line_that_names_file_and_key(tmp_path, key, value):
    file = tmp_path / "reportgen.toml"
    file.write_text(f"{key} = {value}\n", encoding="utf-8")
    said = one_line(file)
    assert said == "" or ("reportgen.toml" in said and key.split(".")[-1] in said), said


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_any_bytes_are_settings_or_one_line(tmp_path, data):
    file = tmp_path / "reportgen.toml"
    file.write_bytes(data)
    one_line(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds = 1\nbatch = " + LONG, r'line 2 \("batch"\) is a number of 5,000 digits: wanted at most 18'),
        ("batch = 0x" + "f" * 6000, "batch is a number of 24,000 bits: wanted at most 18 digits"),
        ("layers = " + "[" * 5000 + "]" * 5000, r'line 1 \("layers"\) is nested too deep'),
        ("[set]\ntv = " + "[" * 20 + "]" * 20, "set.tv is nested too deep: wanted at most 8 levels"),
        ("a" + ".a" * 100_000 + " = 1", r"line 1 .* is nested too deep"),
        ("[" + "a." * 100 + "a]", "nested too deep"),
        ("credits = '" + "x" * 300_000 + "'", "more than 262,144 bytes"),
        ("input_size = [[1], 2]", r"input_size is \[\[1\], 2\], wanted HxW"),
        ("input_range = [{a = 1}, 2]", "input_range is .*, wanted LO,HI"),
        ("max_memory = '" + LONG + "'", "max_memory is '999.*, wanted a size such as 8GB"),
        ("site = \"a\\u0000b\"", "site is .*, wanted a path without control characters"),
        ("score = {dead_share = nan}", "score.dead_share is nan, wanted finite numbers"),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_no_setting_is_names_the_place_what_was_received_and_what_was_wanted(tmp_path, text, said):
    file = tmp_path / "reportgen.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read_settings({}, file)


OUTSIDE = ["../elsewhere", "/tmp/elsewhere", "a/../../b", "link/site"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder somebody sent, which is the current one."""
    inner = tmp_path / "theirs"
    inner.mkdir()
    (inner / "link").symlink_to(tmp_path)
    monkeypatch.chdir(inner)
    return inner


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("templates = 't'", "--templates 't', or --config reportgen.toml"),
        ("trust_model = true", "--trust-model, or --config reportgen.toml"),
        ("custom = ['a:B']", "--custom"),
        ("ray = 'ray://example.org:10001'", "--ray 'ray://example.org:10001'"),
        ("ray = 'auto'", "--ray 'auto'"),
        *[(f"{key} = {place!r}", f"--{key} ") for key in ("store", "site", "images") for place in OUTSIDE],
    ],
)
def test_a_file_nobody_named_says_no_code_no_address_and_no_place_outside(folder, text, hint):
    (folder / "reportgen.toml").write_text(text, encoding="utf-8")
    key = text.partition(" ")[0]
    said = one_line(None, named=False)
    assert (
        said.startswith(f"reportgen.toml: {key} ") and "is only allowed in a file named with --config" in said
    )
    assert hint in said
    assert one_line(folder / "reportgen.toml") == ""


@pytest.mark.parametrize(("key", "own"), [("templates", "mine"), ("ray", "local"), ("site", "../mine")])
def test_what_the_command_line_says_itself_takes_the_files_place(folder, key, own):
    (folder / "reportgen.toml").write_text(f"{key} = '../theirs'", encoding="utf-8")
    assert str(getattr(read_settings({key: own}), key)) == own


def test_what_stays_in_the_folder_and_names_no_code_is_obeyed(folder):
    text = (
        "store = 'a/b.db'\nsite = './out'\nimages = 'pictures'\nray = 'local'\ntrust_model = false\nseeds = 2"
    )
    (folder / "reportgen.toml").write_text(text, encoding="utf-8")
    found = read_settings({})
    assert (found.store, found.site, found.images) == (Path("a/b.db"), Path("out"), Path("pictures"))
    assert (found.ray, found.seeds) == ("local", 2)
    assert found.model_dump()["trust_model"] is tomllib.loads(text)["trust_model"]
