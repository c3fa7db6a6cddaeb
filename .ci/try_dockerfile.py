"""Builds the image and runs it; without docker, goes through the Dockerfile's steps in plain environments.

Then each stage is a folder: COPY copies into it, RUN runs in it with the stage's own virtual
environment first on the path, and absolute paths are those below the folder. Making a user is left out.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TAG = "reportgen:try"


def instructions(text):
    """The instructions of a Dockerfile, in order: word and arguments."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]


def docker_runs():
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "info"], capture_output=True).returncode
    )


def try_docker():
    subprocess.run(["docker", "build", "--quiet", "--tag", TAG, ROOT], check=True)
    run = ["docker", "run", "--rm"]
    check_output(subprocess.check_output([*run, TAG, "--version"], text=True))
    user = subprocess.check_output([*run, "--entrypoint", "id", TAG, "-u"], text=True)
    assert user.strip() != "0", "the image runs as root"


def check_output(said):
    assert said.startswith("reportgen"), said
    print(f"ok: {said.strip()}")


class Stage:
    """A stage of the image as a folder."""

    def __init__(self, place):
        self.root, self.folder = place, place
        self.user, self.entry = "root", []
        self.root.mkdir()
        venv.create(place / "venv", with_pip=True)

    def path(self, name):
        return self.root / name.lstrip("/") if name.startswith("/") else self.folder / name

    def run(self, script):
        """Run a script with the stage's Python; an absolute path of a folder of the stage is one below it."""
        if script.startswith("useradd"):
            return
        tops = [top.name for top in self.root.iterdir() if top.name != "venv"] + ["wheels"]
        placed = re.sub(
            rf"(?<![\w./])/({'|'.join(map(re.escape, tops))})(?=[/\s\"')]|$)", rf"{self.root}/\1", script
        )
        print(f"  RUN {script[:100]}", flush=True)
        subprocess.run(["sh", "-ec", placed], cwd=self.folder, env=self.environment(), check=True)

    def environment(self):
        return {**os.environ, "PATH": f"{self.root / 'venv' / 'bin'}:{os.environ['PATH']}"}


def copy(source, target):
    if source.is_dir():
        ignored = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "node_modules", "*.db", ".*_cache")
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def try_steps(folder):
    """Go through the Dockerfile's instructions; returns the last stage."""
    stages, stage = {}, None
    for word, rest in instructions((ROOT / "Dockerfile").read_text()):
        if word == "FROM":
            image, *name = rest.split(" AS ")
            assert image.startswith("python:3."), image
            stage = stages[name[0] if name else ""] = Stage(folder / f"stage{len(stages)}")
        elif word == "WORKDIR":
            stage.folder = stage.path(rest)
            stage.folder.mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            *flags, source, target = rest.split()
            other = [flag.removeprefix("--from=") for flag in flags if flag.startswith("--from=")]
            copy(stages[other[0]].path(source) if other else ROOT / source, stage.path(target))
        elif word == "RUN":
            stage.run(rest)
        elif word == "USER":
            stage.user = rest
        elif word in ("ENTRYPOINT", "CMD"):
            stage.entry += json.loads(rest)
        else:
            assert word == "ENV", word
    return stage


def main():
    if docker_runs():
        try_docker()
        return
    print("docker does not run here: the steps of the Dockerfile in plain environments", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        stage = try_steps(Path(folder))
        assert stage.user not in ("root", "0"), "the image runs as root"
        program, *arguments = stage.entry
        program = stage.root / "venv" / "bin" / program
        said = subprocess.check_output([program, *arguments], cwd=stage.folder, text=True)
        assert said.startswith("Usage: reportgen"), said
        check_output(subprocess.check_output([program, "--version"], cwd=stage.folder, text=True))


if __name__ == "__main__":
    main()
