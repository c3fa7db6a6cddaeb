"""Several rendering processes give what one gives, also when some of them die."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_networks import QUICK, save_model

import reportgen
from reportgen.config import read_settings
from reportgen.errors import ConfigError, ReportgenError
from reportgen.run import processes
from reportgen.run.processes import Calls, Processes, n_processes
from reportgen.run.progress import Silent
from reportgen.store import open_store

MANY = {"seeds": 3, "batch": 2, "version": "v1", **QUICK}


def pictures(path: Path) -> dict[object, tuple[str, bytes]]:
    """Return by place the keys and pictures of a store, each place once."""
    with open_store(path) as store:
        (record,) = store.models()
        rows = [(x.name, r) for x in record.layers for r in store.renders(record.id, x.name)]
        found = {(name, r.unit, r.recipe, r.sign, r.seed): (r.key, bytes(r.picture)) for name, r in rows}
        assert len(found) == len(rows) and not any(r.failure for _, r in rows)
        return found


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[object, tuple[str, bytes]]]:
    """A model, and its pictures as one process renders them."""
    folder = tmp_path_factory.mktemp("wide")
    model = save_model(folder / "wide.keras", units=12)
    reportgen.render(model, store=folder / "one.db", processes=1, **MANY)
    return model, pictures(folder / "one.db")


class Watch(Silent):
    """A reporter that notes what is said, and kills rendering processes after the first pictures."""

    def __init__(self, kills: int = 0) -> None:
        self.kills, self.children, self.said = kills, [], []

    def say(self, text: str) -> None:
        self.said.append(text)

    def rendered(self, pictures: int) -> None:
        while self.kills:
            self.kills -= 1
            self.children[self.kills]._process._process.kill()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A reporter that knows every rendering process that is started."""
    reporter = Watch()

    class Known(processes._Child):
        def __init__(self, *made: Any) -> None:
            super().__init__(*made)
            reporter.children.append(self)

    monkeypatch.setattr(processes, "_Child", Known)
    return reporter


@pytest.mark.slow
def test_two_processes_render_what_one_does(
    wide: tuple[Path, Mapping[object, tuple[str, bytes]]], watch: Watch, tmp_path: Path
) -> None:
    model, wanted = wide
    (done,) = reportgen.render(model, store=tmp_path / "s.db", processes=2, reporter=watch, **MANY)
    assert len(watch.children) == 2 and any("in 2 processes" in line for line in watch.said)
    assert not done.stopped and pictures(tmp_path / "s.db") == wanted
    (again,) = reportgen.render(model, store=tmp_path / "s.db", processes=2, reporter=watch, **MANY)
    assert again.rendered == 0


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "started"), [(1, 2), (2, 3)])
def test_processes_that_die_lose_and_double_nothing(
    wide: tuple[Path, Mapping[object, tuple[str, bytes]]],
    watch: Watch,
    tmp_path: Path,
    kills: int,
    started: int,
) -> None:
    model, wanted = wide
    watch.kills = kills
    (done,) = reportgen.render(model, store=tmp_path / "s.db", processes=2, reporter=watch, **MANY)
    assert watch.kills == 0 and len(watch.children) == started
    assert not done.stopped and pictures(tmp_path / "s.db") == wanted


@pytest.mark.slow
def test_a_stop_keeps_what_is_complete_and_the_next_run_renders_the_rest(
    wide: tuple[Path, Mapping[object, tuple[str, bytes]]], tmp_path: Path
) -> None:
    model, wanted = wide
    seen = []

    class Count(Silent):
        def rendered(self, pictures: int) -> None:
            seen.append(pictures)

    (done,) = reportgen.render(
        model, store=tmp_path / "s.db", processes=2, stop=lambda: bool(seen), reporter=Count(), **MANY
    )
    assert done.stopped and 0 < done.rendered < len(wanted)
    (rest,) = reportgen.render(model, store=tmp_path / "s.db", processes=1, **MANY)
    assert done.rendered + rest.rendered == len(wanted) and pictures(tmp_path / "s.db") == wanted


def test_processes_that_cannot_start_end_the_run_with_one_line(watch: Watch, tmp_path: Path) -> None:
    made = (str(tmp_path / "none.keras"), "0" * 32, read_settings({}), str(tmp_path / "halt"))
    engine = Processes(made, 2, watch)
    try:
        with pytest.raises(ReportgenError, match=r"none\.keras"):
            engine.wait_for_a_worker(lambda: False)
    finally:
        engine.end()


def test_processes_that_die_before_they_are_ready_are_not_started_for_ever(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "Calls", SimpleNamespace(__module__="none", __qualname__="Nothing"))
    engine = Processes(("m.keras", "0" * 32, read_settings({}), str(tmp_path / "halt")), 2, watch)
    try:
        with pytest.raises(ReportgenError, match="ended again and again"):
            engine.wait_for_a_worker(lambda: False)
    finally:
        engine.end()
    assert 2 < len(watch.children) < 10


def test_any_other_error_of_a_worker_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def trouble(*_: object) -> None:
        raise ZeroDivisionError("a framework's own trouble")

    monkeypatch.setattr(processes.Worker, "render", trouble)
    calls = Calls("m.keras", "0" * 32, read_settings({}), str(tmp_path / "halt"))
    with pytest.raises(ReportgenError, match="rendering process failed: ZeroDivisionError: a framework"):
        calls("render", None, None)


@pytest.mark.parametrize(
    ("seconds", "changes", "n"),
    [
        (3600, {}, 8),
        (3600, {"cores": 1}, 1),
        (3600, {"on_gpu": True}, 1),
        (3600, {"gigabytes": 4}, 3),
        (3600, {"gigabytes": 1}, 1),
        (3600, {"left": 60.0}, 1),
        (3600, {"left": 200.0}, 8),
        (200, {}, 1),
        (60, {}, 1),
        (60, {"asked": 3}, 3),
        (3600, {"asked": 1}, 1),
        (3600, {"asked": 12, "gigabytes": 1}, 12),
    ],
)
def test_there_are_as_many_as_the_work_the_cores_and_the_memory_are_worth(
    monkeypatch: pytest.MonkeyPatch, seconds: float, changes: dict[str, Any], n: int
) -> None:
    case = {"cores": 8, "on_gpu": False, "gigabytes": 64, "left": float("inf"), "asked": None, **changes}
    monkeypatch.setattr(processes, "usable_cores", lambda: case["cores"])
    monkeypatch.setattr(processes, "resident_bytes", lambda: 10**9 // 2)
    run: Any = SimpleNamespace(
        settings=SimpleNamespace(processes=case["asked"]),
        clock=SimpleNamespace(left=lambda: case["left"]),
        bound=SimpleNamespace(bytes=case["gigabytes"] * 10**9),
    )
    assert n_processes(run, seconds, on_gpu=case["on_gpu"]) == n


def test_a_cluster_has_its_own_workers() -> None:
    with pytest.raises(ConfigError, match="exclude each other"):
        read_settings({"ray": "local", "processes": 2})
