"""How a unit responds to pictures of one colour: evidence for a brightness detector without rendering.

What its pictures look like is not known here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from reportgen.judgement import Light
from reportgen.score.colour import colour_name
from reportgen.score.evidence import LayerEvidence

Arrays = Mapping[str, np.ndarray]

_TINTED = 1.25
"""How many times the range over greys that over colours must be for a colour to be named."""


def light_of(evidence: LayerEvidence, unit: int) -> Light:
    """Return all that is known of how a unit responds to pictures of one colour."""
    share = light_share(evidence, unit)
    return dataclasses.replace(
        light_response(evidence.flat, unit), share=None if share is None else round(share, 6)
    )


def light_response(flat: Arrays | None, unit: int) -> Light:
    """Return how a unit responds to flat inputs; empty where it does not respond or nothing is known.

    Whether it simply rises or falls with brightness, and the colour that activates it most where colours move
    it by a quarter more than greys.

    Args:
        flat: `level` `(9,)`, `response` `(9, K)` and, with 3 channels, `colour`, `colour_response`.
        unit: Its index.
    """
    if flat is None or flat["response"].ndim != 2 or not 0 <= unit < flat["response"].shape[1]:
        return Light()
    curve = np.asarray(flat["response"][:, unit], float)
    if not np.isfinite(curve).all():
        return Light()
    found, span = Light(), float(np.ptp(curve))
    steps = np.diff(curve)
    black, white = float(curve[0]), float(curve[-1])
    if span > 0 and (steps >= 0).all():
        found = Light("rises", black, white)
    elif span > 0 and (steps <= 0).all():
        found = Light("falls", black, white)
    colours = np.asarray(flat["colour_response"][:, unit], float) if "colour_response" in flat else curve[:0]
    if len(colours) and np.isfinite(colours).all() and float(np.ptp(colours)) > _TINTED * span:
        best = int(colours.argmax())
        name = colour_name(np.asarray(flat["colour"][best], np.float32))
        found = dataclasses.replace(found, colour=name, colour_activation=float(colours[best]))
    return found


def light_share(evidence: LayerEvidence, unit: int) -> float | None:
    """Return how much of a unit's whole range its activations on flat pictures cover, 0..1.

    The whole range is that over flat pictures, probes and renders, each averaged over its map; near 1 for
    a unit that light alone drives. None where nothing was measured or it never varies.
    """
    flat, n = evidence.flat, evidence.n_units
    if flat is None or flat["response"].shape[1:] != (n,):
        return None
    own = [flat["response"][:, unit]]
    if "colour_response" in flat:
        own.append(flat["colour_response"][:, unit])
    measured = (evidence.probes, evidence.renders)
    others = [m["mean"][:, unit] for m in measured if m is not None and "mean" in m]
    light, every = np.concatenate(own), np.concatenate([*own, *others])
    whole = float(np.ptp(every)) if np.isfinite(every).all() else 0.0
    return float(np.ptp(light)) / whole if whole > 0 else None
