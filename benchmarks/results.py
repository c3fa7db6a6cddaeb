"""RESULTS.md, a section a benchmark: each is written anew between its own markers, and the rest is kept."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

Written by the benchmarks themselves, each its own section; `make bench` runs them all. Medians, with the
least and the largest in brackets. The machines these were taken on are shared and noisy: trust ratios,
which were taken in turns, more than seconds.
"""


def write_section(
    name: str, title: str, lines: Sequence[str], path: Path = RESULTS, *, said: str = ""
) -> None:
    """Write one benchmark's section in place of its last one; `said` are circumstances other than now's."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = "\n".join([begin, f"## {title}", "", *lines, "", f"_{said or circumstances()}_", end])
    text = path.read_text(encoding="utf-8") if path.exists() else HEAD
    before = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    text = before.sub(lambda _: section, text) if before.search(text) else f"{text.rstrip()}\n\n{section}\n"
    path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def kept_folder(kept: Path | None) -> Iterator[Path]:
    """Yield a folder that is kept, and made where it is missing; for None, one that is deleted afterwards."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a table's lines."""
    line = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in (head, *rows)]
    return [line[0], "|" + "---|" * len(head), *line[1:]]


def circumstances() -> str:
    """Return date, machine and versions in one line."""
    known = []
    for package in ("reportgen", "keras", "tensorflow", "jax", "numpy", "xplique", "tf-keras-vis"):
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    known[0] += _revision()
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{date}; {machine()}; Python {platform.python_version()}, {', '.join(known)}."


def _revision() -> str:
    """Return the commit this checkout is at, and whether the package is changed beyond it."""
    try:
        told = [
            subprocess.check_output(["git", *words], cwd=RESULTS.parent, text=True, stderr=subprocess.DEVNULL)
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", "../reportgen"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f" at {told[0].strip()}" + (", with changes beyond it" if told[1].strip() else "")


def machine() -> str:
    """Return the processor, its family and model, its cores, and whether it computes in bfloat16."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    found = dict(re.findall(r"^(model name|cpu family|model|flags)\s*: (.*)$", text, re.MULTILINE))
    half = [flag for flag in ("avx512_bf16", "amx_bf16") if flag in found.get("flags", "").split()]
    kind = f"family {found.get('cpu family', '?')} model {found.get('model', '?')}"
    return (
        f"{found.get('model name', platform.machine())} ({kind}), {os.cpu_count()} cores, "
        f"bfloat16: {', '.join(half) or 'no'}"
    )
