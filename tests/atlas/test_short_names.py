"""Names of layers where there is little room: short, and different as the layers are."""

import re

from hypothesis import given
from hypothesis import strategies as st

from reportgen.atlas.short_names import short_names

MOBILE = [
    "/features/features.0/features.0.0/Conv",
    *(f"/features/features.{i}/conv/conv.{j}/conv.{j}.0/Conv" for i in range(1, 18) for j in (0, 1)),
    *(f"/features/features.{i}/conv/conv.2/Conv" for i in range(1, 18)),
    "/classifier/classifier.1/Gemm",
]


def test_names_with_room_stay_as_they_are():
    assert short_names(["conv1", "fc"], 8) == {"conv1": "conv1", "fc": "fc"}


@given(st.sampled_from([8, 12, 16, 17, 22, 24, 26]))
def test_names_of_a_large_export_differ_and_no_number_is_cut(most: int):
    found = short_names(MOBILE, most)
    assert len(set(found.values())) == len(MOBILE)
    assert max(map(len, found.values())) <= max(most, 17)
    for name, short in found.items():
        assert set(re.findall(r"\d+", short)) <= set(re.findall(r"\d+", name))


@given(st.lists(st.text("ab1./_", min_size=1, max_size=30), unique=True), st.integers(3, 20))
def test_different_names_have_different_short_ones(names: list[str], most: int):
    found = short_names(names, most)
    assert list(found) == names and len(set(found.values())) == len(names)
    for name, short in found.items():
        head, _, tail = short.partition("…")
        assert len(short) <= len(name) and (short == name or set(head + tail) <= set(name))


def test_a_path_that_repeats_itself_is_written_once():
    assert short_names(["/features/features.2/conv/conv.1/Conv"], 24).popitem()[1] == "features.2/conv.1/Conv"


def test_names_that_are_hostile_or_absent_end_too():
    assert short_names([], 5) == {}
    names = ["…" * 40, "a" * 40, "a" * 41, "/x/x.y", "x.y", "1" * 50, "1" * 51]
    assert set(short_names(names, 5)) == set(names)
