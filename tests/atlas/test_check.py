"""The check finds each thing that may be wrong with a site."""

import os
from pathlib import Path

import pytest
from PIL import Image

from reportgen.atlas import check_site, write_atlas
from reportgen.errors import SiteError
from reportgen.spec import AtlasSpec

BROKEN = [
    ('<a href="gone.html">x</a>', "index.html: leads nowhere: gone.html"),
    ('<a href="method.html#nowhere">x</a>', "index.html: leads to no such place: method.html#nowhere"),
    ('<a href="/about.html">x</a>', "index.html: <a> has an absolute path: /about.html"),
    (
        '<img src="https://example.org/x.png" alt="">',
        "index.html: <img> asks another origin: https://example.org/x.png",
    ),
    (
        '<script src="//example.org/x.js"></script>',
        "index.html: <script> asks another origin: //example.org/x.js",
    ),
    ('<a href="javascript:alert(1)">x</a>', "index.html: <a> asks another origin: javascript:alert(1)"),
    ("<script>alert(1)</script>", "index.html has a script of its own, not from a file"),
    ('<p onclick="x()">x</p>', "index.html has an event handler 'onclick' on <p>"),
    ('<p style="color:red">x</p>', "index.html has a style attribute on <p>"),
    ('<iframe src="about.html"></iframe>', "index.html has a <iframe>"),
    ('<img src="about.html">', "index.html has a picture without alternative text: about.html"),
    ('<p id="main">x</p>', 'index.html uses the id "main" twice'),
]


def test_everything_that_is_wrong_with_a_page_is_found_and_nothing_else(small_site: Path) -> None:
    index = small_site / "index.html"
    index.write_text(index.read_text().replace("</main>", "".join(m for m, _ in BROKEN) + "</main>"))
    found = [p for p in check_site(small_site) if "the manifest says" not in p]
    assert sorted(found) == sorted(said for _, said in BROKEN)


def test_a_missing_and_a_changed_file_are_found(small_site: Path) -> None:
    (small_site / "method.html").unlink()
    (small_site / "verdicts.csv").write_text("short")
    problems = check_site(small_site)
    assert "method.html is missing" in problems
    assert any(p.startswith("verdicts.csv has 5 bytes") for p in problems)


def test_a_site_over_its_budget_is_found(small_site: Path) -> None:
    assert any("MB, more than" in p for p in check_site(small_site, max_site_bytes=1000))


def test_a_folder_without_a_site_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="holds no atlas"):
        check_site(tmp_path)


def test_styles_and_scripts_that_name_other_origins_are_found(small_site: Path) -> None:
    style = next((small_site / "assets").glob("atlas.*.css"))
    style.write_text(style.read_text() + "\nbody { background: url(https://example.org/x.png); }")
    script = next((small_site / "assets").glob("query.*.js"))
    script.write_text(script.read_text() + "\nfetch ('x.json');")
    said = "\n".join(check_site(small_site))
    assert "https://example.org/x.png" in said and "fetch (" in said


def test_a_page_over_its_budget_is_found(small_site: Path) -> None:
    index = small_site / "index.html"
    index.write_text(index.read_text().replace("</main>", f"<p>{os.urandom(120_000).hex()}</p></main>"))
    assert any(p.startswith("index.html takes") and "compressed" in p for p in check_site(small_site))
    index.write_text(index.read_text().replace("</main>", f"<p>{'x ' * 150_000}</p></main>"))
    assert any(p.startswith("index.html has") and "more than 350 kB" in p for p in check_site(small_site))


def test_a_site_with_an_address_of_its_own_holds(small_store: Path, tmp_path: Path) -> None:
    write_atlas(small_store, tmp_path / "site", AtlasSpec(url="https://example.org/atlas/"))
    assert check_site(tmp_path / "site") == []
    page = (tmp_path / "site/m/garden/v1/conv1.html").read_text(encoding="utf-8")
    assert (
        '<meta property="og:image" content="https://example.org/atlas/m/garden/v1/conv1/preview.jpg">' in page
    )
    with Image.open(tmp_path / "site/m/garden/v1/conv1/preview.jpg") as picture:
        assert picture.format == "JPEG" and picture.size == (1200, 630)
