"""A Chromium of the system and a sample site to drive it over; skipped where there is none."""

import contextlib
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "atlas"))

from sample_store import write_sample_store

from reportgen.atlas import write_atlas
from reportgen.atlas.serve import site_server

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def atlas_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the sample store with its hostile names."""
    folder = tmp_path_factory.mktemp("browser")
    write_atlas(
        write_sample_store(folder / "sample.db"), folder / "site", credits="Photographs: <b>nobody</b>."
    )
    return folder / "site"


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """The system's Chromium, started once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(NAMES)})")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(atlas_site: Path) -> Iterator[str]:
    """The address of the site under `/sub/path/` on this machine."""
    server = site_server(atlas_site, under="sub/path")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sub/path/"
    server.shutdown()
    server.server_close()
    with contextlib.suppress(RuntimeError):
        thread.join()
