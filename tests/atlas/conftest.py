"""A sample store and its site, made once for all tests of this room."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sample_store import write_sample_store

from reportgen.atlas import write_atlas


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with hostile names; not to be changed."""
    return write_sample_store(tmp_path_factory.mktemp("store") / "sample.db")


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two versions of one model and no hostile name; not to be changed."""
    return write_sample_store(tmp_path_factory.mktemp("small") / "sample.db", hostile=False)


@pytest.fixture(scope="session")
def site(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `store`; not to be changed."""
    folder = tmp_path_factory.mktemp("site") / "atlas"
    write_atlas(store, folder)
    return folder


@pytest.fixture
def small_site(small_store: Path, tmp_path: Path, built_small: Path) -> Path:
    """A site of `small_store` of one's own."""
    return Path(shutil.copytree(built_small, tmp_path / "own"))


@pytest.fixture(scope="session")
def built_small(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `small_store`; not to be changed."""
    folder = tmp_path_factory.mktemp("small-site") / "atlas"
    write_atlas(small_store, folder)
    return folder
