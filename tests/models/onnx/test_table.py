"""The table of operators in the documentation is that of the code."""

from __future__ import annotations

from pathlib import Path

from reportgen.models.onnx.refusals import REFUSED
from reportgen.models.onnx.registry import operators
from reportgen.models.onnx.table import markdown


def test_the_documentation_shows_the_table_of_the_code():
    text = (Path(__file__).parents[3] / "docs" / "onnx-operators.md").read_text(encoding="utf-8")
    shown = text.split("<!-- operators: begin -->\n")[1].split("<!-- operators: end -->")[0]
    assert shown == markdown()


def test_no_operator_is_both_supported_and_refused():
    assert not set(REFUSED) & set(operators())
