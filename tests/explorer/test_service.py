"""Every order gets an answer, whatever becomes of the process that works on it."""

import dataclasses
import os
import signal
from importlib import import_module

import numpy as np
import pytest

from reportgen.config import Settings
from reportgen.explorer import service as service_room
from reportgen.explorer.messages import Cancel, Done, Failed, Full, Order, Ready, Step, preparation
from reportgen.explorer.model_files import ModelFile
from reportgen.explorer.render_process import Renderer, _Room
from reportgen.explorer.service import Service
from reportgen.spec import RECIPES
from reportgen.units import Telemetry

TELEMETRY = Telemetry(0.0, 2.0, 1.9, (1.0,), 1.0, 0.1, 0.3, 9, "max_steps", 0, "leaky-mean")
DONE = Done("t", b"png", (8, 8, 1), TELEMETRY, 0.1, "a processor")
STEP = Step("t", 1, ((1, 0.5),), True, b"webp")
DIES = object()


def an_order(path="none.keras", hash_="0" * 32, layer="conv", graph="g", **changes):
    fields = {
        "ticket": "t", "file": ModelFile(str(path), hash_, Settings()), "version": "v1", "layer": layer,
        "graph_hash": graph, "recipe": RECIPES["default"], "canvas_px": (16, 16), "terms": ((0, 1.0),),
        "sign": "happy", "seed": 0,
    }  # fmt: skip
    return Order(**{**fields, **changes})


class Acted:
    """In place of a process: gives the answers that its script has, and writes down what it is sent."""

    script, made = [], []

    def __init__(self, device):
        self.device, self.sent, self.ended, self.pid = device, [], False, len(Acted.made)
        self._on_gpu, self.full = None, False
        self.answers = list(Acted.script.pop(0)) if Acted.script else []
        Acted.made.append(self)

    def send(self, message):
        self.sent.append(message)

    def receive(self, patience):
        if not self.answers:
            return None
        now = self.answers.pop(0)
        if now is DIES:
            raise EOFError
        if isinstance(now, Ready):
            self._on_gpu = now.on_gpu
        self.full |= isinstance(now, Full)
        return now

    computes_on, lacks = Renderer.computes_on, Renderer.lacks

    def death(self):
        return "it was killed"

    def end(self):
        self.ended = True


@pytest.fixture
def acted(monkeypatch):
    monkeypatch.setattr(service_room, "Renderer", Acted)
    monkeypatch.setattr(service_room, "_HANGS_SECONDS", 0.05)
    monkeypatch.setattr(service_room, "_STARTS_SECONDS", 0.05)
    Acted.script, Acted.made = [], []
    return Acted


def carried(service, device="cpu", wanted=lambda: True):
    heard = []
    return service.carry_out(an_order(), device, heard.append, wanted), heard


def test_steps_are_reported_and_the_end_is_returned(acted):
    acted.script = [[Failed(""), STEP, STEP, DONE]]
    assert carried(Service("cpu")) == (DONE, [STEP, STEP])


def test_a_process_that_dies_gives_a_reply_and_is_replaced_by_one_that_gets_ready(acted):
    acted.script = [[Failed(""), STEP, DIES]]
    service = Service("cpu")
    service.prepare(an_order())
    answer, heard = carried(service)
    assert answer.message.startswith("it was killed") and heard == [STEP]
    assert acted.made[0].ended and acted.made[1].sent == [preparation(an_order())]


def test_one_preparation_is_under_way_at_a_time_and_one_that_kills_is_not_tried_again(acted):
    acted.script = [[None, Failed(""), None, Ready(False), DIES]]
    service = Service("cpu")
    assert service.prepare(an_order()) and not service.prepare(an_order(layer="next"))
    service.look()
    assert not service.prepare(an_order(layer="next"))
    service.look()
    assert service.prepare(an_order(layer="next"))
    assert acted.made[0].sent == [preparation(an_order()), preparation(an_order(layer="next"))]
    service.look()
    service.look()
    assert len(acted.made) == 1 and service.pid is None


def test_a_process_that_dies_before_its_first_reply_is_not_started_again_and_again(acted):
    acted.script = [[DIES]]
    service = Service("cpu")
    service.prepare(an_order())
    service.look()
    assert len(acted.made) == 1 and service.pid is None
    acted.script = [[DONE]]
    assert carried(service)[0] == DONE


def test_what_nobody_wants_is_cancelled_once_and_what_does_not_listen_is_ended(acted):
    acted.script = [[STEP], [DONE]]
    service = Service("cpu")
    answer, _ = carried(service, wanted=lambda: False)
    assert "did not answer" in answer.message and acted.made[0].ended
    assert [m for m in acted.made[0].sent if isinstance(m, Cancel)] == [Cancel("t")]
    assert carried(service)[0] == DONE


def test_another_device_is_another_process(acted):
    acted.script = [[DONE, DONE], [DONE]]
    service = Service("cpu")
    assert [carried(service, device)[0] for device in ("cpu", "cpu", "gpu")] == [DONE] * 3
    assert [a.device for a in acted.made] == ["cpu", "gpu"] and acted.made[0].ended


def test_what_computes_on_the_best_there_is_serves_that_device_too(acted):
    acted.script = [[Ready(False), DONE, DONE]]
    service = Service("auto")
    service.prepare(an_order())
    assert [carried(service, device)[0] for device in ("cpu", "auto")] == [DONE, DONE]
    assert "none on this machine" in carried(service, "gpu")[0].message
    assert len(acted.made) == 1 and not acted.made[0].ended
    acted.script = [[Ready(True), DONE], [DONE]]
    service = Service("auto")
    service.prepare(an_order())
    assert [carried(service, device)[0] for device in ("gpu", "cpu")] == [DONE, DONE]
    assert [a.device for a in acted.made] == ["auto", "auto", "cpu"]


def test_a_process_that_has_grown_too_large_is_replaced_between_two_orders(acted):
    acted.script = [[Failed(""), STEP, DONE, Full()], [Ready(False), DONE], [DONE]]
    service = Service("cpu")
    service.prepare(an_order())
    assert carried(service)[0] == DONE
    service.look()  # Nobody waits: at once.
    assert [a.ended for a in acted.made] == [True, False] and acted.made[1].sent == [preparation(an_order())]
    assert carried(service)[0] == DONE
    acted.made[1].full = True
    assert carried(service)[0] == DONE  # Somebody waits: before the next order.
    assert [a.ended for a in acted.made] == [True, True, False]


def test_growth_is_counted_from_the_first_order_on(monkeypatch):
    room, memory = _Room(Pipe(), "auto"), import_module("reportgen.run.memory")
    sizes = [5 << 30, 5 << 30, (7 << 30) - 1, (7 << 30) + 1]
    monkeypatch.setattr(memory, "default_bound", lambda: 8 << 30)
    monkeypatch.setattr(memory, "resident_bytes", lambda: sizes.pop(0))
    assert [room.has_grown() for _ in range(4)] == [False, False, False, True]
    monkeypatch.setattr(memory, "default_bound", lambda: 5 << 30)
    monkeypatch.setattr(memory, "resident_bytes", lambda: (5 << 30) + (300 << 20))
    assert room.has_grown()


def test_a_process_that_cannot_be_started_gives_a_reply(monkeypatch):
    def refused(device):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(service_room, "Renderer", refused)
    assert "allocate" in carried(Service("cpu"))[0].message


class Pipe:
    """A pipe from which nothing comes."""

    def __init__(self):
        self.sent = []

    def poll(self):
        return False

    def send(self, message):
        self.sent.append(message)


def real_order(tiny_model, **changes):
    from reportgen.models import load_model
    from reportgen.models.sources import find_source

    layer = load_model(tiny_model).layers[0]
    order = an_order(tiny_model, find_source(tiny_model).digest(), layer.name, layer.graph_hash)
    return dataclasses.replace(order, **changes)


def test_whatever_the_engine_throws_is_a_reply_and_the_next_order_is_carried_out(tiny_model, monkeypatch):
    room, order = _Room(Pipe(), "auto"), real_order(tiny_model)
    render = import_module("reportgen.render")
    for error, told in ((MemoryError(), "memory"), (ZeroDivisionError("two\nlines"), "two")):

        def fails(*_, thrown=error):
            raise thrown

        with monkeypatch.context() as patched:
            patched.setattr(render, "render_live", fails)
            answer = room.carry_out(order)
        assert isinstance(answer, Failed) and told in answer.message and "\n" not in answer.message
    done = room.carry_out(order)
    assert isinstance(done, Done) and done.size == (16, 16, 1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"graph_hash": "other"}, "read otherwise"), ({"layer": "nowhere"}, "nowhere"),
     ({"canvas_px": (0, 0)}, "canvas"), ({"start": np.zeros((3, 3, 1), np.uint8)}, "engine failed")],
)  # fmt: skip
def test_an_order_that_does_not_fit_the_model_is_refused(tiny_model, wrong, told):
    answer = _Room(Pipe(), "auto").carry_out(real_order(tiny_model, **wrong))
    assert isinstance(answer, Failed) and told in answer.message and "\n" not in answer.message


def test_a_file_that_was_changed_is_not_rendered(tiny_model):
    order = an_order(tiny_model, "1" * 32)
    assert "changed" in _Room(Pipe(), "auto").carry_out(order).message


def test_what_was_prepared_for_needs_no_program_of_its_own_and_a_preparation_says_nothing(tiny_model):
    optimise, pipe = import_module("reportgen.render.optimise"), Pipe()
    room, order = _Room(pipe, "auto"), real_order(tiny_model)
    answer = room.carry_out(preparation(order))
    assert answer == Failed("") and [type(message) for message in pipe.sent] == [Ready]
    _, cuts = room._model(order)
    cut = cuts.of(room._model(order)[0].layer(order.layer), order.canvas_px, False)
    traces = optimise.ascent(cut, order.recipe, 1, "unit", 1).traces
    before = traces[0]
    assert before >= 2 and isinstance(room.carry_out(order), Done)
    assert traces[0] == before and optimise.ascent(cut, order.recipe, 1, "unit", 1).traces is traces


def test_death_is_reported_in_words(tiny_model):
    renderer = Renderer("cpu")
    os.kill(renderer.pid, signal.SIGKILL)
    with pytest.raises(EOFError):
        renderer.receive(10.0)
    assert "killed" in renderer.death()
    renderer.send(Cancel("t"))  # Nobody hears it, and nothing breaks.
    renderer.end()
