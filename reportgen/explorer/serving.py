"""The explorer as a server: opened, announced, and closed."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from reportgen.errors import ConfigError, StoreError
from reportgen.explorer.app import make_app
from reportgen.explorer.guard import Application, Door
from reportgen.explorer.store_view import StoreView
from reportgen.explorer.studio import Studio

EVERYWHERE = ("0.0.0.0", "::")
"""Addresses that stand for all of a machine's."""


def explore(
    store: str | Path,
    *,
    studio: Studio,
    host: str = "127.0.0.1",
    port: int = 8050,
    token: str = "",
    report: Callable[[str], None],
) -> None:
    """Serve the explorer of a store until interrupted.

    Args:
        store: The store.
        studio: Who renders.
        host: The address to listen on; any but this machine's own wants a token.
        port: 0 takes a free one.
        token: What a first request must bring; made up where one is wanted and none is given.
        report: Receives the address to open, with its token.

    Raises:
        StoreError: The store cannot be read, or holds no model.
        ConfigError: Nothing can listen at that address.
    """
    store_view = StoreView(Path(store))
    if not store_view.versions():
        raise StoreError(f'store "{Path(store).name}" holds no model', hint="render a model first")
    door = Door(
        host,
        token or (secrets.token_urlsafe(24) if Door(host).is_open else ""),
        (socket.gethostname().lower(),),
    )
    listening = listen(host, port)
    with studio:
        warm(store_view, 1)  # So that the first page is there at once; the worker comes up meanwhile.
        threading.Thread(target=warm, args=(store_view,), daemon=True).start()
        server = make_server(make_app(store_view, studio, door))
        report(address(door, listening.getsockname()[1]) + "  (Ctrl-C ends)")
        if door.host in EVERYWHERE:
            report(f"from elsewhere with {door.names[0]}, or this machine's address, in place of 127.0.0.1")
        with contextlib.suppress(KeyboardInterrupt):
            server.run([listening])


def make_server(application: Application) -> uvicorn.Server:
    """Return a server that is not running yet."""
    config = uvicorn.Config(
        application, log_level="warning", access_log=False, lifespan="off", ws="none", server_header=False
    )
    return uvicorn.Server(config)


def address(door: Door, port: int) -> str:
    """Return the address to open on this machine."""
    host = "127.0.0.1" if door.host in EVERYWHERE else door.host
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={door.token}" if door.token else "")


def warm(store_view: StoreView, most: int | None = None) -> None:
    """Gather what the first pages of versions need, the newest first, before they are asked for."""
    for at in store_view.versions()[::-1][:most]:
        store_view.columns(at)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 takes a free one.

    Raises:
        ConfigError: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(64)
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigError(
            f"cannot listen at {host} port {port}: {error}", hint="another --port, or another --host"
        ) from None
    return listening
