"""Child processes that do one task after another."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from reportgen.child_process import ChildEnded, ChildProcess
from reportgen.errors import StoreError
from reportgen.store import open_store


@contextmanager
def child(*call: object) -> Iterator[ChildProcess]:
    made = ChildProcess(*call)
    try:
        yield made
    finally:
        made.end()
        made.close()


def test_each_task_is_a_call_in_the_other_process() -> None:
    with child(os.getpid) as process:
        assert process.run(()) == process.run(()) != os.getpid()


def test_an_object_of_a_class_keeps_what_it_has_between_calls() -> None:
    with child(partial, next, iter([5, 6])) as process:
        assert [process.run(()), process.run(())] == [5, 6]


def test_an_error_of_the_program_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    with child(len) as process, pytest.raises(ChildEnded):
        process.run((5,))
    assert "TypeError" in capfd.readouterr().err


def test_an_error_in_the_other_process_is_raised_here_and_the_next_task_is_done(tmp_path: Path) -> None:
    with child(open_store) as process:
        for _ in range(2):
            with pytest.raises(StoreError, match="does not exist"):
                process.run((tmp_path / "a.db",))


def test_a_process_that_was_killed_is_an_error_here() -> None:
    with child(os.kill) as process, pytest.raises(ChildEnded):
        process.run((_pid_of(process), signal.SIGKILL))


def test_its_numbers_have_one_thread() -> None:
    with child(os.getenv) as process:
        assert process.run(("TF_NUM_INTRAOP_THREADS",)) == "1"
        assert "multi_thread_eigen=false" in process.run(("XLA_FLAGS",))


def _pid_of(process: ChildProcess) -> int:
    return process._process.pid
