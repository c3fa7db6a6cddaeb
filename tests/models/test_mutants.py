"""Structured mutants of the zoo's files: only this package's own errors come out.

20,000 cases over every family and form in the long tests, some hundred otherwise; the same on every run.
"""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import pytest

from reportgen.errors import ReportgenError
from reportgen.models import load_model
from tests.models.mutants import mutant_of
from tests.models.test_fuzz import MEMORY
from tests.models.zoo.files import names, unpacked, write_anew
from tests.models.zoo.forms import FORMS, Form, kept_in

CASES = 20_000
EACH = -(-CASES // len(names()))
"""Of each family, spread over its forms."""


def files_of(name: str, forms: list[Form], folder: Path) -> list[Path]:
    """Return a family's files in those forms, unpacked or made anew in a folder."""
    made = [form for form in forms if form.source == "keras"]
    if any(form.source != "keras" for form in forms):
        unpacked(name, folder)
    if made:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the Keras that writes the files
            write_anew(name, made, folder)
    paths = [folder / f"{form.name}{form.suffix}" for form in forms]
    return [path for path in paths if path.exists()]


def read_mutants(files: list[Path], seeds: range, folder: Path) -> None:
    """Read mutants of files by turns: each may be a network, or refused by an error of this package."""
    for seed in seeds:
        file = files[seed % len(files)]
        mutant = mutant_of(file, seed, folder)
        try:
            with contextlib.suppress(ReportgenError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                load_model(mutant, max_memory=MEMORY)
        except Exception as error:
            error.add_note(f"{file.name}, seed {seed}")
            raise


@pytest.mark.parametrize("name", names()[5::17])
def test_a_few_mutants_of_some_families_are_read_or_refused(name: str, tmp_path: Path) -> None:
    kept = [form for form in FORMS if kept_in(name, form) and form.source != "keras"]
    read_mutants(files_of(name, kept, tmp_path), range(20), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", names())
def test_mutants_of_every_family_in_every_form_are_read_or_refused(name: str, tmp_path: Path) -> None:
    first = names().index(name) * EACH
    files = files_of(name, [form for form in FORMS if kept_in(name, form)], tmp_path)
    read_mutants(files, range(first, first + EACH), tmp_path)
