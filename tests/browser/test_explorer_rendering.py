"""The explorer with its real worker on the example network, in a real browser."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "explorer"))
pytest.importorskip("dash", reason="the extra explorer is not installed")

from served import served
from waiting import expect

import reportgen
from reportgen.explorer.app import make_app
from reportgen.explorer.guard import Door
from reportgen.explorer.store_view import StoreView
from reportgen.explorer.studio import Studio
from reportgen.images import encode_png
from reportgen.store import open_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "facing_left"
FIRST = "m/facing_left/v1/conv2d_1.html#u1"
LONG = {"steps": "20000", "min_steps": "20000", "plateau": "0"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two versions of the example, a few units of each, quickly rendered."""
    path = tmp_path_factory.mktemp("example") / "example.db"
    few = {"units": 2, "seeds": 1, "signs": "happy", "layers": ["conv2d_1", "conv2d_3"]}
    numbers = {"set": {"steps": 8, "min_steps": 4, "show.steps": 8, "show.min_steps": 4}}
    for version, folder in (("v1", EXAMPLE), ("fewer", EXAMPLE / "fewer")):
        reportgen.render(folder / "facing_left.keras", store=path, version=version, **few, **numbers)
    return path


@pytest.fixture(scope="module")
def studio(store: Path) -> Iterator[Studio]:
    files = [folder / "facing_left.keras" for folder in (EXAMPLE, EXAMPLE / "fewer")]
    with Studio(store, files, device="cpu") as own:
        yield own


@pytest.fixture(scope="module")
def explorer(store: Path, studio: Studio) -> Iterator[str]:
    with served(make_app(StoreView(store), studio, Door())) as base:
        yield base


@pytest.fixture
def at(explorer: str, open_page: Callable[..., Any]) -> Callable[..., Any]:
    def opened(path: str = FIRST) -> Any:
        page = open_page(path, explorer)
        page.locator("#evidence .sec").first.wait_for()
        return page

    return opened


def state(page: Any, wanted: str, seconds: float = 60) -> None:
    page.locator(f'#live[data-state="{wanted}"]').wait_for(timeout=seconds * 1000)


def change(page: Any, **fields: str) -> None:
    page.locator(".recipe details").evaluate_all("all => all.forEach(d => { d.open = true; })")
    for name, value in fields.items():
        page.locator(f"#set-{name}").fill(value)


def warmed(page: Any) -> None:
    """Let the worker come up, and the layer's program be made, as it has before a person has chosen."""
    change(page, seed=str(time.time_ns() % 10**9))
    page.locator("#render").click()
    state(page, "done", 120)


def test_a_unit_is_refreshed_while_it_renders_and_can_be_cancelled(at: Any) -> None:
    page = at()
    warmed(page)
    page.locator("#follow").uncheck()
    change(page, **LONG)
    page.locator("#render").click()
    state(page, "rendering")
    live = page.locator("#live")
    expect(live).to_have_attribute("data-refreshes", re.compile(r"^([3-9]|\d\d+)$"))
    expect(live.locator("polyline")).to_have_attribute("points", re.compile("(,[^,]*){10}"))
    state(page, "rendering")
    page.locator("#cancel").click()
    state(page, "cancelled")


def test_what_was_rendered_is_there_at_once_and_is_no_part_of_the_atlas(at: Any, store: Path) -> None:
    with open_store(store) as own:
        before = own.read("SELECT count(*) FROM placements"), own.read("SELECT count(*) FROM renders")
    page = at()
    change(page, seed="77")
    page.locator("#render").click()
    state(page, "done")
    source = page.locator("#live img").get_attribute("src")
    page.reload()
    page.locator("#evidence .sec").first.wait_for()
    change(page, seed="77")
    page.locator("#render").click()
    page.locator("#live .steps", has_text="from the store").wait_for()
    expect(page.locator("#live img")).to_have_attribute("src", source)
    with open_store(store) as own:
        assert (
            own.read("SELECT count(*) FROM placements"),
            own.read("SELECT count(*) FROM renders"),
        ) == before


def test_two_browsers_wait_for_each_other(at: Any) -> None:
    first, second = at(), at()
    for page in (first, second):
        page.locator("#follow").uncheck()
    change(first, **LONG)
    first.locator("#render").click()
    state(first, "rendering")
    change(second, seed="5")
    second.locator("#render").click()
    state(second, "waiting")
    expect(second.locator("#live .state")).to_contain_text("1 before it")
    first.locator("#cancel").click()
    state(first, "cancelled")
    state(second, "done")


def test_a_worker_that_is_killed_is_reported_and_comes_back(at: Any, studio: Studio, store: Path) -> None:
    page = at()
    page.locator("#follow").uncheck()
    change(page, **LONG)
    page.locator("#render").click()
    state(page, "rendering")
    before = studio.worker_pid
    os.kill(before, signal.SIGKILL)
    state(page, "failed")
    said = page.locator("#live .state").inner_text()
    assert said.startswith("Failed: ") and "\n" not in said and len(said) > 20
    change(page, seed="123", steps="32", min_steps="16")
    page.locator("#render").click()
    state(page, "done", 120)
    assert studio.worker_pid not in (None, before)
    with open_store(store) as own:
        assert own.read("PRAGMA integrity_check") == [("ok",)]


def test_a_sweep_two_versions_a_layer_and_a_start_picture(at: Any, tmp_path: Path) -> None:
    page = at()
    page.locator("#sweep").click()
    page.locator(".sweep li:nth-child(9)[data-state=done]").wait_for(timeout=120_000)
    sources = page.eval_on_selector_all(".sweep img", "all => all.map(i => i.getAttribute('src'))")
    assert len(set(sources)) == 9
    page.locator("#render").click()
    state(page, "done")
    page.locator("#keep").click()
    page.locator("#set-version").select_option("facing_left/fewer")
    page.locator("#live .what", has_text="version fewer").wait_for()
    state(page, "done", 120)
    kept = page.locator("#kept img").get_attribute("src")
    expect(page.locator("#live img")).not_to_have_attribute("src", kept)
    page.get_by_role("button", name="Whole layer").click()
    page.locator("#live .of", has_text="the whole layer").wait_for()
    state(page, "done", 120)
    start = tmp_path / "start.png"
    start.write_bytes(encode_png((np.indices((60, 60)).sum(0) * 2).astype(np.uint8)[:, :, None]))
    page.locator("#upload input").set_input_files(start)
    page.locator("#live .what", has_text="start a picture").wait_for()
    state(page, "done", 120)
