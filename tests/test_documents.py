"""What documents say of the checkout holds: paths, links, commands, options, levels, numbers of records."""

import re
import tomllib
from pathlib import Path

import click
import pytest
from packaging.version import Version

from reportgen.cli import cli

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "templates/*.md",
        "site/*.md",
        "examples/**/*.md",
        "benchmarks/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
SOURCES = [
    path
    for pattern in (
        "reportgen/**/*.py",
        "benchmarks/**/*.py",
        "examples/**/*.py",
        "tests/**/*.py",
        "templates/**/*",
    )
    for path in ROOT.glob(pattern)
    if path.suffix in (".py", ".html", ".js", ".css")
]
TOP = r"(?<![\w/.<>~-])(?:reportgen|tests|docs|benchmarks|examples|templates|\.ci|\.github)/[\w./*-]*"
"""A path from the top of the checkout, wherever it stands in a text."""


def text_of(name):
    """The text of a document; of the changelog what is not released, for releases keep their own words."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.split("\n## [")[1] if name == "CHANGELOG.md" else text


def paths_in(text):
    return {found.rstrip(".") for found in re.findall(TOP, text)}


def exists(path):
    """Whether a path or a pattern of paths is there; a record may go by its number alone."""
    record = re.fullmatch(r"docs/decisions/\d{4}", path)
    return any(ROOT.glob(f"{path}-*.md" if record else path.rstrip("/")))


def headings(path):
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def rows_of(text):
    """The cells of a document's tables."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name):
    assert not [path for path in sorted(paths_in(text_of(name))) if not exists(path)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_file_and_a_heading(name):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        if "://" not in target and not (file.exists() and (not anchor or anchor in headings(file))):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "decisions/" not in name])  # They stay.
def test_every_python_file_that_a_document_names_exists(name):
    named = re.findall(r"`((?:\w+/)*\w+\.py)`", text_of(name))
    assert not [file for file in named if not any(str(path).endswith(f"/{file}") for path in SOURCES)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_module_that_a_document_runs_exists(name):
    run = re.findall(r"python -m\s+((?:reportgen|benchmarks|tests)[\w.]*)", text_of(name))
    folders = [ROOT / module.replace(".", "/") for module in run]
    assert not [
        str(x) for x in folders if not (x.with_suffix(".py").is_file() or (x / "__main__.py").is_file())
    ]


def test_there_are_paths_links_and_modules_to_be_checked():
    text = "".join(map(text_of, DOCUMENTS))
    assert len(paths_in(text)) > 50
    assert {"docs/site.md", "tests/models/zoo/forms.py", "docs/decisions/0019"} <= paths_in(text)
    assert not exists("docs/nothing.md")
    assert not exists("docs/decisions/0099")


def test_documents_that_sources_name_exist():
    named = {
        (file.relative_to(ROOT).as_posix(), path)
        for file in SOURCES
        if file != Path(__file__)
        for path in re.findall(r"(?<![\w/])docs/(?:[\w-]+/)*[\w-]+\.md", file.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert not [pair for pair in sorted(named) if not exists(pair[1])]


def test_the_overview_of_the_documents_names_each():
    text = text_of("docs/README.md")
    assert not [
        path.name
        for path in (ROOT / "docs").glob("*.md")
        if path.name != "README.md" and f"({path.name})" not in text
    ]


def test_records_are_numbered_and_listed_and_missing_numbers_are_explained():
    folder = ROOT / "docs" / "decisions"
    overview = (folder / "README.md").read_text(encoding="utf-8")
    numbers = []
    for record in sorted(folder.glob("0*.md")):
        number, title = re.match(r"# (\d+)\. (.+)", record.read_text(encoding="utf-8")).groups()
        assert record.name.startswith(f"{int(number):04d}-")
        assert f"| [{number}]({record.name}) | {title} |" in overview
        numbers.append(int(number))
    missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
    (said,) = re.findall(r"^Numbers (.+?) were never used", overview, flags=re.MULTILINE)
    assert len(numbers) == len(set(numbers))
    assert [int(n) for n in re.findall(r"\d+", said)] == missing


def spelled(parameter):
    """All spellings of an option: its names, and those that switch it off."""
    return {name for name in [*parameter.opts, *parameter.secondary_opts] if name.startswith("--")}


def test_commands_and_options_are_documented_and_nothing_else_is():
    text = text_of("docs/commands.md")
    options = {name for command in [cli, *cli.commands.values()] for parameter in command.params
               if isinstance(parameter, click.Option) for name in spelled(parameter)}  # fmt: skip
    in_tables = {name for row in rows_of(text) for name in re.findall(r"`(--[\w-]+)", row[0])}
    assert set(re.findall(r"^    reportgen ([\w-]+)", text, flags=re.MULTILINE)) == set(cli.commands)
    assert in_tables == options - {"--help"}


def test_every_key_of_the_settings_is_documented():
    from reportgen.config import Settings

    keys = {field.alias or name for name, field in Settings.model_fields.items()}
    told = set(re.findall(r"`\[?(\w+)\]?`", text_of("docs/commands.md")))
    assert keys <= told


def test_templates_are_listed_and_nothing_else_is():
    folder = ROOT / "templates"
    listed = {
        name
        for row in rows_of(text_of("templates/README.md"))
        for name in re.findall(r"`([\w.-]+\.(?:html|js))`", row[0])
    }
    there = {path.name for path in [*folder.glob("*.html"), *folder.glob("assets/*.js")]}
    assert listed == there


def test_levels_of_the_house_are_those_of_the_linter():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    told = [
        name
        for row in rows_of(text_of("CONTRIBUTING.md"))
        if row[0].isdigit()
        for name in re.findall(r"`(\w+)`", row[1])
    ]
    for level in reversed(contract["layers"]):
        rooms = set(level.split(" | "))
        assert set(told[: len(rooms)]) == rooms
        told = told[len(rooms) :]
    assert not told


def test_the_changelog_keeps_its_form():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    names = [release.splitlines()[0] for release in releases]
    assert names[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", name) for name in names[1:])
    assert any(name.startswith("[0.1.0] - ") for name in names)
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for release in releases:
        kinds = re.findall(r"^### (.+)$", release, flags=re.MULTILINE)
        assert kinds == [kind for kind in order if kind in kinds]
        lines = re.findall(r"^- .+$", release, flags=re.MULTILINE)
        assert len(lines) == len(set(lines))


def test_the_version_of_the_code_is_the_newest_release_or_a_later_one_in_the_making():
    from reportgen import __version__

    (newest, *_) = re.findall(
        r"^## \[(\d.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    version = Version(__version__)
    assert version == Version(newest) or (version.is_devrelease and version > Version(newest))


def test_every_folder_of_tests_is_of_a_room_or_is_explained():
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/*/**/test_*.py")}
    others = {name for name in folders if not (ROOT / "reportgen" / name).exists()}
    assert "score" in folders - others
    assert {f"tests/{name}" for name in others} <= paths_in(text_of("CONTRIBUTING.md"))
