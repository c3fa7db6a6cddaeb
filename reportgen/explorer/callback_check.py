"""Whether a call of Dash's is one its page could have sent: anything else is answered in a line, not tried.

Dash believes what it is sent, and what does not fit ends in an error deep inside it. Who may ask is decided
before, in `guard`; what is asked for is judged after, by the desk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reportgen.explorer.guard import Application, Receive, Scope, Send, answer, body_again, body_of
from reportgen.json_values import JsonObject

Callbacks = Mapping[str, Mapping[str, Any]]
"""Dash's callbacks by output: their `inputs` and `state`, lists of `id` and `property`."""

MALFORMED = "this is no call of the explorer's"
_KEYS = ("output", "outputs", "inputs", "state", "changedPropIds")


def _is_table(value: Any) -> bool:
    return value is None or isinstance(value, dict)


VALUES: Mapping[str, Callable[[Any], bool]] = {
    "place.data": _is_table,
    "form.data": _is_table,
    "again.data": lambda value: _is_table(value) and _is_table((value or {}).get("form")),
    "running.data": lambda value: value is None or (isinstance(value, list) and _are_texts(value)),
    "upload.contents": lambda value: value is None or isinstance(value, str),
}
"""What a value must be, by id and property; of others none is looked at."""


class Sound:
    """Lets calls through to `application` that fit one of its callbacks; of others says what they are not.

    Args:
        application: Dash's.
        path: Where its callbacks are called.
        callbacks: All of them.
    """

    def __init__(self, application: Application, path: str, callbacks: Callbacks) -> None:
        self._application = application
        self._path = path
        self._callbacks = callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._application(scope, receive, send)
            return
        body = read_call(await body_of(receive) or b"", self._callbacks)
        if body is None:
            await answer(send, 400, (MALFORMED + "\n").encode(), b"text/plain; charset=utf-8")
            return
        sent = {b"content-type": b"application/json", b"content-length": str(len(body)).encode()}
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in sent]
        plain = {**scope, "headers": [*headers, *sent.items()], "query_string": b""}
        await self._application(plain, body_again(body, receive), send)


def read_call(body: bytes, callbacks: Callbacks) -> bytes | None:
    """Return a call of one of the callbacks, with its own inputs, states and outputs and no more; or None."""
    try:
        call = _fitting(json.loads(body), callbacks)
        return None if call is None else json.dumps(call).encode()
    except (ValueError, RecursionError):
        return None


def _fitting(call: Any, callbacks: Callbacks) -> JsonObject | None:
    if not isinstance(call, dict) or not isinstance(call.get("output"), str):
        return None
    own = callbacks.get(call["output"])
    if own is None or "callback" not in own:  # one that the page answers by itself is not called here
        return None
    call = {"state": [], "changedPropIds": [], **{key: call[key] for key in _KEYS if key in call}}
    fits = (
        _named(call.get("inputs"), own["inputs"])
        and _named(call["state"], own["state"])
        and _fit(call.get("outputs"), call["output"])
        and isinstance(call["changedPropIds"], list)
        and _are_texts(call["changedPropIds"])
        and set(call["changedPropIds"]) <= {f"{x['id']}.{x['property']}" for x in own["inputs"]}
    )
    return call if fits else None


def _named(given: Any, wanted: Sequence[Mapping[str, str]]) -> bool:
    """Whether these are the values that are wanted, in their order, each of its kind."""
    if not isinstance(given, list) or len(given) != len(wanted):
        return False
    return all(
        isinstance(one, dict)
        and (one.get("id"), one.get("property")) == (own["id"], own["property"])
        and VALUES.get(f"{own['id']}.{own['property']}", lambda _: True)(one.get("value"))
        for one, own in zip(given, wanted, strict=True)
    )


def _fit(given: Any, output: str) -> bool:
    """Whether these are an output's parts, as the page names them; of a callback without any, none."""
    several = output.startswith("..")
    names = output.strip(".").split("...") if several else [output] if "." in output else []
    wanted = [{"id": name.rpartition(".")[0], "property": name.rpartition(".")[2]} for name in names]
    if several:
        return bool(given == wanted)
    return bool(given == wanted[0]) if wanted else not given


def _are_texts(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
