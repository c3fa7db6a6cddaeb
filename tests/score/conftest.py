"""Pictures with known answers, and evidence made of them."""

import dataclasses

import numpy as np
import pytest

from reportgen.score.evidence import LayerEvidence
from reportgen.spec import null_canvas
from reportgen.units import Layer, Telemetry


class Draw:
    """Draws pictures `(h, w, c)` uint8."""

    @staticmethod
    def _picture(plane, channels, colour=None):
        colour = np.ones(channels) if colour is None else np.asarray(colour, float)
        return (np.clip(0.5 + 0.45 * plane[..., None] * colour, 0, 1) * 255).round().astype(np.uint8)

    def grating(self, size=(48, 48), *, period=6.0, degrees=0.0, phase=0.0, channels=3, colour=None):
        """Stripes that run along `degrees`, counter-clockwise from horizontal."""
        y, x = np.mgrid[: size[0], : size[1]]
        across = np.radians(degrees - 90)
        plane = np.sin(2 * np.pi * (x * np.cos(across) - y * np.sin(across)) / period + phase)
        return self._picture(plane, channels, colour)

    def plaid(self, size=(48, 48), *, period=6.0, degrees=0.0, phase=0.0, channels=3):
        one = self.grating(size, period=period, degrees=degrees, phase=phase, channels=channels).astype(int)
        two = self.grating(size, period=period, degrees=degrees + 90, phase=phase, channels=channels)
        return ((one + two) // 2).astype(np.uint8)

    def blob(self, size=(48, 48), *, centre=(0.5, 0.5), radius=0.2, channels=3):
        y, x = np.mgrid[: size[0], : size[1]]
        inside = np.hypot(y / size[0] - centre[0], x / size[1] - centre[1]) < radius
        return self._picture(np.where(inside, 1.0, -1.0), channels)

    def white(self, seed, size=(48, 48), channels=3):
        return np.random.default_rng(seed).integers(0, 256, (*size, channels)).astype(np.uint8)

    def clipped(self, seed, size=(48, 48), channels=3):
        return np.where(self.white(seed, size, channels) > 127, 255, 0).astype(np.uint8)

    def flat(self, colour, size=(48, 48)):
        return np.broadcast_to(np.asarray(colour, np.uint8), (*size, len(colour))).copy()


@pytest.fixture(scope="session")
def draw():
    return Draw()


def telemetry(start=0.0, end=1.0, rescue=""):
    return Telemetry(start, end, end, (end,) * 8, 1.0, 0.1, 0.3, 96, "max_steps", 0, "leaky-mean", rescue)


class Evidence:
    """Makes evidence of a layer whose units have the pictures given."""

    def __init__(self, draw):
        self.draw = draw

    def responses(self, values):
        """Responses `(n, K)` as one sample a picture."""
        values = np.asarray(values, np.float32)
        return {"max": values, "min": values, "mean": values, "samples": values[:, None, :]}

    def __call__(self, units, *, seed=0, n_units=None, **changes):
        """Evidence of units given as lists of pictures; each answers in its own way unless said otherwise."""
        k = n_units or len(units)
        rng = np.random.default_rng(seed)
        shape = next((p.shape for u in units for p in u), (48, 48, 3))
        size, channels = shape[:2], shape[2]
        layer = Layer("layer", "layer", "conv2d", 0, k, (48, 48), (1, 1), (9, 9), "relu", "", False, "0", "0")
        evidence = LayerEvidence(
            layer=layer,
            pictures={u: dict(enumerate(p)) for u, p in enumerate(units) if p},
            telemetry={u: {s: telemetry() for s in range(len(p))} for u, p in enumerate(units) if p},
            null=np.stack([self.draw.white(10_000 + i, null_canvas(size), channels) for i in range(32)]),
            probes=self.responses(rng.exponential(size=(64, k))),
            renders=self.responses(rng.exponential(size=(4 * k, k))),
        )
        return dataclasses.replace(evidence, **changes)


@pytest.fixture(scope="session")
def evidence_of(draw):
    return Evidence(draw)


@pytest.fixture(scope="session")
def gratings(draw):
    """16 units with four pictures each: a grating of their own, shifted from picture to picture."""
    return [
        [draw.grating(degrees=22.5 * (u % 8), period=4.0 + 4 * (u // 8), phase=1.7 * s) for s in range(4)]
        for u in range(16)
    ]


@pytest.fixture(scope="session")
def telemetry_of():
    return telemetry
