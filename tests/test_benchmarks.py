"""The benchmarks measure what they say: the network is the known one, and a section never touches another."""

import numpy as np
import pytest

from benchmarks import estimates, threads
from benchmarks.results import table, write_section
from benchmarks.w1_network import activation, high_frequencies, judged, read_picture, save_picture
from benchmarks.w1_parts import marginal, shares

EIGHT = range(8)


def _mean(layer, pictures):
    return np.mean([activation(layer, channel, pictures, rim=0.0) for channel in EIGHT])


def test_w1_responds_to_grey_as_it_is_known_to():
    grey = np.full((1, 128, 128, 3), 0.5)
    assert _mean("conv2", grey) == pytest.approx(0.07, abs=0.006)
    assert _mean("conv4", grey) == pytest.approx(0.11, abs=0.006)


def test_w1_responds_to_uniform_noise_as_it_is_known_to():
    noise = np.random.default_rng(0).random((2, 128, 128, 3))
    assert _mean("conv2", noise) == pytest.approx(0.25, abs=0.006)
    assert _mean("conv4", noise) == pytest.approx(0.99, abs=0.02)


def test_the_rim_of_a_map_is_left_out():
    framed = np.full((1, 128, 128, 3), 0.5)
    framed[:, 6:-6, 6:-6] = np.random.default_rng(0).random((116, 116, 3))
    whole = activation("conv2", 0, framed, rim=0.0)
    assert activation("conv2", 0, framed) > whole * 1.05


def test_white_noise_has_four_fifths_of_its_energy_in_high_frequencies():
    shares_found = [high_frequencies(np.random.default_rng(k).random((128, 128, 3))) for k in range(4)]
    assert np.mean(shares_found) == pytest.approx(0.8, abs=0.01)


def test_broad_waves_have_none_and_a_checkerboard_all_of_it():
    wave = np.sin(2 * np.pi * np.arange(64) / 32)[:, None, None] * np.ones((64, 64, 3))
    board = (np.indices((64, 64)).sum(0) % 2)[..., None] * np.ones(3)
    assert high_frequencies(wave) < 1e-9
    assert high_frequencies(board) > 0.999
    assert high_frequencies(np.full((64, 64, 3), 0.3)) == 0.0


def test_pictures_are_clipped_and_read_at_their_own_size(tmp_path):
    picture = np.linspace(-0.5, 1.5, 24 * 40 * 3).reshape(24, 40, 3)
    for channel in range(4):
        save_picture(tmp_path, "conv2", channel, picture)
    found = read_picture(tmp_path, "conv2", 0)
    assert found.shape == (24, 40, 3)
    assert np.abs(found - np.clip(picture, 0, 1)).max() <= 0.5 / 255 + 1e-6
    active, high = judged(tmp_path, "conv2")
    assert active > 0 and 0 <= high <= 1


def test_a_section_written_anew_keeps_the_others(tmp_path):
    path = tmp_path / "RESULTS.md"
    write_section("w1", "W1", ["first"], path)
    write_section("gpu", "GPU", [*table(("a", "b"), [(1, 2)])], path)
    write_section("w1", "W1", [r"second \1 \g<0>"], path)
    text = path.read_text()
    assert "first" not in text and r"second \1 \g<0>" in text
    assert "| 1 | 2 |" in text and text.index("## W1") < text.index("## GPU")
    assert text.count("<!-- begin") == text.count("<!-- end") == 2


def test_text_between_sections_is_kept(tmp_path):
    path = tmp_path / "RESULTS.md"
    path.write_text("# Mine\n\na word of my own\n")
    write_section("w1", "W1", ["x"], path)
    write_section("w1", "W1", ["y"], path)
    assert path.read_text().startswith("# Mine\n\na word of my own\n")


def test_the_start_is_no_part_of_what_a_picture_costs():
    few, many = {"cpu": 10.0 + 8 * 0.5, "pictures": 8}, {"cpu": 10.0 + 56 * 0.5, "pictures": 56}
    assert marginal(few, many) == pytest.approx(0.5)
    assert shares({"full": [50.0, 30.0], "bare": [100.0, 40.0]}) == [0.5, 0.75]


def _run(estimate, taken):
    return estimates.Run("net", 3, 2, 18, 3, 9.0, estimate, taken, 0.8 * taken, 20)


@pytest.mark.parametrize(
    ("estimate", "taken", "near"),
    [(90, 60, True), (40, 60, True), (91, 60, False), (39, 60, False), (60, 60, True)],
)
def test_an_estimate_is_near_within_a_factor_to_either_side(estimate, taken, near):
    assert _run(estimate, taken).near is near


def test_the_table_of_estimates_says_how_many_are_near():
    lines = estimates.report([_run(60, 60), _run(300, 60)], "::12")
    assert "1 of 2 are" in lines[0] and "| 1.00 |" in lines[-2] and "| 5.00 |" in lines[-1]


def test_processes_and_threads_are_compared_turn_by_turn():
    one = [threads.Taken(10, 18, 900), threads.Taken(40, 19, 900)]
    many = [threads.Taken(5, 9, 1800), threads.Taken(10, 9, 1800)]
    lines = threads.report("net", 32, {"conv": {"one": one, "many": many}})
    assert "3.00 times as fast" in lines[0]  # 2 and 4 times, though medians alone would say 3.3.
    assert "3 (2 to 4)" in lines[-1] and "1800" in lines[-1]
