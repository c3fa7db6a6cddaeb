"""A store with hostile names, and the explorer of it with a studio that draws instead of climbing."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "atlas"))

from sample_store import write_sample_store
from sketching_studio import SketchingStudio

from reportgen.explorer.store_view import Shelf


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    return write_sample_store(tmp_path_factory.mktemp("explorer") / "sample.db")


@pytest.fixture(scope="session")
def shelf(sample) -> Shelf:
    return Shelf(sample)


@pytest.fixture
def studio(shelf) -> SketchingStudio:
    return SketchingStudio({v.name: None for v in shelf.versions()}, seconds=0.05, ready=0.0)
