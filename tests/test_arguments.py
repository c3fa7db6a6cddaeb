"""What public functions are given is checked by their signatures, in one line, before they begin."""

import inspect
import re
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

import reportgen
from reportgen.arguments import checked
from reportgen.errors import ConfigError, ReportgenError, WrongArgument
from reportgen.run.progress import Silent

FUNCTIONS = [name for name in reportgen.__all__ if inspect.isfunction(getattr(reportgen, name))]
FITTING = {"format": "csv", "out": "out", "site_dir": "site", "folder": "folder"}


def own_parameters():
    """All parameters of public functions that are no keys of the configuration."""
    for name in FUNCTIONS:
        function = inspect.unwrap(getattr(reportgen, name))
        names = set(function.__annotations__) - {"return", "options"}
        for parameter in sorted(names):
            yield name, parameter


def call_with(name, parameter, value):
    """Call a public function with one argument of a choice, and texts for the others that it needs."""
    parameters = inspect.signature(getattr(reportgen, name)).parameters
    if parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL:
        return getattr(reportgen, name)(value)
    needed = [p.name for p in parameters.values() if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    return getattr(reportgen, name)(**{p: FITTING.get(p, "none") for p in needed} | {parameter: value})


@pytest.mark.parametrize(("name", "parameter"), list(own_parameters()))
def test_a_value_of_a_wrong_type_is_one_line_that_names_it_before_anything_is_done(name, parameter, tmp_path,
                                                                                   monkeypatch):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongArgument) as caught:
        call_with(name, parameter, 3j)
    assert str(caught.value).startswith(f"{name}(): {parameter} is 3j, wanted ")
    assert isinstance(caught.value, TypeError) and isinstance(caught.value, ConfigError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("atlas", {"models": 3}),
        ("atlas", {"models": ["a.keras", 3]}),
        ("open", {"store": None}),
        ("open", {"store": b"x.db"}),
        ("open", {"store": "x.db", "version": []}),
        ("load_model", {"path": 3}),
        ("prune", {"model": "a.keras", "out": 3}),
        ("prune", {"model": "a.keras", "reporter": 3}),
        ("prune", {"model": "a.keras", "stop": True}),
        ("prune", {"model": "a.keras", "largest": "no"}),
        ("prune", {"model": "a.keras", "order": "nead"}),
        ("prune", {"model": "a.keras", "order": np.zeros(2)}),
        ("check_site", {"site_dir": "site", "max_site_bytes": True}),
        ("export_table", {"store_path": "x.db"}),
    ],
)
def test_what_does_not_fit_is_refused(name, arguments):
    with pytest.raises(WrongArgument):
        getattr(reportgen, name)(**arguments)


def test_a_word_that_is_none_of_the_wanted_is_refused_with_all():
    with pytest.raises(WrongArgument, match=re.escape("order is 'nead', wanted need, looks, random")):
        reportgen.prune("a.keras", order="nead")


def test_numbers_and_paths_of_any_library_fit():
    @checked
    def given(n: int, share: float, path: "str | Path", told: "list[int] | None" = None) -> tuple:
        return n, share, path, told

    class Elsewhere:
        def __fspath__(self):
            return "a"

    for value in ("a", Path("a"), PurePosixPath("a"), Elsewhere()):
        assert given(np.int64(3), np.float32(0.5), value)[2] is value
    assert given(3, 1, "a", told=[1]) == (3, 1, "a", [1])
    with pytest.raises(WrongArgument, match="n is True, wanted"):
        given(True, 0.5, "a")


def test_what_fits_is_handed_on():
    with pytest.raises(ReportgenError, match="does not exist") as caught:
        reportgen.prune("none.keras", reporter=Silent(), out=Path("small.keras"), order="need")
    assert not isinstance(caught.value, WrongArgument)


def test_a_missing_argument_is_named():
    with pytest.raises(WrongArgument, match=r"export_table\(\): missing a required argument: 'format'"):
        reportgen.export_table("none.db", "out.csv")
