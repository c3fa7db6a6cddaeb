"""The report in a Chromium: from disk, in sandboxed frames, without scripts, on paper."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "atlas"))

from compared_store import write_compared_store

import reportgen

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

FRAME = """([html, sandbox]) => {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", sandbox);
  frame.width = 1000; frame.height = 700; frame.srcdoc = html;
  document.body.append(frame);
}"""
OF_THE_BROWSER = re.compile(r"Blocked script execution in '[^']*' because the document's frame is sandboxed")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    store = write_compared_store(folder / "s.db")
    return reportgen.report(store, out=folder / "report.html").path


@pytest.fixture
def watched(chromium):
    """A page and what it complains of: errors, dialogs, requests."""
    context = chromium.new_context(viewport={"width": 1100, "height": 800})
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("request", lambda r: complaints.append(r.url) if r.url.startswith("http") else None)
    yield page, complaints
    context.close()


def framed(page, report, sandbox):
    page.goto("about:blank")
    page.evaluate(FRAME, [report.read_text(encoding="utf-8"), sandbox])
    frame = page.frame_locator("iframe")
    frame.locator("#how").wait_for()
    return frame


def test_it_opens_from_disk_and_all_of_its_pictures_are_there(watched, report):
    page, complaints = watched
    page.goto(report.as_uri())
    sizes = page.eval_on_selector_all("img", "all => all.map(i => i.complete ? i.naturalWidth : 0)")
    assert len(sizes) > 50 and all(sizes)
    assert complaints == []


def test_it_works_in_a_frame_without_an_origin(watched, report):
    page, complaints = watched
    frame = framed(page, report, "allow-scripts")
    before = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    frame.get_by_role("button", name=re.compile("Dark|Light")).click()
    assert frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") != before
    head = frame.get_by_role("button", name="Median structure", exact=True)
    head.click()
    assert frame.locator("[aria-sort]").count() == 1
    frame.get_by_role("link", name="Changes").click()
    expect(frame.locator("#changes")).to_be_in_viewport()
    assert complaints == []


def test_it_can_be_read_in_a_frame_without_scripts(watched, report):
    page, complaints = watched
    frame = framed(page, report, "")
    for id in ("layers", "findings", "units", "changes", "how"):
        assert frame.locator(f"#{id}").is_visible()
    assert frame.get_by_role("button", name=re.compile("Dark|Light")).count() == 0
    assert [text for text in complaints if not OF_THE_BROWSER.match(text)] == []


def test_a_cell_of_the_strip_leads_to_its_layer(watched, report):
    page, complaints = watched
    page.goto(report.as_uri())
    cell = page.locator(".heat a").nth(1)
    cell.click()
    assert page.evaluate("location.hash") == cell.get_attribute("href")
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_never_wider_than_the_window(watched, report, width):
    page, _ = watched
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_on_a_few_pages_of_a4(watched, report):
    page, _ = watched
    page.goto(report.as_uri())
    data = page.pdf(prefer_css_page_size=True)
    sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert 2 <= len(sheets) <= 12
    assert all(abs(float(w) - 595) < 2 and abs(float(h) - 842) < 2 for w, h in sheets)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium, report, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert [x["id"] for x in axe.run(page).response["violations"]] == []
    context.close()


def test_dark_colours_are_not_printed(watched, report):
    page, _ = watched
    page.emulate_media(color_scheme="dark")
    page.goto(report.as_uri())
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print", color_scheme="light")
    ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
