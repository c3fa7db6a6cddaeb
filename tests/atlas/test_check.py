"""The check finds each thing that may be wrong with a site."""

from pathlib import Path

import pytest

from reportgen.atlas import check_site
from reportgen.errors import SiteError

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
