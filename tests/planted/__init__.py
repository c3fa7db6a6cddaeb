"""Networks whose units were built by hand, with the truth about each: what verdicts are judged on."""

from planted.network import planted_network
from planted.noisy import noisy_network
from planted.truth import Planted
from planted.varied import varied_network

__all__ = ["Planted", "noisy_network", "planted_network", "varied_network"]
