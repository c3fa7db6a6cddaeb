"""The examples in docstrings give what they show."""

import doctest
import importlib
import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reportgen

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "reportgen").rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)
OF_A_MODEL = ("check_model", "dream", "inspect_model", "load_model", "prune")
"""Public names whose examples need a framework."""
LONG = ("atlas", "render")
"""Those that also take a while."""


def wrong(examples):
    """What examples give in place of what they show, as text; empty where all hold."""
    said: list[str] = []
    doctest.DocTestRunner().run(examples, out=said.append)
    return "".join(said)


def check_public(name):
    """Run the examples of a public name in the current folder."""
    thing = getattr(reportgen, name)
    (examples,) = doctest.DocTestFinder(recurse=False).find(thing, name, globs={"reportgen": reportgen})
    assert examples.examples
    assert not wrong(examples)


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """A folder with the stores that examples name, made without a framework; the current one."""
    stored = ROOT / "tests" / "data" / "stores" / "schema1.db.xz"
    for name in ("before.db", "reportgen.db"):
        (tmp_path / name).write_bytes(lzma.decompress(stored.read_bytes()))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model(tmp_path, monkeypatch, tiny_model):
    """A folder with the model file and the pictures that examples name; the current one."""
    shutil.copy(tiny_model, tmp_path / "model.keras")
    (tmp_path / "photos").mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{i}.png")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_give_what_they_show(name):
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    own = [examples for examples in found if examples.name.rpartition(".")[2] not in reportgen.__all__]
    assert not "".join(map(wrong, own))


@pytest.mark.parametrize("name", sorted(set(reportgen.__all__) - {*OF_A_MODEL, *LONG}))
def test_examples_of_public_names_give_what_they_show(name, stores):
    check_public(name)


@pytest.mark.parametrize("name", OF_A_MODEL)
def test_examples_on_a_model_give_what_they_show(name, model):
    check_public(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_examples_of_rendering_give_what_they_show(name, model):
    check_public(name)


def test_an_example_that_shows_something_else_is_found():
    def doubled(x):
        """Return `x` twice.

        >>> 2 + 2
        5
        """

    (examples,) = doctest.DocTestFinder().find(doubled, globs={})
    assert "Expected:\n    5" in wrong(examples)
