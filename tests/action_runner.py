"""Runs the steps of action.yml with plain shell, as GitHub's runner would, with a stand-in for the network.

`gh` answers from a folder: artifacts and comments as JSON, through the real `jq`. `pip install` is only
noted, and so are actions of others (`uses:`) with their inputs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
ACTION = ROOT / "action.yml"

GH = """
import json, os, pathlib, subprocess, sys, urllib.parse
place, words = pathlib.Path(os.environ["FAKE_GITHUB"]), sys.argv[1:]
with (place / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")

def after(name, default=None):
    return words[words.index(name) + 1] if name in words else default

def shown(value):
    query = after("--jq")
    if query is None:
        return
    done = subprocess.run(["jq", "-r", query], input=json.dumps(value), capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    sys.stdout.write(done.stdout)
    sys.exit(done.returncode)

if words[:2] == ["run", "download"]:
    source = place / "artifacts" / words[2] / after("--name")
    target = pathlib.Path(after("--dir"))
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    sys.exit(0)
address = next(w for w in words[1:] if w.startswith("repos/"))
if address.endswith("/actions/artifacts"):
    name = next(w for w in words if w.startswith("name=")).removeprefix("name=")
    known = json.loads((place / "artifacts.json").read_text())
    shown({"artifacts": [a for a in known if a["name"] == name]})
comments = json.loads((place / "comments.json").read_text())
method = after("--method", "GET")
if method == "GET":
    shown(comments)
body = next(w for w in words if w.startswith("body=@")).removeprefix("body=@")
text = pathlib.Path(body).read_text()
if method == "POST":
    comments.append({"id": len(comments) + 1, "user": {"type": "Bot"}, "body": text})
else:
    (own,) = [c for c in comments if str(c["id"]) == address.rpartition("/")[2]]
    own["body"] = text
(place / "comments.json").write_text(json.dumps(comments))
"""


def read_action() -> dict:
    return yaml.safe_load(ACTION.read_text(encoding="utf-8"))


@dataclass
class Github:
    """A repository on GitHub, as far as the action asks: artifacts, comments and a git remote in a folder."""

    place: Path
    repository: str = "owner/nets"
    number: int = 7
    from_fork: bool = False
    actions: list[tuple[str, dict]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place.mkdir()
        (self.place / "artifacts.json").write_text("[]")
        (self.place / "comments.json").write_text("[]")
        (self.place / "bin").mkdir()
        self._program("gh", f'exec "{sys.executable}" -I -c {_quoted(GH)} "$@"')
        installs = f'echo "$@" >> "{self.place}/installs"'
        self._program(
            "python",
            f'if [ "$1 $2 $3" = "-m pip install" ]; then {installs}; else exec "{sys.executable}" "$@"; fi',
        )
        self._program("reportgen", f'exec "{sys.executable}" -m reportgen "$@"')
        remote = self.place / self.repository
        subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)

    def _program(self, name: str, line: str) -> None:
        path = self.place / "bin" / name
        path.write_text(f"#!/bin/bash\n{line}\n")
        path.chmod(0o755)

    def add_artifact(self, run: int, store: Path, *, name="store", branch="main", fork=False, expired=False,
                     created="2026-01-01T00:00:00Z"):  # fmt: skip
        """Keep a store as the artifact of a run."""
        folder = self.place / "artifacts" / str(run) / name
        folder.mkdir(parents=True)
        (folder / "reportgen.db").write_bytes(store.read_bytes())
        origin = {
            "id": run,
            "head_branch": branch,
            "repository_id": 1,
            "head_repository_id": 2 if fork else 1,
        }
        listed = json.loads((self.place / "artifacts.json").read_text())
        listed.append({"name": name, "expired": expired, "created_at": created, "workflow_run": origin})
        (self.place / "artifacts.json").write_text(json.dumps(listed))

    @property
    def comments(self) -> list[dict]:
        return json.loads((self.place / "comments.json").read_text())

    @property
    def calls(self) -> list[list[str]]:
        path = self.place / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


@dataclass
class Run:
    """How a run of the action ended.

    Attributes:
        failed: The name of the step that failed, or empty.
        outputs: Of the action.
        summary: The job's summary.
        log: All that steps printed.
        ran: Names of the steps that ran.
    """

    failed: str
    outputs: dict[str, str]
    summary: str
    log: str
    ran: list[str]


def run_action(github: Github, workspace: Path, only: tuple[str, ...] = (), **inputs: str) -> Run:
    """Run the steps of action.yml in a workspace; `only` names the steps to run, all of them by default."""
    action, temp = read_action(), github.place / f"temp{len(github.calls)}"
    temp.mkdir()
    event = {
        "number": github.number,
        "head.repo.full_name": "fork/nets" if github.from_fork else github.repository,
    }
    known = {
        "github.action_path": str(ROOT),
        "github.repository": github.repository,
        "github.server_url": github.place.as_uri(),
        "github.run_id": "99",
        "github.token": "secret",
        "github.event.repository.default_branch": "main",
        "runner.temp": str(temp),
        **{f"github.event.pull_request.{key}": str(value) for key, value in event.items()},
    }
    for name, spec in action["inputs"].items():
        known[f"inputs.{name}"] = inputs.pop(name.replace("-", "_"), None) or _filled(
            spec.get("default", ""), known
        )
    assert not inputs, f"no inputs of the action: {inputs}"
    summary = temp / "job-summary.md"
    summary.touch()
    failed, log, ran = "", "", []
    for i, step in enumerate(action["runs"]["steps"]):
        name = step.get("name") or step["uses"]
        if only and name not in only:
            continue
        condition = step.get("if", "")
        if (failed and "always()" not in condition) or not _holds(condition, known):
            continue
        ran.append(name)
        if "uses" in step:
            github.actions.append((step["uses"], {k: _filled(v, known) for k, v in step["with"].items()}))
            continue
        script, output = temp / f"step{i}.sh", temp / f"output{i}"
        script.write_text(step["run"])
        output.touch()
        own = {key: _filled(value, known) for key, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=workspace,
            env={
                **os.environ,
                "PATH": f"{github.place / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "FAKE_GITHUB": str(github.place),
                "GITHUB_REPOSITORY": github.repository,
                "GITHUB_SERVER_URL": github.place.as_uri(),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                **own,
            },
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        log += f"--- {name}: {done.returncode}\n{done.stdout}{done.stderr}"
        for line in output.read_text().splitlines():
            key, _, value = line.partition("=")
            known[f"steps.{step.get('id', '')}.outputs.{key}"] = value
        if done.returncode and not failed:
            failed = name
    outputs = {name: _filled(spec["value"], known) for name, spec in action["outputs"].items()}
    return Run(failed, outputs, summary.read_text(), log, ran)


def _filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: _value(found[1], known), str(text))


def _value(path: str, known: dict[str, str]) -> str:
    if path.startswith("steps."):
        return known.get(path, "")
    return known[path]


def _holds(condition: str, known: dict[str, str]) -> bool:
    """Whether a condition of `always()` and comparisons, joined by `&&`, holds."""
    terms = [term.strip() for term in condition.split("&&") if term.strip() not in ("", "always()")]
    for term in terms:
        left, operator, right = re.fullmatch(r"(\S+) (==|!=) (\S+)", term).groups()
        value = right.strip("'") if right.startswith("'") else _value(right, known)
        if (_value(left, known) == value) != (operator == "=="):
            return False
    return True
