"""Reads a model file into a `Model`: flattened, its layers found; refuses models without a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from reportgen.arguments import checked
from reportgen.errors import ConfigError, ModelError
from reportgen.keras_types import Network
from reportgen.models.batch_independence import refuse_batch_mixing
from reportgen.models.extra_inputs import shape_text
from reportgen.models.graph.flatten import flatten
from reportgen.models.graph.gates import Locality, localities
from reportgen.models.graph.hashes import node_hashes
from reportgen.models.graph.kinds import IDENTITIES
from reportgen.models.graph.layer_graph import layer_graph
from reportgen.models.graph.picture_rows import rows_are_pictures, shapes_for_many_pictures
from reportgen.models.graph.places import maps_keep_places
from reportgen.models.graph.receptive_field import ReceptiveField, receptive_fields
from reportgen.models.graph.shared_weights import FoldedCall, calls_with_same_weights
from reportgen.models.graph.submodel import symbolic_shapes
from reportgen.models.graph.taps import ON_CONSTANTS, find_taps, unit_count
from reportgen.models.input_range.find import find_input_range
from reportgen.models.input_range.stored_moments import range_doubt
from reportgen.models.model import Model, Node, Tap
from reportgen.models.opening import open_network
from reportgen.models.sources import find_source
from reportgen.models.training_flags import training_notes
from reportgen.models.untrained import fresh_weights
from reportgen.units import MOST_CHANNELS, Layer, unique_slugs

_SCALINGS = frozenset(
    {
        "rescaling", "normalization", "batch_normalization", "zero_padding2d", "cropping2d", "resizing",
        "cast", "add", "subtract", "multiply", "true_divide", "divide", "get_item", "center_crop",
    }
)  # fmt: skip
"""Kinds that only scale, shift, crop or pad a picture."""

_ASSUMED_PX = 224
_LARGEST_PX = 8192


@checked
def load_model(
    path: str | Path,
    *,
    name: str | None = None,
    version: str | None = None,
    input_range: Sequence[float | Sequence[float]] | None = None,
    input_size: tuple[int, int] | None = None,
    trust_model: bool = False,
    custom: Sequence[str] = (),
    hold: Mapping[str, float | Sequence[float]] | None = None,
    max_memory: int | None = None,
    channel_order: Literal["rgb", "bgr"] | None = None,
    untrained: int | None = None,
    channels: Literal["first", "last"] | None = None,
) -> Model:
    """Return the network in a `.keras`, whole-model `.h5` or `.onnx` file, or another source.

    Args:
        path: Named as in docs/models.md: a file, `architecture.json`, `architecture.json+weights.h5`, or
            `keras.applications:NAME`.
        name: Of the model; by default the file's stem.
        version: Of the model; by default the first 8 digits of the file's hash.
        input_range: Low and high end of the values of the model's input, each one number or one for each
            channel; by default read from the graph, else 0..1.
        input_size: Height and width, for models that leave them open; by default 224x224.
        trust_model: Whether code in the file (Lambda layers) may run.
        custom: The user's own classes and functions that the file names, each `module:name`; with
            `trust_model` only.
        hold: Values of the other inputs, by name; by default zero.
        max_memory: Limit for the weights and one picture's largest tensor, in bytes; by default half of the
            machine's memory, at least 2 GB.
        channel_order: The order in which the model takes the channels of a picture; by default read from the
            means it subtracts, `bgr` for the range `caffe`, else `rgb`.
        untrained: A seed: every weight is reinitialised, and a note says how.
        channels: Whether a picture's channels are its first or last axis, if the network does not show it.

    Returns:
        The network, rewritten channels last: its operations, its layers with units, the shape
        `(height, width, channels)` and the range of the picture it takes, and notes on what was changed.

    Raises:
        ModelError: The file cannot be used, or is not an image network.
        UntrustedModel: It carries code and is not trusted.
        ConfigError: The given range or size does not fit.
        MissingExtra: Keras or its backend is not installed.

    Example:
        >>> import reportgen
        >>> model = reportgen.load_model("model.keras", input_range=(0, 255))
        >>> model.input_shape, [(layer.name, layer.n_units) for layer in model.layers]
        ((16, 16, 1), [('conv', 3), ('head', 2)])
    """
    source = find_source(path)
    opened = open_network(
        source,
        input_size=input_size,
        trust_model=trust_model,
        custom=custom,
        hold=hold,
        max_memory=max_memory,
        channels=channels,
    )
    keras_model, notes, file_name = opened.model, list(opened.notes), source.file_name
    drawn = ""
    if untrained is not None:
        drawn = fresh_weights(keras_model, untrained, source.kind, file_name)
        notes.append(f"untrained: {drawn}")
    fixed = _picture_shape(keras_model, file_name)
    height_width, size_source = _input_size(fixed[:2], input_size, file_name)
    size_source = opened.input_size_source or size_source
    input_shape = (*height_width, fixed[2])
    if size_source == "assumed" and not opened.input_size_source:
        notes.append(f"The model leaves its input size open; {_ASSUMED_PX}x{_ASSUMED_PX} is assumed.")
    if fixed[2] not in (1, 3):
        notes.append(
            f"Pictures have {fixed[2]} channels; pages show their mean as grey, exported files all of them."
        )
    nodes, outputs = flatten(keras_model, opened.names)
    notes += training_notes(nodes)
    keras_model.trainable = False
    _refuse_channels_first(nodes, file_name)
    nodes = _at_size(nodes, input_shape, file_name)
    hashes = node_hashes(nodes, file_name)
    many = shapes_for_many_pictures(nodes, input_shape)
    taps, skipped = find_taps(nodes, outputs, rows_are_pictures(many), maps_keep_places(nodes, many))
    if not taps:
        raise ModelError(
            f"{file_name}: none of its {len(nodes) - 1} operations has units to render, "
            "wanted a convolution in two dimensions or a dense layer"
        )
    sharing = calls_with_same_weights(nodes, opened.folded_calls)
    skipped = (*skipped, *_skipped_calls(opened.folded_calls, sharing, [node.name for node in nodes]))
    hash_ = source.digest()
    model = Model(
        name=name or source.name,
        version=version or hash_[:8],
        file_name=file_name,
        file_hash=hash_,
        nodes=nodes,
        taps=taps,
        layers=_layers(nodes, taps, hashes, input_shape, sharing),
        graph=layer_graph(nodes, taps),
        input_shape=input_shape,
        input_size_source=size_source,
        input_range=find_input_range(nodes, input_range, channel_order, opened.picture_dtype),
        skipped=skipped,
        notes=tuple(notes),
        outputs=outputs,
        output_keys=opened.output_keys,
        signature=opened.signature,
        drawn=drawn,
    )
    if source.kind != "onnx":
        refuse_batch_mixing(model)
    doubt = range_doubt(model)
    return dataclasses.replace(model, notes=(*notes, doubt)) if doubt else model


def _picture_shape(model: Network, file_name: str) -> tuple[int | None, int | None, int]:
    """Return height, width and channels of a network's only input; sides may be None.

    Raises:
        ModelError: The input is not one picture, channels last.
    """
    picture = model.inputs[0]
    shape = tuple(picture.shape)
    if len(shape) != 4:
        raise ModelError(
            f"{file_name}: takes {shape_text(picture)}, which is not a picture, "
            "wanted (height, width, channels)",
            hint=_hint_for_rank(shape),
        )
    height, width, channels = shape[1:]
    if (height, width) == (1, 1):
        raise ModelError(
            f"{file_name}: takes {shape_text(picture)}, a single place, wanted a picture",
            hint="it looks like a vector, the input of a generator",
        )
    if channels is None:
        raise ModelError(
            f"{file_name}: takes {shape_text(picture)} with any number of channels, wanted a fixed number",
            hint="build the network with its number of channels: keras.Input((None, None, 3))",
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise ModelError(
            f"{file_name}: takes {shape_text(picture)} with {channels} channels, wanted 1 to {MOST_CHANNELS}",
            hint="add a layer in front that reduces them, such as a 1x1 convolution",
        )
    return height, width, int(channels)


def _hint_for_rank(shape: tuple[int | None, ...]) -> str:
    if len(shape) == 3 and all(side is not None and side >= 8 for side in shape[1:]):
        return f"if it is a grey picture, give it a channel: keras.Input(({shape[1]}, {shape[2]}, 1))"
    kinds = {2: "a table or a vector", 3: "text or a series", 5: "a film or a volume"}
    return f"it looks like {kinds[len(shape)]}" if len(shape) in kinds else ""


def _input_size(
    fixed: tuple[int | None, int | None], given: tuple[int, int] | None, file_name: str
) -> tuple[tuple[int, int], str]:
    """Return height and width of the input, and their source."""
    if given is not None:
        if len(given) != 2 or not all(isinstance(s, int) and 1 <= s <= _LARGEST_PX for s in given):
            raise ConfigError(f"input size is {given!r}, wanted height and width between 1 and {_LARGEST_PX}")
        if any(side is not None and side != wanted for side, wanted in zip(fixed, given, strict=True)):
            own = "x".join("any" if side is None else str(side) for side in fixed)
            raise ConfigError(
                f"{file_name}: input size is fixed to {own}, received {given[0]}x{given[1]}",
                hint="leave the size out",
            )
    height, width = fixed
    if height is not None and width is not None:
        return (height, width), "model"
    if given is not None:
        return (given[0], given[1]), "given"
    return (height or _ASSUMED_PX, width or _ASSUMED_PX), "assumed"


def _refuse_channels_first(nodes: Sequence[Node], file_name: str) -> None:
    for node in nodes:
        if getattr(node.operation, "data_format", None) == "channels_first":
            raise ModelError(
                f'{file_name}: layer "{node.name}" ({node.kind}) works channels first, wanted channels last',
                hint="rebuild the network with data_format channels_last and copy the weights",
            )


def _at_size(nodes: tuple[Node, ...], input_shape: tuple[int, int, int], file_name: str) -> tuple[Node, ...]:
    """Return the nodes with open shapes replaced by those at the model's input size."""
    if all(side is not None for node in nodes for shape in node.output_shapes for side in shape[1:]):
        return nodes
    try:
        shapes = symbolic_shapes(nodes, input_shape)
    except Exception as error:  # an operation may reject the size with any error
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(
            f"{file_name}: does not work on pictures of {input_shape[0]}x{input_shape[1]}: {cause}",
            hint="give another input size",
        ) from None
    return tuple(dataclasses.replace(n, output_shapes=s) for n, s in zip(nodes, shapes, strict=True))


def _skipped_calls(
    folded_calls: Sequence[FoldedCall], sharing: Mapping[int, tuple[str, ...]], taken: Sequence[str]
) -> list[tuple[str, str]]:
    """Return the folded calls to list as skipped: those on held inputs, and those with shared weights."""
    shared = {name for names in sharing.values() for name in names}
    return [
        (c.name, ON_CONSTANTS) for c in folded_calls if (c.held or c.name in shared) and c.name not in taken
    ]


def _layers(
    nodes: Sequence[Node],
    taps: dict[str, Tap],
    hashes: Sequence[str],
    input_shape: tuple[int, int, int],
    sharing: Mapping[int, tuple[str, ...]],
) -> tuple[Layer, ...]:
    scaled_only = _scaled_pictures(nodes)
    fields = list(zip(receptive_fields(nodes), localities(nodes, input_shape), strict=True))
    slugs = unique_slugs(taps)
    return tuple(
        _layer(nodes, tap, position, name, slug, hashes, fields, scaled_only, sharing.get(tap.weights, ()))
        for position, ((name, tap), slug) in enumerate(zip(taps.items(), slugs, strict=True))
    )


def _scaled_pictures(nodes: Sequence[Node]) -> list[bool]:
    """Return for each node whether its output is the picture itself, at most scaled, padded or normalised."""
    scaled: list[bool] = []
    for node in nodes:
        kept = node.kind in IDENTITIES | _SCALINGS and len(set(node.inputs)) == 1
        scaled.append(node.kind == "input" or (kept and scaled[node.inputs[0][0]]))
    return scaled


def _map_size(shape: tuple[int | None, ...]) -> tuple[int, int] | None:
    """Return rows and columns of a layer's output: tokens `(n, T, C)` are a column, a vector has none."""
    sides = {3: (*shape[1:2], 1), 4: shape[1:3]}.get(len(shape))
    return None if sides is None else (int(sides[0] or 0), int(sides[1] or 0))


def _layer(
    nodes: Sequence[Node],
    tap: Tap,
    position: int,
    name: str,
    slug: str,
    hashes: Sequence[str],
    fields: Sequence[tuple[ReceptiveField | None, Locality]],
    scaled_only: Sequence[bool],
    shared_with: tuple[str, ...],
) -> Layer:
    node = nodes[tap.weights]
    shape = nodes[tap.pre[0]].output_shapes[tap.pre[1]]
    field, local = fields[tap.pre[0]]
    near = field or local.field
    size, stride = near.rounded() if near is not None else (None, None)
    return Layer(
        name=name,
        slug=slug,
        kind=node.kind,
        position=position,
        n_units=unit_count(node),
        map_size=_map_size(shape),
        stride_px=stride,
        receptive_field_px=size if field is not None else None,
        activation=tap.activation,
        head=nodes[tap.head[0]].function if tap.head is not None else "",
        first=node.kind != "dense" and scaled_only[node.inputs[0][0]],
        graph_hash=hashes[tap.pre[0]],
        judged_hash=hashes[(tap.head or tap.post)[0]],
        local_field_px=size,
        effective_field_px=near.effective_px() if near is not None else None,
        canvas_multiple_px=local.multiple_px,
        shared_with=shared_with,
    )
