"""The public interface is a dozen names, loads nothing heavy, and shows itself in a notebook."""

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from small_networks import QUICK

import reportgen

COMMITTED = Path(__file__).parent / "golden" / "public-names.txt"


def signature_of(name):
    thing = getattr(reportgen, name)
    if dataclasses.is_dataclass(thing):  # Its numbers may be tuned; its names are the interface.
        return f"{name}({', '.join(field.name for field in dataclasses.fields(thing))})"
    return f"{name}{inspect.signature(thing)}"


def test_names_and_signatures_are_the_committed_ones():
    """A change here is a change of the interface: write it into the file and the changelog."""
    found = [signature_of(name) for name in sorted(reportgen.__all__)]
    assert found == COMMITTED.read_text().splitlines()


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
