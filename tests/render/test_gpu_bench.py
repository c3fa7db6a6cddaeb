"""`python -m benchmarks.gpu` on whatever computes here: the table, and how it extrapolates."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from benchmarks.gpu import saturating, spread

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_fraction_of_a_model_is_measured_and_the_whole_plan_extrapolated(tiny_model, tmp_path):
    out = tmp_path / "table.md"
    words = ["--layers", "2", "--batches", "2,4", "--pictures", "4", "--device", "cpu", "--out", out]
    env = {**os.environ, "KERAS_BACKEND": keras.config.backend(), "TF_NUM_INTRAOP_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *map(str, (tiny_model, *words))],
        env=env, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    text = out.read_text(encoding="utf-8")
    assert text == done.stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "16x16" in line]
    assert [row[:2] for row in rows] == [[a, b] for a in ("conv", "head") for b in ("default", "show")]
    for row in rows:
        batches = [int(n) for n in re.findall(r"(\d+): ", row[3])]
        assert batches == [2, 4] and int(row[4]) in batches
        assert float(row[5].replace(",", "")) > 0 and float(row[9]) > 0
    assert "extrapolated from 2 of 2 layers: 5 units, 30 pictures" in text


@pytest.mark.parametrize(
    ("rates", "batch"),
    [({16: 100.0}, 16), ({16: 100.0, 32: 190.0, 64: 195.0}, 32), ({16: 100.0, 32: 80.0}, 16)],
)
def test_the_saturating_batch_is_the_smallest_near_the_best(rates, batch):
    assert saturating(rates) == batch


def test_layers_are_spread_from_the_smallest_to_the_largest():
    sizes = np.random.default_rng(0).permutation(50).tolist()
    assert spread(sizes, 5, float) == [0, 12, 24, 37, 49]
    assert spread(sizes, 1, float) == [0] and spread([3, 1], 9, float) == [1, 3]
