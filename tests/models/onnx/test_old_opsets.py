"""Every operator in every version that a file of opset 7 or newer can mean, live and folded."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import conformance
import numpy as np
import old_opsets
import pytest

from reportgen.models.onnx.reading import Source

HERE = Path(__file__).parent
LISTED = tomllib.loads((HERE / "old_opset_failures.toml").read_text())
NEWEST = tomllib.loads((HERE / "conformance_failures.toml").read_text())
SOURCE = Source("old opset", None, 1 << 30)


def failures(cases):
    """Return what is wrong with each case, by name and way, and those that onnxruntime runs."""
    wrong, compared = {}, []
    for case in cases:
        wanted = old_opsets.expected(case)
        if wanted is None:
            continue
        compared.append(case)
        for way in ("live", "folded"):
            if why := difference(case, wanted, way == "folded"):
                wrong[f"{case.name} {way}"] = why
    return wrong, compared


def difference(case, wanted, folded):
    try:
        with np.errstate(all="ignore"):
            got = conformance.imported(case.model, SOURCE, case.arrays, folded=folded)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    names = [o.name for o in case.model.graph.output]
    found = [conformance.wrong_in(n, np.asarray(o), w) for n, o, w in zip(names, got, wanted, strict=True)]
    return next(filter(None, found), "")


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))])
def test_each_old_version_gives_what_onnxruntime_gives_live_and_folded(part):
    wrong, compared = failures(old_opsets.old_cases()[part::10])
    assert len(compared) >= 50
    new = {n: w for n, w in wrong.items() if n not in LISTED and n.split("@")[0] not in NEWEST}
    assert new == {}
    ran = {f"{case.name} {way}" for case in compared for way in ("live", "folded")}
    assert sorted(set(LISTED) & ran - set(wrong)) == [], "these pass now: take them off the list"


def test_the_cases_cover_the_old_versions_of_the_table():
    missing = old_opsets.all_versions() - old_opsets.covered(old_opsets.old_cases())
    assert sorted(missing) == []
