"""Responses of a network's units to a person's own pictures, measured and stored."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.config import Settings
from reportgen.errors import ConfigError, ReportgenError
from reportgen.folder import Folder, find_pictures
from reportgen.images import encode_webp, fitted_photograph
from reportgen.models import cut_model
from reportgen.plan import LayerPlan, PlanRequest
from reportgen.run.context import RunContext
from reportgen.run.memory import forward_batch
from reportgen.spec import RenderSpec, content_hash
from reportgen.store import ModelRecord, Store, layer_owner, model_owner, pictures_owner

if TYPE_CHECKING:
    from reportgen.models import Model

NATURAL_VERSION = 1
"""Increased whenever the same pictures give other measurements."""

SPECTRUM_PICTURES = 64
"""Most pictures of a folder, evenly spread, from which a spectrum is measured."""

_KEPT_QUALITY = 90
_DECODED = 64
"""Decoded pictures that are cached while crops of them are measured."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of a folder, in a network's input size.

    Attributes:
        folder: The folder.
        content: Hash of the folder's content.
        shape: Height, width and channels.
    """

    folder: Folder
    content: str
    shape: tuple[int, int, int]

    def load(self, name: str) -> np.ndarray:
        """Return `(h, w, c)` uint8.

        Raises:
            ReportgenError: The file cannot be read.
        """
        return fitted_photograph(self.folder.read(name), self.shape[:2], self.shape[2])


def open_pictures(settings: Settings, model: ModelRecord) -> Pictures:
    """Return the pictures of the folder that the settings name.

    Raises:
        ConfigError: There are none, or the network's input is not 1 or 3 channels.
    """
    folder = check_pictures(settings, model)
    return Pictures(folder, folder.content_hash(), model.input_shape)


def check_pictures(settings: Settings, model: ModelRecord) -> Folder:
    """Return the folder that the settings name; none of its pictures is opened.

    Raises:
        ConfigError: There are none, or the network's input is not 1 or 3 channels.
    """
    if settings.images is None:
        raise ConfigError("images: no folder is given", hint="--images DIR")
    if model.input_shape[2] not in (1, 3):
        raise ConfigError(
            f"images: {model.file_name} takes pictures of {model.input_shape[2]} channels, wanted 1 or 3"
        )
    return find_pictures(settings.images)


def with_spectrum(request: PlanRequest, settings: Settings, model: ModelRecord) -> PlanRequest:
    """Return the request, its recipes of phases with the spectrum of the person's own pictures, if any.

    A spectrum that was set is kept; without pictures the recipe's power law stays.

    Raises:
        ConfigError: The pictures cannot be used, or none of the chosen ones can be read.
    """

    def lacks(recipe: RenderSpec) -> bool:
        return recipe.parametrization == "phases" and not recipe.spectrum

    if settings.images is None or not any(map(lacks, (request.shown, *request.sweep))):
        return request
    from reportgen.render.spectra import measured_spectrum

    folder = check_pictures(settings, model)
    chosen = folder.names[:: -(-len(folder.names) // SPECTRUM_PICTURES)]
    spectrum = measured_spectrum(_readable(folder, chosen, model.input_shape))

    def given(recipe: RenderSpec) -> RenderSpec:
        return dataclasses.replace(recipe, spectrum=spectrum) if lacks(recipe) else recipe

    return dataclasses.replace(request, shown=given(request.shown), sweep=tuple(map(given, request.sweep)))


def _readable(folder: Folder, names: Sequence[str], shape: tuple[int, int, int]) -> list[np.ndarray]:
    found = []
    for name in names:
        with contextlib.suppress(ReportgenError):
            found.append(fitted_photograph(folder.read(name), shape[:2], shape[2]))
    if not found:
        raise ConfigError(f"images: none of {len(names)} pictures in {folder.path.name} can be read")
    return found


def measure_natural(
    run: RunContext, model: ModelRecord, load: Callable[[], Model], plans: Sequence[LayerPlan]
) -> str:
    """Run a person's pictures through a network, unless the store has the result; no partial one is kept.

    Args:
        load: Returns the network; called only if it is needed.

    Returns:
        The fingerprint of the stored result; empty if the run was stopped.

    Raises:
        ConfigError: There is no picture that can be read.
    """
    store, settings = run.store, run.settings
    pictures = open_pictures(settings, model)
    mark = content_hash(
        {
            "version": NATURAL_VERSION,
            "file": model.file_hash,
            "options": model.options,
            "input": model.input_shape,
            "range": model.input_range.key,
            "folder": pictures.content,
            "crops": not settings.no_crops,
        }
    )
    if store.measurement_fingerprint(model_owner(model.id), "natural") != mark:
        if not _first_pass(run, model, load(), pictures, mark):
            return ""
        if settings.no_crops:
            store.drop_measurements(pictures_owner(pictures.content, pictures.shape))
    else:
        run.reporter.say("images: responses to these pictures are in the store already")
    for plan in plans:
        if not run.halted():
            _measure_crops(store, model, load, pictures, plan, mark)
    return mark


def _first_pass(run: RunContext, model: ModelRecord, network: Model, pictures: Pictures, mark: str) -> bool:
    """Run all pictures through the network once; return whether the pass was completed."""
    from reportgen.measure import natural_pass

    store, folder, crops = run.store, pictures.folder, not run.settings.no_crops
    batch = network_batch(network)
    used: list[int] = []
    unread: list[str] = []
    batches = _batches(pictures, batch, used, unread, run.halted)
    found = natural_pass(network, batches, len(folder.classes), batch)
    if run.halted():
        return False
    if not used:
        raise ConfigError(f'images "{folder.path}": none of {len(folder.names)} files: {unread[0]}')
    for line in _picture_lines(folder, len(used), unread):
        run.reporter.say(line)
    for layer in model.layers:
        store.put_measurement(layer_owner(model.id, layer.name), "natural", mark, found[layer.name])
    names = [folder.names[i] for i in used]
    if crops:
        _keep_pictures(store, pictures, names, found)
    about = {
        "names": np.array(names, "U"),
        "labels": np.array([folder.labels[i] for i in used] if folder.labels else [], np.int32),
        "classes": np.array(folder.classes, "U"),
        "folder": np.array([pictures.content], "U"),
        "crops": np.array([crops]),
        "unread": np.array([len(unread) + folder.n_left_out], np.int64),
        "n_found": np.array([folder.n_found], np.int64),
    }
    # Last, because it marks everything before it as complete.
    store.put_measurement(model_owner(model.id), "natural", mark, about)
    return True


def _batches(pictures: Pictures, batch: int, used: list[int], unread: list[str],
             stop: Callable[[], bool]) -> Iterator[tuple[np.ndarray, list[int]]]:  # fmt: skip
    """Yield batches of the pictures that can be read; add indices to `used` and reasons to `unread`."""
    folder, some, labels = pictures.folder, [], []
    for index, name in enumerate(folder.names):
        try:
            some.append(pictures.load(name))
        except ReportgenError as error:
            unread.append(f"{name}: {error.message}")
            continue
        used.append(index)
        labels += [folder.labels[index]] if folder.labels else []
        if len(some) == batch:
            yield np.stack(some), labels
            some, labels = [], []
            if stop():
                return
    if some:
        yield np.stack(some), labels


def _picture_lines(folder: Folder, n_used: int, unread: Sequence[str]) -> Iterator[str]:
    classes = f" in {len(folder.classes)} classes" if folder.classes else ""
    of = f" of {folder.n_found:,}" if folder.n_found > n_used else ""
    yield f"images: {n_used:,}{of} pictures{classes}"
    if unread:
        yield f"images: {len(unread):,} files left out; the first: {unread[0]}"
    if folder.n_left_out:
        yield (
            f"images: {folder.n_left_out:,} files left out: links out of the folder, special files, "
            "too large files, or files next to class folders"
        )


def _keep_pictures(store: Store, pictures: Pictures, names: Sequence[str], found: dict[str, Any]) -> None:
    """Store the pictures that contain a top or bottom place of any unit."""
    wanted = {
        int(i) for arrays in found.values() for key in ("top_picture", "bottom_picture")
        for i in np.unique(arrays[key]) if i >= 0
    }  # fmt: skip
    owner = pictures_owner(pictures.content, pictures.shape)
    for index in sorted(wanted):
        name = str(index)
        if store.measurement_fingerprint(owner, name) != pictures.content:
            data = encode_webp(pictures.load(names[index]), quality=_KEPT_QUALITY)
            store.put_measurement(owner, name, pictures.content, {"webp": np.frombuffer(data, np.uint8)})


def _measure_crops(store: Store, model: ModelRecord, load: Callable[[], Model], pictures: Pictures,
                   plan: LayerPlan, mark: str) -> None:  # fmt: skip
    """Measure crops around the top places of a layer's rendered units, unless they are stored."""
    from reportgen.measure import crop_responses

    scored, owner = plan.sets[0], layer_owner(model.id, plan.layer.name)
    rendered = {unit for unit, recipe, _, _, _ in store.placements(model.id, plan.layer.name)
                if recipe == scored.recipe_hash}  # fmt: skip
    units = sorted(rendered)
    own = content_hash({"natural": mark, "canvas": scored.canvas_px, "units": units})
    if not units or store.measurement_fingerprint(owner, "natural_near") == own:
        return
    about = store.measurement(model_owner(model.id), "natural") or {}
    found = store.measurement(owner, "natural") or {}
    network = load()
    cut = cut_model(network, plan.layer, scored.canvas_px)

    @functools.lru_cache(_DECODED)
    def picture(index: int) -> np.ndarray:
        return pictures.load(str(about["names"][index]))

    arrays = crop_responses(cut, found, units, picture, forward_batch(cut))
    store.put_measurement(owner, "natural_near", own, arrays)


def network_batch(network: Model) -> int:
    """Return how many pictures to run through the whole network at once."""
    last = network.layers[-1]
    return forward_batch(cut_model(network, last, network.input_shape[:2]))
