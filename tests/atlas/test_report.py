"""The report: one file that needs no other, as much in it as fits, and says what is left out."""

import base64
import hashlib
import re
import shutil
import sqlite3
from html.parser import HTMLParser

import pytest
from compared_store import write_compared_store

import reportgen
from reportgen.atlas.report import amounts
from reportgen.atlas.single_file import Surroundings, single_file
from reportgen.errors import BudgetError, ConfigError, ReportgenError, SiteError, StoreError
from reportgen.store import open_store


class Page(HTMLParser):
    """Collects what a page refers to, its ids, its style and scripts, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.inside = {"style": [], "script": []}
        self.policy, self.text, self._in = "", "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.links += [(tag, given[name]) for name in ("href", "src", "srcset") if given.get(name)]
        self.ids += [given["id"]] if given.get("id") else []
        assert not any(name.startswith("on") or name == "style" for name in given), given
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self._in = tag if tag in self.inside else ""

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in:
            self.inside[self._in].append(data)
        else:
            self.text += data


def written(store, folder, **options):
    done = reportgen.report(store, out=folder / "report.html", **options)
    return done, Page(done.path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return write_compared_store(tmp_path_factory.mktemp("compared") / "s.db")


@pytest.fixture(scope="module")
def report(store, tmp_path_factory):
    """The report of a store with hostile names."""
    return written(store, tmp_path_factory.mktemp("report"))


def test_it_refers_to_nothing_but_places_and_pictures_of_its_own(report):
    _, page = report
    assert len(page.ids) == len(set(page.ids))
    for tag, link in page.links:
        assert (
            link.startswith("data:image/webp")
            if tag in ("img", "image")
            else link[0] == "#" or link == "data:,"
        )
        assert link[0] != "#" or link[1:] in page.ids, link
    assert sum(tag == "img" for tag, _ in page.links) > 40


def test_every_word_that_opens_has_its_meaning(compared, tmp_path):
    done, page = written(compared, tmp_path)
    opened = re.findall(r'popovertarget="([^"]+)"', done.path.read_text(encoding="utf-8"))
    assert opened and set(opened) <= set(page.ids)


def test_a_model_version_without_pictures_or_scores_has_a_report(small_store, tmp_path):
    own = shutil.copy(small_store, tmp_path / "own.db")
    for table, n_units in (("placements", 56), ("scores", 0)):
        with sqlite3.connect(own) as connection:
            connection.execute(f"DELETE FROM {table}")
        connection.close()
        done, page = written(own, tmp_path)
        assert (done.n_units, done.n_shown) == (n_units, 0)
        assert "How it was made" in page.text and "units" not in page.ids


def test_its_policy_allows_its_own_style_and_scripts_and_no_others(report):
    _, page = report
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    for name in ("style", "script"):
        wanted = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in page.inside[name]]
        assert rules[f"{name}-src"].split() == [f"'sha256-{hash}'" for hash in wanted] and wanted
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"


def test_names_from_a_store_are_text(report):
    done, page = report
    assert '<script>alert("m")</script>' in page.text
    assert "<script>alert(" not in done.path.read_text(encoding="utf-8")


def test_the_same_store_gives_the_same_bytes(store, report, tmp_path):
    again, _ = written(store, tmp_path)
    assert again.path.read_bytes() == report[0].path.read_bytes()


def test_it_counts_the_units_that_it_shows(small_store, tmp_path):
    done, page = written(small_store, tmp_path)
    shown = [id for id in page.ids if re.fullmatch(r"l-.+-u\d+", id)]
    assert len(shown) == done.n_shown
    with open_store(small_store) as store:
        record = store.models()[-1]
        assert done.n_units == sum(len(store.scores(record.id, layer.name)) for layer in record.layers)
    less, page = written(small_store, tmp_path, max_mb=done.bytes * 0.5 / 1e6)
    assert less.n_shown < done.n_shown == done.n_units == less.n_units
    assert f"pictures of the other {less.n_units - less.n_shown} units" in page.text


def test_a_small_limit_leaves_out_pictures_and_says_so(small_store, tmp_path):
    whole, _ = written(small_store, tmp_path)
    limit = whole.bytes * 0.7 / 1e6
    less, page = written(small_store, tmp_path, max_mb=limit)
    assert less.bytes <= limit * 1e6
    assert less.n_shown < whole.n_shown or less.picture_px < whole.picture_px
    assert ("To fit its size limit" in page.text) == (less.picture_px < whole.picture_px)


def test_a_limit_that_nothing_meets_is_refused_and_the_file_before_is_kept(small_store, tmp_path):
    (tmp_path / "report.html").write_text("before")
    with pytest.raises(BudgetError, match=r"more than max_mb allows \(0.01 MB\)"):
        written(small_store, tmp_path, max_mb=0.01)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "before"


@pytest.mark.parametrize("n_layers", [1, 5, 53, 500])
def test_each_amount_is_less_than_the_one_before(n_layers):
    found = [(a.of_layer, a.of_finding, a.changes, a.picture_px) for a in amounts(n_layers, 128)]
    assert found == sorted(found, reverse=True) and len(set(found)) == len(found)
    assert found[-1][0] == 0


def test_links_lead_to_the_site_where_it_has_an_address(small_store, tmp_path):
    _, page = written(small_store, tmp_path, atlas={"url": "https://example.org/atlas"})
    out = {link for tag, link in page.links if tag == "a" and link[0] != "#"}
    assert "https://example.org/atlas/method.html" in out
    assert any(re.fullmatch(r"https://example.org/atlas/m/garden/v2/conv1.html#u\d+", link) for link in out)
    assert all(link.startswith("https://example.org/atlas/") for link in out)


def test_what_changed_since_the_version_before_is_shown(compared, tmp_path):
    _, page = written(compared, tmp_path, against=None)
    assert "Changes: v2 to v3" in page.text
    _, page = written(f"{compared}@v3", tmp_path, against="v1")
    assert "Changes: v1 to v3" in page.text
    _, page = written(f"{compared}@v1", tmp_path)
    assert "changes" not in page.ids


@pytest.mark.parametrize(
    ("version", "options", "said"),
    [
        ("", {"max_mb": 0}, "max_mb is 0, wanted a number of megabytes above 0"),
        ("", {"max_mb": float("nan")}, "max_mb is nan"),
        ("@v9", {}, '"v9" matches 0 of them'),
        ("@v3", {"against": "v3"}, "is the version that the report is about"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_a_line(compared, tmp_path, version, options, said):
    with pytest.raises(ReportgenError) as caught:
        written(f"{compared}{version}", tmp_path, **options)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_version_of_another_store_is_refused(compared, small_store, tmp_path):
    with pytest.raises(ConfigError, match="in another store than the report's"):
        written(compared, tmp_path, against=f"{small_store}@v1")


def test_the_store_and_a_folder_are_never_written_over(compared, tmp_path):
    own = shutil.copy(compared, tmp_path / "own.db")
    for out in (own, tmp_path):
        with pytest.raises(ConfigError, match="wanted a file name"):
            reportgen.report(own, out=out)
    with pytest.raises(SiteError, match="cannot be written"):
        reportgen.report(own, out=tmp_path / "none" / "report.html")


def test_a_model_file_is_no_store(compared, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"PK")
    with pytest.raises(StoreError, match="is a model file, wanted a version in a store"):
        reportgen.report(tmp_path / "model.keras", out=tmp_path / "report.html", store=compared)


def around(**options):
    given = {"path": "m/a/1/report.html", "files": {"p/x.webp": b"RIFF"}, "anchors": {}, **options}
    return Surroundings(**given)


def test_only_addresses_of_a_page_change():
    text = '<!DOCTYPE html>\n<p title="a &amp; b">&lt;&#34;é<br><svg viewBox="0 0 1 1"><g/></svg><!-- c -->'
    assert single_file(text.encode(), around()).decode() == text


def test_a_picture_stands_in_the_page_and_is_not_lazy():
    page = single_file(b'<img src="../../../p/x.webp" width="4" loading="lazy" alt="&lt;">', around())
    assert page.decode() == '<img width="4" alt="&lt;" src="data:image/webp;base64,UklGRg==">'


def test_a_picture_that_was_not_made_is_an_error():
    with pytest.raises(SiteError, match=r'shows "p/y.webp"'):
        single_file(b'<img src="../../../p/y.webp" alt="">', around())


@pytest.mark.parametrize(
    ("href", "anchors", "url", "wanted"),
    [
        ("conv.html#u3", {"m/a/1/conv.html#u3": "here", "m/a/1/conv.html": "layer"}, "", "#here"),
        ("conv.html#u4", {"m/a/1/conv.html#u3": "here", "m/a/1/conv.html": "layer"}, "", "#layer"),
        ("#here", {}, "", "#here"),
        ("#nowhere", {}, "https://x.org/", None),
        ("units.html", {}, "", None),
        ("units.html#q=a%20b", {}, "https://x.org/", "https://x.org/m/a/1/units.html#q=a%20b"),
        ("https://y.org/z", {}, "", "https://y.org/z"),
    ],
)
def test_a_link_leads_within_the_page_else_to_the_site_else_nowhere(href, anchors, url, wanted):
    page = f'<a href="{href}">x</a><i id="here"></i><i id="layer"></i>'
    found = single_file(page.encode(), around(anchors=anchors, url=url)).decode()
    assert Page(found).links == ([("a", wanted)] if wanted else [])
