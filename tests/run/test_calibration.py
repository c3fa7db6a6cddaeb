"""How fast the machine renders is measured once, kept, and multiplied with work that is counted."""

import json
from pathlib import Path

import pytest

from reportgen.run import calibration
from reportgen.run.calibration import UNKNOWN, Speed, cached_speed, calibrated, work_of


@pytest.fixture
def measurements(monkeypatch):
    """Counts how often the machine is measured, without the seconds that takes."""
    done = []

    def measured_speed():
        done.append(1)
        return Speed(2.0, 3.0)

    monkeypatch.setattr(calibration, "measured_speed", measured_speed)
    return done


def test_a_machine_is_measured_once_and_then_known(measurements, tmp_path):
    file = tmp_path / "new" / "speed.json"
    assert cached_speed(file) == UNKNOWN
    assert calibrated(file) == calibrated(file) == cached_speed(file) == Speed(2.0, 3.0)
    assert len(measurements) == 1 and [p.name for p in file.parent.iterdir()] == ["speed.json"]


def test_another_machine_in_the_same_cache_is_measured_for_itself(measurements, tmp_path, monkeypatch):
    file = tmp_path / "speed.json"
    calibrated(file)
    monkeypatch.setattr(calibration, "_key", lambda: "another")
    assert cached_speed(file) == UNKNOWN
    calibrated(file)
    assert len(json.loads(file.read_text())) == 2


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", '{"x": 3}', "[" * 5000, '{"x": {"slower": -1, "program_seconds": "y"}}', "\xff"]
)
def test_a_damaged_cache_is_written_anew(measurements, tmp_path, text):
    file = tmp_path / "speed.json"
    file.write_text(text, encoding="latin-1")
    assert calibrated(file) == Speed(2.0, 3.0) == cached_speed(file)


def test_a_cache_that_cannot_be_written_to_is_done_without(measurements, tmp_path):
    (tmp_path / "file").write_text("")
    assert calibrated(tmp_path / "file" / "speed.json") == Speed(2.0, 3.0)


def test_work_is_the_weights_at_every_place_and_the_writing_of_numbers():
    class Weight:
        shape = (3, 3, 2, 8)

    class Bias:
        shape = (8,)

    assert work_of((None, 10, 12, 8), [Weight(), Bias()]) == 120 * (4 * 8 + 144)
    assert work_of((None, 8), []) == 32


def test_the_machine_here_has_a_speed():
    speed = calibration.measured_speed()
    assert 0 <= speed.program_seconds < 300 and 0.01 < speed.slower < 10_000


def test_the_file_lies_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert calibration._file() == Path(tmp_path) / "reportgen" / "speed.json"
