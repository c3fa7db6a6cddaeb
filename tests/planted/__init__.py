"""Networks whose units were built by hand, with the truth about each: what verdicts are judged on."""

from planted.network import planted_network
from planted.truth import Planted

__all__ = ["Planted", "planted_network"]
