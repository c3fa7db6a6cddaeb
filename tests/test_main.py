"""What happens before a command does its work: little is loaded, and Ctrl-C ends it without a word."""

import ast
import subprocess
import sys

import pytest

from reportgen.cli import cli


@pytest.mark.parametrize(
    "name",
    ["click", "pydantic", "rich", "jinja2", "numpy", "reportgen.cli", "reportgen.cli.commands",
     "reportgen.terminal.tables", "reportgen.run", "reportgen.store", "reportgen.score"],
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


@pytest.mark.parametrize(
    "words",
    [("--version",), ("--help",), *((name, "--help") for name in sorted(cli.commands))],
    ids=" ".join,
)
def test_help_and_version_load_nothing_that_only_work_needs(tmp_path, words):
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['reportgen', *{words!r}]\n"
        "try:\n    runpy.run_module('reportgen', run_name='__main__')\n"
        "finally:\n    print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout
    loaded = set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))
    assert not loaded & {"numpy", "scipy", "PIL", "pydantic", "rich", "jinja2", "keras", "tensorflow", "jax"}
