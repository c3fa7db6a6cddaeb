"""Measurements on a loaded model: responses to pictures, interval bounds, weights, and the null's networks.

Everything that needs the model and is read from the store afterwards. `score` interprets the numbers.
"""

from __future__ import annotations

from reportgen.measure.bounds import bounds
from reportgen.measure.natural_responses import crop_responses, natural_pass
from reportgen.measure.null import null_cuts
from reportgen.measure.probes import probe_names, probe_pictures
from reportgen.measure.responses import flat_curve, responses
from reportgen.measure.weights import weights

__all__ = [
    "bounds",
    "crop_responses",
    "flat_curve",
    "natural_pass",
    "null_cuts",
    "probe_names",
    "probe_pictures",
    "responses",
    "weights",
]
