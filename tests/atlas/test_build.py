"""A site is whole, the same for the same store, and careful with what is there already."""

import gzip
import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from sample_store import HOSTILE, write_sample_store

from reportgen.atlas import build_layer, check_site, write_atlas
from reportgen.atlas.manifest import MANIFEST
from reportgen.atlas.output import site_files
from reportgen.atlas.site_map import RESERVED
from reportgen.errors import BudgetError, SiteError, StoreError
from reportgen.spec import AtlasSpec
from reportgen.store import open_store


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_link_of_a_site_leads_somewhere_and_nowhere_else(site: Path) -> None:
    assert check_site(site) == []


def test_two_builds_of_one_store_are_equal_byte_by_byte(
    small_store: Path, built_small: Path, tmp_path: Path
) -> None:
    write_atlas(small_store, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(built_small)


def test_a_build_that_changes_nothing_writes_nothing(small_store: Path, small_site: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in small_site.rglob("*") if p.is_file()}
    assert write_atlas(small_store, small_site).written == 0
    assert {p: p.stat().st_mtime_ns for p in small_site.rglob("*") if p.is_file()} == before


def test_pictures_that_are_there_are_not_encoded_again(
    small_store: Path, small_site: Path, monkeypatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise AssertionError("encoded")

    monkeypatch.setattr(build_layer, "encode_strip", refuse)
    monkeypatch.setattr(build_layer, "encode_page_picture", refuse)
    write_atlas(small_store, small_site, AtlasSpec(title="Other title"))
    assert "Other title" in (small_site / "index.html").read_text()


def test_the_pages_of_a_removed_layer_are_removed_and_files_of_others_stay(
    small_store: Path, small_site: Path, tmp_path: Path
) -> None:
    own = tmp_path / "store.db"
    shutil.copy(small_store, own)
    (small_site / "README.md").write_text("mine")
    (small_site / "m" / "garden" / "v1" / "notes.txt").write_text("mine")
    assert (small_site / "m/garden/v1/fc.html").exists()
    with sqlite3.connect(own) as db:
        db.execute("DELETE FROM layers WHERE name='fc'")
        db.execute("DELETE FROM placements WHERE layer='fc'")
        db.execute("DELETE FROM scores WHERE layer='fc'")
    write_atlas(own, small_site)
    assert not (small_site / "m/garden/v1/fc.html").exists()
    assert not (small_site / "m/garden/v1/fc").exists()
    assert (small_site / "README.md").read_text() == "mine"
    assert (small_site / "m/garden/v1/notes.txt").read_text() == "mine"
    assert check_site(small_site) == []
    assert len(list((small_site / "p").iterdir())) == sum(
        path.startswith("p/") for path in json.loads((small_site / MANIFEST).read_text())["files"]
    )


def test_a_site_over_its_budget_is_refused_before_anything_is_written(
    small_store: Path, tmp_path: Path
) -> None:
    with pytest.raises(BudgetError, match="max_site_bytes"):
        write_atlas(small_store, tmp_path / "site", AtlasSpec(max_site_bytes=1_000_000))
    assert not (tmp_path / "site").exists()


@pytest.mark.slow
def test_the_estimate_of_a_sites_size_is_near_its_size(
    small_store: Path, built_small: Path, tmp_path: Path
) -> None:
    size = sum(json.loads((built_small / MANIFEST).read_text())["files"].values())
    write_atlas(small_store, tmp_path / "b", AtlasSpec(max_site_bytes=int(size * 1.1)))
    with pytest.raises(BudgetError):
        write_atlas(small_store, tmp_path / "c", AtlasSpec(max_site_bytes=int(size * 0.9)))


def test_a_folder_that_cannot_be_written_gives_one_line(small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SiteError, match="cannot be written") as caught:
        write_atlas(small_store, tmp_path / "file" / "site")
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_the_old_site_as_it_was(small_store: Path, small_site: Path, monkeypatch) -> None:
    before, n_written = contents(small_site), 0
    real = Path.write_bytes

    def fill(path: Path, data: bytes) -> int:
        nonlocal n_written
        n_written += 1
        if n_written > 20:
            raise OSError(28, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(SiteError, match="No space left"):
        write_atlas(small_store, small_site, AtlasSpec(title="Changed"))
    assert contents(small_site) == before


@pytest.mark.parametrize("asked", [1, 3, 9])
def test_a_build_that_is_stopped_leaves_the_old_site_as_it_was(
    small_store: Path, small_site: Path, asked: int
) -> None:
    before, left = contents(small_site), iter([False] * (asked - 1))
    with pytest.raises(SiteError, match="stopped"):
        write_atlas(small_store, small_site, AtlasSpec(title="Changed"), stop=lambda: next(left, True))
    assert contents(small_site) == before
    write_atlas(small_store, small_site, AtlasSpec(title="Changed"), stop=lambda: False)
    assert "Changed" in (small_site / "index.html").read_text()


def test_a_build_cut_off_while_files_move_is_finished_by_the_next(
    small_store: Path, small_site: Path, monkeypatch
) -> None:
    (small_site / "README.md").write_text("mine")  # so that files move one by one
    moved = 0
    real = Path.replace

    def stop(path: Path, target: Path) -> Path:
        nonlocal moved
        moved += 1
        if moved == 9:
            raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            write_atlas(small_store, small_site, AtlasSpec(title="Changed"))
    write_atlas(small_store, small_site, AtlasSpec(title="Changed"))
    assert check_site(small_site) == []
    assert not list(small_site.glob(".atlas-staging*"))


def test_a_page_of_someone_else_is_not_overwritten(small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my home page")
    with pytest.raises(SiteError, match="not written by reportgen"):
        write_atlas(small_store, tmp_path)
    assert contents(tmp_path) == {"index.html": b"my home page"}


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/passwd", "a/../../outside.txt"])
def test_a_manifest_that_names_files_elsewhere_is_refused(
    small_store: Path, small_site: Path, path: str
) -> None:
    (small_site.parent / "outside.txt").write_text("precious")
    (small_site / MANIFEST).write_text(json.dumps({"files": {path: 1}}))
    with pytest.raises(SiteError, match="no file of a site"):
        write_atlas(small_store, small_site)
    assert (small_site.parent / "outside.txt").read_text() == "precious"


def test_a_link_out_of_the_site_is_not_followed_when_old_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "old.html").write_text("precious")
    site = tmp_path / "site"
    site.mkdir()
    (site / "m").symlink_to(tmp_path / "elsewhere")
    (site / MANIFEST).write_text(json.dumps({"files": {"m/old.html": 8}}))
    with site_files(site) as files:
        files.put("index.html", b"new")
        files.publish()
    assert (tmp_path / "elsewhere" / "old.html").read_text() == "precious"


def test_an_empty_store_gives_one_line(tmp_path: Path) -> None:
    open_store(tmp_path / "none.db", create=True).close()
    with pytest.raises(SiteError, match="holds no model"):
        write_atlas(tmp_path / "none.db", tmp_path / "site")
    with pytest.raises(StoreError, match="does not exist"):
        write_atlas(tmp_path / "missing.db", tmp_path / "site")


def test_names_from_a_model_are_never_markup(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script>" not in text, page
        assert "<b>;" not in text, page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in (site / "m/garden/v2/index.html").read_text(
        encoding="utf-8"
    )


def test_every_hostile_layer_has_a_page_of_its_own_with_a_plain_name(site: Path) -> None:
    found = [p.name for p in (site / "m/garden/v2").glob("*.html")]
    of_layers = set(found) - {f"{name}.html" for name in RESERVED}
    assert len(found) == len({name.lower() for name in found})
    assert len(of_layers) == len(HOSTILE) + 4  # conv1, conv2, fc, logits
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.html", name) for name in found)
    assert "CON.html" not in found


def test_a_store_whose_slug_leads_out_of_the_site_is_refused(small_store: Path, tmp_path: Path) -> None:
    own = tmp_path / "store.db"
    shutil.copy(small_store, own)
    with sqlite3.connect(own) as db:
        db.execute("""UPDATE layers SET record = replace(record, '"slug": "fc"', '"slug": "../../../fc"')""")
    with pytest.raises(SiteError, match="no file name"):
        write_atlas(own, tmp_path / "site")


def test_units_have_pages_of_their_own_up_to_the_limit(
    small_store: Path, built_small: Path, tmp_path: Path
) -> None:
    assert (built_small / "m/garden/v1/conv1/17.html").is_file()
    write_atlas(small_store, tmp_path / "few", AtlasSpec(unit_pages_max=10))
    assert not (tmp_path / "few/m/garden/v1/conv1/17.html").exists()
    assert check_site(tmp_path / "few") == []


def packed(path: Path) -> int:
    """Return the bytes of a file as a server sends it."""
    return len(gzip.compress(path.read_bytes()))


@pytest.mark.slow
def test_a_layer_of_2048_units_is_small_and_shows_every_one(tmp_path: Path) -> None:
    store = write_sample_store(tmp_path / "wide.db", hostile=False, wide=2048)
    write_atlas(store, tmp_path / "site")
    page = tmp_path / "site/m/garden/v2/wide.html"
    assert page.stat().st_size <= 350_000
    text = page.read_text()
    linked = re.findall(r"assets/([\w.-]+\.(?:css|js))", text)
    assert packed(page) + sum(packed(tmp_path / "site/assets" / name) for name in linked) < 60_000
    assert len(re.findall(r'<img class="c\d+ r\d+" src=wide/sheet-[0-7]\.webp', text)) == 2048
    assert 'href="wide/64.html"' in text and (tmp_path / "site/m/garden/v2/wide/64.html").is_file()


def test_pages_without_data_stay_small(site: Path) -> None:
    assets = {p.name: packed(p) for p in (site / "assets").iterdir()}
    for page in site.rglob("*.html"):
        linked = set(re.findall(r"assets/([\w.-]+\.(?:css|js))", page.read_text(encoding="utf-8")))
        assert packed(page) + sum(assets[name] for name in linked) < 60_000, page


def test_versions_share_pictures_of_what_did_not_change(small_store: Path, tmp_path: Path) -> None:
    own = tmp_path / "store.db"
    shutil.copy(small_store, own)
    with sqlite3.connect(own) as db:
        db.execute("DELETE FROM placements WHERE model=2 AND layer='conv1'")
        db.execute(
            "INSERT INTO placements SELECT 2, layer, unit, recipe, sign, seed, key "
            "FROM placements WHERE model=1 AND layer='conv1'"
        )
    summary = write_atlas(own, tmp_path / "site")
    one, two = ((tmp_path / f"site/m/garden/{v}/conv1.html").read_text() for v in ("v1", "v2"))
    assert set(re.findall(r"p/(\w+)\.webp", one)) == set(re.findall(r"p/(\w+)\.webp", two))
    assert summary.pictures == len(list((tmp_path / "site/p").iterdir()))


def test_the_sitemap_is_written_only_where_the_address_is_known(small_store: Path, small_site: Path) -> None:
    assert not (small_site / "sitemap.txt").exists()
    write_atlas(small_store, small_site, AtlasSpec(url="https://example.org/atlas/"))
    assert (
        "https://example.org/atlas/m/garden/v1/conv1.html"
        in (small_site / "sitemap.txt").read_text().splitlines()
    )
    assert (
        "https://example.org/atlas/m/garden/v1/conv1.html#u3"
        in (small_site / "m/garden/v1/conv1/3.html").read_text()
    )


def test_a_missing_page_names_the_start_where_the_address_is_known(
    small_store: Path, small_site: Path
) -> None:
    assert 'href="../../../index.html"' in (small_site / "404.html").read_text()
    write_atlas(small_store, small_site, AtlasSpec(url="http://example.org/atlas/"))
    text = (small_site / "404.html").read_text()
    assert '<a href="http://example.org/atlas/index.html">' in text and "../" not in text
    assert not [problem for problem in check_site(small_site) if problem.startswith("404")]


def test_a_model_of_which_nothing_is_rendered_yet_has_a_site(small_store: Path, tmp_path: Path) -> None:
    own = Path(shutil.copy(small_store, tmp_path / "store.db"))
    with sqlite3.connect(own) as db:
        for table in ("placements", "scores"):
            db.execute(f"DELETE FROM {table}")
    write_atlas(own, tmp_path / "site")
    assert check_site(tmp_path / "site") == []
    assert (tmp_path / "site/m/garden/v2/index.html").is_file()
