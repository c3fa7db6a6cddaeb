"""The reference and the documents as pages: whole, without a warning, with links that lead somewhere."""

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reportgen

SCRIPT = Path(__file__).resolve().parent.parent / "docs" / "reference.py"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """All pages, by path; made by a process of its own, as by `make docs`."""
    for needed in ("pdoc", "pandas"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    folder = tmp_path_factory.mktemp("reference")
    done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "reportgen.html")
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*.html")}


def test_every_module_that_gets_a_page_is_there():
    """Without what writes the pages, too: a module that moved is found at once."""
    spec = importlib.util.spec_from_file_location("reference", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert all(importlib.util.find_spec(name) for name in script.BESIDE)
    assert all(vars(script.public())[name] is getattr(reportgen, name) for name in reportgen.__all__)


def test_every_public_name_and_option_is_there(pages):
    page = pages["reportgen.html"]
    assert all(f'id="{name}"' in page for name in reportgen.__all__)
    (render,) = re.findall(r'<section id="render">(.*?)</section>', page, re.DOTALL)
    signature = re.sub(r"<[^>]+>", "", render)
    assert all(f"{option}: " in signature for option in ("seeds", "budget", "input_range"))
    assert 'id="AtlasUnit.pictures"' in pages["reportgen/run/store_atlas.html"]
    assert 'id="UnknownLayer"' in pages["reportgen/errors.html"]


def test_types_of_a_signature_lead_to_their_pages(pages):
    (opened,) = re.findall(r'<section id="open">(.*?)</section>', pages["reportgen.html"], re.DOTALL)
    assert 'href="reportgen/run/store_atlas.html#Atlas"' in opened


def test_what_every_public_function_gives_back_has_a_page(pages):
    asked = 0
    for name in reportgen.__all__:
        thing = getattr(reportgen, name)
        given = [] if inspect.isclass(thing) else re.findall(r"\b[A-Z]\w+", returned_by(thing))
        (section,) = re.findall(rf'<section id="{name}">(.*?)</section>', pages["reportgen.html"], re.DOTALL)
        for kind in given:
            (page,) = set(re.findall(rf'href="([^"]*)#{kind}"', section.partition("return-annotation")[2]))
            assert f'id="{kind}"' in pages[page], name
        asked += len(given)
    assert asked > 10


def returned_by(function):
    """The annotation of what a function gives back, as it is written."""
    annotation = inspect.signature(function).return_annotation
    return annotation if isinstance(annotation, str) else annotation.__name__


def test_pages_fetch_nothing_from_elsewhere(pages):
    for name, page in pages.items():
        assert not re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:https?:)?//', page), name


def test_links_between_pages_lead_to_pages(pages):
    for name, page in pages.items():
        for link in re.findall(r'href="((?!https?:|#|data:)[^"#]+)', page):
            if "${" in link:  # In a script, which fills it in.
                continue
            target = (Path("/") / name).parent.joinpath(link).resolve().relative_to("/").as_posix()
            assert target in pages, (name, link)


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    """The folder of the documents as pages."""
    if importlib.util.find_spec("markdown2") is None:
        pytest.skip("markdown2 is not installed")
    folder = tmp_path_factory.mktemp("docs") / "guide"
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT.with_name("pages.py"), folder],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_is_a_page(guide):
    documents = {p.relative_to(SCRIPT.parent).with_suffix("") for p in SCRIPT.parent.rglob("*.md")}
    assert documents == {
        p.relative_to(guide / "docs").with_suffix("") for p in (guide / "docs").rglob("*.html")
    }
    assert (guide / "README.html").is_file()


def test_every_link_of_a_page_leads_to_a_file_and_a_heading(guide):
    pages = {p: p.read_text(encoding="utf-8") for p in guide.rglob("*.html")}
    wrong = []
    for page, html in pages.items():
        for link in re.findall(r'(?:href|src)="([^"]*)"', html):
            path, _, anchor = link.partition("#")
            if "://" in link or path.endswith("../reportgen.html"):  # Of the reference, which lies beside.
                continue
            target = (page.parent / path).resolve() if path else page
            if not target.is_file() or (anchor and f'id="{anchor}"' not in pages[target]):
                wrong.append((page.name, link))
    assert not wrong


def test_pages_of_documents_run_and_fetch_nothing(guide):
    for page in guide.rglob("*.html"):
        assert not re.search(r'<script|<link|<[^>]*src="https?:', page.read_text(encoding="utf-8")), page.name
