"""The onnx package's own node tests, for every operator that the table claims."""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import conformance
import pytest

from reportgen.models.onnx.registry import operators

LISTED = tomllib.loads((Path(__file__).parent / "conformance_failures.toml").read_text())


def test_a_tenth_of_the_cases_in_scope_passes_or_stands_by_name():
    inside = [case for case in conformance.cases() if not conformance.out_of_scope(case)][::10]
    failed = {case.name: why for case in inside if (why := conformance.run(case))}
    assert len(inside) >= 50
    assert {n: w for n, w in failed.items() if n not in LISTED} == {}


@pytest.mark.slow
def test_each_case_in_scope_passes_or_stands_by_name_with_its_reason(record_property):
    cases = conformance.cases()
    outside = Counter(conformance.out_of_scope(case) for case in cases)
    inside = [case for case in cases if not conformance.out_of_scope(case)]
    failed = {case.name: why for case in inside if (why := conformance.run(case))}
    passed = len(inside) - len(failed)
    table = (
        f"{len(cases)} cases of the onnx package: {passed} passed, {len(failed)} failed (each listed with "
        f"its reason), {len(cases) - len(inside)} out of scope (operator not in the table "
        f"{sum(n for why, n in outside.items() if why.startswith('operator'))}, element type "
        f"{outside['element type']}); {passed / len(inside):.1%} of those in scope pass"
    )
    record_property("onnx_conformance", table)
    print(table)
    assert {n: w for n, w in failed.items() if n not in LISTED} == {}
    assert sorted(set(LISTED) - set(failed)) == [], "these pass now: take them off the list"
    assert len(inside) >= 500
    assert passed / len(inside) >= 0.96


def test_the_table_holds_at_least_a_hundred_operators():
    assert len(operators()) >= 100
