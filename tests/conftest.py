"""Small real networks and stores that several rooms' tests share; each is made once."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:  # Two processes share the cores.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import shutil
import sys
from pathlib import Path

import hypothesis
import pytest
from small_networks import QUICK, save_model

# How long an example takes is the machine's affair, and no test's.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A `.keras` file of a small network."""
    return save_model(tmp_path_factory.mktemp("model") / "tiny.keras")


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory, tiny_model) -> Path:
    """A store rendered, measured and scored from `tiny_model`; read it, do not write into it."""
    import reportgen

    store = tmp_path_factory.mktemp("store") / "tiny.db"
    reportgen.render(tiny_model, store=store, version="v1", seeds=2, **QUICK)
    reportgen.score(store=store)
    return store


@pytest.fixture
def own_store(tmp_path, tiny_store) -> Path:
    """A copy of `tiny_store` that a test may write into."""
    return Path(shutil.copy(tiny_store, tmp_path / "own.db"))


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder; returns exit code, output and error output."""
    from reportgen import cli

    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["reportgen", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return call


def pytest_terminal_summary(terminalreporter):
    """Show the table of the ONNX conformance run, whichever process ran it."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    lines = [v for r in reports for k, v in getattr(r, "user_properties", ()) if k == "onnx_conformance"]
    for text in dict.fromkeys(lines):
        terminalreporter.section("ONNX conformance")
        terminalreporter.write_line(text)
