"""The probe set: the same scenes at every size, with the statistics their names promise."""

import importlib.util
import socket

import numpy as np
import pytest

from reportgen.errors import ReportgenError, ShapeError
from reportgen.measure import probe_names, probe_pictures
from reportgen.measure.probes import _photograph, _pictures, uniforms
from reportgen.spec import WHITE_PROBES


def named(pictures, start):
    return [p for p, name in zip(pictures, probe_names(), strict=True) if name.startswith(start)]


def halved(picture):
    h, w, c = picture.shape
    return picture.reshape(h // 2, 2, w // 2, 2, c).mean(axis=(1, 3))


@pytest.mark.parametrize(
    ("size", "channels"), [((8, 8), 1), ((48, 20), 2), ((31, 96), 3), ((130, 64), 5), ((1, 1), 3)]
)
def test_probes_exist_at_any_size_and_stay_within_the_unit_range(size, channels):
    pictures = probe_pictures(size, channels)
    assert pictures.shape == (len(probe_names()), *size, channels)
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1


def test_probes_are_the_same_numbers_on_every_call():
    first = probe_pictures((40, 30), 3)
    _pictures.cache_clear()
    assert np.array_equal(first, probe_pictures((40, 30), 3))


def test_all_probes_differ():
    pictures = probe_pictures((48, 48), 3).reshape(len(probe_names()), -1)
    assert len(set(probe_names())) == len(probe_names())
    assert len(np.unique(pictures, axis=0)) == len(pictures)


def test_a_probe_at_two_sizes_is_the_same_scene():
    large, small = probe_pictures((144, 144), 3), probe_pictures((72, 72), 3)
    for name, a, b in zip(probe_names(), large, small, strict=True):
        if name.startswith(("white", "flat")):
            continue
        agreement = np.corrcoef(halved(a).ravel(), b.ravel())[0, 1]
        assert agreement > 0.97, name


def test_white_noise_keeps_its_waves_when_the_size_changes():
    large, small = (named(probe_pictures((n, n), 1), "white-grey-0.1")[0][..., 0] for n in (128, 64))
    phase = [np.fft.fft2(p - p.mean()) * _to_centre(len(p)) for p in (large, small)]
    kept = phase[0][np.ix_(np.r_[:32, -32:0], np.r_[:32, -32:0])]
    inner = np.r_[1:32, 33:64]
    ratio = (kept / phase[1])[np.ix_(inner, inner)]
    assert np.median(abs(np.angle(ratio))) < 0.05


def _to_centre(n):
    f = np.fft.fftfreq(n, 1 / n)
    shift = np.exp(-2j * np.pi * f * (0.5 / n - 0.5))
    return shift[:, None] * shift


def test_an_oblong_picture_is_the_middle_of_the_square_one():
    square, wide = probe_pictures((64, 64), 3), probe_pictures((20, 64), 3)
    assert np.allclose(wide, square[:, 22:42], atol=2e-5)


@pytest.mark.parametrize("side", [33, 64, 96])
def test_white_noise_is_white_and_has_the_contrast_of_its_name(side):
    picture = named(probe_pictures((side, side), 1), "white-grey-0.1")[0][..., 0]
    assert picture.std() == pytest.approx(0.1, rel=0.1)
    power = abs(np.fft.fft2(picture - picture.mean())) ** 2
    f = np.fft.fftfreq(side)
    radius = np.hypot(*np.meshgrid(f, f))
    low, high = power[(radius > 0) & (radius < 0.25)].mean(), power[(radius > 0.25) & (radius < 0.5)].mean()
    assert low == pytest.approx(high, rel=0.2)


def test_pink_noise_falls_by_the_square_of_frequency_in_power():
    picture = named(probe_pictures((128, 128), 1), "pink-grey-0.12")[0][..., 0]
    power = abs(np.fft.fft2(picture)) ** 2
    f = np.fft.fftfreq(128, 1 / 128)
    radius = np.hypot(*np.meshgrid(f, f)).round()
    rings = np.arange(2, 40)
    means = [power[radius == r].mean() for r in rings]
    slope = np.polyfit(np.log(rings), np.log(means), 1)[0]
    assert slope == pytest.approx(-2, abs=0.25)


@pytest.mark.parametrize(("name", "fx", "fy"), [("grating-0-8", 8, 0), ("grating-90-20", 0, 20)])
def test_a_grating_has_the_direction_and_cycles_of_its_name(name, fx, fy):
    picture = named(probe_pictures((96, 96), 1), name)[0][..., 0]
    power = abs(np.fft.rfft2(picture - picture.mean()))
    assert np.unravel_index(power.argmax(), power.shape) == (fy, fx)


def test_a_grating_too_fine_for_the_canvas_is_grey_not_another_grating():
    assert np.ptp(named(probe_pictures((24, 24), 1), "grating-0-20")[0]) == 0


def test_grey_probes_have_one_value_in_all_channels_and_colour_ones_do_not():
    pictures = probe_pictures((32, 32), 3)
    for kind in ("white", "pink", "leaves"):
        assert all(np.ptp(p, axis=-1).max() < 1e-6 for p in named(pictures, f"{kind}-grey"))
        assert all(np.ptp(p, axis=-1).mean() > 0.02 for p in named(pictures, f"{kind}-colour"))


def test_dead_leaves_cover_the_square():
    assert all(
        (abs(p - 0.5) < 1e-6).all(-1).mean() < 0.15 for p in named(probe_pictures((96, 96), 3), "leaves")
    )


def test_photographs_come_from_the_installed_package_and_are_never_downloaded(monkeypatch):
    def refused(*_, **__):
        raise AssertionError("a network connection was tried")

    monkeypatch.setattr(socket, "socket", refused)
    _photograph.cache_clear()
    _pictures.cache_clear()
    assert all(p.std() > 0.05 for p in named(probe_pictures((32, 32), 3), "photo"))


def test_missing_photographs_raise_an_error_of_one_line(monkeypatch):
    _photograph.cache_clear()
    _pictures.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ReportgenError, match="astronaut") as caught:
        probe_pictures((16, 16), 3)
    assert "\n" not in str(caught.value)


def test_a_canvas_without_pixels_is_refused():
    with pytest.raises(ShapeError):
        probe_pictures((0, 8), 3)


def test_uniform_numbers_are_uniform_and_fewer_are_a_prefix_of_more():
    many = uniforms(7, 20_000)
    assert np.array_equal(uniforms(7, 50), many[:50])
    assert abs(np.histogram(many, 10, (0, 1))[0] / 2000 - 1).max() < 0.1
    assert abs(np.corrcoef(many, uniforms(8, 20_000))[0, 1]) < 0.03


def test_the_first_probes_are_the_white_noise():
    white = [name.startswith("white-") for name in probe_names()]
    assert white == [True] * WHITE_PROBES + [False] * (len(white) - WHITE_PROBES)
