"""Ctrl-C at any time leaves a good store and a site that builds; a second one ends at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_networks import QUICK_WORDS

import reportgen
from reportgen.store import open_store

PROGRAM = Path(__file__).with_name("interrupted.py")
WORDS = ["--version", "v1", "--seeds", "2", "--batch", "2", *QUICK_WORDS]


def interrupted(folder, model, moment, times=1):
    return asked(folder, moment, times, "atlas", model, *WORDS)


def asked(folder, moment, times, *command):
    words = [sys.executable, PROGRAM, moment, times, *command]
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, cwd=folder, timeout=200)


def there(folder):
    """Return the keys of the renders in the store, after building the site of it and checking that."""
    with open_store(folder / "reportgen.db") as store:
        keys = [row[4] for x in store.models() for y in x.layers for row in store.placements(x.id, y.name)]
        assert store.known_keys(keys) == set(keys)
        (ok,) = store._db.execute("PRAGMA integrity_check").fetchone()
        assert ok == "ok"
    reportgen.score(store=folder / "reportgen.db")
    reportgen.write_atlas(folder / "reportgen.db", folder / "again")
    assert reportgen.check_site(folder / "again") == []
    return keys


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["import", "report", "render", "measure"])
def test_an_interrupted_run_scores_and_writes_what_there_is(tmp_path, tiny_model, moment):
    done = interrupted(tmp_path, tiny_model, moment)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "stopping" in done.stderr and "stopped early" in done.stdout and "are missing" in done.stdout
    assert (tmp_path / "site" / "index.html").is_file()
    assert reportgen.check_site(tmp_path / "site") == []
    before = there(tmp_path)
    assert len(before) < 20
    if moment == "render":
        result = reportgen.render(tiny_model, store=tmp_path / "reportgen.db", version="v1", seeds=2,
                                  set=dict(w.split("=") for w in QUICK_WORDS[1::2]))  # fmt: skip
        assert result[0].rendered == 20 - len(before) and not result[0].stopped
        assert set(before) < set(there(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["score", "site", "publish"])
def test_once_everything_is_rendered_an_interrupted_run_ends_as_if_it_were_not(tmp_path, tiny_model, moment):
    done = interrupted(tmp_path, tiny_model, moment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert reportgen.check_site(tmp_path / "site") == []
    assert len(there(tmp_path)) == 20


@pytest.mark.slow
@pytest.mark.parametrize(("times", "code"), [(1, 2), (2, 3)])
def test_an_interrupted_dream_writes_nothing_and_says_so(tmp_path, tiny_model, times, code):
    done = asked(tmp_path, "render", times, "dream", tiny_model, "--set", "steps=8")
    assert done.returncode == code, done.stdout + done.stderr
    assert "stopping: nothing is written" in done.stderr and "; nothing was written" in done.stderr
    assert "store" not in done.stderr and not list(tmp_path.glob("dream*"))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["import", "render", "pages"])
def test_a_second_interrupt_ends_the_run_and_leaves_nothing_half_written(tmp_path, tiny_model, moment):
    done = interrupted(tmp_path, tiny_model, moment, times=2)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "stopped; what was rendered is in the store" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "site" / "index.html").exists()
    assert [f.name for f in tmp_path.rglob("*") if "staging" in f.name] == []
    if moment == "import":
        assert not (tmp_path / "reportgen.db").exists()  # There was nothing to keep.
    else:
        there(tmp_path)


@pytest.mark.slow
def test_a_second_interrupt_ends_a_framework_that_does_not_listen(tmp_path, tiny_model):
    """Python hears no signal while a compiled loop runs, so one stands in for it that runs for a minute."""
    script = f"""
import sys, time
from importlib import import_module
queue = import_module("reportgen.render.batch_runner")
def advance(self):
    print("busy", flush=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:  # A signal cuts a sleep short, and is not passed on.
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass
queue.BatchRunner.advance = advance
sys.argv = ["reportgen", "atlas", {str(tiny_model)!r}, *{WORDS!r}]
from reportgen import cli
cli.main()
"""
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert run.stdout.readline() == "busy\n"
    began = time.monotonic()
    for _ in range(2):
        os.kill(run.pid, signal.SIGINT)
        time.sleep(0.2)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 3 and "stopped; what was rendered is in the store" in err
    assert time.monotonic() - began < 20
    there(tmp_path)
