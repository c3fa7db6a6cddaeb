"""The example rendered in float32 and in bfloat16: other roundings, the same verdicts."""

from pathlib import Path

import pytest

import reportgen

pytest.importorskip("keras", reason="the example is rendered, which needs Keras and a backend")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "facing_left" / "facing_left.keras"


def verdicts(store, arithmetic):
    quick = {"show.steps": 1, "show.min_steps": 1}
    layers = ["conv2d_1", "conv2d_2"]
    wanted = {"layers": layers, "units": "25", "signs": "happy", "arithmetic": arithmetic, "set": quick}
    reportgen.render(EXAMPLE, store=store, **wanted)
    return {(row["layer"], row["unit"]): row["verdict"] for row in reportgen.score(store=store)}


@pytest.mark.slow
def test_of_fifty_units_all_but_one_have_the_same_verdict_in_bfloat16(tmp_path):
    from reportgen.render import device_name, use_arithmetic

    if use_arithmetic("bfloat16") != "bfloat16":
        pytest.skip(f"{device_name()} computes in float32 alone")
    use_arithmetic("float32")
    plain, short = (verdicts(tmp_path / f"{a}.db", a) for a in ("float32", "bfloat16"))
    use_arithmetic("float32")
    assert len(plain) == 50 and plain.keys() == short.keys()
    assert sum(plain[unit] == short[unit] for unit in plain) >= 49, (plain, short)
