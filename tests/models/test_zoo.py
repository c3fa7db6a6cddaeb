"""The zoo: networks no one tuned to, in the forms people save them, are read as their source has them."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import pytest

from tests.models.zoo.files import DATA, cases, judged, names
from tests.models.zoo.forms import FORMS, KERAS, TORCH, Form, kept_in
from tests.models.zoo.table import BEGIN, DOCS, END, markdown, stored, totals

A_TENTH = cases()[4::10]


def _check(name: str, forms: list[Form], folder: Path) -> None:
    said = stored()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the Keras that writes the files
        found = dict(judged(name, forms, folder))
    words = {form.name: (one.word, one.why) for form, one in found.items()}
    bad = {(name, form) for form, (word, _) in words.items() if word in ("wrong", "traceback")}
    assert not bad, words
    assert {form: word for form, (word, _) in words.items()} == {form: said[form].word for form in words}


@pytest.mark.parametrize(("name", "form"), A_TENTH, ids=[f"{n}-{f.name}" for n, f in A_TENTH])
def test_a_tenth_of_the_zoo_is_read_as_its_source_has_it(name: str, form: Form, tmp_path: Path) -> None:
    _check(name, [form], tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", names())
def test_every_form_of_a_family_is_read_as_its_source_has_it(name: str, tmp_path: Path) -> None:
    _check(name, [form for form in FORMS if kept_in(name, form)], tmp_path)


def test_the_table_in_the_documentation_is_that_of_the_judgements() -> None:
    shown = DOCS.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert shown == markdown(stored())


def test_every_family_and_form_of_the_list_is_in_the_table() -> None:
    found = stored()
    assert {(name, form.name) for name, form in cases()} == {(n, f) for n in found for f in found[n]}
    assert len({family.name for family in KERAS} | set(TORCH)) >= 60


def test_no_other_import_is_silently_wrong_and_almost_all_are_right() -> None:
    count = totals(stored())
    assert count["wrong"] == count["traceback"] == 0
    assert count["right"] / (count["right"] + count["refused"]) >= 0.97


def test_the_kept_files_stay_small() -> None:
    sizes = [path.stat().st_size for path in DATA.iterdir()]
    assert max(sizes) < 200_000
    assert sum(sizes) < 5_000_000


def test_the_judge_reports_what_differs(tmp_path: Path) -> None:
    from tests.models.zoo.files import family_of, write_anew
    from tests.models.zoo.judge import judge

    form = FORMS[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = write_anew("lenet", [form], tmp_path)
    path, family = tmp_path / f"{form.name}{form.suffix}", family_of("lenet", form)
    assert judge(path, truth, family).word == "right"
    first = truth["layers"][0]
    moved = {**first, "entries": [first["entries"][0] + first["spread"] * 0.001, *first["entries"][1:]]}
    renamed = {**first, "path": ["another"]}
    for changed in (moved, renamed, {**first, "kind": "dense"}):
        assert judge(path, {**truth, "layers": [changed, *truth["layers"][1:]]}, family).word == "wrong"
    assert judge(path, {**truth, "layers": truth["layers"][1:]}, family).word == "wrong"
    assert "skipped" in judge(path, {**truth, "skipped": [["lstm"]]}, family).why
    assert "high end" in judge(path, truth, dataclasses.replace(family, high=(255.0,))).why
