"""The desk: requests are taken, told and ended for those whose they are."""

import base64
import io
import shlex
import struct
import time
import zlib

import pytest
from PIL import Image

from reportgen.explorer.desk import Desk
from reportgen.explorer.start_pictures import MOST_UPLOAD_BYTES
from reportgen.explorer.sweep import SWEEP

FORM = {"model": "garden", "version": "v2", "layer": "conv1", "terms": "3", "seed": 1}


@pytest.fixture
def desk(store_view, studio):
    return Desk(store_view, studio)


def dropped(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


def picture(size=(20, 10)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_a_request_goes_its_way_to_its_picture(desk):
    answer = desk.ask(FORM, "picture", "ann", "tab")
    (ticket,) = answer["tickets"]
    assert answer["form"]["seed"] == 1 and answer["words"] == "unit 3"
    deadline = time.monotonic() + 5
    while not (told := desk.progress([ticket["id"]], "ann")[ticket["id"]])["ended"]:
        assert time.monotonic() < deadline
    assert told["state"] == "done" and told["key"] == ticket["key"]
    assert desk.picture(ticket["key"])[:4] == b"RIFF"


def test_nobody_sees_or_ends_what_another_asked(desk):
    ticket = desk.ask(FORM, "picture", "ann", "tab")["tickets"][0]["id"]
    assert desk.progress([ticket], "bob") == {} and desk.preview(ticket, "bob") is None
    desk.cancel([ticket], "bob")
    assert desk.progress([ticket], "ann")[ticket]["state"] != "cancelled"
    desk.cancel([ticket], "ann")
    assert desk.progress([ticket], "ann")[ticket]["state"] == "cancelled"


def test_a_newer_request_of_the_same_page_replaces_the_older(desk):
    first = desk.ask(FORM, "picture", "ann", "tab")["tickets"][0]["id"]
    desk.ask({**FORM, "seed": 2}, "picture", "ann", "tab")
    other = desk.ask(FORM, "picture", "ann", "other tab")["tickets"][0]["id"]
    told = desk.progress([first, other], "ann")
    assert told[first]["state"] == "replaced" and told[other]["state"] != "replaced"


def test_a_sweep_has_a_ticket_for_each_weight(desk):
    tickets = desk.ask(FORM, "sweep", "ann", "tab")["tickets"]
    assert [t["note"] for t in tickets] == list(SWEEP)
    assert [float(note) for note in SWEEP] == [10.0**power for power in range(-5, 4)]


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        (None, "choose a unit"), ({**FORM, "layer": ""}, "choose a unit"),
        ({**FORM, "terms": "x"}, "units"), ({**FORM, "numbers": {"tv": -1}}, "tv"),
        ({**FORM, "recipe": "<script>"}, "does not exist"),
        ({**FORM, "path": "/etc/passwd"}, "nothing to ask"),
        ({**FORM, "model": "ghost"}, "cannot be rendered"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_line(desk, form, wrong):
    told = desk.ask(form, "picture", "ann", "tab")["wrong"]
    assert wrong in told and "\n" not in told


def test_a_dropped_picture_becomes_a_start(desk):
    start = desk.add_start(dropped(picture()))["start"]
    assert desk.ask({**FORM, "start": start}, "picture", "ann", "tab")["form"]["start"] == start


@pytest.mark.parametrize(
    "contents",
    [None, "", "/etc/passwd", "file:///etc/passwd", "data:image/png;base64,@@@",
     dropped(b"GIF89a" + b"\0" * 99), dropped(b"<svg onload=alert(1)>"), dropped(picture()[:40]),
     "data:image/png;base64," + "A" * (MOST_UPLOAD_BYTES * 4 // 3 + 8)],
)  # fmt: skip
def test_what_is_no_picture_is_refused(desk, contents):
    assert "start" not in desk.add_start(contents)


def test_a_bomb_is_refused(desk):
    """A picture that says of itself, in its head, that it has 400 million pixels."""
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    assert "start" not in desk.add_start(dropped(picture()[:8] + chunk + picture()[33:]))


def test_a_recipe_is_shown_as_settings_and_as_a_command(desk):
    toml, command, not_said, wrong = desk.described({**FORM, "numbers": {"tv": 0.5}})
    assert '"show.tv" = 0.5' in toml and "--set show.tv=0.5" in command and wrong == ""
    words = shlex.split(command)
    assert words[2] == "garden.keras" and words[words.index("--store") + 1] == str(desk.store_view.path)
    assert "seed 1" in not_said
    assert desk.described({**FORM, "numbers": {"tv": "?"}})[3]


def test_no_units_at_all_are_refused_in_one_line(desk):
    told = desk.ask({**FORM, "terms": ""}, "picture", "ann", "tab")["wrong"]
    assert "none is named" in told and "\n" not in told
