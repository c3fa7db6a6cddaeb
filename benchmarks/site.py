"""The atlas at scale: how long a site of 100,000 units takes to write and to use, its size and its memory.

    python -m benchmarks.site --folder /some/place --units 100000

The store is made once and kept in the folder (see `large_store`). Each write is a process of its own. "All
else" is the site written again under another title: every page, no picture. The browser part opens the view
of all units from its file in the system's Chromium.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree, which
from typing import Any

from benchmarks.large_store import Pool, write_large_store, write_layer
from benchmarks.results import table, write_section
from reportgen.atlas import check_site
from reportgen.atlas.manifest import MANIFEST
from reportgen.store import open_store

WRITE = """
import json, resource, sys, time
from reportgen.atlas import write_atlas
from reportgen.spec import AtlasSpec
started, told = time.monotonic(), []
done = write_atlas(sys.argv[1], sys.argv[2], AtlasSpec(title=sys.argv[3]), report=told.append)
own, child = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"seconds": time.monotonic() - started, "written": done.written, "bytes": done.bytes,
                  "told": told[0], "own_mb": own.ru_maxrss / 1024, "child_mb": child.ru_maxrss / 1024,
                  "cpu": own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime}))
"""
N_PROCESSES = 2
FILTERS = (
    "layer:conv4 structure>3 verdict:structured !copy",
    "static use>0.8",
    "group>0",
    "colour:red consistency<0.8",
)


def write(store: Path, site: Path, title: str) -> dict[str, Any]:
    """Return what one write took, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(store), str(site), title],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout))


def rendered_again(store: Path, site: Path) -> tuple[dict[str, Any], int]:
    """Render one layer in the middle again; return what the write took, and how many files of "
    "others changed."""
    with open_store(store) as opened:
        record = opened.models()[0]
        at = len(record.layers) // 2
        layer = record.layers[at]
        run = opened.begin_run("2026-01-03T00:00:00Z", {"device": "cpu"})
        write_layer(opened, record, at, Pool(), 2, run, salt=f"again {run}")
    before = _stamps(site)
    done = write(store, site, "Other")
    after = _stamps(site)
    changed = {p for p in {*before, *after} if before.get(p) != after.get(p)}
    own = (f"m/{record.name}/{record.version}/{layer.slug}", "p/")
    return done, sum(not path.startswith(own) for path in changed)


def _stamps(site: Path) -> dict[str, int]:
    return {p.relative_to(site).as_posix(): p.stat().st_mtime_ns for p in site.rglob("*") if p.is_file()}


def in_browser(page: Path) -> dict[str, float]:
    """Return milliseconds of the view of all units: first screen, filter, sort, and the longest "
    "frame scrolling."""
    from playwright.sync_api import sync_playwright

    chrome = next(
        (p for name in ("chromium", "chromium-browser", "google-chrome") if (p := which(name))), None
    )
    if chrome is None:
        raise SystemExit("there is no Chromium on this machine")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chrome, args=["--no-sandbox", "--disable-gpu"])
        firsts = []
        for _ in range(5):
            view = browser.new_page(viewport={"width": 1280, "height": 900})
            view.goto(page.as_uri(), wait_until="commit")
            view.wait_for_function(SCREEN, polling=10)
            firsts.append(view.evaluate("performance.now()"))
        found = {"first_screen": statistics.median(firsts)}
        found["filter"] = max(statistics.median(view.evaluate(TIMED, ["filter", q])) for q in FILTERS)
        orders = ("-structure", "use", "verdict", "group")
        found["sort"] = max(statistics.median(view.evaluate(TIMED, ["order", order])) for order in orders)
        found["draw"] = max(view.evaluate(DRAWN))
        frames = sorted(view.evaluate(SCROLL))
        found |= {"frame_median": statistics.median(frames), "frame_longest": frames[-1]}
        browser.close()
    return found


SCREEN = """() => { const i = [...document.querySelectorAll('#grid .row:first-child img')];
  return i.length > 0 && i.every(x => x.hasAttribute('src') && x.complete && x.naturalWidth) }"""
TIMED = """([what, text]) => {
  const box = document.getElementById(what === 'filter' ? 'filter' : 'order'); box.value = text;
  const times = [];
  for (let k = 0; k < 9; k += 1) {
    const t = performance.now(); self.Atlas.units[what](); times.push(performance.now() - t);
  }
  box.value = what === 'filter' ? '' : 'unit'; return times }"""
DRAWN = """() => { const grid = document.getElementById('grid'), times = [];
  for (let k = 0; k < 60; k += 1) {
    grid.scrollTop = 5200 * k;
    const t = performance.now(); self.Atlas.units.draw(); times.push(performance.now() - t);
  }
  return times }"""
SCROLL = """() => new Promise(done => {
  const grid = document.getElementById('grid'), frames = []; let last = performance.now(), n = 0;
  const step = now => { frames.push(now - last); last = now; grid.scrollTop += n < 120 ? 260 : 5200; n += 1;
    if (n < 240) requestAnimationFrame(step); else done(frames.slice(2)) };
  requestAnimationFrame(step) })"""


def sizes(site: Path) -> dict[str, float]:
    """Return sizes in bytes: all of it, the all-units data compressed, the largest layer page."""
    files = json.loads((site / MANIFEST).read_text(encoding="utf-8"))["files"]
    folder = next(p for p in files if p.endswith("/units.html")).rpartition("/")[0]
    data = next(site / p for p in files if p.startswith(f"{folder}/units.") and p.endswith(".js"))
    layers = [
        n
        for p, n in files.items()
        if p.startswith(f"{folder}/") and p.count("/") == 3 and p.endswith(".html")
    ]
    return {
        "site": sum(files.values()), "files": len(files), "page": max(layers),
        "data": len(gzip.compress(data.read_bytes(), 6)),
    }  # fmt: skip


def report(units: int, found: dict[str, Any]) -> list[list[object]]:
    """Return the rows of the table: what, wanted, reached."""
    first, again, same, one = (found[k] for k in ("first", "again", "same", "one"))
    memory = max(run["own_mb"] + N_PROCESSES * run["child_mb"] for run in (first, again, same, one))
    share, size, view = units / 100_000, found["sizes"], found["browser"]
    return [
        ["pictures", f"{480 * share:.0f} s", f"{first['seconds'] - again['seconds']:.0f} s"],
        ["all else", f"{40 * share:.0f} s", f"{again['seconds']:.0f} s ({again['cpu']:.0f} s of both cores)"],
        ["memory of all processes, at most", "1.5 GB", f"{memory / 1000:.2f} GB"],
        ["the same again", "5 s, byte-equal", f"{same['seconds']:.1f} s, {same['written']} files written"],
        ["one layer rendered again", "its own files and the indexes",
         f"{one['seconds']:.0f} s, {found['others']} files of others"],
        ["the site", "900 MB", f"{size['site'] / 1e6:.0f} MB, {size['files']:,} files ({first['told']})"],
        ["data of all units, compressed", "1.2 MB", f"{size['data'] / 1e6:.2f} MB"],
        ["largest layer page", "350 kB", f"{size['page'] / 1e3:.0f} kB"],
        ["first screen of all units", "1.5 s", f"{view['first_screen'] / 1000:.2f} s"],
        ["filter", "30 ms", f"{view['filter']:.1f} ms"],
        ["order", "300 ms", f"{view['sort']:.1f} ms"],
        ["longest frame while scrolling", "50 ms",
         f"{view['frame_longest']:.0f} ms (median {view['frame_median']:.0f} ms)"],
        ["of which this site's script, at most", "", f"{view['draw']:.0f} ms"],
        ["problems that `check` finds", "0", found["problems"]],
    ]  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for the store and the site")
    parser.add_argument("--units", type=int, default=100_000)
    given = parser.parse_args(words)
    store, site = given.folder / f"large-{given.units}.db", given.folder / "large-site"
    if not store.exists():
        given.folder.mkdir(parents=True, exist_ok=True)
        write_large_store(store, given.units)
    rmtree(site, ignore_errors=True)
    found: dict[str, Any] = {"first": write(store, site, "Large")}
    found["again"] = write(store, site, "Other")
    found["same"] = write(store, site, "Other")
    found["sizes"] = sizes(site)
    found["browser"] = in_browser(next(site.glob("m/*/*/units.html")))
    found["one"], found["others"] = rendered_again(store, site)
    found["problems"] = len(check_site(site))
    rows = report(given.units, found)
    head = ("what", f"wanted, at {given.units:,} units", "reached")
    print("\n".join(table(head, rows)))
    write_section(
        "site", "The atlas at scale",
        [f"Command: `python -m benchmarks.site --units {given.units}`. A deep residual network, six pictures",
         "a unit; what is counted stands in `site.py`.", "", *table(head, rows)],
    )  # fmt: skip


if __name__ == "__main__":
    main()
