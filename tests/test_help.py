"""What `--help` says: examples that a command takes, and each option under its heading."""

import shlex

import pytest

from reportgen.cli import cli
from reportgen.cli.help import HEADINGS
from reportgen.cli.options import OPTIONS


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_examples_and_takes_them(name):
    command = cli.commands[name]
    assert command.examples
    for example in command.examples:
        program, said, *words = shlex.split(example.partition(" > ")[0])
        assert (program, said) == ("reportgen", name)
        command.make_context(name, words)


def test_options_stand_under_one_heading_each():
    listed = [key for keys in HEADINGS.values() for key in keys]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(OPTIONS)


def test_the_help_of_atlas_shows_its_options_by_heading(run):
    code, said, _ = run("atlas", "--help")
    assert code == 0
    places = [said.index(f"\n{heading}:") for heading in ("Examples", "Options", *HEADINGS)]
    assert places == sorted(places)
    assert said.index("--input-range") > said.index("The model:") > said.index("--site")


@pytest.mark.parametrize(("option", "told"), [("--seeds", "seeds is 0"), ("--units", "units is '0'")])
def test_no_seeds_and_no_units_are_refused(run, tiny_model, tmp_path, option, told):
    code, _, said = run("render", tiny_model, option, "0", "--store", tmp_path / "none.db")
    assert code == 2 and told in said and said.count("error:") == 1


def test_no_command_at_all_shows_the_help_as_it_is(run):
    code, out, said = run()
    assert code == 2 and not out
    assert said == run("--help")[1] and "\n  atlas " in said and "error:" not in said
