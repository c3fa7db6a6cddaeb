"""The action and the workflows: no input is part of a script, and the action's steps do what they say."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from action_runner import ACTION, ROOT, Github, read_action, run_action
from small_networks import QUICK, save_model

import reportgen

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Continuous integration installs it (.ci/run); the actions that run on GitHub have it.
needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")


def scripts():
    """Every script of the action and the workflows, with the file and the name of its step."""
    found = [("action.yml", step) for step in read_action()["runs"]["steps"]]
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            found += [(path.name, step) for step in job["steps"]]
    return [(file, step.get("name", step["run"][:40]), step["run"]) for file, step in found if "run" in step]


def test_no_expression_is_part_of_a_script():
    assert len(scripts()) > 8
    assert not [(file, name) for file, name, script in scripts() if "${{" in script]


def test_every_input_and_output_of_the_action_is_used_and_documented():
    action, text = read_action(), ACTION.read_text(encoding="utf-8")
    document = (ROOT / "docs" / "pull-requests.md").read_text(encoding="utf-8")
    steps = text.partition("runs:")[2]
    for name, spec in action["inputs"].items():
        assert spec["description"] and f"inputs.{name}" in steps
        assert f"`{name}`" in document
    for name in action["outputs"]:
        assert f"`{name}`" in document


def test_workflows_give_a_token_no_more_than_they_say():
    for path in WORKFLOWS:
        assert "permissions" in yaml.safe_load(path.read_text(encoding="utf-8")), path.name


def test_workflows_pass_actionlint():
    program = shutil.which("actionlint", path=str(Path(sys.executable).parent)) or shutil.which("actionlint")
    if program is None:
        # It is fetched from outside the package registries, so a job of ci.yml alone installs and runs it.
        pytest.skip("actionlint is not installed (pip install -c constraints.txt '.[workflows]')")
    done = subprocess.run([program, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_scripts_pass_shellcheck():
    for file, name, script in scripts():
        done = subprocess.run(
            ["shellcheck", "--shell=bash", "--severity=warning", "-"],
            input=script, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{file}, {name}:\n{done.stdout}"


@pytest.fixture
def workspace(tmp_path):
    """A checkout with a model and its settings."""
    place = tmp_path / "checkout"
    place.mkdir()
    save_model(place / "net.keras")
    words = "\n".join(f'"{key}" = {value}' for key, value in QUICK["set"].items())
    (place / "reportgen.toml").write_text(f'seeds = 2\nsigns = "happy"\n[set]\n{words}\n')
    return place


@pytest.fixture
def main_store(workspace, tmp_path):
    """The main branch's store: the model as version v1."""
    store = tmp_path / "main.db"
    reportgen.render(workspace / "net.keras", store=store, version="v1", seeds=2, signs="happy", **QUICK)
    reportgen.score(store=store)
    return store


def kill_a_filter(path):
    """Make the second filter of a model dead."""
    import keras

    model = keras.saving.load_model(path)
    kernel, bias = model.get_layer("conv").get_weights()
    kernel[..., 1], bias[1] = 0, -1
    model.get_layer("conv").set_weights([kernel, bias])
    model.save(path)


@needs_jq
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_pull_request_is_compared_checked_and_commented_once(workspace, main_store, tmp_path):
    github = Github(tmp_path / "github")
    github.add_artifact(11, main_store)
    kill_a_filter(workspace / "net.keras")

    first = run_action(
        github, workspace, model="net.keras", rules="died <= 1\nfailed <= 0", pictures_branch="pics"
    )
    assert not first.failed, first.log
    assert first.outputs["result"] == "pass"
    for name in ("store", "summary", "junit", "badge"):
        assert Path(first.outputs[name]).stat().st_size, name
    assert (Path(first.outputs["site"]) / "index.html").exists()
    assert "<html" in Path(first.outputs["report"]).read_text(encoding="utf-8")
    (comment,) = github.comments
    assert comment["body"].startswith("<!-- reportgen gate pr -->\n### The gate holds")
    assert "| conv | 2 |" in comment["body"] and "actions/runs/99" in comment["body"]
    assert "The gate holds" in first.summary and "changes.png?raw=true" in first.summary
    branches = subprocess.run(
        ["git", "-C", github.place / github.repository, "branch", "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert branches.stdout.split() == ["pics-7"]
    assert [uses.partition("@")[0] for uses, _ in github.actions] == [
        "actions/setup-python", "actions/upload-artifact", "actions/upload-artifact"
    ]  # fmt: skip

    steps = [step.get("name", "") for step in read_action()["runs"]["steps"]]
    rest = tuple(name for name in steps if name != "Write the site and the report")
    second = run_action(github, workspace, rest, model="net.keras", rules="died <= 0")
    assert second.failed == "Pass or fail"
    assert second.outputs["result"] == "fail"
    (comment,) = github.comments
    assert "The gate does not hold" in comment["body"] and "conv 1" in comment["body"]


@needs_jq
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_a_pull_request_did_not_change_is_not_rendered_again(workspace, main_store, tmp_path):
    github = Github(tmp_path / "github")
    github.add_artifact(11, main_store)
    done = run_action(github, workspace, model="net.keras", rules="changed <= 0")
    assert not done.failed and done.outputs["result"] == "pass", done.log
    assert re.search(r"\b0 rendered|nothing to render|complete", done.log), done.log


@needs_jq
def test_inputs_with_quotes_and_commands_stay_text(workspace, tmp_path):
    github = Github(tmp_path / "github")
    hostile = "$(touch pwned)`touch pwned`\";touch pwned;'\n::error::x"
    inputs = dict.fromkeys(
        ("rules", "config", "store_artifact", "branch", "against", "version", "images", "budget", "strict",
         "pictures_branch", "extras", "token"), hostile,
    )  # fmt: skip
    done = run_action(github, workspace, model=hostile, **inputs)
    assert done.failed == "Render what changed"
    assert not list(tmp_path.rglob("pwned"))
    (install,) = (github.place / "installs").read_text().split("--constraint")[1:]
    assert "$(touch pwned)" in install


RESTORE = ("Restore the main branch's store",)


@needs_jq
@pytest.mark.parametrize(
    "other",
    [
        {"fork": True},  # a fork may have a branch called main
        {"branch": "feature"},
        {"expired": True},
        {"name": "another"},
    ],
)
def test_only_the_newest_store_of_the_repositorys_own_branch_is_restored(
    workspace, tiny_store, tmp_path, other
):
    github = Github(tmp_path / "github")
    github.add_artifact(11, tiny_store, created="2026-01-01T00:00:00Z")
    github.add_artifact(12, tiny_store, created="2026-01-02T00:00:00Z")
    github.add_artifact(13, tiny_store, **{"created": "2026-01-03T00:00:00Z", **other})
    done = run_action(github, workspace, RESTORE, model="net.keras")
    assert not done.failed, done.log
    assert [call[2] for call in github.calls if call[:2] == ["run", "download"]] == ["12"]
    assert Path(done.outputs["store"]).read_bytes() == tiny_store.read_bytes()


@needs_jq
def test_without_a_store_of_the_main_branch_the_run_warns_and_compares_nothing(workspace, tmp_path):
    github = Github(tmp_path / "github")
    done = run_action(
        github,
        workspace,
        (*RESTORE, "Compare, and check the rules", "Comment once"),
        model="net.keras",
        rules="dead <= 0",
    )
    assert not done.failed and done.outputs["result"] == "none"
    assert "::warning::" in done.log
    (comment,) = github.comments
    assert "nothing is compared" in comment["body"]


def test_a_pull_request_of_a_fork_writes_nothing_to_github(workspace, tmp_path):
    github = Github(tmp_path / "github", from_fork=True)
    steps = ("Compare, and check the rules", "Publish the pictures", "Comment once")
    done = run_action(github, workspace, steps, model="net.keras", pictures_branch="pics")
    assert "Comment once" not in done.ran and "Publish the pictures" not in done.ran
    assert not github.calls


@needs_jq
def test_a_comment_of_a_person_is_not_edited(workspace, tmp_path):
    github = Github(tmp_path / "github")
    mark = "<!-- reportgen gate pr -->"
    person = {"id": 1, "user": {"type": "User"}, "body": f"{mark} mine"}
    (github.place / "comments.json").write_text(json.dumps([person]))
    steps = (*RESTORE, "Compare, and check the rules", "Comment once")
    for _ in range(2):
        assert not run_action(github, workspace, steps, model="net.keras").failed
    assert len(github.comments) == 2 and github.comments[0] == person
