"""A child process that does one kind of task after another: calls of one function.

A plain process of this Python, given the name of what to call, so that nothing of the caller's program is run
again in it. It has one thread for numbers, since several such processes fill the cores.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Any

from reportgen.errors import ReportgenError

ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
}
"""Environment variables by which numeric libraries and TensorFlow use one thread."""

_ONE_THREAD_OF_JAX = "--xla_cpu_multi_thread_eigen=false"
_SERVE = "from reportgen.child_process import serve; serve()"


class ChildEnded(Exception):
    """A child process ended in the middle of a task."""


class ChildProcess:
    """One child process.

    Args:
        call: What it calls: a function of a module, or with `made` a class of one.
        made: Arguments with which the process makes one object of the class, which it then calls.
    """

    def __init__(self, call: Callable[..., object], *made: object) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **ONE_THREAD}
        environment["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_ONE_THREAD_OF_JAX}".strip()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._name = (call.__module__, call.__qualname__, made)
        self._begun = False

    def run(self, task: tuple[object, ...]) -> object:
        """Return what the call returns with these arguments.

        Raises:
            ReportgenError, OSError: What it raised; its other errors end the process.
            ChildEnded: The process ended before it was done.
        """
        try:
            if not self._begun:
                _send(self._to, self._name)
                self._begun = True
            _send(self._to, task)
            good, result = _receive(self._from)
        except (EOFError, BrokenPipeError):
            raise ChildEnded from None
        if not good:
            raise result
        return result

    def end(self) -> None:
        """End the process, whatever it is doing; a `run` in another thread raises `ChildEnded`."""
        self._process.terminate()
        self._process.wait()

    def close(self) -> None:
        """Close the pipes to a process that has ended, once no thread uses them any more."""
        for pipe in (self._to, self._from):
            try:
                pipe.close()
            except BrokenPipeError:  # What was still to be sent to it is of no use any more.
                continue


def serve() -> None:
    """Run tasks until there are no more: the main of a child process.

    Ctrl-C goes to every process of a terminal; what it means is for the one that asks to say. It ends its
    children by ending their input.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, target = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # What prints must not come between results.
    try:
        module, name, made = _receive(source)
        call = getattr(importlib.import_module(module), name)
        call = call(*made) if made else call
        while True:
            task = _receive(source)
            try:
                result = (True, call(*task))
            except (ReportgenError, OSError) as error:
                result = (False, error)
            _send(target, result)
    except EOFError:
        return


def _send(to: IO[bytes], value: object) -> None:
    data = pickle.dumps(value)
    to.write(struct.pack(">Q", len(data)))
    to.write(data)
    to.flush()


def _receive(source: IO[bytes]) -> Any:
    head = source.read(8)
    if len(head) < 8:
        raise EOFError
    return pickle.loads(source.read(struct.unpack(">Q", head)[0]))
