"""A site that is killed while it moves into place has whole pages and links that lead somewhere."""

import json
import os
import shutil

import pytest

from reportgen.atlas import check_site, folder_swap, write_atlas
from reportgen.atlas.addresses import WRITTEN
from reportgen.atlas.manifest import MANIFEST
from reportgen.atlas.output import site_files
from reportgen.errors import SiteError
from reportgen.spec import AtlasSpec

CALLS = ("replace", "rename", "link", "unlink", "rmdir", "mkdir", "remove")
FIXED = ("method.html", "downloads.html", "about.html", "404.html", ".nojekyll")


class Killed(BaseException):
    """The process is gone: nothing it would still do is done."""


def killed_at(monkeypatch, n, act):
    """Run `act` as if the process were killed before its n-th change of the file system; whether it was."""
    done = 0

    def stopping(real):
        def call(*args, **kwargs):
            nonlocal done
            done += 1
            if done >= n:
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        for name in CALLS:
            patched.setattr(os, name, stopping(getattr(os, name)))
        try:
            act()
        except Killed:
            return True
    return False


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def page(word, *links):
    return (word + "".join(f'<a href="{link}">x</a>' for link in links)).encode()


def lay_out(files, word, layers):
    """Lay out a small site: a start page, a model's, and of each layer a page, data and a page a unit."""
    for name in FIXED:
        files.put(name, page(word))
    files.put("index.html", page(word, "m/a/b/index.html", *(f"m/a/b/{x}.html#u0" for x in layers)))
    files.put("m/a/b/index.html", page(word, *(f"{x}.html#u{n - 1}" for x, n in layers.items())))
    for name, n in layers.items():
        ids = "".join(f'<p id="u{u}">' for u in range(n))
        links = [f"{name}/{u}.html" for u in range(n)]
        script = f'<script src="{name}/rows.js"></script>'
        files.put(f"m/a/b/{name}.html", page(word + ids + script, *links))
        files.put(f"m/a/b/{name}/rows.js", word.encode())
        for u in range(n):
            files.put(f"m/a/b/{name}/{u}.html", page(word, f"../{name}.html#u{n - 1 - u}"))


def build(folder, word, layers):
    with site_files(folder) as files:
        lay_out(files, word, layers)
        files.publish()


OLD, NEW = {"conv": 2, "gone": 1}, {"conv": 3, "later": 2}


@pytest.fixture(params=["changes places", "is not the build's alone", "cannot change places"])
def way(request, monkeypatch):
    """How a new site takes the place of the old one: all at once, or file by file."""
    if request.param == "cannot change places":
        monkeypatch.setattr(folder_swap, "_exchanging", lambda: None)
    elif request.param == "changes places" and folder_swap._exchanging() is None:
        pytest.skip("this system has no exchange of folders")
    return request.param


def test_a_site_killed_at_any_moment_is_whole_and_the_next_build_ends_it(tmp_path, monkeypatch, way):
    build(tmp_path / "old", "old", OLD)
    build(tmp_path / "new", "new, and longer", NEW)
    if way == "is not the build's alone":
        for one in ("old", "new"):
            (tmp_path / one / "CNAME").write_text("mine")
    n, killed = 0, True
    while killed:
        n += 1
        site = tmp_path / f"site{n}"
        shutil.copytree(tmp_path / "old", site)
        killed = killed_at(monkeypatch, n, lambda site=site: build(site, "new, and longer", NEW))
        assert check_site(site) == [], n
        old, new, found = (contents(tmp_path / "old"), contents(tmp_path / "new"), contents(site))
        for path in old.keys() & new.keys() - {MANIFEST}:
            assert found[path] in (old[path], new[path]), path
        if found["index.html"] == new["index.html"]:
            assert all(found[path] == data for path, data in new.items() if path != MANIFEST)
        if way == "changes places":
            assert {p: x for p, x in found.items() if not p.startswith(".atlas-staging")} in (old, new)
        build(site, "new, and longer", NEW)
        assert contents(site) == new
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert n > 30


def test_a_site_that_changed_places_has_the_mode_and_the_owner_of_the_old_one(tmp_path):
    build(tmp_path / "site", "old", OLD)
    (tmp_path / "site").chmod(0o750)
    before = (tmp_path / "site").stat()
    build(tmp_path / "site", "new", NEW)
    after = (tmp_path / "site").stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert (after.st_ino != before.st_ino) == (folder_swap._exchanging() is not None)


@pytest.mark.parametrize(
    "what", ["a file", "an empty folder", "a link", "a link to the site", "the way here"]
)
def test_a_folder_that_is_not_the_builds_alone_stays_the_one_it_is(tmp_path, monkeypatch, what):
    build(tmp_path / "site", "old", OLD)
    folder = tmp_path / "site"
    if what == "a file":
        (folder / "m" / "notes.txt").write_text("mine")
    elif what == "an empty folder":
        (folder / ".git").mkdir()
    elif what == "a link":
        (folder / "here").symlink_to(tmp_path)
    elif what == "a link to the site":
        (tmp_path / "link").symlink_to(folder)
        folder = tmp_path / "link"
    else:
        monkeypatch.chdir(folder / "m")
    before = folder.stat().st_ino
    build(folder, "new", NEW)
    assert folder.stat().st_ino == before and check_site(folder) == []
    if what in ("a file", "an empty folder", "a link"):
        assert (
            len(list(folder.rglob("notes.txt")) + list(folder.glob(".git")) + list(folder.glob("here"))) == 1
        )


def test_files_that_another_build_took_away_are_missed_before_anything_moves(tmp_path):
    build(tmp_path / "site", "old", OLD)
    before = contents(tmp_path / "site")
    with site_files(tmp_path / "site") as files:
        lay_out(files, "new", NEW)
        (files.stage.staging / "about.html").unlink()
        with pytest.raises(SiteError, match="written by another build meanwhile"):
            files.publish()
    assert contents(tmp_path / "site") == before


def test_a_first_build_that_is_killed_has_no_start_page_before_all_else_stands(tmp_path, monkeypatch):
    build(tmp_path / "new", "new", NEW)
    whole = contents(tmp_path / "new")
    n, killed = 0, True
    while killed:
        n += 1
        site = tmp_path / f"site{n}"
        killed = killed_at(monkeypatch, n, lambda site=site: build(site, "new", NEW))
        assert not (site / "index.html").exists() or whole.keys() <= contents(site).keys()
        build(site, "new", NEW)
        assert contents(site) == whole
    assert n > 20


@pytest.mark.parametrize(
    "n", [20, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 5, 60, 120, 180))]
)
def test_an_atlas_killed_while_it_moves_into_place_has_no_problem(small_store, small_site, monkeypatch, n):
    assert killed_at(monkeypatch, n, lambda: write_atlas(small_store, small_site, AtlasSpec(title="Changed")))
    assert check_site(small_site) == []
    write_atlas(small_store, small_site, AtlasSpec(title="Changed"))
    assert check_site(small_site) == []
    assert write_atlas(small_store, small_site, AtlasSpec(title="Changed")).written == 0


@pytest.mark.parametrize("name", ["p", "assets", "m", "m/garden"])
def test_a_file_of_the_users_where_a_folder_is_wanted_is_refused_before_anything_is_written(
    small_store, tmp_path, name
):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(SiteError, match="was not written by reportgen"):
        write_atlas(small_store, tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


def test_a_folder_where_a_file_is_wanted_and_a_link_out_are_refused_before_anything_is_written(tmp_path):
    (tmp_path / "site" / "about.html").mkdir(parents=True)
    with pytest.raises(SiteError, match="was not written by reportgen"):
        build(tmp_path / "site", "new", NEW)
    (tmp_path / "site" / "about.html").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "site" / "m").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SiteError, match="was not written by reportgen"):
        build(tmp_path / "site", "new", NEW)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "path", ["notes.txt", "m/notes.txt", "p/photo.jpg", "assets/mine.css", "c/x.docx", "src/a.html"]
)
def test_a_planted_manifest_names_no_foreign_file_for_removal(tmp_path, path):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("precious")
    (tmp_path / MANIFEST).write_text(json.dumps({"files": {path: 8}, "moving": {path: 8}}))
    build(tmp_path, "new", NEW)
    assert (tmp_path / path).read_text() == "precious"
    assert path not in json.loads((tmp_path / MANIFEST).read_text())["files"]


def test_a_planted_manifest_removes_no_file_of_another_size_and_overwrites_no_page_of_others(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "diary.html").write_text("precious")
    (tmp_path / MANIFEST).write_text(json.dumps({"files": {"m/diary.html": 7, "index.html": 3}}))
    build(tmp_path, "new", NEW)
    assert (tmp_path / "m" / "diary.html").read_text() == "precious"
    (tmp_path / "about.html").write_text("my own")
    with pytest.raises(SiteError, match="was not written by reportgen"):
        build(tmp_path, "newer", NEW)
    assert (tmp_path / "about.html").read_text() == "my own"


def test_a_page_of_ours_that_was_changed_is_written_again(small_store, small_site):
    whole = (small_site / "index.html").read_bytes()
    (small_site / "index.html").write_bytes(whole.replace(b"\n", b"\r\n"))
    write_atlas(small_store, small_site)
    assert (small_site / "index.html").read_bytes() == whole


def test_every_file_of_a_site_is_one_that_a_later_build_may_remove(site):
    paths = json.loads((site / MANIFEST).read_text())["files"]
    assert [path for path in paths if not WRITTEN.fullmatch(path)] == []
