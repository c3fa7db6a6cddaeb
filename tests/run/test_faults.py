"""What a run does when it is killed, when the disk is full, and when one unit has no numbers."""

import json
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from small_networks import QUICK, QUICK_WORDS

import reportgen
from reportgen.store import open_store

WORDS = ["--version", "v1", "--seeds", "2", "--batch", "4", *QUICK_WORDS]

KILLED = """
import os, signal, sys
from importlib import import_module
from reportgen import cli
queue, calls, last = import_module("reportgen.render.batch_runner"), [], int(sys.argv[1])
plain = queue.BatchRunner.advance
def advance(self):
    plain(self)
    calls.append(1)
    if len(calls) == last:
        os.kill(os.getpid(), signal.SIGKILL)
queue.BatchRunner.advance = advance
sys.argv = ["reportgen", *sys.argv[2:]]
cli.main()
"""


@pytest.fixture(scope="module")
def batched_store(tmp_path_factory, tiny_model):
    """A store rendered from `tiny_model` with the options of `WORDS`; read it, do not write into it."""
    store = tmp_path_factory.mktemp("batched") / "tiny.db"
    reportgen.render(tiny_model, store=store, version="v1", seeds=2, batch=4, **QUICK)
    reportgen.score(store=store)
    return store


def rows(path):
    """Return every render of a store by its key: picture, and the run that made it."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {
            key: (picture, run) for key, picture, run in db.execute("SELECT key, picture, run FROM renders")
        }


def placed(path):
    with closing(sqlite3.connect(path)) as db:
        return set(db.execute("SELECT layer, unit, recipe, sign, seed, key FROM placements"))


@pytest.mark.slow
@pytest.mark.parametrize("window", [2, 5, 9])
def test_a_run_killed_in_the_middle_of_a_batch_loses_that_batch_alone(
    tmp_path, tiny_model, batched_store, window
):
    words = ["render", str(tiny_model), *WORDS]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(window), *words], cwd=tmp_path, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    store = tmp_path / "reportgen.db"
    before = rows(store)
    assert len(before) < 20 and {key for *_, key in placed(store)} == set(before)
    result = reportgen.render(tiny_model, store=store, version="v1", seeds=2, batch=4, **QUICK)
    after = rows(store)
    assert result[0].rendered == 20 - len(before)
    assert {key: after[key] for key in before} == before  # Nothing that was there was made again.
    assert placed(store) == placed(batched_store)  # As a run that nobody killed.


def test_windows_enough_for_a_batch_to_be_there_before_the_kill(tmp_path, tiny_model):
    """The test above is about something: its later kills find pictures in the store."""
    words = ["render", str(tiny_model), *WORDS]
    subprocess.run([sys.executable, "-c", KILLED, "9", *words], cwd=tmp_path, capture_output=True)
    assert rows(tmp_path / "reportgen.db")


def limited(bytes_):
    """Return what lets a process write no file larger than that, as a full disk would."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))

    return limit


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_what_was_committed_can_be_read(tmp_path, tiny_model):
    words = [sys.executable, "-m", "reportgen", "render", str(tiny_model), *WORDS]
    store = tmp_path / "reportgen.db"
    for kilobytes in (72, 80, 96):
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, preexec_fn=limited(kilobytes * 1024)
        )
        errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        assert done.returncode == 2 and len(errors) == 1, done.stderr
        assert 'store "reportgen.db"' in errors[0] and "Traceback" not in done.stderr
        if store.exists():
            with open_store(store) as opened:
                opened.models()
            rows(store)
    result = reportgen.render(tiny_model, store=store, version="v1", seeds=2, batch=4, **QUICK)
    assert len(rows(store)) == 20 and not result[0].stopped


def test_a_store_that_may_not_grow_says_so_in_one_line(run, monkeypatch, tiny_model, tmp_path):
    """SQLite's own limit stands in for a disk that fills up while pictures are rendered."""
    from reportgen.store import Store

    plain = Store.put_renders

    def full(self, *args, **kwargs):
        self._db.execute(f"PRAGMA max_page_count={self._db.execute('PRAGMA page_count').fetchone()[0]}")
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(Store, "put_renders", full)
    code, out, err = run("render", tiny_model, *WORDS)
    assert code == 2 and out == ""
    (said,) = [line for line in err.splitlines() if line.startswith("error:")]
    assert "full" in said and "everything committed so far is kept" in said
    with open_store(tmp_path / "reportgen.db") as store:
        assert [x.name for x in store.models()] == ["tiny"]


def test_a_unit_whose_gradient_has_no_numbers_is_a_row_with_its_reason_and_the_others_go_on(run, tmp_path):
    """Unit 0 wants brightness, and a brighter picture is more than a float holds; unit 1 wants the dark."""
    import keras
    import numpy as np

    x = keras.Input((16, 16, 1))
    steep = keras.layers.Conv2D(1, 1, activation="exponential", name="steep")
    both = keras.layers.Conv2D(2, 1, name="both")
    network = keras.Model(x, both(steep(x)))
    steep.set_weights([np.full((1, 1, 1, 1), 2000.0), np.array([-1000.0])])
    both.set_weights([np.array([1.0, -1.0]).reshape(1, 1, 1, 2), np.zeros(2)])
    network.save(tmp_path / "m.keras")
    even = ["--set", "start_noise=0", "--set", "show.start_noise=0", "--set", "jitter_px=0"]
    code, out, err = run("atlas", "m.keras", "--layers", "both", "--signs", "happy", *even, *WORDS)
    assert code == 3, out + err
    assert run("export", "--out", "t.json")[0] == 0
    table = {row["unit"]: row for row in json.loads((tmp_path / "t.json").read_text())}
    assert table[0]["verdict"] == "failed" and "not finite" in table[0]["reason"]
    assert table[1]["verdict"] != "failed"
    with open_store(tmp_path / "reportgen.db") as store:
        assert [bool(r.failure) for r in store.renders(1, "both")] == [True] * 3 + [False] * 3
    assert (tmp_path / "site" / "index.html").is_file()
