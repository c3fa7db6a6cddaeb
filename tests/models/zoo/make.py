"""Write the zoo's files, each inside the environment of the program whose form it is, and pack them.

From the root of a checkout, with environments of Python 3.11:

    pip install tensorflow-cpu==2.12.1 numpy==1.24.3      # likewise 2.13.1, 2.14.1, 2.15.1 (numpy 1.26.4)
    python -m tests.models.zoo.make keras2 build/zoo      # in each of the four
    pip install tf2onnx==1.17.0 onnx==1.16.2              # beside tensorflow-cpu 2.15.1
    python -m tests.models.zoo.make tf2onnx build/zoo
    pip install keras==3.15.1 tensorflow==2.21.0 tf2onnx==1.17.0 onnx
    python -m tests.models.zoo.make keras3 build/zoo
    pip install torch==2.13.0 onnx onnxscript
    python -m tests.models.zoo.make torch build/zoo
    python -m tests.models.zoo.make pack build/zoo        # with any Python: writes tests/data/zoo

Names after the folder choose families, for torch also forms. Where a program fails to write a network of
its own, its reason is kept instead.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
import tarfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.models.zoo.family import Family
from tests.models.zoo.forms import FORMS, KERAS, Form

DATA = Path(__file__).resolve().parents[2] / "data" / "zoo"


def written(folder: Path, family: Family, form: Form, write: Callable[[Path], dict[str, Any]]) -> None:
    """Write one file and its truth; where the program fails, its reason."""
    path = folder / family.name / f"{form.name}{form.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        truth = write(path)
    except Exception as error:
        path.unlink(missing_ok=True)
        words = (str(error).strip().splitlines() or [""])[0]
        truth = {"unwritten": f"{type(error).__name__}: {words}"[:160]}
        traceback.print_exc(limit=-3)
    path.with_suffix(".truth.json").write_text(json.dumps(truth, separators=(",", ":")) + "\n")
    size = path.stat().st_size if path.exists() else 0
    print(f"{family.name} {form.name} {size} {truth.get('unwritten', '')}", flush=True)


def _chosen(families: Any, names: list[str]) -> list[Family]:
    return [family for family in families if not names or family.name in names]


def keras_models(keras: Any, names: list[str], forms: list[Form], folder: Path, write: Any) -> None:
    """Build each family with a Keras, fill it, and write it in forms by `write(model, form, path)`."""
    from tests.models.zoo.keras_truth import fill, truth

    for family in _chosen(KERAS, names):
        wanted = [form for form in forms if not family.why_not(form.name)]
        if not wanted:
            continue
        keras.backend.clear_session()
        model = family.build(keras)
        fill(model)
        _keras_files(folder, family, wanted, model, truth(keras, model, family), write)


def _keras_files(
    folder: Path, family: Family, forms: list[Form], model: Any, said: dict[str, Any], write: Any
) -> None:
    for form in forms:
        written(folder, family, form, lambda path, form=form: write(model, form, path) or said)


def keras2(folder: Path, names: list[str]) -> None:
    import keras as installed
    import tensorflow as tf

    own = f"keras-{'.'.join(installed.__version__.split('.')[:2])}-"
    forms = [form for form in FORMS if form.name.startswith(own)]

    def write(model: Any, form: Form, path: Path) -> None:
        archive = form.name.endswith("-keras")  # to Keras 2.12 "keras" is HDF5, by another name
        model.save(path, save_format=("keras_v3" if own.endswith("12-") else "keras") if archive else "h5")

    keras_models(tf.keras, names, forms, folder, write)


def tf2onnx(folder: Path, names: list[str]) -> None:
    import onnx
    import tensorflow as tf
    import tf2onnx as exporter

    def write(model: Any, form: Form, path: Path) -> None:
        given = [tf.TensorSpec(i.shape, i.dtype, name=i.name.split(":")[0]) for i in model.inputs]
        opset = int(form.name.rsplit("-", 1)[1])
        file, _ = exporter.convert.from_keras(model, given, opset=opset, output_path=str(path))
        onnx.checker.check_model(file)  # it leaves operators that ONNX has not where it knows no others

    forms = [form for form in FORMS if form.source == "tf2onnx"]
    keras_models(tf.keras, names, forms, folder, write)


def keras3(folder: Path, names: list[str]) -> None:
    import keras
    import onnx

    def write(model: Any, form: Form, path: Path) -> None:
        model(
            [keras.ops.zeros([n or 1 for n in i.shape]) for i in model.inputs]
        )  # it exports what was called
        model.export(str(path), format="onnx", verbose=False)
        onnx.checker.check_model(str(path))

    forms = [form for form in FORMS if form.source == "keras3"]
    keras_models(keras, names, forms, folder, write)


def torch(folder: Path, names: list[str]) -> None:
    from tests.models.zoo.files import TORCH_SAID
    from tests.models.zoo.torch_tasks import nets  # which adds to those of `torch_nets`
    from tests.models.zoo.torch_truth import filled

    for family in nets.families:
        stated = Family(name=family.name, build=family.build, size=family.size, shape=family.shape)
        assert family == dataclasses.replace(stated, **TORCH_SAID.get(family.name, {})), family.name
    forms = [form for form in FORMS if form.source == "torch"]
    said = {form.name for form in forms} & set(names)
    for form in (form for form in forms if not said or form.name in said):
        for family in _chosen(nets.families, [name for name in names if name not in said]):
            _torch_file(folder, family, form, filled(family))


def _torch_file(folder: Path, family: Family, form: Form, net: Any) -> None:
    from tests.models.zoo.torch_truth import export, truth

    said = truth(net, family)
    written(folder, family, form, lambda path: export(net, family, form.name, path) or said)


def pack(folder: Path, names: list[str]) -> None:
    """Write one archive a family: its forms are alike, so that they shrink together."""
    DATA.mkdir(parents=True, exist_ok=True)
    for family in sorted(f for f in folder.iterdir() if f.is_dir() and (not names or f.name in names)):
        with tarfile.open(DATA / f"{family.name}.tar.xz", "w:xz", preset=9) as archive:
            for path in sorted(family.iterdir(), key=lambda p: (p.suffix, p.name)):
                data = path.read_bytes()
                entry = tarfile.TarInfo(path.name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    makers = {"keras2": keras2, "tf2onnx": tf2onnx, "keras3": keras3, "torch": torch, "pack": pack}
    makers[sys.argv[1]](Path(sys.argv[2]), sys.argv[3:])
