"""The public interface is a dozen names, loads nothing heavy, and shows itself in a notebook."""

import dataclasses
import functools
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_networks import QUICK

import reportgen
from reportgen.config import Settings
from reportgen.run import options as options_module

WITH_OPTIONS = (
    "atlas", "check_model", "compare", "dream", "gate", "inspect_model", "prune", "render", "report", "score",
)  # fmt: skip
OWN = {
    "dream": {"layer", "units", "start", "size", "octaves", "sign", "seed"},
    "prune": {"order", "largest", "force"},
    "report": {"max_mb"},
}
"""Parameters of single functions that are no keys of the configuration."""
COMMITTED = Path(__file__).parent / "golden" / "public-names.txt"


def signature_of(name, thing):
    """A signature; a long one has a line for each parameter."""
    if dataclasses.is_dataclass(thing):  # Its numbers may be tuned; its names are the interface.
        return f"{name}({', '.join(field.name for field in dataclasses.fields(thing))})"
    signature = inspect.signature(thing)
    if len(signature.parameters) < 6:
        return f"{name}{signature}"
    inside = str(signature).removeprefix("(").rpartition(") -> ")[0]
    lines = re.sub(r", (?=\*|\w+: )", "\n    ", inside)
    return f"{name}(\n    {lines}\n) -> {signature.return_annotation}"


def given_back():
    """The classes of what public functions give back, by name."""
    from reportgen.atlas import AtlasSummary
    from reportgen.atlas.report import ReportSummary
    from reportgen.run import (
        dream_picture,
        gating,
        model_check,
        model_run,
        pruning,
        removal_report,
        results,
        store_atlas,
        unit_pictures,
    )

    found = [
        *(
            thing
            for module in (results, store_atlas, unit_pictures, removal_report)
            for thing in vars(module).values()
            if getattr(thing, "__module__", "") == module.__name__
        ),
        *(
            AtlasSummary,
            ReportSummary,
            dream_picture.Dream,
            gating.GateResult,
            model_check.ModelCheck,
            model_check.Fault,
            pruning.Pruned,
            model_run.RenderSummary,
            model_run.RenderSummaries,
        ),
    ]
    return {thing.__name__: thing for thing in found if inspect.isclass(thing)}


def members_of(name, thing):
    """Public methods and properties of a class, each with its signature."""
    for member, value in sorted(vars(thing).items()):
        if isinstance(value, property | functools.cached_property) and not member.startswith("_"):
            made = value.fget if isinstance(value, property) else value.func
            yield f"{name}.{member} -> {inspect.signature(made).return_annotation}"
        elif inspect.isfunction(value) and (not member.startswith("_") or member in OPERATORS):
            yield f"{name}.{member}{inspect.signature(value)}"


OPERATORS = ("__call__", "__getitem__", "__iter__", "__len__")


def interface():
    """All that others write against: public names, and what they give back, one text each."""
    found = [signature_of(name, getattr(reportgen, name)) for name in sorted(reportgen.__all__)]
    for name, thing in sorted(given_back().items()):
        found += [signature_of(name, thing), *members_of(name, thing)]
    # In which module a type lies is another with each Python.
    return [re.sub(r"\b(?:collections\.abc|pathlib(?:\._local)?|typing)\.", "", text) for text in found]


def test_names_and_signatures_are_the_committed_ones():
    """A change here is a change of the interface: write it into the file and the changelog."""
    assert "\n".join(interface()) + "\n" == COMMITTED.read_text()


def test_no_public_signature_says_any():
    said = [line for line in interface() if re.search(r"\bAny\b", line)]
    said += [
        f"{name}.{field.name}: {field.type}"
        for name, thing in given_back().items()
        if dataclasses.is_dataclass(thing)
        for field in dataclasses.fields(thing)
        if re.search(r"\bAny\b", str(field.type))
    ]
    assert not said


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_a_misspelt_option_is_a_type_error_that_names_the_nearest(name):
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'stroe'. Did you mean 'store'\?"):
        getattr(reportgen, name)(stroe="x.db")


def test_a_misspelt_argument_of_a_function_without_options_is_refused_likewise():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'mdel'. Did you mean 'model'\?"):
        reportgen.open("x.db", mdel="tiny")


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_every_option_is_a_key_of_the_configuration_and_takes_none_for_not_said(name):
    keys = {field.alias or key for key, field in Settings.model_fields.items()}
    named = inspect.signature(getattr(reportgen, name)).parameters
    own = {"config", "models", "path", "model", "version", "versions", "chance", "reporter", "stop", "out"}
    options = set(named) - own - OWN.get(name, set())
    assert options <= keys
    assert all(named[option].default is None for option in options)


def test_every_key_of_the_configuration_is_an_option_of_some_function():
    keys = {field.alias or key for key, field in Settings.model_fields.items()}
    named = {key for name in WITH_OPTIONS for key in inspect.signature(getattr(reportgen, name)).parameters}
    assert keys <= named


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_signatures_show_the_options_that_a_function_is_annotated_with(name):
    annotated = getattr(reportgen, name).__annotations__["options"]
    options = getattr(options_module, annotated.removeprefix("Unpack[").removesuffix("]"))
    assert set(options.__annotations__) < set(inspect.signature(getattr(reportgen, name)).parameters)


def test_every_option_is_explained_in_the_docstring_of_a_kind_that_has_it():
    kinds = [thing for name, thing in vars(options_module).items() if name.endswith("Options")]
    told = {
        (kind, key) for kind in kinds for key in kind.__annotations__ if f"        {key}: " in kind.__doc__
    }
    assert {key for _, key in told} == {key for kind in kinds for key in kind.__annotations__}


def test_every_public_name_is_documented():
    for name in reportgen.__all__:
        assert len((getattr(reportgen, name).__doc__ or "").splitlines()[0]) > 20, name


def test_importing_the_package_loads_no_framework():
    script = (
        "import reportgen, sys; dir(reportgen); print({'tensorflow','keras','jax','dash'} & set(sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip()
        == "set()"
    )


def test_rooms_do_not_hide_the_functions_of_the_same_name():
    import reportgen.atlas
    import reportgen.render
    import reportgen.score

    assert all(inspect.isfunction(getattr(reportgen, name)) for name in ("atlas", "render", "score"))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        reportgen.nothing  # noqa: B018


@pytest.mark.slow
def test_from_python_as_from_the_command_line(tmp_path, tiny_model):
    store, site = tmp_path / "s.db", tmp_path / "site"
    result = reportgen.atlas(tiny_model, store=store, site=site, units=1, seeds=2, **QUICK)
    assert [r.failed for r in result.renders] == [0]
    assert {row["layer"] for row in result.verdicts} == {"conv", "head"}
    assert Path(result.site.index).is_file()
    for shown in (result, result.verdicts, result.renders[0], reportgen.inspect_model(tiny_model)):
        assert "<" in shown._repr_html_()
    assert reportgen.verdicts(store).rows == result.verdicts.rows


def test_names_of_a_model_are_escaped_where_results_show_themselves():
    row = {"model": "m", "version": "v", "layer": "<script>alert(1)</script>", "verdict": "flat"}
    from reportgen.run.results import Verdicts

    assert "<script>" not in Verdicts((row,))._repr_html_()


if __name__ == "__main__":  # Writes the interface anew, as it is now.
    COMMITTED.write_text("\n".join(interface()) + "\n")
