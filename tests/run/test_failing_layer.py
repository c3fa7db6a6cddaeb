"""A layer at which a framework fails is a row with its reason; the others go on."""

from __future__ import annotations

import pytest
from small_networks import QUICK, save_model

import reportgen
from reportgen.models import cut_model
from reportgen.run import batches, measuring
from reportgen.store import open_store


@pytest.fixture
def model_file(tmp_path):
    return save_model(tmp_path / "net.keras")


def test_one_layer_that_cannot_be_cut_fails_by_itself(tmp_path, model_file, monkeypatch):
    def cut(model, layer, canvas_px, **options):
        if layer.name == "conv":
            raise ValueError("no kernel for this shape\nwith pages of numbers")
        return cut_model(model, layer, canvas_px, **options)

    for module in (measuring, batches):
        monkeypatch.setattr(module, "cut_model", cut)
    store = tmp_path / "s.db"
    (summary,) = reportgen.render(model_file, store=store, seeds=1, signs="happy", **QUICK)
    with open_store(store) as opened:
        model = opened.models()[0]
        rows = {name: list(opened.renders(model.id, name)) for name in ("conv", "head")}
    reasons = {r.failure for r in rows["conv"]}
    assert reasons == {"its layer cannot be rendered: ValueError: no kernel for this shape"}
    assert not any(r.failure for r in rows["head"])
    assert len(rows["head"]) > 0
    assert summary.failed == len(rows["conv"])
