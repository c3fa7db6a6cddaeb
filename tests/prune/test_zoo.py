"""Networks no one tuned to: the smaller ones open in plain Keras and answer as the trial does."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from reportgen.errors import ReportgenError
from reportgen.models import Model, load_model
from reportgen.prune.groups import groups_of_units
from reportgen.prune.search import smaller
from reportgen.prune.trial import in_range
from tests.models.zoo.files import names, unpacked, write_anew
from tests.models.zoo.forms import FORMS, Form, kept_in
from tests.prune.checking import (
    apart,
    node_by_node,
    opened_plainly,
    outputs_of,
    pictures_for,
    some_groups,
    trial_of,
    without,
    written,
)

pytestmark = pytest.mark.usefixtures("uncompiled")

SOME = (
    ("instance_norm", "keras-3-keras"),
    ("two_towers", "torch-new-21"),
    ("shared_conv", "keras-3-keras"),
)
"""Quick ones: norms of each channel, places behind channels, a layer called twice."""

NOT_PLAIN = "is an operation that plain Keras does not have"


def _files(name: str, forms: list[Form], folder: Path) -> list[Path]:
    """Return a family's files in those forms that there are."""
    made = [form for form in forms if form.source == "keras"]
    if len(made) < len(forms):
        unpacked(name, folder)
    if made:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the Keras that writes the files
            write_anew(name, made, folder)
    paths = [folder / f"{form.name}{form.suffix}" for form in forms]
    return [path for path in paths if path.is_file()]


def _read(path: Path) -> Model | None:
    try:
        return load_model(path, **({"input_size": (32, 32)} if "all_convolutional" in str(path) else {}))
    except ReportgenError:
        return None


def _check(name: str, forms: list[Form], folder: Path, *, plainly: bool) -> int:
    """Return how many files were made smaller; that they are right is asserted."""
    saved, wanted = [], []
    for path in _files(name, forms, folder):
        model = _read(path)
        if model is None or not len(groups_of_units(model)):
            continue
        shown = pictures_for(model)
        try:
            search = trial_of(model, shown)
        except ReportgenError as error:
            if NOT_PLAIN not in str(error):
                raise
            continue
        given = in_range(shown, model)
        whole = outputs_of(model, node_by_node(model, given))
        none = np.zeros(len(search.groups), bool)
        assert apart(smaller(search, none).predicted(given), whole) < 1e-4, path.name
        assert apart(without(search, none, shown), whole) < 1e-4, path.name
        removed = some_groups(search.groups, 1 / 3)
        saved.append(folder / f"small-{path.stem}.keras")
        made = written(search, removed, shown, saved[-1])
        wanted.append(without(search, removed, shown))
        assert apart(made, wanted[-1]) < 1e-4, path.name
    for path, found, expected in zip(
        saved, opened_plainly(saved) if saved and plainly else wanted, wanted, strict=True
    ):
        assert apart(found, expected) < 1e-4, path.name
    return len(saved)


@pytest.mark.parametrize(("name", "form"), SOME)
def test_some_are_made_smaller_without_another_change(name: str, form: str, tmp_path: Path) -> None:
    assert _check(name, [f for f in FORMS if f.name == form], tmp_path, plainly=False) == 1


@pytest.mark.slow
def test_a_function_of_keras_2_that_keras_3_lacks_opens_without_this_package(tmp_path: Path) -> None:
    assert (
        _check("hard_sigmoid", [f for f in FORMS if f.name == "keras-2.15-keras"], tmp_path, plainly=True)
        == 1
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", names())
def test_every_file_of_a_family_is_made_smaller_without_another_change(name: str, tmp_path: Path) -> None:
    _check(name, [form for form in FORMS if kept_in(name, form)], tmp_path, plainly=True)
