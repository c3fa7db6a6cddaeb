"""No command opens a socket beyond what was asked, and nothing is written into the user's home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "facing_left"
WATCHED = """
import sys

def heard(event, values):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        print("NETWORK", event, values[-3:], file=sys.stderr)

sys.addaudithook(heard)
from reportgen.cli import main
main()
"""


def run(words, home):
    """Run a command in a home of its own; return what it wrote, and the addresses its threads asked for."""
    trace = home.parent / "trace"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "ORT_"))}
    environment |= {"HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", WATCHED, *map(str, words)]
    if shutil.which("strace"):
        command = ["strace", "-f", "-qq", "-e", "trace=connect,sendto", "-o", str(trace), *command]
    done = subprocess.run(
        command, env=environment, cwd=home, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = trace.read_text().splitlines() if trace.exists() else []
    asked = [line for line in lines if "AF_INET" in line]
    return done.stdout, [*asked, *(line for line in done.stderr.splitlines() if line.startswith("NETWORK"))]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("quiet") / "home"
    home.mkdir()
    return home


@pytest.mark.slow
@pytest.mark.parametrize("file", ["facing_left.onnx", "facing_left.keras"])
def test_inspecting_a_file_asks_no_address_and_keeps_no_diary(home, file):
    told, asked = run(["inspect", EXAMPLE / file], home)
    assert "proof" in told and asked == []
    foreign = [p for p in home.rglob("*") if p.is_file() and "onnx" in str(p).lower()]
    assert foreign == []


@pytest.mark.slow
def test_rendering_scoring_and_writing_a_site_ask_no_address(home):
    small = ["--layers", "conv2d_1", "--units", "2", "--seeds", "2", "--store", home / "s.db"]
    for words in (
        ["render", EXAMPLE / "facing_left.keras", *small],
        ["score", "--store", home / "s.db"],
        ["site", "--store", home / "s.db", "--site", home / "site"],
    ):
        _, asked = run(words, home)
        assert asked == [], words
