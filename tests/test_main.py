"""Ctrl-C while the program loads ends it without a word."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "name",
    ["click", "pydantic", "rich", "jinja2", "numpy", "reportgen.cli", "reportgen.cli.commands",
     "reportgen.terminal", "reportgen.run", "reportgen.store", "reportgen.score"],
)  # fmt: skip
def test_an_interrupt_while_modules_load_is_exit_130_without_a_word(tmp_path, name):
    program = (
        "import importlib.abc, runpy, sys\n"
        "class Interrupted(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {name!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "sys.argv = ['reportgen', 'score']\n"
        "runpy.run_module('reportgen', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (130, "", "")
