"""What containers and services allow this process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from reportgen.control_groups import memory_limits, usable_cores
from reportgen.run.memory import available_memory


def groups(folder: Path, lines: Sequence[str], limits: Mapping[str, str]) -> tuple[Path, Path]:
    """Write which groups the process is in and their limits; return the file and the folder."""
    (folder / "cgroup").write_text("".join(f"{line}\n" for line in lines))
    for path, text in limits.items():
        (folder / "mount" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "mount" / path).write_text(text)
    return folder / "cgroup", folder / "mount"


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert not [*memory_limits(tmp_path / "none", tmp_path)]
    assert not [*memory_limits(*groups(tmp_path, ["0::/a/b", "nonsense"], {"a/b/memory.max": "max\n"}))]


def test_limits_of_the_groups_around_the_process_count_too(tmp_path: Path) -> None:
    limits = {"memory.max": "max\n", "a/memory.max": "3000000\n", "a/b/memory.max": "4000000\n"}
    assert [*memory_limits(*groups(tmp_path, ["0::/a/b"], limits))] == [4_000_000, 3_000_000]


def test_the_older_form_of_control_groups_is_read(tmp_path: Path) -> None:
    limits = {"memory/box/memory.limit_in_bytes": "5000000\n", "cpu/box/memory.limit_in_bytes": "1\n"}
    assert [*memory_limits(*groups(tmp_path, ["4:cpu:/box", "7:memory,hugetlb:/box"], limits))] == [5_000_000]


def test_a_group_whose_path_is_seen_from_outside_still_finds_the_limit(tmp_path: Path) -> None:
    found = groups(tmp_path, ["0::/docker/0123"], {"memory.max": "6000000"})
    assert [*memory_limits(*found)] == [6_000_000]


def test_a_run_may_use_what_is_left_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.setattr("reportgen.run.memory.memory_limits", lambda: iter([2 * machine]))
    assert available_memory() == machine
    monkeypatch.setattr("reportgen.run.memory.memory_limits", lambda: iter([3_000_000, 4_000_000]))
    assert available_memory() == 3_000_000


@pytest.mark.parametrize(
    ("limits", "cores"),
    [
        ({}, 8),
        ({"a/cpu.max": "max 100000"}, 8),
        ({"a/cpu.max": "250000 100000"}, 3),
        ({"a/cpu.max": "max 100000", "cpu.max": "200000 100000"}, 2),
        ({"a/cpu.max": "1000 100000"}, 1),
        ({"a/cpu.max": "9900000 100000"}, 8),
        ({"a/cpu.max": "no number"}, 8),
    ],
)
def test_cores_are_those_that_the_process_gets_time_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: Mapping[str, str], cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert usable_cores(*groups(tmp_path, ["0::/a"], limits)) == cores
