"""The notebooks of the examples: short, stored without outputs, and running from top to bottom."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
NOTEBOOKS = [
    "examples/your_model.ipynb",
    "examples/experiment1/visualization_first_pass.ipynb",
    "examples/experiment1/visualization_dense_layers.ipynb",
]
MOST_LINES = 60


def cells_of(name, kind):
    cells = json.loads((ROOT / name).read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def text_of(cell):
    return "".join(cell["source"])


@pytest.fixture
def pages(monkeypatch):
    """docs/notebooks.py, which runs them and writes pages."""
    for needed in ("nbformat", "nbclient", "nbconvert", "ipykernel", "pandas"):
        pytest.importorskip(needed, reason="notebooks need the extra `notebooks`")
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("docs_notebooks", ROOT / "docs" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("pages", None)


def test_these_are_all_notebooks():
    found = {p.relative_to(ROOT).as_posix() for p in FOLDER.rglob("*.ipynb") if ".ipynb_" not in str(p)}
    assert found == set(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_without_outputs(name):
    cells = cells_of(name, "code")
    assert cells and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_fewer_than_sixty_lines_of_code(name):
    lines = [line for cell in cells_of(name, "code") for line in text_of(cell).splitlines() if line.strip()]
    assert 10 < len(lines) < MOST_LINES


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_the_format_that_it_names(name):
    nbformat = pytest.importorskip("nbformat", reason="notebooks need the extra `notebooks`")
    nbformat.validate(json.loads((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_names_no_private_module_and_no_other_package_of_the_checkout(name):
    code = "\n".join(text_of(cell) for cell in cells_of(name, "code"))
    assert set(re.findall(r"^(?:import|from) ([\w.]+)", code, re.MULTILINE)) <= {"os", "reportgen", "numpy"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_of_a_notebook_lead_to_files(name):
    text = "\n".join(text_of(cell) for cell in cells_of(name, "markdown"))
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert links and all((ROOT / name).parent.joinpath(link).resolve().is_file() for link in links)


def test_a_page_of_a_notebook_leads_to_pages_and_loads_nothing(pages):
    import nbformat

    name = NOTEBOOKS[1]
    html = pages.page(name, nbformat.read(ROOT / name, as_version=4), "../reference/guide")
    targets = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert "../experiment1/visualization_dense_layers.html" in targets
    assert "../../reference/guide/docs/findings.html" in targets
    assert all(target.endswith(".html") for target in targets)
    assert "<script" not in html and "@import" not in html
    assert "guide" not in pages.page(name, nbformat.read(ROOT / name, as_version=4), "")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_notebooks_run_from_top_to_bottom_and_show_pictures(pages, tmp_path, monkeypatch):
    monkeypatch.setenv("REPORTGEN_QUICK", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    written = pages.write(tmp_path)
    shown = {page.stem: page.read_text(encoding="utf-8") for page in written}
    assert len(shown) == len(NOTEBOOKS)
    for name, html in shown.items():
        sources = re.findall(r'src="([^"]*)"', html)
        assert len(sources) > 15 and all(s.startswith("data:image/") for s in sources), name
        assert "<progress" in html and "<script" not in html, name
        assert "Traceback (most" not in html and "output_stderr" not in html, name
    assert "needed" in shown["visualization_first_pass"] and "<svg" in shown["visualization_first_pass"]
    assert not list(FOLDER.rglob("*.db"))
