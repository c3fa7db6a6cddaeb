"""What a layer sees is said in words, the whole input through a gate too."""

from __future__ import annotations

import pytest

from reportgen.atlas import words
from reportgen.units import Layer


def layer(receptive: tuple[int, int] | None, local: tuple[int, int] | None) -> Layer:
    return Layer("a", "a", "conv2d", 0, 4, (8, 8), (2, 2), receptive, "relu", "", False, "0", "0", local)


@pytest.mark.parametrize(
    ("receptive", "local", "said"),
    [
        ((9, 9), (9, 9), "9 × 9 px"),
        (None, (113, 57), "113 × 57 px, and the whole input through a gate"),
        (None, None, "whole input"),
    ],
)
def test_a_layer_says_what_it_sees(receptive, local, said) -> None:
    assert words.field(layer(receptive, local)) == said


def test_a_layer_stored_before_gates_were_known_says_what_it_said() -> None:
    old = Layer("a", "a", "conv2d", 0, 4, (8, 8), (2, 2), (9, 9), "relu", "", False, "0", "0")
    assert words.field(old) == "9 × 9 px" and not old.gated and old.field_px == (9, 9)
