"""Requests with a real worker on the example network: seen on their way, left, replaced, survived, kept."""

import io
import os
import signal
import struct
import threading
import time
import zlib
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from reportgen.config import Settings
from reportgen.errors import ConfigError, ReportgenError, UnknownLayer
from reportgen.explorer.growth import Growths
from reportgen.explorer.messages import Failed
from reportgen.explorer.render_request import parse
from reportgen.explorer.studio import ENDED, MOST_OF_A_PERSON, Studio
from reportgen.explorer.sweep import SWEEP
from reportgen.images import decode_webp
from reportgen.run.importing import open_source
from reportgen.store import open_store

EXAMPLE = Path(__file__).parents[2] / "examples" / "facing_left" / "facing_left.keras"
FIRST, DEEP = "conv2d_1", "conv2d_3"
LONG = {"steps": 100_000, "min_steps": 100_000, "plateau": 0.0}


@pytest.fixture(scope="module")
def example_store(tmp_path_factory) -> Path:
    """The example's layers, as `reportgen render` would keep them."""
    path = tmp_path_factory.mktemp("explored") / "example.db"
    with open_store(path, create=True) as store:
        store.put_model(open_source(store, EXAMPLE, Settings(version="v1")).record)
    return path


@pytest.fixture(scope="module")
def studio(example_store):
    """One worker for all tests of a module."""
    with Studio(example_store, [EXAMPLE], device="cpu") as opened:
        yield opened


def followed(studio, ticket, until=ENDED, seconds=60.0):
    """Return every different progress of a request until it is in one of these states."""
    end, seen = time.monotonic() + seconds, []
    while time.monotonic() < end:
        now = studio.progress(ticket.id)
        if not seen or (now.state, now.preview_number) != (seen[-1].state, seen[-1].preview_number):
            seen.append(now)
        if now.state in until:
            return seen
        time.sleep(0.002)
    raise AssertionError(f"still {seen[-1]}")


def until(true, seconds=30.0):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def asked(layer=FIRST, **values):
    return parse({"model": "facing_left", "version": "v1", "layer": layer, "terms": 3, **values})


def png(height=40, width=60, colour=(200, 40, 40)):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_is_seen_to_improve_and_is_kept(studio):
    ticket = studio.ask(asked(), "ada", "panel")
    seen = followed(studio, ticket)
    last, previews = seen[-1], [p for p in seen if p.state == "rendering"]
    assert last.state == "done" and not last.message
    assert len(previews) >= 3 and len({p.preview for p in previews}) >= 3
    assert [p.step for p in previews] == sorted(p.step for p in previews)
    assert last.curve[-1][1] > last.curve[0][1] and last.curve[0][0] == 0
    assert [step for step, _ in last.curve] == sorted({step for step, _ in last.curve})
    assert last.preview == studio.picture(ticket.key)
    assert decode_webp(last.preview).shape[:2] == (48, 48)
    until(lambda: not studio.unsaved())
    with open_store(studio._ledger.store) as store:
        kept = store.experiment(ticket.key)
    assert parse(kept.asked) == asked() and kept.provenance["device"]


def test_what_is_chosen_is_got_ready_for_before_it_is_asked(studio):
    studio.prepare(asked(DEEP))
    until(lambda: studio._chosen is None and not studio._service._preparing)
    assert studio._service._prepared_for.layer == DEEP
    with pytest.raises(UnknownLayer):
        studio.prepare(asked("nowhere"))


@pytest.mark.parametrize("sign", ["happy", "sad"])
def test_the_activation_of_a_finished_picture_is_the_atlass_number_in_the_networks_sign(studio, sign):
    ticket = studio.ask(asked(sign=sign, seed=8), "ada", "panel")
    last = followed(studio, ticket)[-1]
    until(lambda: not studio.unsaved())
    with open_store(studio._ledger.store) as store:
        end = store.experiment(ticket.key).telemetry.activation_end
    assert end != 0 and last.activation == (-end if sign == "sad" else end)
    assert (last.curve[-1][1] > last.curve[0][1]) == (sign == "happy")


def test_asking_again_is_instant_also_of_a_studio_that_never_rendered_it(studio, example_store):
    first = studio.ask(asked(seed=5), "ada", "panel")
    picture = followed(studio, first)[-1].preview
    again = studio.progress(studio.ask(asked(seed=5), "bob", "other").id)
    assert again.state == "done" and again.preview == picture and again.curve and again.stored
    assert not studio.progress(first.id).stored
    until(lambda: not studio.unsaved())
    other = Studio(example_store, [EXAMPLE])
    assert other.progress(other.ask(asked(seed=5), "eve", "panel").id).preview == picture


def test_how_a_picture_grew_is_kept_and_can_be_asked_for_again(studio, example_store):
    wish = asked(seed=41, numbers={"steps": 48})
    ticket = studio.ask(wish, "ada", "panel")
    last = followed(studio, ticket)[-1]
    grown = studio.growth(ticket.key)
    steps = [frame.step for frame in grown.frames]
    assert (
        last.grown and steps == sorted(set(steps)) and {1, 2, 4, 8, 16, 32} <= set(steps) and len(steps) >= 16
    )
    assert grown.frames[-1].picture == last.preview and steps[-1] == last.step
    until(lambda: not studio.unsaved())
    studio._growths = Growths()
    assert not studio.progress(studio.ask(wish, "ada", "panel").id).grown
    again = studio.ask(wish, "ada", "panel", growth=True)
    assert again.key == ticket.key and followed(studio, again)[-1].preview == last.preview
    assert [frame.step for frame in studio.growth(again.key).frames] == steps


def test_what_is_cancelled_stops_and_the_next_begins(studio):
    ticket = studio.ask(asked(DEEP, numbers=LONG), "ada", "panel")
    followed(studio, ticket, until=("rendering",))
    studio.cancel(ticket.id)
    assert studio.progress(ticket.id).state == "cancelled"
    until(lambda: studio._served is None)
    assert studio.picture(ticket.key) is None
    assert followed(studio, studio.ask(asked(seed=6), "ada", "panel"))[-1].state == "done"
    assert studio.progress(ticket.id).state == "cancelled"


def test_what_nobody_looks_at_any_more_holds_nobody_up(studio, monkeypatch):
    """A browser that was closed asks no more."""
    monkeypatch.setattr("reportgen.explorer.studio._LEFT_SECONDS", 0.4)
    tickets = [studio.ask(asked(DEEP, seed=i, numbers=LONG), "ada", f"{i}") for i in range(9)]
    until(lambda: studio._served is None and not len(studio._turns))
    told = [studio.progress(t.id) for t in tickets]
    assert {(p.state, p.message) for p in told} == {("cancelled", "nobody looked at it any more")}


def test_a_newer_request_for_the_same_panel_replaces_the_older_and_no_other(studio):
    running = studio.ask(asked(DEEP, numbers=LONG), "ada", "panel")
    other_panel = studio.ask(asked(seed=7), "ada", "second panel")
    other_person = studio.ask(asked(seed=8), "bob", "panel")
    followed(studio, running, until=("rendering",))
    newer = studio.ask(asked(seed=9), "ada", "panel")
    assert studio.progress(running.id).state == "replaced"
    assert {followed(studio, t)[-1].state for t in (other_panel, other_person, newer)} == {"done"}


def test_two_people_take_turns_and_see_their_place(studio):
    holding = studio.ask(asked(DEEP, numbers=LONG), "eve", "panel")
    followed(studio, holding, until=("rendering",))
    ada = [studio.ask(asked(seed=20 + i), "ada", f"panel {i}") for i in range(3)]
    bob = studio.ask(asked(seed=30), "bob", "panel")
    places = [studio.progress(t.id).place for t in (holding, *ada, bob)]
    assert places == [0, 1, 3, 4, 2]
    studio.cancel(holding.id)
    for ticket in (*ada, bob):
        assert followed(studio, ticket)[-1].place == 0
    ends = [studio._requests[t.id].ended for t in (ada[0], bob, ada[1], ada[2])]
    assert ends == sorted(ends)


def test_nobody_fills_the_queue(studio):
    holding = studio.ask(asked(DEEP, numbers=LONG), "eve", "panel")
    tickets = [studio.ask(asked(seed=100 + i), "ada", f"{i}") for i in range(MOST_OF_A_PERSON)]
    with pytest.raises(ReportgenError, match="wait"):
        studio.ask(asked(seed=99), "ada", "one more")
    assert studio.progress(studio.ask(asked(seed=99), "bob", "panel").id).state == "waiting"
    studio.ask(asked(), "bob", "panel")
    for ticket in (*tickets, holding):
        studio.cancel(ticket.id)
    assert {studio.progress(t.id).state for t in tickets} == {"cancelled"}


@pytest.mark.slow
def test_a_killed_worker_is_reported_and_the_next_request_is_served(studio):
    ticket = studio.ask(asked(DEEP, numbers=LONG), "ada", "panel")
    followed(studio, ticket, until=("rendering",))
    before = studio.worker_pid
    os.kill(before, signal.SIGKILL)
    last = followed(studio, ticket)[-1]
    assert last.state == "failed" and "killed" in last.message and "\n" not in last.message
    assert followed(studio, studio.ask(asked(seed=10), "ada", "panel"))[-1].state == "done"
    assert studio.worker_pid != before
    until(lambda: not studio.unsaved())
    with open_store(studio._ledger.store) as store:
        assert store.read("PRAGMA integrity_check") == [("ok",)]
    before = studio.worker_pid
    os.kill(before, signal.SIGKILL)  # Idle, it comes back by itself.
    until(lambda: studio.worker_pid not in (None, before))


def test_during_a_run_results_are_kept_here_and_written_after_it(studio):
    began, over = threading.Event(), threading.Event()

    def run():
        with open_store(studio._ledger.store) as store:
            store.lock_for_rendering()
            began.set()
            over.wait(60)

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(10)
    ticket = studio.ask(asked(seed=13), "ada", "panel")
    assert followed(studio, ticket)[-1].state == "done"
    until(lambda: "a run is rendering" in studio.progress(ticket.id).message)
    assert studio.unsaved() == 1 and studio.picture(ticket.key)
    over.set()
    thread.join()
    until(lambda: not studio.unsaved())
    assert not studio.progress(ticket.id).message


def test_a_sweep_goes_from_rough_to_smooth(studio):
    tickets = studio.sweep(asked(numbers={"steps": 48, "min_steps": 48, "plateau": 0.0}), "ada", "strip")
    pictures = [decode_webp(followed(studio, t)[-1].preview).astype(float) for t in tickets]
    assert len(tickets) == len(SWEEP) == 9 and (SWEEP[0], SWEEP[-1]) == ("1e-5", "1000")
    rough = [np.abs(np.diff(p, axis=1)).mean() for p in pictures]
    assert rough[-1] < 0.2 * rough[0]
    again = studio.sweep(asked(numbers={"steps": 48, "min_steps": 48, "plateau": 0.0}), "ada", "strip")
    assert {studio.progress(t.id).state for t in again} == {"done"}


@pytest.mark.parametrize("terms", ["3 + 5", "3 - 0.5*5", "layer"])
def test_sums_and_whole_layers_are_maximised(studio, terms):
    last = followed(studio, studio.ask(asked(DEEP, terms=terms), "ada", "panel"))[-1]
    assert last.state == "done" and last.curve[-1][1] > last.curve[0][1]


def test_pictures_are_read_one_at_a_time_and_few_wait(studio, monkeypatch):
    inside, most, gate = [], [], threading.Event()

    def slow(_data, **_limits):
        inside.append(1)
        most.append(len(inside))
        gate.wait(10)
        inside.pop()
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr("reportgen.explorer.start_pictures.read_photograph", slow)
    refused = []

    def bring():
        try:
            studio.add_start(b"picture")
        except ReportgenError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=bring) for _ in range(40)]
    for thread in threads:
        thread.start()
    until(lambda: len(refused) == 8)
    gate.set()
    for thread in threads:
        thread.join(10)
    assert max(most) == 1 and len(most) == 32
    assert set(refused) == {"many pictures are being read (try again in a moment)"}


def test_a_picture_that_somebody_brings_is_where_it_starts(studio):
    start = studio.add_start(png())
    few = {"steps": 2, "min_steps": 0, "parametrization": "pixel", "step_size": 0.001, "canvas": "input"}
    last = followed(studio, studio.ask(asked(start=start, numbers=few), "ada", "panel"))[-1]
    grey = decode_webp(last.preview)
    assert abs(grey.mean() - (0.299 * 200 + 0.587 * 40 + 0.114 * 40)) < 3 and grey.std() < 3
    assert studio.add_start(png()) == start != studio.add_start(png(colour=(0, 0, 0)))


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, png()[:80], b"%PDF-1.4",
     b"\0" * (17 << 20)],
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_one_line(studio, data):
    with pytest.raises(ReportgenError) as error:
        studio.add_start(data)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


def test_a_bomb_is_refused_before_it_is_unpacked(studio, monkeypatch):
    """A few bytes that claim millions of pixels, some below and some above Pillow's own limit."""
    unpacked = Mock(side_effect=AssertionError)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unpacked)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    for side in (12_000, 30_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        with pytest.raises(ReportgenError, match="cannot be read"):
            studio.add_start(bomb + chunk(b"IEND", b""))
    unpacked.assert_not_called()


def test_what_is_not_there_is_refused_in_one_line(studio):
    for wrong, kind in (
        (asked("nowhere"), UnknownLayer),
        (parse({**asked().as_dict(), "version": "v9"}), ConfigError),
        (asked(terms=10**6), ConfigError),
        (asked(start="0" * 32), ConfigError),
    ):
        with pytest.raises(kind):
            studio.ask(wrong, "ada", "panel")
    assert studio.progress("nothing").state == "failed"
    assert studio.picture("0" * 32) is None and studio.picture("../x") is None


def test_whatever_goes_wrong_is_reported_and_the_next_person_is_served(example_store, monkeypatch):
    thrown = [ZeroDivisionError("by\nzero"), OSError(28, "No space left on device")]

    def carry_out(order, device, report, wanted):
        if thrown:
            raise thrown.pop(0)
        return Failed(order.ticket, "as it should")

    odd = Studio(example_store, [EXAMPLE])
    monkeypatch.setattr(odd._service, "prepare", lambda order: True)
    monkeypatch.setattr(odd._service, "carry_out", carry_out)
    with odd:
        last = [followed(odd, odd.ask(asked(seed=200 + i), "ada", "panel"))[-1] for i in range(3)]
    assert {p.state for p in last} == {"failed"}
    assert "zero" in last[0].message and "space" in last[1].message and last[2].message == "as it should"
    assert not any("\n" in p.message for p in last)


@pytest.mark.slow
def test_what_takes_too_long_is_given_up_with_a_reason(studio, monkeypatch):
    monkeypatch.setattr(studio, "_most_seconds", 0.5)
    last = followed(studio, studio.ask(asked(DEEP, numbers=LONG), "ada", "panel"))[-1]
    assert last.state == "failed" and "fewer steps" in last.message and last.preview
