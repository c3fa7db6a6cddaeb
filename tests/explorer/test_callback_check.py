"""A call that the page could not have sent is answered in a line: 400, 403 or 404, and nothing is logged."""

import json
import logging

import pytest
from asking import ask
from hypothesis import given, settings
from hypothesis import strategies as st
from sketching_studio import SketchingStudio

pytest.importorskip("dash", reason="the extra explorer is not installed")

from reportgen.explorer.app import make_app
from reportgen.explorer.guard import Door

CALLS = "/_dash/_dash-update-component"
SUITES = "/_dash/_dash-component-suites/"
HOME = "http://127.0.0.1:8050"


KEYS = (
    "model",
    "version",
    "layer",
    "unit",
    "form",
    "tab",
    "tv",
    "sign",
    "recipe",
    "numbers",
    "start",
    "seed",
)


@pytest.fixture(scope="module")
def app(store_view):
    app = make_app(store_view, SketchingStudio({v.name: None for v in store_view.versions()}), Door())
    assert ask(app, "/m/garden/v2/units.html").status == 200
    return app


@pytest.fixture(scope="module")
def callbacks(app):
    return json.loads(ask(app, "/_dash/_dash-dependencies").text)


def call(app, body, origin=HOME):
    return ask(app, CALLS, method="POST", origin=origin, content_type="application/json", body=body)


def outputs(callback):
    several = callback["output"].startswith("..")
    parts = [part.rpartition(".") for part in callback["output"].strip(".").split("...")]
    named = [{"id": id_, "property": of} for id_, _, of in parts if id_]
    return named if several else named[0] if named else []


def filled(callback, **values):
    """Return the call of a callback with these values by id, the others empty."""
    return {
        "output": callback["output"],
        "outputs": outputs(callback),
        "inputs": [{**x, "value": values.get(x["id"])} for x in callback["inputs"]],
        "state": [{**x, "value": values.get(x["id"])} for x in callback["state"]],
        "changedPropIds": [f"{x['id']}.{x['property']}" for x in callback["inputs"][:1]],
    }


def test_what_the_page_sends_is_answered(app, callbacks):
    place = {"model": "garden", "version": "v2"}
    answer = call(app, json.dumps(filled(callbacks[0], place=place)).encode())
    assert answer.status == 200 and json.loads(answer.text)["response"]["layers"]["rowData"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"null", b"[]", b"{}", b'{"output": 3}', b'{"output": "x.y"}', b"[" * 100_000, b"\xff",
     b'{"output": "layers.rowData"}', b'{"output": "layers.rowData", "inputs": [{}]}',
     b'{"output": "layers.rowData", "inputs": [], "outputs": {"id": "layers", "property": "rowData"}}'],
)  # fmt: skip
def test_a_malformed_call_is_400_in_a_line(app, caplog, body):
    with caplog.at_level(logging.WARNING):
        answer = call(app, body)
    assert (answer.status, answer.text.count("\n")) == (400, 1)
    assert answer.headers["x-content-type-options"] == "nosniff" and caplog.records == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_value_of_a_call_is_an_error_of_the_servers(app, callbacks, data):
    value = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
                  st.sampled_from(["garden", "v2", "conv1", "data:x;base64,AA", "\ud800", "1e999"])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
        ),
        max_leaves=12,
    )  # fmt: skip
    one = data.draw(st.sampled_from(callbacks))
    names = [x["id"] for x in (*one["inputs"], *one["state"])]
    said = filled(one, **{name: data.draw(value) for name in names})
    part = data.draw(st.sampled_from(["", *said]))
    if part:
        said[part] = data.draw(value)
    assert call(app, json.dumps(said).encode()).status in (200, 204, 400)


@pytest.mark.parametrize(
    "path",
    ["x/y", "dash/", "dash/../../x", "dash/deps/none.js", "dash//etc/passwd", "x@1/y",
     "reportgen/config.py", "os/path", "dash/%00"],
)  # fmt: skip
def test_an_odd_path_under_component_suites_is_404(app, caplog, path):
    with caplog.at_level(logging.WARNING):
        answer = ask(app, SUITES + path)
    assert (answer.status, answer.text.count("\n")) == (404, 1) and caplog.records == []


@pytest.mark.parametrize("name", ["[", "[::1", "]", "a[b]c", "[x]", "//", "\\", "@", "http:[", "127.0.0.1:["])
def test_an_odd_host_or_origin_is_another_s(app, name):
    answer = ask(app, "/", host=name)
    assert answer.status == 421 and answer.headers["x-frame-options"] == "DENY"
    assert call(app, b"{}", origin=f"http://{name}").status == 403
    assert call(app, b"{}", origin=name).status == 403
