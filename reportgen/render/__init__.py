"""Rendering: parametrizations, transforms, objectives, penalties, gradient ascent and the batch runner.

Framework code, behind one interface (`backend`). It knows no files, no stores and no verdicts.
"""

from __future__ import annotations

from reportgen.render.backend import arithmetic, device_name, use_arithmetic
from reportgen.render.batch_runner import WHOLE_LAYER, Job, Render, render_units
from reportgen.render.batch_size import suggest_batch
from reportgen.render.live import LiveStep, render_live

__all__ = [
    "WHOLE_LAYER",
    "Job",
    "LiveStep",
    "Render",
    "arithmetic",
    "device_name",
    "render_live",
    "render_units",
    "suggest_batch",
    "use_arithmetic",
]
