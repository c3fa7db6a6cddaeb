"""A store may be anybody's: what it says becomes no path outside, and its numbers are told as they are."""

import dataclasses
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sample_store import recipe_hash

from reportgen.atlas import export_pictures, write_atlas
from reportgen.atlas.addresses import places
from reportgen.atlas.output import site_files
from reportgen.atlas.recipe_list import recipe_links, recipes_of
from reportgen.atlas.rows import layer_rows
from reportgen.atlas.unit_view import unit_view
from reportgen.atlas.view_context import ViewContext
from reportgen.errors import SiteError, StoreError
from reportgen.spec import RECIPES, AtlasSpec, for_kind
from reportgen.store import Store, open_store


@pytest.fixture
def own(small_store: Path, tmp_path: Path) -> Path:
    """A store of one's own, to be changed."""
    return Path(shutil.copy(small_store, tmp_path / "own.db"))


def change(store: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(store)) as db, db:
        assert db.execute(statement, values).rowcount > 0


def context_of(store: Store, version: int = 0) -> ViewContext:
    records = store.models()
    return ViewContext(AtlasSpec(), places(records)[records[version].id], store.recipes(), {}, "this")


def with_recipes(store: Path, **roles: object) -> None:
    with open_store(store) as opened:
        for record in opened.models():
            recipes = {**record.plan["recipes"], **roles}
            opened.put_model(dataclasses.replace(record, plan={**record.plan, "recipes": recipes}))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE placements SET sign='/../../../../out' WHERE rowid_unit",
        "UPDATE placements SET unit='../../../out' WHERE rowid_unit",
        "UPDATE placements SET unit=-1 WHERE rowid_unit",
        "UPDATE placements SET seed='/../../../out' WHERE rowid_unit",
        "UPDATE renders SET height=0",
    ],
)
def test_a_picture_whose_place_leads_out_is_refused(own: Path, tmp_path: Path, statement: str) -> None:
    one = "model=1 AND layer='conv1' AND unit=0 AND seed=0 AND sign='happy' AND recipe=" + repr(
        recipe_hash(RECIPES["default"])
    )
    change(own, statement.replace("rowid_unit", one))
    (tmp_path / "work").mkdir()
    before = {*tmp_path.rglob("*"), *tmp_path.parent.iterdir()}
    with pytest.raises(StoreError, match="the store"):
        export_pictures(own, tmp_path / "work" / "pictures")
    with pytest.raises(StoreError, match="the store"):
        write_atlas(own, tmp_path / "work" / "site")
    after = {*tmp_path.rglob("*"), *tmp_path.parent.iterdir()}
    assert {p for p in after if tmp_path / "work" not in p.parents} == before


@pytest.mark.parametrize("unit", ["../../../../out", -3, 1.5, True, None])
def test_a_score_of_a_unit_that_is_none_is_refused(own: Path, tmp_path: Path, unit: object) -> None:
    change(
        own,
        "UPDATE scores SET record=json_set(record, '$.unit', json(?)) WHERE model=1 AND unit=0",
        json.dumps(unit),
    )
    with pytest.raises(StoreError, match=r"invalid score"):
        write_atlas(own, tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "path", ["../out.html", "/out.html", "a/../b.html", "a/.hidden", ".htaccess", "", "a//b"]
)
def test_a_site_takes_no_file_under_an_unsafe_path(tmp_path: Path, path: str) -> None:
    with site_files(tmp_path / "site") as files:
        with pytest.raises(SiteError, match="no file of a site"):
            files.put(path, b"x")
        with pytest.raises(SiteError, match="no file of a site"):
            files.keep(path)
        files.put(".nojekyll", b"")
        files.put("m/a.b/_x/0.html", b"")
    assert not (tmp_path / "out.html").exists()


def test_pictures_are_not_written_through_a_link_that_leads_out(own: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "garden").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SiteError, match="outside"):
        export_pictures(own, tmp_path / "pictures")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.slow
def test_a_citation_is_an_address_whether_or_not_the_url_ends_in_a_slash(own: Path, tmp_path: Path) -> None:
    write_atlas(own, tmp_path / "a", AtlasSpec(url="https://example.org/atlas"))
    write_atlas(own, tmp_path / "b", AtlasSpec(url="https://example.org/atlas/"))
    for page in ("m/garden/v1/conv1/3.html", "m/garden/v1/index.html", "sitemap.txt"):
        text = (tmp_path / "a" / page).read_text(encoding="utf-8")
        assert "https://example.org/atlas/m/garden/v1/" in text
        assert text == (tmp_path / "b" / page).read_text(encoding="utf-8")


def test_the_recipe_that_a_dense_layers_page_names_has_the_numbers_for_dense_layers(own: Path) -> None:
    recipe = RECIPES["keras-vis-2019"]
    with open_store(own) as opened:
        opened.put_recipe("old", recipe)
    with_recipes(own, shown="old")
    with open_store(own) as opened:
        record, recipes = opened.models()[0], opened.recipes()
        listed = {r.anchor: r for r in recipes_of(record, recipes)}
        for name, kind in (("fc", "dense"), ("conv1", "conv2d")):
            link = recipe_links(record, name, recipes)[0]
            lines = listed[link.anchor].toml.splitlines()
            assert f"tv = {for_kind(recipe, kind).tv}" in lines


def test_a_sweep_is_captioned_by_what_differs(own: Path) -> None:
    steps = [dataclasses.replace(RECIPES["show"], step_size=v) for v in (0.01, 0.1)]
    with open_store(own) as opened:
        for recipe in steps:
            opened.put_recipe(recipe_hash(recipe), recipe)
        tv = opened.models()[0].plan["recipes"]["sweep"]
    for old, recipe in zip(tv, steps, strict=False):
        change(own, "UPDATE placements SET recipe=? WHERE recipe=?", recipe_hash(recipe), old)
    with_recipes(own, sweep=[recipe_hash(r) for r in steps])
    with open_store(own) as opened:
        record = opened.models()[0]
        view = unit_view(context_of(opened), layer_rows(opened, record, record.layer("conv1")), 0)
    (sweep,) = (s for s in view.sections if s.title == "Sweep")
    assert [p.caption for p in sweep.pictures] == ["step_size 0.01", "step_size 0.1"]
    assert "step_size" in sweep.note


def test_pages_name_the_cut_a_layer_was_scored_with(own: Path, tmp_path: Path) -> None:
    change(own, "UPDATE scored SET findings=json_set(findings, '$.structure_z', 3.5) WHERE layer='fc'")
    write_atlas(own, tmp_path / "site")
    folder = tmp_path / "site/m/garden/v1"
    assert "3.5 where patterns begin" in (folder / "fc/0.html").read_text(encoding="utf-8")
    assert "2 where patterns begin" in (folder / "conv1/0.html").read_text(encoding="utf-8")
    assert "structure 3.5" in (folder / "fc.html").read_text(encoding="utf-8")
    assert "<dt>Patterns begin at</dt>" not in (folder / "conv1.html").read_text(encoding="utf-8")
    assert "Patterns begin at 2.4, unless" in (tmp_path / "site/method.html").read_text(encoding="utf-8")


def test_two_builds_into_one_site_do_not_touch_each_others_files(tmp_path: Path) -> None:
    with site_files(tmp_path) as first:
        first.put("one.html", b"1")
        with site_files(tmp_path) as second:
            second.put("two.html", b"2")
            second.publish()
        first.publish()
    assert sorted(p.name for p in tmp_path.glob("*.html")) == ["one.html", "two.html"]
    assert not list(tmp_path.glob(".atlas-staging*"))


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in (".atlas-staging", ".atlas-staging-killed", ".atlas-staging-early"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.html").write_text("half")
    (tmp_path / ".atlas-staging-killed" / "lock").touch()
    os.utime(tmp_path / ".atlas-staging-early", (1, 1))
    with site_files(tmp_path) as files:
        files.put("index.html", b"1")
        files.publish()
    assert not list(tmp_path.glob(".atlas-staging*"))
