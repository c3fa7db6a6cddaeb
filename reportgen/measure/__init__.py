"""What units answer: probes, responses, interval bounds, weights, and the null's networks.

Everything that needs the loaded model and is later read without it. What the numbers mean is
known in `score`.
"""

from __future__ import annotations

from reportgen.measure.bounds import bounds
from reportgen.measure.natural_responses import natural_pass, surroundings
from reportgen.measure.null import null_cuts
from reportgen.measure.probes import probe_names, probe_pictures
from reportgen.measure.responses import flat_curve, responses
from reportgen.measure.weights import weights

__all__ = [
    "bounds",
    "flat_curve",
    "natural_pass",
    "null_cuts",
    "probe_names",
    "probe_pictures",
    "responses",
    "surroundings",
    "weights",
]
