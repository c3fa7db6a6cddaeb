"""A unit as its page and its panel show it: sections of pictures, facts, plots and links (see `views`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from reportgen.atlas import plots, words
from reportgen.atlas.natural_tiles import synthetic_photographs
from reportgen.atlas.need import need_of, need_section
from reportgen.atlas.plots import number
from reportgen.atlas.related import (
    connections_section,
    counterparts_section,
    neighbours_section,
    relations_section,
)
from reportgen.atlas.rows import LayerRows, RenderRow, recipe_name
from reportgen.atlas.strips import UnitPictures, null_strip, unit_pictures
from reportgen.atlas.unit_trust import (
    histogram_section,
    natural_section,
    probe_histogram_section,
    trust_section,
)
from reportgen.atlas.unit_verdict import (
    decision_section,
    facets_of,
    light_section,
    null_section,
    numbers_section,
)
from reportgen.atlas.view_context import ViewContext
from reportgen.atlas.views import (
    Channel,
    Kernel,
    Part,
    Picture,
    Pictures,
    Plotted,
    Section,
    Table,
    UnitView,
)
from reportgen.spec import RECIPES, RenderSpec, for_kind, recipe_fields
from reportgen.store import ModelRecord
from reportgen.units import Layer, UnitId, UnitScore, activation_of
from reportgen.verdicts import verdict_of

_RESCUES = {
    "cell-maxima": "restarted from single-position gradients",
    "louder-start": "restarted from stronger noise",
}
"""How the optimisation of a unit without activation was restarted, in words."""
_FOLDED = "rendering"
"""The part of a unit's page that is closed until somebody opens it."""


def pictures_of(context: ViewContext, rows: LayerRows, unit: int) -> UnitPictures:
    """Return the pictures that the site has of a unit."""
    score = rows.scores.get(unit)
    roles = rows.record.roles(rows.layer.name)
    return unit_pictures(rows.renders.get(unit, ()), roles, score.verdict if score else "", context.sizes)


def unit_view(context: ViewContext, rows: LayerRows, unit: int, own: UnitPictures | None = None) -> UnitView:
    """Return all that is shown of one unit; `own` are its pictures, where they are known already."""
    score = rows.scores.get(unit)
    own = own or pictures_of(context, rows, unit)
    record, slug = rows.record, context.place.slug(rows.layer.name) or rows.layer.slug
    address = context.place.address(slug, unit)
    need, need_reason = need_of(rows, unit)
    return UnitView(
        unit=unit,
        verdict=score.verdict if score else "",
        mark=words.mark(score.verdict if score else ""),
        detail=score.verdict_detail if score else "",
        borderline=bool(score and score.borderline),
        reason=_reason(rows, score, unit),
        need=need,
        need_reason=need_reason,
        first=_first(context, rows, unit, own),
        parts=tuple(part for part in _parts(context, rows, unit, own) if part.sections),
        citation=words.citation(
            UnitId(record.name, record.version, rows.layer.name, unit),
            record.name,
            record.version,
            record.file_hash,
            title=context.spec.title,
            made_with=context.made_with,
            address=context.spec.url + address,
        ),
        class_name=_class_name(record, rows.layer, unit),
    )


def _class_name(record: ModelRecord, layer: Layer, unit: int) -> str:
    """Return the class that an output is for; of a single output, those that a low and a high one mean."""
    names = record.outputs_named(layer)
    if not names:
        return ""
    return names[unit] if layer.n_units > 1 else f"{names[0]} (low) or {names[1]} (high)"


def _first(context: ViewContext, rows: LayerRows, unit: int, own: UnitPictures) -> tuple[Section, ...]:
    """Return the sections of the first screen: pictures, then what the verdicts on it rest on."""
    score = rows.scores.get(unit)
    return _made(
        [
            *_pictures(context, rows, unit, own),
            lambda: null_section(rows, score),
            lambda: decision_section(score),
            lambda: need_section(rows.removal, rows.needs.get(unit)),
        ]
    )


def _parts(context: ViewContext, rows: LayerRows, unit: int, own: UnitPictures) -> Iterator[Part]:
    """Yield the parts of a unit's page below its first screen; some may be empty."""
    score = rows.scores.get(unit)
    built: dict[tuple[str, str], list[Callable[[], Section | None]]] = {
        ("evidence", "Evidence"): [lambda: numbers_section(rows, score), lambda: trust_section(score)],
        ("connections", "Connections"): [
            lambda: connections_section(context, rows, unit, _lead_picture(context, rows, unit, own)),
            lambda: neighbours_section(context, rows, unit),
            lambda: relations_section(context, rows, score),
            lambda: counterparts_section(context, rows.layer.name, unit),
            lambda: _kernel(rows, unit),
        ],
        ("activations", "Activations"): [
            lambda: synthetic_photographs(rows, unit, context.sizes),
            lambda: natural_section(score),
            lambda: histogram_section(rows.natural, unit),
            lambda: probe_histogram_section(rows, unit),
            lambda: light_section(rows, unit),
        ],
        (_FOLDED, "Rendering"): [
            lambda: _ascent(context, rows, unit),
            lambda: _telemetry(context, rows, unit),
            lambda: _sweep(context, rows, unit, own),
        ],
    }
    for (name, title), sections in built.items():
        yield Part(name=name, title=title, folded=name == _FOLDED, sections=_made(sections))


def _made(built: Iterable[Callable[[], Section | None]]) -> tuple[Section, ...]:
    return tuple(section for build in built if (section := build()))


def _lead_picture(context: ViewContext, rows: LayerRows, unit: int, own: UnitPictures) -> list[Picture]:
    lead = rows.lead(unit)
    return picture(context, rows, lead, own, f"unit {unit}") if lead else []


def picture(
    context: ViewContext, rows: LayerRows, row: RenderRow, own: UnitPictures, caption: str
) -> list[Picture]:
    """Return a render as a page shows it, in a list; nothing where the site has it not."""
    found = own.find(row.key)
    if found is None:
        return []
    score = rows.scores.get(row.unit)
    alt = words.picture_alt(
        rows.layer.name,
        row.unit,
        row.sign,
        row.seed,
        recipe_name(context.recipes, row.recipe),
        score.verdict if score else "",
    )
    of_many = found.n > 1
    return [
        Picture(
            file=found.stem, width=found.width, height=found.height, alt=alt, caption=caption,
            tile=found.at if of_many else None, tiles=found.n if of_many else None,
        )
    ]  # fmt: skip


def _reason(rows: LayerRows, score: UnitScore | None, unit: int) -> str:
    if score is not None:
        return score.reason
    failures = sorted({r.failure for r in rows.renders.get(unit, ()) if r.failure})
    return "; ".join(failures) or "Rendered and not scored yet."


def _pictures(
    context: ViewContext, rows: LayerRows, unit: int, own: UnitPictures
) -> list[Callable[[], Section | None]]:
    """Return what makes a unit's sections of renders, what is shown first for the unit first.

    Where that is a picture that was judged, those of the display recipe come last: they show something else.
    """
    lead, score = rows.lead(unit), rows.scores.get(unit)
    starts = lambda: _seeds(context, rows, unit, own)  # noqa: E731
    if lead is None or lead.recipe != rows.scored_recipe or not rows.of(unit, rows.shown_recipe, "happy"):
        return [lambda: _shown(context, rows, unit, own, "made to be looked at, not scored."), starts]
    if score is not None and not verdict_of(score.verdict).shown_leads:
        why = "no more structure than the noise baseline."
        later = "this recipe makes patterns out of noise; the verdict is not about these."
        baseline = null_pictures(context, rows)[:1]
    else:
        why = "shown first, since the display recipe activates the unit far less, or found nothing to show."
        later = "made to be looked at, not scored; here it falls far short of the starts above."
        baseline = []
    judged = picture(context, rows, lead, own, f"Judged: start {lead.seed}")
    name = recipe_name(context.recipes, lead.recipe)
    note, shown = f"Recipe “{name}”: {why}", tuple(judged + baseline)
    first = Pictures(title="What was judged", note=note, means="null", size="l", pictures=shown)
    return [
        lambda: first if judged else None,
        starts,
        lambda: _shown(context, rows, unit, own, later, size="m"),
    ]


def null_pictures(context: ViewContext, rows: LayerRows) -> list[Picture]:
    """Return the first pictures of the noise baseline as a page shows them."""
    strip = null_strip(rows, context.sizes) if context.nulls else None
    if strip is None:
        return []
    n = len(strip.keys)
    return [
        Picture(
            file=strip.stem, width=strip.side, height=strip.side,
            alt=f"Picture {i} of the noise baseline", caption="Noise baseline",
            tile=i if n > 1 else None, tiles=n if n > 1 else None,
        )
        for i in range(n)
    ]  # fmt: skip


def _shown(
    context: ViewContext,
    rows: LayerRows,
    unit: int,
    own: UnitPictures,
    description: str,
    size: Literal["m", "l"] = "l",
) -> Pictures | None:
    pairs = [
        (rows.of(unit, rows.shown_recipe, "happy"), "Happy: makes it most active"),
        (rows.of(unit, rows.shown_recipe, "sad"), "Sad: makes it least active"),
    ]
    found = tuple(
        x for renders, caption in pairs if renders for x in picture(context, rows, renders[0], own, caption)
    )
    note = f"Recipe “{recipe_name(context.recipes, rows.shown_recipe)}”: {description}"
    section = Pictures(title="Happy and sad", note=note, means="recipes", size=size, pictures=found)
    return section if found else None


def _seeds(context: ViewContext, rows: LayerRows, unit: int, own: UnitPictures) -> Pictures | None:
    facets = facets_of(rows.scores.get(unit))
    starts = rows.of(unit, rows.scored_recipe, "happy")
    if facets:
        order = {seed: at for at, seed in enumerate(facets)}
        starts = tuple(sorted(starts, key=lambda r: order.get(r.seed, len(order))))
    happy = [(r, f"start {r.seed}" + (f": {facets[r.seed]}" if r.seed in facets else "")) for r in starts]
    sad = [(r, f"sad, start {r.seed}") for r in rows.of(unit, rows.scored_recipe, "sad")]
    found = tuple(x for r, caption in happy + sad for x in picture(context, rows, r, own, caption))
    name = recipe_name(context.recipes, rows.scored_recipe)
    note = f"Recipe “{name}”; the verdict is based on the happy ones."
    if own.left_out:
        note += f" {own.left_out} more without a pattern are left out, to keep the site small."
    section = Pictures(title="Every start", note=note, means="seed", size="m", pictures=found)
    return section if found else None


def _ascent(context: ViewContext, rows: LayerRows, unit: int) -> Plotted | None:
    renders = rows.of(unit, rows.scored_recipe, "happy")
    lines = [(f"c{i % 4}", r.telemetry.curve) for i, r in enumerate(renders)]
    ends = ", ".join(number(r.telemetry.activation_end) for r in renders)
    plot = plots.curves(
        lines, across="steps", alt=f"Activation over steps, one line per start; at the end {ends}."
    )
    note = "One line per start, scored recipe."
    return Plotted(title="Activation during optimisation", note=note, plot=plot) if plot else None


def _telemetry(context: ViewContext, rows: LayerRows, unit: int) -> Table | None:
    recipes = dict.fromkeys((rows.shown_recipe, rows.scored_recipe))
    renders = [r for recipe in recipes for sign in ("happy", "sad") for r in rows.of(unit, recipe, sign)]
    body = []
    for r in renders:
        telemetry = r.telemetry
        notes = [
            telemetry.stop_reason.replace("_", " "),
            _RESCUES.get(telemetry.rescue, telemetry.rescue),
            r.failure,
        ]
        body.append(
            (
                f"{recipe_name(context.recipes, r.recipe)} {r.sign} {r.seed}",
                number(activation_of(telemetry.activation_start, r.sign)),
                number(activation_of(telemetry.activation_end, r.sign)),
                str(telemetry.steps),
                number(telemetry.moved),
                ", ".join(n for n in notes if n),
            )
        )
    head = ("render", "start", "end", "steps", "moved", "stopped")
    note = (
        "Activation in the network’s own units and sign, before the activation function; "
        "moved is RMS, in [0, 1] units."
    )
    section = Table(title="Telemetry", note=note, means="telemetry", head=head, rows=tuple(body))
    return section if body else None


def _kernel(rows: LayerRows, unit: int) -> Kernel | None:
    kernel = rows.weights.get("kernel")
    if kernel is None or unit >= kernel.shape[3]:
        return None
    own = kernel[:, :, :, unit]
    tall, wide, channels = own.shape
    names = ["red", "green", "blue"] if channels == 3 else ["grey"] if channels == 1 else []
    shown = tuple(
        Channel(names[c] if c < len(names) else f"channel {c}", colours)
        for c, colours in enumerate(plots.kernel_colours(own)[:16])
    )
    reach = number(float(abs(own).max()))
    return Kernel(
        title="Kernel",
        note=f"The weights themselves: orange positive, blue negative, white 0, to ±{reach}.",
        height=tall,
        width=wide,
        alt=f"Kernel of {tall} by {wide} weights for {channels} channels, between −{reach} and {reach}",
        channels=shown,
    )


def _sweep(context: ViewContext, rows: LayerRows, unit: int, own: UnitPictures) -> Pictures | None:
    recipes = {
        h: for_kind(context.recipes[h], rows.layer.kind) for h in rows.sweep_recipes if h in context.recipes
    }
    varied = varied_fields([*recipes.values(), *_base_of(recipes, rows)])
    found = []
    for hash_, recipe in recipes.items():
        if renders := rows.of(unit, hash_, "happy"):
            caption = ", ".join(f"{key} {_setting(getattr(recipe, key))}" for key in varied) or recipe.name
            found += picture(context, rows, renders[0], own, caption)
    title, note = (
        "Sweep",
        f"The same unit and start; the recipes differ in {' and '.join(varied) or 'nothing'}.",
    )
    if varied == ["tv"]:
        title = "Weight sweep"
        note = "The same unit and start under growing weights of total variation, the penalty on roughness."
    return Pictures(title=title, note=note, size="s", pictures=tuple(found)) if found else None


def varied_fields(recipes: Sequence[RenderSpec]) -> list[str]:
    """Return the names of the fields in which recipes differ, what they are called left out."""
    fields = [recipe_fields(recipe) for recipe in recipes]
    return [key for key in (fields[0] if fields else ()) if any(f[key] != fields[0][key] for f in fields)]


def _base_of(recipes: Mapping[str, RenderSpec], rows: LayerRows) -> list[RenderSpec]:
    """Return the named recipe that a sweep of one picture is to be distinguished from."""
    names = [recipe.name for recipe in recipes.values() if recipe.name in RECIPES]
    return [for_kind(RECIPES[names[0]], rows.layer.kind)] if len(recipes) == 1 and names else []


def _setting(value: object) -> str:
    return f"{value:g}" if type(value) in (int, float) else str(value)
