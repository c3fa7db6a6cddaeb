"""The conformance table, shown after the tests, whichever process ran them."""

from __future__ import annotations

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    lines = [v for r in reports for k, v in getattr(r, "user_properties", ()) if k == "onnx_conformance"]
    for text in dict.fromkeys(lines):
        terminalreporter.section("ONNX conformance")
        terminalreporter.write_line(text)
