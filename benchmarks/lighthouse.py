"""Lighthouse over a served site: scores of its pages, 0 to 100. Needs Node and `npm ci` in benchmarks/node.

python -m benchmarks.lighthouse site                        one page of each kind; writes its section
python -m benchmarks.lighthouse site m/x/v1/index.html      these pages, printed
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from benchmarks.results import table, write_section
from reportgen.atlas.serve import site_server

HERE = Path(__file__).with_name("node")
MISSING = "Lighthouse is not installed (Node, then: npm ci --prefix benchmarks/node)"
KINDS = ("accessibility", "best-practices", "performance")
FLAGS = "--headless=new --no-sandbox --disable-gpu"


def lighthouse_here() -> str | None:
    """Return the pinned Lighthouse's command, None where it or Node is not installed."""
    place = HERE / "node_modules" / ".bin" / "lighthouse"
    return str(place) if which("node") and place.exists() else None


def missing() -> str:
    """Return why nothing can be measured here, or nothing."""
    if lighthouse_here() is None:
        return MISSING
    return "" if _chrome() else "no Chromium on this machine"


def _chrome() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := which(name))), None)


def audit(command: str, chrome: str, address: str, kinds: Sequence[str]) -> dict[str, float]:
    """Return the scores of one page by kind of audit.

    Raises:
        RuntimeError: Lighthouse gave no report; with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = [command, address, "--quiet", "--output=json", f"--output-path={report}", "--preset=desktop"]
        words += [
            f"--chrome-flags={FLAGS}",
            f"--only-categories={','.join(kinds)}",
            "--no-enable-error-reporting",
        ]
        environment = {**os.environ, "CHROME_PATH": chrome}
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        if not report.is_file():
            raise RuntimeError(f"Lighthouse gave no report: {done.stderr[-400:]}")
        found = json.loads(report.read_text(encoding="utf-8"))["categories"]
    return {kind: round(100 * (found[kind]["score"] or 0), 1) for kind in kinds}


def measure(site: Path, pages: Sequence[str], times: int = 5) -> dict[str, dict[str, float]]:
    """Return the median scores of pages of a site: performance of `times` runs, the others of the first."""
    command, chrome = lighthouse_here(), _chrome()
    if command is None or chrome is None:
        raise RuntimeError(missing())
    server = site_server(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = {}
    for page in pages:
        address = f"http://127.0.0.1:{server.server_port}/atlas/{page}"
        scores = audit(command, chrome, address, ("accessibility", "best-practices"))
        runs = [audit(command, chrome, address, ("performance",))["performance"] for _ in range(times)]
        found[page] = {**scores, "performance": statistics.median(runs)}
    server.shutdown()
    return found


def pages_of(site: Path) -> list[str]:
    """Return the address of a page of each kind."""
    found = sorted(site.glob("m/*/*/*.html"))
    layers = [p for p in found if (p.parent / p.stem).is_dir()]
    units = sorted(site.glob("m/*/*/*/*.html"))
    named = [p for name in ("index", "units", "findings", "wall", "method") for p in found if p.stem == name]
    chosen = dict.fromkeys([site / "index.html", *named, *layers[:1], *units[:1]])
    return [p.relative_to(site).as_posix() for p in chosen]


def write_results(site: Path) -> None:
    """Measure a page of each kind, print and write the section."""
    scores = measure(site, pages_of(site))
    head = ("page", "accessibility", "best practices", "performance, median of 5")
    rows = [[f"`{page}`", *(f"{found[k]:.0f}" for k in KINDS)] for page, found in scores.items()]
    lines = table(head, rows)
    print("\n".join(lines))
    said = "Command: `python -m benchmarks.run lighthouse`. Lighthouse's desktop preset, 95 wanted of each."
    write_section("lighthouse", "Lighthouse", [said, "", *lines])


if __name__ == "__main__":
    if sys.argv[2:]:
        print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2:]), indent=2))
    else:
        write_results(Path(sys.argv[1]))
