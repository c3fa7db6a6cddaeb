"""The command: what it says where it cannot go on, and to whom it opens."""

import importlib.util

import pytest

from reportgen.errors import ConfigError
from reportgen.explorer.guard import Door


def test_without_the_extra_it_says_in_one_line_what_to_install(run, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "dash" else found(name, *a)
    )
    code, _, error = run("explore")
    assert code == 2 and error.count("\n") == 1 and "pip install 'reportgen[explorer]'" in error


@pytest.mark.parametrize("token", ["short", "with space in it", "<script>alert(1)", "é" * 9])
def test_a_token_is_letters_and_figures(run, token):
    code, _, error = run("explore", "--token", token)
    assert code == 2 and "8 to 200" in error


def test_a_store_that_is_not_there_is_said(run):
    pytest.importorskip("dash", reason="the extra explorer is not installed")
    code, _, error = run("explore", "--store", "none.db")
    assert code == 2 and "none.db" in error and error.count("\n") == 1


def test_the_printed_address_opens_it_and_others_need_a_token(sample):
    pytest.importorskip("dash", reason="the extra explorer is not installed")
    from reportgen.explorer import serving

    assert serving.address(Door(), 8050) == "http://127.0.0.1:8050/"
    assert serving.address(Door("::1"), 8050) == "http://[::1]:8050/"
    told, served = [], []

    class Server:
        def run(self, sockets):
            served.extend(sockets)
            sockets[0].close()

    class Nobody:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "make_server", lambda application: Server())
        serving.explore(sample, studio=Nobody(), host="0.0.0.0", port=0, report=told.append)
    address, _, token = told[0].split()[0].partition("?token=")
    assert served and address.startswith("http://127.0.0.1:") and len(token) > 20


def test_a_port_that_is_taken_is_said():
    pytest.importorskip("dash", reason="the extra explorer is not installed")
    from reportgen.explorer.serving import listen

    taken = listen("127.0.0.1", 0)
    try:
        with pytest.raises(ConfigError, match="cannot listen"):
            listen("127.0.0.1", taken.getsockname()[1])
    finally:
        taken.close()
