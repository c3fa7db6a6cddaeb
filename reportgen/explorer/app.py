"""The explorer as one ASGI application: Dash on FastAPI, its own addresses, and the guard before them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Dash
from dash.exceptions import DependencyException
from fastapi import FastAPI, Request
from fastapi.responses import Response

from reportgen.explorer.callback_check import Sound
from reportgen.explorer.callbacks import register
from reportgen.explorer.desk import Desk, Rendering
from reportgen.explorer.guard import Application, Door, Guard, Message, Scope, policy
from reportgen.explorer.layout import layout
from reportgen.explorer.page import Shell
from reportgen.explorer.routes import add_routes
from reportgen.explorer.store_view import StoreView

PREFIX = "/_dash/"
"""Where Dash's own addresses begin."""


class _Dash(Dash):
    """Dash, whose own page is never shown: what it would write into one goes into ours."""

    kept: Mapping[str, str] | None = None

    def interpolate_index(
        self, metas: object = "", title: object = "", css: Any = "", config: Any = "", scripts: Any = "",
        app_entry: Any = "", favicon: object = "", renderer: Any = "",
    ) -> str:  # fmt: skip
        """Keep the parts of a page; they are the same for every page."""
        self.kept = {
            "css": css,
            "config": config,
            "scripts": scripts,
            "app_entry": app_entry,
            "renderer": renderer,
        }
        return "".join(self.kept.values())

    async def parts(self) -> Mapping[str, str]:
        """Return what a page needs of Dash, as markup by name."""
        if self.kept is None:
            await _ask_for_page(self.server)
        return self.kept or {}


def make_app(store_view: StoreView, studio: Rendering, door: Door) -> Application:
    """Return the explorer of a store.

    Args:
        store_view: The store.
        studio: Who renders.
        door: Whom to let in.
    """
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    desk = Desk(store_view, studio)
    app = _Dash(
        __name__,
        server=server,  # type: ignore[arg-type]  # Its type hint knows no server but Flask.
        url_base_pathname=PREFIX,
        serve_locally=True,
        include_assets_files=False,
        add_log_handler=False,
        update_title="",
        title="Explorer",
    )
    add_routes(server, desk, Shell(app.parts))
    app.backend.websocket_capability = False  # Else every page opens one, asked for or not.
    app.layout = layout()
    register(app, desk)

    @server.exception_handler(DependencyException)
    async def missing(_request: Request, _error: DependencyException) -> Response:
        return Response("there is nothing here\n", status_code=404, media_type="text/plain")

    sound = Sound(server, f"{PREFIX}_dash-update-component", app.callback_map)
    return Guard(sound, door, policy(app.csp_hashes()))


async def _ask_for_page(server: Application) -> None:
    """Ask Dash for its own page once, as a browser would: it makes one for a request alone."""
    scope: Scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": PREFIX,
        "raw_path": PREFIX.encode(), "query_string": b"", "root_path": "", "headers": [],
        "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        return None

    await server(scope, receive, send)
