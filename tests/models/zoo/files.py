"""The zoo's files: those that are kept, unpacked, and those that the installed Keras writes, made anew."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.models.zoo.family import Family
from tests.models.zoo.forms import FORMS, KERAS, TORCH, Form, kept_in

if TYPE_CHECKING:
    from tests.models.zoo.judge import Judgement

DATA = Path(__file__).resolve().parents[2] / "data" / "zoo"

TORCH_SAID: dict[str, dict[str, Any]] = {
    "gan_generator": {"picture": False},
    "sound_1d": {"picture": False},
    "rescaling": {"high": (255.0,), "ranged": True},
    "normalization": {"ranged": True},
    "mean_picture": {"high": (255.0,), "ranged": True},
}
"""What `torch_nets` says of its families' input, for readers without torch; `make` compares."""


def names() -> list[str]:
    """Return all families, those of Keras first."""
    return list(dict.fromkeys([*(family.name for family in KERAS), *TORCH]))


def family_of(name: str, form: Form) -> Family:
    """Return the family as the framework of a form has it."""
    if form.source == "torch":
        return Family(name=name, build=lambda: None, **TORCH_SAID.get(name, {}))
    return next(family for family in KERAS if family.name == name)


def cases() -> list[tuple[str, Form]]:
    """Return every family in every form that it is kept in."""
    return [(name, form) for name in names() for form in FORMS if kept_in(name, form)]


def judged(name: str, forms: list[Form], folder: Path, data: Path = DATA) -> Iterator[tuple[Form, Judgement]]:
    """Yield how a family is read in each of those forms; files are unpacked or made in `folder`."""
    from tests.models.zoo.judge import judge

    made = [form for form in forms if form.source == "keras"]
    kept = [form for form in forms if form.source != "keras"]
    if kept:
        unpacked(name, folder, data)
    truth = write_anew(name, made, folder) if made else {}
    for form in forms:
        path = folder / f"{form.name}{form.suffix}"
        said = truth if form in made else json.loads(path.with_suffix(".truth.json").read_text())
        yield form, judge(path, said, family_of(name, form))


def unpacked(name: str, folder: Path, data: Path = DATA) -> None:
    """Unpack the kept files of a family into a folder."""
    if (loose := data / name).is_dir():  # as `make` leaves them
        for path in loose.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        return
    with tarfile.open(data / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")


def write_anew(name: str, forms: list[Form], folder: Path) -> dict[str, Any]:
    """Write a family in the installed Keras's own forms and return the truth of it."""
    import keras

    from tests.models.zoo.keras_truth import fill, truth

    family = next(family for family in KERAS if family.name == name)
    keras.backend.clear_session()
    model = family.build(keras)
    fill(model)
    said = truth(keras, model, family)
    for form in forms:
        path = folder / f"{form.name}{form.suffix}"
        if form.suffix == ".json":
            path.write_text(model.to_json())
            model.save_weights(path.with_suffix(".weights.h5"))
        else:
            model.save(path)
    return said


def report(chosen: list[str], data: Path = DATA) -> None:
    """Print each file that is not read right, and the totals."""
    totals: dict[str, int] = {}
    for name in chosen or names():
        forms = [form for form in FORMS if kept_in(name, form)]
        with tempfile.TemporaryDirectory() as folder:
            for form, judgement in judged(name, forms, Path(folder), data):
                totals[judgement.word] = totals.get(judgement.word, 0) + 1
                if judgement.word != "right":
                    print(f"{name}\t{form.name}\t{judgement.word}\t{judgement.why}", flush=True)
    print(totals)
