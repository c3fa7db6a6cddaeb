"""Pictures survive the store exactly; names of page pictures come from what they show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reportgen.errors import ShapeError
from reportgen.images import decode_png, encode_png, encode_webp, webp_name

PICTURES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4, 7])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)


@settings(max_examples=40)
@given(PICTURES)
def test_a_picture_comes_back_from_png_exactly(picture):
    assert np.array_equal(decode_png(encode_png(picture), picture.shape[2]), picture)


@given(PICTURES)
@settings(max_examples=10)
def test_any_picture_can_be_shown(picture):
    assert encode_webp(picture, quality=60, enlarge=2)[8:12] == b"WEBP"


def test_what_is_no_picture_is_refused():
    with pytest.raises(ShapeError, match="wanted"):
        encode_png(np.zeros((4, 4), np.uint8))
    with pytest.raises(ShapeError, match="wanted"):
        encode_png(np.zeros((4, 4, 3), np.float32))


def test_a_page_pictures_name_depends_on_picture_size_and_settings_only():
    name = webp_name("key", size=128, quality=60)
    assert name == webp_name("key", size=128, quality=60)
    others = {
        webp_name("kez", size=128, quality=60),
        webp_name("key", size=96, quality=60),
        webp_name("key", size=128, quality=50),
    }
    assert name not in others and len(others) == 3
