"""The explorer's addresses, next to Dash's: the atlas's pages and data, pictures by content key, progress.

What a request names is looked up in what the store holds; no path of the disk is ever made from it.
"""

from __future__ import annotations

import asyncio
import re

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from reportgen.atlas.packing import pack
from reportgen.atlas.site_map import OF_MODEL
from reportgen.errors import ReportgenError, StoreError
from reportgen.explorer.desk import Desk
from reportgen.explorer.downloads import Download
from reportgen.explorer.page import Shell
from reportgen.explorer.store_view import Version, find_version
from reportgen.json_values import JsonObject

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_KEY = re.compile(r"[0-9a-f]{32,64}")
_MOST_ASKED = 32
_PAGES = frozenset(kind.name for kind in OF_MODEL if kind.explored)


def add_routes(server: FastAPI, desk: Desk, shell: Shell) -> None:
    """Give a server the explorer's addresses."""
    store_view = desk.store_view

    def at(model: str, version: str) -> Version | None:
        return find_version(store_view.versions(), model, version)

    @server.exception_handler(ReportgenError)
    async def error_line(_request: Request, error: ReportgenError) -> Response:
        return _text(str(error), 500 if isinstance(error, StoreError) else 404)

    @server.get("/")
    def start() -> Response:
        known = store_view.versions()
        if not known:
            return _text("the store holds no model; render one first", 404)
        return RedirectResponse(known[-1].home, 303)

    @server.get("/m/{model}/{version}/units.js")
    def columns(model: str, version: str) -> Response:
        found = at(model, version)
        return _script(store_view.columns(found)) if found else _missing()

    @server.get("/m/{model}/{version}/{slug}/names.js")
    def names(model: str, version: str, slug: str) -> Response:
        found = at(model, version)
        return _script(store_view.layer_names(found, slug)) if found else _missing()

    @server.get("/m/{model}/{version}/{slug}/{unit:int}.json")
    def unit(model: str, version: str, slug: str, unit: int) -> Response:
        found = at(model, version)
        if found is None:
            return _missing()
        own = store_view.unit(found, slug, unit)
        return JSONResponse({"view": pack(own.view), "lead": own.lead.as_json() if own.lead else None})

    @server.get("/m/{model}/{version}/{slug}/{unit:int}/natural.webp")
    def natural(model: str, version: str, slug: str, unit: int) -> Response:
        found = at(model, version)
        data = store_view.natural(found, slug, unit) if found else None
        return Response(data, media_type="image/webp") if data else _missing()

    @server.get("/m/{model}/{version}/{page}.html")
    async def page(request: Request, model: str, version: str, page: str) -> Response:
        page_data = await asyncio.to_thread(_page_data, desk, at(model, version), page)
        if page_data is None:
            return _missing()
        # A link of another site may fill in the form, but makes nothing be rendered.
        trusted = request.headers.get("sec-fetch-site", "") in ("", "none", "same-origin")
        return Response(await shell.html({**page_data, "renders": trusted}), media_type="text/html")

    @server.get("/assets/{name}")
    def asset(name: str) -> Response:
        found = shell.assets.get(name)
        if found is None:
            return _missing()
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response(found, media_type=f"{kind}; charset=utf-8", headers=FOREVER)

    _add_pictures(server, desk)
    _add_progress(server, desk)


def _add_pictures(server: FastAPI, desk: Desk) -> None:
    @server.get("/img/{key}.webp")
    def picture(key: str) -> Response:
        data = desk.picture(key) if _KEY.fullmatch(key) else None
        return Response(data, media_type="image/webp", headers=FOREVER) if data else _missing()

    @server.get("/img/{key}.png")
    def png(key: str, of: str = "") -> Response:
        return _download(desk.png(key, of) if _KEY.fullmatch(key) else None, "image/png")

    @server.get("/growth/{key}.json")
    def growth(key: str) -> Response:
        found = desk.growth(key) if _KEY.fullmatch(key) else None
        return JSONResponse(found.as_json()) if found else _missing()

    @server.get("/growth/{key}.webp")
    def animation(key: str) -> Response:
        return _download(desk.animation(key) if _KEY.fullmatch(key) else None, "image/webp")


def _page_data(desk: Desk, at: Version | None, page: str) -> JsonObject | None:
    """Return what a page is drawn from; None where an atlas has no such page."""
    if at is not None and page not in _PAGES:
        at.layer(page)
    return None if at is None else desk.page(at)


def _add_progress(server: FastAPI, desk: Desk) -> None:
    @server.get("/progress.json")
    def progress(request: Request, of: str = "") -> Response:
        tickets = [ticket for ticket in of.split(",")[:_MOST_ASKED] if ticket]
        return JSONResponse(desk.progress(tickets, _person(request)))

    @server.get("/progress/{ticket}/{number:int}.webp")
    def preview(request: Request, ticket: str, number: int) -> Response:
        data = desk.preview(ticket, _person(request))
        return Response(data, media_type="image/webp") if data else _missing()


def _person(request: Request) -> str:
    return str(getattr(request.state, "person", ""))


def _script(data: bytes) -> Response:
    return Response(data, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _download(found: Download | None, kind: str) -> Response:
    if found is None:
        return _missing()
    named = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.data, media_type=kind, headers=named)


def _missing() -> Response:
    return _text("there is nothing here", 404)


def _text(text: str, status: int) -> Response:
    return Response(text + "\n", status_code=status, media_type="text/plain; charset=utf-8")
