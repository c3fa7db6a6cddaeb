"""Slugs are safe addresses, whatever a model calls its layers; a rim is the same at both ends."""

import string

from hypothesis import given
from hypothesis import strategies as st

from reportgen.units import InputRange, UnitId, slug_of, unique_slugs, without_rim

SAFE = set(string.ascii_letters + string.digits + "._-")


@given(st.text())
def test_a_slug_is_safe_in_file_names_and_addresses(name):
    slug = slug_of(name)
    assert slug
    assert set(slug) <= SAFE
    assert not slug.startswith((".", "-", "_"))
    assert slug.lower() not in {"con", "nul", "index", "about", "method"}


@given(st.lists(st.text(max_size=12), unique=True, max_size=20))
def test_slugs_are_unique_also_ignoring_case(names):
    slugs = unique_slugs(names)
    assert len({s.lower() for s in slugs}) == len(names)


def test_a_slug_does_not_depend_on_where_a_layer_stands():
    assert unique_slugs(["a", "b", "c"])[2] == unique_slugs(["c", "a"])[0] == "c"


def test_names_that_differ_only_by_case_get_different_slugs():
    first, second = unique_slugs(["Conv", "conv"])
    assert first.lower() != second.lower()


def test_an_address_reads_model_version_layer_unit():
    assert str(UnitId("m", "v1", "conv2d_1", 17)) == "m/v1/conv2d_1/17"


def test_a_range_says_its_numbers():
    assert str(InputRange((0.0,), (255.0,))) == "0..255"


@given(st.integers(1, 500), st.floats(0, 0.4))
def test_at_least_half_of_a_side_counts_and_the_same_is_left_out_at_both_ends(size, rim):
    part = without_rim(size, rim)
    assert part.start == size - part.stop
    assert part.stop - part.start >= size / 2
    if size * rim <= size / 4 - 1:
        assert part.start >= size * rim
