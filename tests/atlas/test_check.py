"""The check finds each thing that may be wrong with a site."""

from pathlib import Path

import pytest

from reportgen.atlas import check_site
from reportgen.errors import SiteError


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ('<a href="gone.html">x</a>', "leads nowhere"),
        ('<a href="method.html#nowhere">x</a>', "no such place"),
        ('<a href="/about.html">x</a>', "absolute path"),
        ('<img src="https://example.org/x.png" alt="">', "another origin"),
        ('<script src="//example.org/x.js"></script>', "another origin"),
        ('<a href="javascript:alert(1)">x</a>', "another origin"),
        ("<script>alert(1)</script>", "script of its own"),
        ('<p onclick="x()">x</p>', "event handler"),
        ('<p style="color:red">x</p>', "style attribute"),
        ('<iframe src="about.html"></iframe>', "has a <iframe>"),
    ],
)
def test_a_broken_page_is_found(small_site: Path, markup: str, said: str) -> None:
    index = small_site / "index.html"
    index.write_text(index.read_text().replace("</main>", markup + "</main>"))
    assert any(said in problem for problem in check_site(small_site))


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
