"""Keep as "unwritten" the ONNX files whose exporter wrote another network than it was given.

What such a file computes is not what its source does, and no reader can make it so.

`python -m tests.models.zoo.exported build/zoo`, before packing, with onnxruntime installed. A file that
onnxruntime cannot run is left to the judge.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from tests.models.zoo.family import Family
from tests.models.zoo.files import family_of
from tests.models.zoo.forms import FORMS
from tests.models.zoo.truth import differs, picture


def check(folder: Path) -> None:
    """Go through the loose files that `make` wrote."""
    forms = {form.name: form for form in FORMS}
    for path in sorted(folder.glob("*/*.onnx")):
        truth_path = path.with_suffix(".truth.json")
        truth = json.loads(truth_path.read_text())
        if not truth.get("picture"):
            continue
        try:
            outputs = _outputs(path, truth, family := family_of(path.parent.name, forms[path.stem]))
        except Exception as error:
            print(f"{path.parent.name} {path.stem}: {str(error).splitlines()[0][:100]}")
            continue
        pairs = zip(outputs, truth["outputs"], strict=True)
        offs = [off for found, said in pairs if (off := differs(found[0], said, family.tolerance))]
        if offs:
            path.unlink()
            said = {"unwritten": f"what it writes computes otherwise (onnxruntime): {offs[0]}"}
            truth_path.write_text(json.dumps(said, separators=(",", ":")) + "\n")
            print(f"{path.parent.name} {path.stem}: {offs[0]}")


def _outputs(path: Path, truth: dict[str, Any], family: Family) -> list[Any]:
    shown = picture(tuple(truth["size"]), family.low, family.high)
    session = onnxruntime.InferenceSession(str(path))
    given: dict[str, np.ndarray] = {}
    for value in session.get_inputs():
        shape = [side if isinstance(side, int) else 1 for side in value.shape]
        is_picture = len(shape) == 4 and not any(one.any() for one in given.values())
        last = not isinstance(value.shape[3], int) or shape[3] == truth["size"][2] if is_picture else True
        turned = shown if last and shape[1] != truth["size"][2] else shown.transpose(2, 0, 1)
        given[value.name] = (
            np.repeat(turned[None], shape[0], 0) if is_picture else np.zeros(shape, np.float32)
        )
    return session.run(None, given)


if __name__ == "__main__":
    check(Path(sys.argv[1]))
