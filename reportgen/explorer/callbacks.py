"""What happens between the page and the desk: every callback hands on and gives back, and decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from reportgen.explorer.desk import Desk, What
from reportgen.explorer.guard import PERSON
from reportgen.json_values import JsonObject, Parsed


def register(app: Dash, desk: Desk) -> None:
    """Give the app its callbacks."""

    @app.callback(Output("layers", "rowData"), Input("place", "data"), prevent_initial_call=True)
    async def rows(place: Mapping[str, object] | None) -> list[JsonObject]:
        return await asyncio.to_thread(desk.layers, place)

    @app.callback(
        Output("tickets", "data"),
        Output("wrong", "children"),
        Input("render", "n_clicks"),
        Input("sweep", "n_clicks"),
        Input("again", "data"),
        State("form", "data"),
        State("place", "data"),
        prevent_initial_call=True,
    )
    async def ask(
        _r: object, _s: object, again: Parsed | None, form: Parsed | None, place: Parsed | None
    ) -> tuple[JsonObject, str]:
        repeated = again or {}
        what: What = "sweep" if ctx.triggered_id == "sweep" else "picture"
        wished = form
        if ctx.triggered_id == "again":
            what, wished = "growth" if repeated.get("growth") else "picture", repeated.get("form")
        tab = str((place or {}).get("tab", ""))
        answer = await asyncio.to_thread(desk.ask, wished, what, person(), tab)
        return answer, str(answer.get("wrong", ""))

    @app.callback(Input("cancel", "n_clicks"), State("running", "data"), prevent_initial_call=True)
    async def cancel(_n: object, running: Sequence[str] | None) -> None:
        await asyncio.to_thread(desk.cancel, list(running or ()), person())

    @app.callback(
        Output("toml", "children"),
        Output("command", "children"),
        Output("not-said", "children"),
        Output("wrong", "children", allow_duplicate=True),
        Input("form", "data"),
        prevent_initial_call=True,
    )
    async def describe(form: Mapping[str, object] | None) -> tuple[str, str, str, str]:
        await asyncio.to_thread(desk.prepare, form)
        return await asyncio.to_thread(desk.described, form)

    @app.callback(
        Output("start", "data"),
        Output("wrong", "children", allow_duplicate=True),
        Input("upload", "contents"),
        prevent_initial_call=True,
    )
    async def start(contents: str | None) -> tuple[Any, str]:
        if not contents:
            return no_update, ""
        answer = await asyncio.to_thread(desk.add_start, contents)
        return answer, answer.get("wrong", "")

    for name, of, prop in (
        ("layer", "layers", "selectedRows"),
        ("watch", "tickets", "data"),
        ("started", "start", "data"),
    ):
        app.clientside_callback(  # type: ignore[no-untyped-call]
            ClientsideFunction("explorer", name), Input(of, prop), prevent_initial_call=True
        )


def person() -> str:
    """Return who sent the request that is being answered."""
    return str((ctx.cookies or {}).get(PERSON, ""))
