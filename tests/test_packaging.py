"""What is shipped: the wheel, the constraints, the Makefile, and files free of anyone's machine."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def test_wheel_holds_every_template_and_module(wheel):
    shipped = set(zipfile.ZipFile(wheel).namelist())
    templates = [p for p in (ROOT / "templates").rglob("*") if p.is_file()]
    modules = (ROOT / "reportgen").rglob("*.py")
    wanted = {f"reportgen/_templates/{p.relative_to(ROOT / 'templates').as_posix()}" for p in templates}
    wanted |= {p.relative_to(ROOT).as_posix() for p in modules}

    assert templates
    assert wanted <= shipped


def test_wheel_holds_nothing_else(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"reportgen", f"reportgen-{PROJECT['version']}.dist-info"}


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
