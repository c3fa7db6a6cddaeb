"""Lighthouse's view of the pages, over the server that shows a site as Pages would."""

import shutil

import pytest

from benchmarks.lighthouse import MISSING, audit, lighthouse_here

pytestmark = [pytest.mark.browser, pytest.mark.slow]


PAGES = {
    "model": "m/garden/v1/index.html",
    "layer": "m/garden/v1/conv1.html",
    "units": "m/garden/v1/units.html",
}


@pytest.mark.parametrize("kind", PAGES)
def test_lighthouse_gives_accessibility_and_best_practices_95(served: str, kind: str) -> None:
    command = lighthouse_here()
    chrome = next(
        (p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None
    )
    if command is None or chrome is None:
        pytest.skip(MISSING if command is None else "no Chromium on this machine")
    found = audit(command, chrome, served + PAGES[kind], ("accessibility", "best-practices"))
    assert min(found.values()) >= 95, found
