"""Pictures survive the store exactly; names of page pictures come from what they show."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from reportgen.errors import ReportgenError, ShapeError
from reportgen.images import decode_png, encode_png, encode_webp, fitted_photograph, webp_name

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


def _file(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_photograph_is_its_middle_scaled_to_the_size_wanted():
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = (200, 100, 50)  # Its middle square.
    found = fitted_photograph(_file(Image.fromarray(pixels)), (16, 16), 3)
    assert found.shape == (16, 16, 3) and (found == (200, 100, 50)).all()
    assert fitted_photograph(_file(Image.fromarray(pixels)), (16, 32), 1).shape == (16, 32, 1)


def test_sixteen_bits_and_transparency_keep_their_brightness():
    deep = Image.fromarray(np.full((8, 8), 0x8080, np.uint16))
    assert abs(int(fitted_photograph(_file(deep), (8, 8), 1)[0, 0, 0]) - 0x80) <= 1
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert (fitted_photograph(_file(clear), (8, 8), 3) == 255).all()


def _values(array, kind="TIFF"):
    return fitted_photograph(_file(Image.fromarray(array), kind), array.shape, 1)[..., 0].astype(int)


RAMP = np.tile(np.linspace(0, 1, 9), (8, 1))


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ((RAMP * 65535).astype(np.uint16), "PNG"),
        ((RAMP * 65535).astype(np.uint16), "TIFF"),
        ((RAMP * 65535).astype(np.uint16), "PPM"),
        ((RAMP * 65535).astype(np.int32), "TIFF"),
        ((RAMP * 255).astype(np.int32), "TIFF"),
        (RAMP.astype(np.float32), "TIFF"),
        ((RAMP * 4095 - 1024).astype(np.float32), "TIFF"),
        ((RAMP * 1e6).astype(np.int32), "TIFF"),
    ],
)
def test_deep_pictures_go_from_black_to_white_without_being_cut_off(made, kind):
    assert np.abs(_values(made, kind) - RAMP * 255).max() <= 1


def test_a_dark_picture_of_sixteen_bits_stays_dark():
    for kind in ("PNG", "TIFF", "PPM"):
        assert _values(np.full((8, 8), 200, np.uint16), kind).max() <= 1


def test_a_picture_of_numbers_that_are_none_is_refused():
    with pytest.raises(ReportgenError, match="not finite numbers"):
        _values(np.full((8, 8), np.nan, np.float32))


@pytest.mark.slow
def test_a_damaged_tiff_is_read_or_refused():
    whole, rng = _file(Image.fromarray((RAMP * 65535).astype(np.uint16)), "TIFF"), np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(256)
        with contextlib.suppress(ReportgenError):
            fitted_photograph(bytes(data), (8, 8), 1)


def test_a_photograph_lies_as_its_camera_says():
    pixels = np.zeros((8, 8), np.uint8)
    pixels[0] = 255
    turned = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 3  # Upside down.
    assert fitted_photograph(_file(turned, exif=exif), (8, 8), 1)[-1].min() == 255


@pytest.mark.parametrize(
    "data", [b"", b"nothing", _file(Image.new("L", (4, 4)))[:40], _file(Image.new("L", (4, 4)), "ICO")]
)
def test_what_is_no_picture_is_refused_in_one_line(data):
    with pytest.raises(ReportgenError, match="cannot be read") as error:
        fitted_photograph(data, (8, 8), 1)
    assert "\n" not in str(error.value)


def test_a_picture_larger_than_pillow_lets_it_be_is_refused(monkeypatch):
    data = _file(Image.new("L", (40, 40)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow warns up to twice that.
    with pytest.raises(ReportgenError, match="cannot be read"):
        fitted_photograph(data, (8, 8), 1)
