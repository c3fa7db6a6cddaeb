"""Every picture of a store as a lossless PNG in a folder a person can browse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from reportgen.arguments import checked
from reportgen.atlas.addresses import Place, places
from reportgen.atlas.natural_tiles import TilePixels, tiles_of
from reportgen.errors import SiteError
from reportgen.images import encode_png
from reportgen.store import ModelRecord, Store, layer_owner, model_owner, open_store


@checked
def export_pictures(store_path: str | Path, folder: str | Path) -> int:
    """Write a store's pictures as PNGs and return how many files were written.

    `<layer>/<unit>/happy-0.png` is the scored recipe's, `show-happy-0.png` and `show-sad-0.png` the
    display recipe's; other recipes are left out. More than one model version puts `<model>/<version>/`
    in front. Files are as stored, without loss; pictures of other than 1 or 3 channels are those
    channels side by side. What a unit's top and bottom places saw in a person's own pictures becomes
    `natural-0.png` and on, those that activate it most first.

    Raises:
        StoreError: The store cannot be read.
        SiteError: The folder cannot be written, or a picture would come to lie outside of it.

    Example:
        >>> import reportgen
        >>> reportgen.export_pictures("reportgen.db", "pictures")
        20
    """
    folder, n_written = Path(folder), 0
    with open_store(store_path) as store:
        records = store.models()
        place = places(records)
        for record in records:
            prefix = f"{place[record.id].model}/{place[record.id].version}/" if len(records) > 1 else ""
            files = (_named(store, record, place[record.id]), _natural(store, record, place[record.id]))
            for path, data in chain(*files):
                target = folder / f"{prefix}{path}"
                if not target.resolve().is_relative_to(folder.resolve()):
                    raise SiteError(f'"{target}" would lie outside of "{folder}"')
                _write(target, data)
                n_written += 1
    return n_written


def _natural(store: Store, record: ModelRecord, place: Place) -> Iterator[tuple[str, bytes]]:
    about = store.measurement(model_owner(record.id), "natural")
    if about is None or not len(about.get("folder", ())):
        return
    cut = TilePixels(store, about, record.input_shape)
    for layer in record.layers:
        found = store.measurement(layer_owner(record.id, layer.name), "natural") or {}
        for unit in range(layer.n_units):
            for i, tile in enumerate(tiles_of(found, about, record.input_shape, unit)):
                piece = cut.piece(tile)
                if piece is not None:
                    yield f"{place.slug(layer.name)}/{unit}/natural-{i}.png", encode_png(piece)


def _named(store: Store, record: ModelRecord, place: Place) -> Iterator[tuple[str, bytes]]:
    for layer in record.layers:
        plan = record.roles(layer.name)
        for role, prefix in (("scored", ""), ("shown", "show-")):
            for render in store.renders(record.id, layer.name, recipe=str(plan.get(role, ""))):
                yield (
                    f"{place.slug(layer.name)}/{render.unit}/{prefix}{render.sign}-{render.seed}.png",
                    render.picture,
                )


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise SiteError(f'"{path}" cannot be written: {error.strerror or error}') from None
