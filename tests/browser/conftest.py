"""A Chromium of the system and a sample site to drive it over; skipped where there is none."""

import contextlib
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))
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
    # A machine with other work takes long over a page; what never comes is still found missing.
    playwright.expect.set_options(timeout=30_000)
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


@pytest.fixture
def open_page(chromium: Any, atlas_site: Path) -> Iterator[Callable[..., Any]]:
    """Open a page of the site from its file; fails afterwards if a script erred or asked another origin."""
    complaints: list[str] = []
    with contextlib.ExitStack() as stack:

        def opened(path: str, base: str = "", **options: Any) -> Any:
            context = chromium.new_context(**options)
            stack.callback(context.close)
            page = context.new_page()
            base = base or atlas_site.as_uri() + "/"
            page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
            page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
            page.on(
                "dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss())
            )
            page.on("request", lambda r: None if _own(r.url, base) else complaints.append(f"asked {r.url}"))
            page.goto(base + path)
            return page

        yield opened
    assert complaints == []


def _own(url: str, base: str) -> bool:
    return url.startswith(base) or urlsplit(url).scheme == "data"
