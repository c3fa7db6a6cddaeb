"""Random numbers belong to unit, sign, seed and step."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reportgen.render.randomness import _mixed, key_of, normals, uniforms

keys = st.builds(key_of, st.integers(0, 5000), st.sampled_from(["happy", "sad"]), st.integers(0, 99))


def test_unit_sign_and_seed_each_give_other_numbers():
    made = {key_of(u, sign, s) for u in range(50) for sign in ("happy", "sad") for s in range(10)}
    assert len(made) == 50 * 2 * 10


@given(st.lists(keys, min_size=1, max_size=5), st.integers(0, 2**40))
def test_numbers_are_the_same_alone_and_in_company(many, stream):
    together = uniforms(many, stream, 7)
    for row, key in zip(together, many, strict=True):
        assert np.array_equal(row, uniforms([key], stream, 7)[0])


@given(keys)
def test_a_longer_series_begins_like_a_shorter_one(key):
    assert np.array_equal(uniforms([key], 3, 5), uniforms([key], 3, 50)[:, :5])


def test_uniforms_are_uniform_and_normals_normal():
    flat = uniforms([1, 2], 0, 20000)
    assert flat.min() >= 0 and flat.max() < 1
    assert abs(flat.mean() - 0.5) < 0.01 and abs(flat.var() - 1 / 12) < 0.002
    bell = normals([1, 2], 0, 20000)
    assert abs(bell.mean()) < 0.02 and abs(bell.std() - 1) < 0.02 and abs((bell**4).mean() - 3) < 0.15


def test_streams_and_neighbouring_keys_are_not_correlated():
    a, b, c = uniforms([5], 0, 5000)[0], uniforms([5], 1, 5000)[0], uniforms([6], 0, 5000)[0]
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.05 and abs(np.corrcoef(a, c)[0, 1]) < 0.05


def test_the_mixing_is_splitmix64():
    """The published generator's first numbers from seed 0."""
    counters = np.arange(1, 4, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert [hex(int(v)) for v in _mixed(counters)] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]
