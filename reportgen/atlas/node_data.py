"""What was found of each layer, as node data that Google's Model Explorer lays over its graph of the network.

One file a number, in its format for custom node data: values and colours by node. Nodes have the names of
layers, which for an ONNX file are those of its nodes. No graph is named: a file holds for the one in view.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reportgen.arguments import checked
from reportgen.atlas.addresses import places
from reportgen.atlas.heat_strip import LIGHT
from reportgen.atlas.rows import LayerRows, listed_rows
from reportgen.errors import SiteError
from reportgen.json_values import JsonObject
from reportgen.store import ModelRecord, Store, open_store
from reportgen.verdicts import DEAD, VERDICTS

_NEEDED = "1a4f8b"
_DIGITS = 4


@checked
def export_node_data(store_path: str | Path, folder: str | Path) -> int:
    """Write node data of a store's networks for Model Explorer, and return how many files were written.

    `structured_share.json` and so on for every verdict that a unit has: its share of the layer's units, 0..1.
    `dead_units.json`: how many are dead. `needed_units.json` and `needed_share.json`, where removal was
    measured: how many of its units the network needs. Several model versions get `<model>/<version>/` each.

    Raises:
        StoreError: The store cannot be read.
        SiteError: The folder cannot be written, or nothing is scored yet.

    Example:
        >>> import pathlib, reportgen
        >>> reportgen.export_node_data("reportgen.db", "node-data")
        2
        >>> print(pathlib.Path("node-data/structured_share.json").read_text().splitlines()[1])
        "conv": {"value": 1.0, "bgColor": "#1d6b4f"},
    """
    n_written = 0
    with open_store(store_path) as store:
        records = store.models()
        place = places(records)
        for record in records:
            own = f"{place[record.id].model}/{place[record.id].version}" if len(records) > 1 else ""
            for name, data in _files(store, record):
                _write(Path(folder) / own / name, data)
                n_written += 1
    if not n_written:
        raise SiteError(
            f'store "{Path(store_path).name}" holds no scored unit', hint="score it: reportgen score"
        )
    return n_written


def _files(store: Store, record: ModelRecord) -> Iterator[tuple[str, str]]:
    """Yield name and text of the files of a model version."""
    rows = [own for layer in record.layers if (own := listed_rows(store, record, layer)).scores]
    counts = {own.layer.name: own.counts for own in rows}
    total = {own.layer.name: len(own.units) for own in rows}
    for verdict in VERDICTS:
        found = {name: of.get(verdict.word, 0) for name, of in counts.items()}
        if any(found.values()):
            shares = {name: n / total[name] for name, n in found.items()}
            title, colour = f"{verdict.word}, share of units", LIGHT[verdict.mark]
            yield f"{verdict.word}_share.json", _text(title, shares, shares, colour)
            if verdict is DEAD:
                yield "dead_units.json", _text("dead units", found, shares, colour)
    yield from _needed(store, record, rows)


def _needed(store: Store, record: ModelRecord, rows: Sequence[LayerRows]) -> Iterator[tuple[str, str]]:
    removal = store.removal(record.id)
    layers = {own.layer.name for own in rows}
    measured = [x for x in removal.layers if x.layer in layers and x.units] if removal else []
    if measured:
        shares = {x.layer: x.together / x.units for x in measured}
        units = {x.layer: x.together for x in measured}
        yield "needed_units.json", _text("needed units", units, shares, _NEEDED)
        yield "needed_share.json", _text("needed, share of units", shares, shares, _NEEDED)


def _text(title: str, values: Mapping[str, int | float], shares: Mapping[str, float], colour: str) -> str:
    """Return a file: a line a node, its colour the stronger the larger the share.

    A gradient of Model Explorer's own would run from the least to the largest value, whatever they are.
    """
    lines = []
    for name, value in values.items():
        result: JsonObject = {"value": round(value, _DIGITS), "bgColor": _mixed(colour, shares[name])}
        lines.append(f"{json.dumps(name)}: {json.dumps(result)}")
    return f'{{"name": {json.dumps(title)}, "results": {{\n' + ",\n".join(lines) + "\n}}\n"


def _mixed(colour: str, share: float) -> str:
    """Return white for a share of 0, the colour for 1, mixed between."""
    parts = (round(255 + (value - 255) * share) for value in bytes.fromhex(colour))
    return "#" + "".join(f"{part:02x}" for part in parts)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise SiteError(f'"{path}" cannot be written: {error.strerror or error}') from None
