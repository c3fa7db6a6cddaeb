"""A studio that draws instead of climbing: what the page does with requests can be tried without a framework.

It keeps the contract of `jobs.Studio`, states and all; how long each takes is given, so that tests are quick.
"""

import hashlib
import itertools
import time

import numpy as np

from reportgen.errors import ReportgenError
from reportgen.explorer.growth import Frame, Growth
from reportgen.explorer.render_request import Asked
from reportgen.explorer.studio import Progress, Ticket
from reportgen.images import decode_webp, encode_png, encode_webp, fitted_photograph
from reportgen.store import Experiment
from reportgen.units import Telemetry

STEPS = 40
PREVIEWS_A_SECOND = 20


class SketchingStudio:
    """Serves one request after the other, each `seconds` long after `ready` of getting ready."""

    def __init__(self, versions, *, seconds=0.6, ready=0.1):
        self.versions, self.seconds, self.ready = versions, seconds, ready
        self.requests, self.pictures, self.numbers = {}, {}, itertools.count()
        self.free_at, self.broken, self.prepared = 0.0, "", []

    def renderable(self):
        return self.versions

    def model_file(self, of):
        return of.partition("/")[0] + ".keras"

    def ask(self, asked: Asked, person, panel, growth=False):
        if self.versions.get(asked.of, "is not here") is not None:
            raise ReportgenError(f"{asked.of} cannot be rendered here")
        for request in self.requests.values():
            if request["whose"] == (person, panel) and not request["end"]:
                request["end"] = "replaced"
        return self._take(asked, person, panel)

    def sweep(self, asked, person, panel):
        return tuple(self._take(asked, person, f"{panel}{i}", salt=i) for i in range(9))

    def prepare(self, asked):
        self.prepared.append(asked)

    def _take(self, asked, person, panel, salt=0):
        ticket = f"t{next(self.numbers)}"
        key = hashlib.blake2b(f"{asked.as_dict()} {salt}".encode(), digest_size=16).hexdigest()
        begins = max(time.monotonic(), self.free_at)
        self.free_at = begins + self.ready + self.seconds
        self.requests[ticket] = {
            "asked": asked, "whose": (person, panel), "key": key, "begins": begins, "end": "",
            "took": time.monotonic(),
        }  # fmt: skip
        return Ticket(ticket, key)

    def progress(self, ticket):
        if ticket not in self.requests:
            return Progress("failed", message="no such request")
        own = self.requests[ticket]
        now = time.monotonic()
        share = min(1.0, (now - own["begins"] - self.ready) / self.seconds)
        if not own["end"] and self.broken:
            own["end"], own["message"] = "failed", self.broken
        if not own["end"] and share >= 1:
            own["end"] = "done"
            self.pictures[own["key"]] = self._picture(own["key"], 1.0)
        place = sum(r["begins"] < own["begins"] and not r["end"] for r in self.requests.values())
        state = own["end"] or ("waiting" if now < own["begins"] else "starting" if share < 0 else "rendering")
        step = int(STEPS * max(0.0, share))
        return Progress(
            state, place if state == "waiting" else 0, step, STEPS,
            tuple((s, 1 - 0.9**s) for s in range(step + 1)) if share >= 0 else (),
            self._picture(own["key"], share) if share >= 0 else None,
            1 + int((now - own["begins"] - self.ready) * PREVIEWS_A_SECOND) if share >= 0 else 0,
            own["key"], now - own["took"], own.get("message", ""), grown=own["end"] == "done",
        )  # fmt: skip

    def growth(self, key):
        """Every tenth step of a picture that is done."""
        if key not in self.pictures:
            return None
        return Growth(
            tuple(Frame(step, self._picture(key, step / STEPS)) for step in range(0, STEPS + 1, 10))
        )

    def original(self, key):
        if key not in self.pictures:
            return None
        pixels = decode_webp(self.pictures[key])[:, :, :1]
        asked = next(r["asked"] for r in self.requests.values() if r["key"] == key)
        told = Telemetry(0.0, 2.0, 1.9, (1.0,), 1.0, 0.1, 0.3, STEPS, "max_steps", 0, "leaky-mean")
        return Experiment(key, encode_png(pixels), 48, 48, 1, 0.1, told, asked.as_dict())

    def _picture(self, key, share):
        rng = np.random.default_rng(int(key[:8], 16))
        y, x = np.mgrid[0:48, 0:48] / 48
        wave = np.sin(2 * np.pi * (rng.uniform(1, 5) * x + rng.uniform(1, 5) * y))
        shown = 0.5 + 0.4 * share * wave + (1 - share) * rng.normal(0, 0.2, (48, 48))
        return encode_webp((np.clip(shown, 0, 1) * 255).astype(np.uint8)[:, :, None], quality=60)

    def owner(self, ticket):
        return self.requests[ticket]["whose"][0] if ticket in self.requests else None

    def cancel(self, ticket):
        own = self.requests.get(ticket)
        if own and not own["end"]:
            own["end"] = "cancelled"
            self.free_at = 0.0

    def quicken(self, seconds):
        """Let everything that is asked end this much after its turn."""
        self.seconds = seconds
        for own in self.requests.values():
            own["begins"] = min(own["begins"], time.monotonic())

    def picture(self, key):
        return self.pictures.get(key)

    def add_start(self, data):
        fitted_photograph(data, (8, 8), 3)
        return hashlib.blake2b(data, digest_size=16).hexdigest()
