"""A store with hostile names, and the explorer of it with a studio that draws instead of climbing."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "atlas"))

from sample_store import write_sample_store
from sketching_studio import SketchingStudio

from reportgen.explorer.store_view import StoreView


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    return write_sample_store(tmp_path_factory.mktemp("explorer") / "sample.db")


@pytest.fixture(scope="session")
def store_view(sample) -> StoreView:
    return StoreView(sample)


@pytest.fixture
def studio(store_view) -> SketchingStudio:
    return SketchingStudio({v.name: None for v in store_view.versions()}, seconds=0.05, ready=0.0)
