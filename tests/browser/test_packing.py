"""Scripts have the whole names back of what a data file holds short."""

from pathlib import Path
from typing import Any

import pytest
from unpacking import whole

from reportgen.atlas import columns
from reportgen.atlas.addresses import places
from reportgen.atlas.packing import pack
from reportgen.atlas.rows import layer_rows
from reportgen.atlas.unit_view import unit_view
from reportgen.atlas.view_context import ViewContext
from reportgen.spec import AtlasSpec
from reportgen.store import open_store

pytestmark = pytest.mark.browser
UNPACK = "packed => Atlas.unpack(packed)"


def test_a_script_unpacks_every_unit_as_the_table_says(open_page: Any, atlas_site: Path) -> None:
    page = open_page("index.html")
    with open_store(atlas_site.parent / "sample.db") as store:
        record = store.find_model("garden", "v2")
        assert record is not None
        context = ViewContext(
            AtlasSpec(), places(store.models())[record.id], store.recipes(), {}, "reportgen"
        )
        for layer in record.layers:
            rows = layer_rows(store, record, layer)
            packed = pack([unit_view(context, rows, unit) for unit in rows.units])
            assert page.evaluate(UNPACK, packed) == whole(packed)


def test_a_script_unpacks_columns_as_the_table_says(open_page: Any) -> None:
    layers, none = [columns.LayerColumns("a", "a", "dense", 2, "a")], [None, None]
    packed = pack(columns.columns_of(none, range(2), none, [True, False], none, layers))
    found = open_page("index.html").evaluate(UNPACK, packed)
    assert found == whole(packed) and found["layers"][0]["n_units"] == 2
    assert set(found["words"]) == {"verdict", "colour", "superfluous"} and "static" in found["marks"]
