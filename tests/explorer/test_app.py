"""The application, asked without a browser: what is served, and that nothing is served around the guard."""

import io
import json
import re
import shutil

import numpy as np
import pytest
from asking import ask
from PIL import Image
from sketching_studio import SketchingStudio

from reportgen.atlas.site_map import OF_MODEL
from reportgen.explorer.guard import Door
from reportgen.explorer.render_request import parse
from reportgen.explorer.result_cache import Ledger
from reportgen.explorer.store_view import StoreView
from reportgen.images import decode_png
from reportgen.spec import RenderSpec
from reportgen.store import open_store

pytest.importorskip("dash", reason="the extra explorer is not installed")

from dash import html

from reportgen.explorer.app import make_app
from reportgen.explorer.layout import MOST_COMPONENTS, count_components, layout


class Kept(SketchingStudio):
    """Has the pictures of a store."""

    def __init__(self, path):
        super().__init__({})
        self.original = Ledger(path).original


@pytest.fixture(scope="module")
def app(store_view):
    return make_app(store_view, SketchingStudio({v.name: None for v in store_view.versions()}), Door())


def test_a_page_has_few_components():
    assert count_components(html.Div([html.P("x"), html.Ul([html.Li("a"), html.Li("b")])])) == 5
    assert count_components(layout()) < MOST_COMPONENTS


def test_the_front_leads_to_the_version_that_came_last(app, store_view):
    answer = ask(app, "/")
    assert answer.status == 303 and answer.headers["location"] == store_view.versions()[-1].home


@pytest.mark.parametrize("name", [*sorted(kind.name for kind in OF_MODEL if kind.explored), "conv1"])
def test_the_atlas_s_addresses_are_the_explorers(app, name):
    answer = ask(app, f"/m/garden/v2/{name}.html")
    assert answer.status == 200 and 'id="react-entry-point"' in answer.text


@pytest.mark.parametrize(
    "path",
    ["/m/garden/v9/units.html", "/m/garden/v2/nothing.html", "/m/garden/v2/..%2f..%2fetc.html",
     "/m/garden/v2/conv1/999999.json", "/m/garden/v2/conv1/x.json", f"/img/{'0' * 32}.webp",
     "/assets/atlas.css", "/progress/none/1.webp", "/m/garden/v2/conv1/names.js/x"],
)  # fmt: skip
def test_what_is_not_there_is_not_found_in_one_line(app, path):
    answer = ask(app, path)
    assert answer.status == 404 and answer.text.count("\n") <= 1 and "Traceback" not in answer.text


def test_a_link_of_another_site_makes_nothing_be_rendered(app):
    opened = {site: ask(app, "/m/garden/v2/conv1.html", sec_fetch_site=site, sec_fetch_mode="navigate").text
              for site in ("none", "same-origin", "cross-site", "same-site")}  # fmt: skip
    renders = {site: '"renders": true' in page for site, page in opened.items()}
    assert renders == {"none": True, "same-origin": True, "cross-site": False, "same-site": False}


def test_a_download_has_its_recipe_inside_and_a_plain_name(app, store_view):
    at = next(v for v in store_view.versions() if v.place.version == "v2")
    shown = store_view.unit(at, "conv1", 3).lead
    app = make_app(store_view, Kept(store_view.path), Door())
    answer = ask(app, f"/img/{shown.key}.png", query=f"of={at.name}")
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="garden-v2-conv1-unit-3-{shown.key[:8]}.png"'
    )
    with Image.open(io.BytesIO(answer.body)) as picture:
        texts, pixels = picture.text, np.asarray(picture)
    told = json.loads(texts["reportgen"])
    assert parse(told["asked"]) == shown.asked and told["key"] == shown.key
    assert RenderSpec(**told["recipe"]) == shown.asked.recipe
    assert told["activation"] == shown.activation and told["steps"] == shown.steps
    assert "unit 3" in texts["Title"] and str(store_view.path.parent) not in json.dumps(texts)
    with open_store(store_view.path) as store:
        kept = store.picture_of(shown.key)
    assert np.array_equal(pixels, decode_png(kept.picture, kept.channels).squeeze())
    assert ask(app, f"/img/{'0' * 32}.png").status == 404
    assert ask(app, f"/growth/{shown.key}.json").status == 404
    assert ask(app, f"/growth/{shown.key}.webp").status == 404


def test_a_picture_never_changes_and_is_kept(app, store_view):
    at = next(v for v in store_view.versions() if v.place.version == "v2")
    answer = ask(app, f"/img/{store_view.unit(at, 'conv1', 3).lead.key}.webp")
    assert answer.headers["content-type"] == "image/webp" and answer.body[:4] == b"RIFF"
    assert "immutable" in answer.headers["cache-control"]


def test_scripts_run_from_files_alone(app):
    answer = ask(app, "/m/garden/v2/units.html")
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>([^<]*)</script>", answer.text)
    assert inline == ["var renderer = new DashRenderer();"]  # Dash's own, by its hash.
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"].split("style-src")[0]
    assert not re.findall(r"(?:src|href)=\"https?:", answer.text)


def test_names_of_a_model_are_escaped(app, store_view):
    page = ask(app, store_view.versions()[-1].home).text
    layout = ask(app, "/_dash/_dash-layout").text
    assert "<script>alert(1)" not in page + layout


def test_every_address_of_the_server_is_behind_the_token(store_view):
    app = make_app(store_view, SketchingStudio({}), Door("0.0.0.0", "atoken-atoken"))
    paths = {re.sub(r"\{[^}]*\}", "x", route.path) for route in app._application._application.routes}
    assert len(paths) > 15
    for path in paths:
        for method in ("GET", "POST"):
            sent = {"host": "10.0.0.1", "origin": "http://10.0.0.1"}
            assert ask(app, path, method=method, **sent).status in (401, 404), path


def test_a_damaged_store_is_reported_and_the_explorer_goes_on(sample, tmp_path):
    path = tmp_path / "own.db"
    shutil.copy(sample, path)
    app = make_app(StoreView(path), SketchingStudio({}), Door())
    path.write_bytes(b"no store at all, nothing of the kind")
    answer = ask(app, "/m/garden/v2/units.js")
    assert answer.status == 500 and "own.db" in answer.text and str(tmp_path) not in answer.text
    shutil.copy(sample, path)
    assert ask(app, "/m/garden/v2/units.js").status == 200


def test_reading_takes_no_lock(app, sample):
    with open_store(sample) as store:
        store.lock_for_rendering()
        assert ask(app, "/m/garden/v2/units.js").status == 200


def test_progress_of_nobody_is_empty(app):
    answer = ask(app, "/progress.json", query="of=a,b")
    assert json.loads(answer.text) == {}
