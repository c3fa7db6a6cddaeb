"""What is shipped: the wheel, the constraints, the Makefile, and files free of anyone's machine."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FRAMEWORKS = ("tensorflow", "keras", "jax", "onnx", "onnxruntime", "dash", "ray", "pyarrow")

# A None in sys.modules makes the import of that name fail, as where it is not installed.
WRITE_A_SITE_WITHOUT_FRAMEWORKS = f"""
import sys
sys.modules.update(dict.fromkeys({FRAMEWORKS!r}))
import reportgen
print(reportgen.__file__)
reportgen.write_atlas(sys.argv[1], sys.argv[2])
"""


def run(*words: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{words[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout, with the build tools that are installed already."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, far from the checkout, that holds the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        folder,
        wheel,
    )
    return folder


def files_in(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def test_wheel_holds_every_template_module_and_data_file_and_nothing_else(wheel):
    shipped = set(zipfile.ZipFile(wheel).namelist())
    templates = files_in(ROOT / "templates")
    wanted = {f"reportgen/_templates/{p.relative_to(ROOT / 'templates').as_posix()}" for p in templates}
    wanted |= {p.relative_to(ROOT).as_posix() for p in files_in(ROOT / "reportgen")}
    metadata = {name for name in shipped if name.startswith(f"reportgen-{PROJECT['version']}.dist-info/")}

    assert templates and metadata
    assert "reportgen/py.typed" in wanted
    assert shipped - metadata == wanted


def test_source_archive_has_what_the_wheel_is_made_of_and_the_tests(tmp_path):
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}

    assert {p.relative_to(ROOT).as_posix() for p in files_in(ROOT / "templates")} <= names
    assert {"pyproject.toml", "LICENSE", "reportgen/py.typed", "tests/conftest.py", "action.yml"} <= names


def test_the_citation_names_the_released_version_and_its_date():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert cited["cff-version"] == "1.2.0" and cited["authors"] and cited["license"] == PROJECT["license"]
    assert cited["title"] == PROJECT["name"]
    assert cited["version"] == Version(PROJECT["version"]).base_version
    dates = re.findall(rf"^## \[{re.escape(cited['version'])}\] - (\S+)$", changelog, flags=re.MULTILINE)
    assert dates in ([], [cited["date-released"]])  # none yet where the release is in the making


def test_the_image_runs_as_a_user_and_starts_reportgen():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.partition(" ")[0] for line in lines]

    assert "USER reportgen" in lines and 'ENTRYPOINT ["reportgen"]' in lines
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"python:3.12-slim"}


def test_hooks_for_other_repositories_check_every_kind_of_model_file():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))

    assert hook["entry"] == "reportgen check-model"
    assert all(re.search(hook["files"], f"nets/model{end}") for end in (".keras", ".h5", ".hdf5", ".onnx"))
    extras = re.search(r"\[(.+)\]", hook["additional_dependencies"][0])[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])


def test_installed_wheel_writes_a_site_from_a_store_without_any_framework(installed, tiny_store, tmp_path):
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    site = elsewhere / "site"

    said = run(
        sys.executable,
        "-c",
        WRITE_A_SITE_WITHOUT_FRAMEWORKS,
        tiny_store,
        site,
        cwd=elsewhere,
        PYTHONPATH=str(installed),
    )

    assert Path(said.splitlines()[0]).is_relative_to(installed)
    assert (site / "index.html").stat().st_size > 0


def test_importing_the_package_loads_no_framework():
    loaded = run(sys.executable, "-c", "import sys, reportgen; print(*sys.modules, sep='\\n')").split()

    assert "reportgen" in loaded
    assert not set(FRAMEWORKS) & set(loaded)


def test_version_is_the_same_in_code_and_metadata():
    said = run(sys.executable, "-c", "import reportgen; print(reportgen.__version__)")

    assert said.strip() == PROJECT["version"]


def test_every_module_has_its_place_in_the_layers():
    linter = Path(sys.executable).with_name("lint-imports")

    assert "0 broken" in run(linter, "--no-cache")


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    listed = re.findall(r"^make ([a-z-]+) +\S", run("make", "--no-print-directory"), flags=re.MULTILINE)

    assert sorted(listed) == sorted(phony.split())


def pins() -> dict[str, str]:
    """Name to version, as constraints.txt has them."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_constraints_are_names_and_versions_only():
    for name, version in pins().items():
        assert name == canonicalize_name(name)
        assert re.fullmatch(r"\d[\w.+!]*", version), f"{name}=={version}"


def test_constraints_pin_every_dependency_within_its_bounds():
    pinned = pins()
    extras = PROJECT["optional-dependencies"].values()
    for line in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]:
        wanted = Requirement(line)
        name = canonicalize_name(wanted.name)
        assert name in pinned, f"{name} is not in constraints.txt"
        assert wanted.specifier.contains(pinned[name]), f"{line}, but constraints.txt has {pinned[name]}"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_no_file_names_a_registry_or_a_path_of_one_machine():
    # Each is written in two parts, so that this file does not find itself.
    banned = [
        b"pypi" + b".org",
        b"pythonhosted" + b".org",
        b"/wo" + b"rk/",
        b"/ro" + b"ot/",
        b"/opt" + b"/py",
    ]
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    found = [
        f"{f.relative_to(ROOT)}: {word.decode()}" for f in files for word in banned if word in f.read_bytes()
    ]

    assert files
    assert not found
