"""The example's network as its exporter wrote it to ONNX is judged like the Keras file it came from."""

from pathlib import Path

import numpy as np
import pytest

import reportgen
from reportgen.images import decode_png
from reportgen.store import open_store

EXAMPLE = Path(__file__).parents[2] / "examples" / "facing_left"
SOME = {
    "units": "4",
    "seeds": 2,
    "set": {"steps": 48, "min_steps": 32, "show.steps": 32, "show.min_steps": 16},
}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A store with some units of the Keras file and of its export, under versions of their own."""
    path = tmp_path_factory.mktemp("twin") / "twin.db"
    for version in ("keras", "onnx"):
        reportgen.render(EXAMPLE / f"facing_left.{version}", store=path, version=version, **SOME)
    reportgen.score(store=path)
    return path


def test_an_export_gets_the_same_verdicts(both):
    rows = {v: [r for r in reportgen.verdicts(both) if r["version"] == v] for v in ("keras", "onnx")}
    words = [[(r["unit"], r["kind"], r["verdict"]) for r in rows[v]] for v in ("keras", "onnx")]
    assert len(words[0]) == len(words[1]) == 18
    same = sum(a == b for a, b in zip(*words, strict=True))
    assert same >= 0.98 * len(words[0])


def test_an_export_starts_and_ends_at_the_same_pictures(both):
    with open_store(both) as store:
        records = {m.version: m for m in store.models()}
        pairs = zip(records["keras"].layers, records["onnx"].layers, strict=True)
        for layer, twin in pairs:
            assert layer.receptive_field_px == twin.receptive_field_px
            pictures = [
                {
                    (r.unit, r.recipe, r.sign, r.seed): decode_png(r.picture, r.channels).astype(float)
                    for r in store.renders(records[v].id, x.name)
                }
                for v, x in (("keras", layer), ("onnx", twin))
            ]
            assert pictures[0].keys() == pictures[1].keys()
            apart = [np.abs(pictures[0][k] - pictures[1][k]).mean() for k in pictures[0]]
            assert np.median(apart) < 2.0, layer.name
