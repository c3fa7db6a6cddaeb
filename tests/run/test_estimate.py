"""How long a run will take: what is measured for it, once, and what is done where that fails."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from small_networks import QUICK

from reportgen.config import read_settings
from reportgen.models import Cut, Model, load_model
from reportgen.plan import LayerPlan, PictureSet, PlannedPicture, make_plan
from reportgen.render import Job
from reportgen.run import estimate
from reportgen.run import layer_speed as layer_speeds
from reportgen.run.calibration import Speed
from reportgen.run.estimate import Estimator
from reportgen.run.layer_speed import LayerSpeed, layer_speed, multiplications
from reportgen.run.measuring_time import NullTime, measuring_seconds
from reportgen.run.memory import MemoryBound, default_bound
from reportgen.run.rendering import plan_request
from reportgen.spec import RECIPES, RenderSpec
from reportgen.store import null_owner, open_store
from reportgen.units import Layer

RATE = 1e6
"""Multiplications a second of a matrix product on the machine of these tests."""

MACHINE = Speed(program_seconds=2.0, slower=4.0)


class Network:
    """A network of which only the work up to each layer counts, `RATE` multiplications."""

    input_shape = (48, 48, 1)


def a_plan(position: int, pictures: int = 4) -> LayerPlan:
    """Return a plan of a layer's pictures on the whole canvas, each of the default number of steps."""
    layer = Layer(
        f"l{position}", "", "conv2d", position, 9, (8, 8), (1, 1), (3, 3), "relu", "", False, "", ""
    )
    units = tuple(range(pictures))
    recipe = read_settings({}).recipes()["scored"]
    chosen = tuple(PlannedPicture(unit, "r", "happy", 0, f"{position}/{unit}") for unit in units)
    return LayerPlan(layer, units, (PictureSet(recipe, "r", (48, 48), chosen),))


PLANS = [a_plan(position) for position in range(5)]
STEPS = 4 * RECIPES["default"].steps


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine of known speed on which everything is worth measuring; returns what was measured."""
    done: list[str] = []

    def calibrated() -> Speed:
        done.append("machine")
        return MACHINE

    monkeypatch.setattr(layer_speeds, "multiplications", lambda model, layer: RATE)
    monkeypatch.setattr(estimate, "measuring_seconds", lambda *_: 0.0)
    monkeypatch.setattr(estimate, "multiplications_a_second", lambda: RATE)
    monkeypatch.setattr(estimate, "cached_speed", lambda: Speed(0.0, 1.0))
    monkeypatch.setattr(estimate, "calibrated", calibrated)
    return done


def measuring(done: list[str], speeds: Callable[[int], LayerSpeed | None]) -> Callable[..., Estimator]:
    """Return a function that makes an estimator, to which a layer has the speed that `speeds` returns."""

    def measured(plans: Sequence[LayerPlan], stop: object) -> list[LayerSpeed | None]:
        done.extend(plan.layer.name for plan in plans)
        return [speeds(plan.layer.position) for plan in plans]

    def make(**options: object) -> Estimator:
        estimator = Estimator(Network(), **{"nulls": lambda *_: 0.0, **options})
        estimator.measure_layers_with(measured)
        return estimator

    return make


def seconds_of(n_layers: int, program_s: float, rate: float) -> float:
    return n_layers * (program_s + STEPS * RATE / rate)


def test_layers_are_measured_once_and_not_again_for_other_plans(
    monkeypatch: pytest.MonkeyPatch, machine: list[str]
) -> None:
    seconds = measuring(machine, lambda position: LayerSpeed(1.0, 2 * RATE, 4))()
    assert seconds(PLANS) == pytest.approx(seconds_of(5, 1.0, 2 * RATE))
    assert machine == ["machine", "l0", "l2", "l4"]
    assert seconds(PLANS[:2]) == pytest.approx(seconds_of(2, 1.0, 2 * RATE))
    assert seconds(PLANS) == pytest.approx(seconds_of(5, 1.0, 2 * RATE))
    assert machine == ["machine", "l0", "l2", "l4"]


def test_layers_between_measured_ones_have_speeds_in_between(
    monkeypatch: pytest.MonkeyPatch, machine: list[str]
) -> None:
    by_position = {
        0: LayerSpeed(1.0, RATE, 4),
        2: LayerSpeed(4.0, 16 * RATE, 4),
        4: LayerSpeed(4.0, 16 * RATE, 4),
    }
    seconds = measuring(machine, by_position.__getitem__)()
    seconds(PLANS)
    assert seconds([PLANS[1]]) == pytest.approx(seconds_of(1, 2.0, 4 * RATE))


def test_a_layer_that_cannot_be_measured_gets_the_speed_of_the_others(
    monkeypatch: pytest.MonkeyPatch, machine: list[str]
) -> None:
    def speeds(position: int) -> LayerSpeed | None:
        return LayerSpeed(3.0, 8 * RATE, 4) if position == 2 else None

    seconds = measuring(machine, speeds)()
    assert seconds(PLANS) == pytest.approx(seconds_of(5, 3.0, 8 * RATE))


def test_where_no_layer_can_be_measured_the_machine_s_speed_is_taken_and_none_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, machine: list[str]
) -> None:
    seconds = measuring(machine, lambda position: None)()
    of_the_machine = seconds_of(5, MACHINE.program_seconds, RATE / MACHINE.slower / 3)
    assert seconds(PLANS) == pytest.approx(of_the_machine)
    tried = machine.copy()
    assert seconds(PLANS) == pytest.approx(of_the_machine) and machine == tried


def test_only_what_takes_long_is_worth_measuring(monkeypatch: pytest.MonkeyPatch, machine: list[str]) -> None:
    seconds = measuring(machine, lambda position: LayerSpeed(1.0, RATE, 4))()
    monkeypatch.setattr(layer_speeds, "multiplications", lambda model, layer: 1.0)
    assert seconds(PLANS) < 1 and machine == []
    monkeypatch.setattr(layer_speeds, "multiplications", lambda model, layer: RATE / 112)
    assert 30 < seconds(PLANS) < 150 and machine == ["machine"]
    monkeypatch.setattr(layer_speeds, "multiplications", lambda model, layer: RATE)
    seconds(PLANS)
    assert machine == ["machine", "l0", "l2", "l4"]


def test_a_run_that_was_stopped_measures_nothing(monkeypatch: pytest.MonkeyPatch, machine: list[str]) -> None:
    make = measuring(machine, lambda position: LayerSpeed(1.0, RATE, 4))
    assert make(stop=lambda: True)(PLANS) > 0 and machine == []


def test_work_is_counted_before_it_is_known_who_renders(machine: list[str]) -> None:
    Estimator(Network(), nulls=lambda *_: 0.0)(PLANS)
    assert machine == ["machine"]


def with_pictures(plan: LayerPlan, **changes: object) -> LayerPlan:
    return dataclasses.replace(plan, sets=(dataclasses.replace(plan.sets[0], **changes),))


def test_every_noise_baseline_is_counted_once_and_none_that_is_stored() -> None:
    network = Network()
    larger = with_pictures(a_plan(1), canvas_px=(64, 64))
    other_recipe = with_pictures(
        a_plan(2), recipe=dataclasses.replace(a_plan(2).sets[0].recipe, steps=STEPS // 2)
    )
    shown = with_pictures(a_plan(3), recipe=RECIPES["show"])

    def seconds(*plans: LayerPlan) -> float:
        return NullTime(network)(plans, 1.0, RATE)

    one = seconds(a_plan(0))
    assert one > 1.0 and seconds(a_plan(0), a_plan(1)) == one
    assert seconds(shown) == 0.0
    assert seconds(a_plan(0), other_recipe) == pytest.approx(one + 2 * (one - 1.0) + 1.0)
    # On more pixels each kernel size has a network of its own.
    assert seconds(larger) == pytest.approx(4.0 + (one - 1.0) / 4 * (64 / 48) ** 2, rel=0.02)
    assert NullTime(network, is_stored=lambda _: True)([a_plan(0)], 1.0, RATE) == 0.0


def test_a_stored_noise_baseline_is_recognised_by_its_setting(tiny_store: Path, tiny_model: Path) -> None:
    settings = read_settings(QUICK)
    with open_store(tiny_store) as store:
        record = store.models()[0]
        plans = make_plan(record, plan_request(settings), arithmetic="float32")
        asked: list[str] = []

        def is_stored(setting: str) -> bool:
            asked.append(setting)
            return bool(store.measurement_fingerprint(null_owner(setting), "pictures"))

        assert NullTime(load_model(tiny_model), is_stored=is_stored)(plans, 1.0, RATE) == 0.0
    assert len(set(asked)) == 2  # Of maps and of vectors.


def test_measuring_takes_a_forward_pass_of_every_picture_and_more_for_every_pair_of_units() -> None:
    plan = a_plan(0)
    seconds = measuring_seconds(plan, plan.sets[0], 3 * RATE, 0.0, RATE)
    assert seconds == pytest.approx(91 + 4, rel=0.01)
    many = dataclasses.replace(plan, layer=dataclasses.replace(plan.layer, n_units=1280))
    assert 3.5 < measuring_seconds(many, plan.sets[0], 3 * RATE, 0.0, RATE) - seconds < 4.5


@pytest.fixture
def tiny(tiny_model: Path, tiny_store: Path) -> tuple[Model, Sequence[LayerPlan]]:
    with open_store(tiny_store) as store:
        record = store.models()[0]
    return load_model(tiny_model), make_plan(record, plan_request(read_settings({})), arithmetic="float32")


def test_a_real_layer_has_a_speed(tiny: tuple[Model, Sequence[LayerPlan]]) -> None:
    model, plans = tiny
    found = layer_speed(model, plans[0], MemoryBound(default_bound()), 3, lambda: False)
    assert found is not None and found.batch == 3 and found.program_s > 0
    assert found.multiplications_per_s > multiplications(model, "conv")  # More than a step in a second.


def test_what_a_picture_takes_once_counts_little_in_the_speed_of_its_steps(
    tiny: tuple[Model, Sequence[LayerPlan]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, plans = tiny
    now, programs = [0.0], [2.0]

    def render_units(cut: Cut, jobs: Sequence[Job], recipe: RenderSpec, **_: object) -> Iterator[list[Job]]:
        now[0] += (programs.pop() if programs else 0.0) + recipe.steps + 1.0  # One for its evaluation.
        yield list(jobs)

    def speed(plan: LayerPlan) -> LayerSpeed:
        found = layer_speed(model, plan, MemoryBound(default_bound()), 3, lambda: False)
        assert found is not None
        return found

    monkeypatch.setattr(sys.modules["reportgen.render"], "render_units", render_units)
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    assert speed(plans[0]).program_s == pytest.approx(2.0)
    work = 3 * multiplications(model, "conv")
    assert speed(plans[0]).multiplications_per_s == pytest.approx(work, rel=0.05)
    short = with_pictures(plans[0], recipe=dataclasses.replace(RECIPES["default"], steps=5, min_steps=5))
    assert speed(short).multiplications_per_s == pytest.approx(work * 5 / 6)


def test_a_layer_whose_measurement_is_stopped_has_none(tiny: tuple[Model, Sequence[LayerPlan]]) -> None:
    model, plans = tiny
    assert layer_speed(model, plans[0], MemoryBound(default_bound()), 3, lambda: True) is None
