"""What stands before every route of the explorer: who may ask, for what, from where.

An ASGI application around another. It answers whom it does not let in by itself, in one line, and gives
every answer the headers that keep a page to itself. It knows nothing of what is served.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import ipaddress
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN, PERSON = "explorer_token", "explorer_person"
"""Names of cookies: the token that was shown once, and who asks, a random text without meaning."""

MOST_BYTES = 12_000_000
"""Of a request's body: a picture of eight megabytes as Dash sends it."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_PATHS = re.compile(
    r"/(|m/[^?#]*|img/[0-9a-f]{32,64}\.(webp|png)|growth/[0-9a-f]{32,64}\.(webp|json)|assets/[a-z0-9.]+|progress\.json|progress/[A-Za-z0-9_-]{1,64}/\d{1,9}\.webp"
    r"|_dash/(_dash-layout|_dash-dependencies|_dash-update-component|_dash-component-suites/[A-Za-z0-9_@./-]+))"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
_GO_ON = "location.replace(document.body.dataset.to + location.hash)"
_POLICY_OF_WELCOME = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src "
    f"'sha256-{base64.b64encode(hashlib.sha256(_GO_ON.encode()).digest()).decode()}'"
)


@dataclass(frozen=True, slots=True)
class Door:
    """Whom the explorer lets in.

    Attributes:
        host: The address it listens on.
        token: What a first request must bring; empty where none is wanted.
        names: What else this machine is called.
    """

    host: str = "127.0.0.1"
    token: str = ""
    names: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether others than this machine may reach it."""
        return self.host not in LOOPBACK

    def knows(self, host_header: str) -> bool:
        """Whether a request that was sent to this name may be for us: names of others are DNS rebinding.

        An address in figures is never another's name; it is let in wherever more than this machine is served.
        """
        name = (_split(f"//{host_header}") or urlsplit("")).hostname or ""
        if name in LOOPBACK or name == self.host.lower():
            return True
        return self.is_open and (name in self.names or _is_address(name))


def policy(script_hashes: Sequence[str]) -> str:
    """Return the content security policy of pages.

    Dash writes styles into the page as it goes, so that inline styles must be let in; of scripts, only files,
    and those of Dash's own whose hashes are given.
    """
    scripts = " ".join(["'self'", *script_hashes])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


class Guard:
    """Lets requests through to `application`, or answers them itself.

    Args:
        application: What is guarded; only HTTP reaches it.
        door: Whom to let in.
        content_policy: Of every answer.
    """

    def __init__(self, application: Application, door: Door, content_policy: str) -> None:
        self._application = application
        self._door = door
        self._policy = content_policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":  # Nothing here speaks it.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return
        headers = _headers_of(scope)
        refused = self._refused(scope, headers)
        cookies = _cookies(headers.get("cookie", ""))
        if refused is None and self._brings_token(scope):
            await self._welcome(scope, send)
            return
        if refused is None and self._door.token and not _same(cookies.get(TOKEN, ""), self._door.token):
            refused = (401, "this explorer wants its token: open the address that it printed when it started")
        if refused is not None:
            await self._say(send, *refused)
            return
        body = await body_of(receive)
        if body is None:
            await self._say(send, 413, f"a request may have {MOST_BYTES:,} bytes")
            return
        person = cookies.get(PERSON, "")
        new = "" if re.fullmatch(r"[A-Za-z0-9_-]{22,64}", person) else secrets.token_urlsafe(16)
        scope.setdefault("state", {})["person"] = new or person
        extra = [(b"set-cookie", _cookie(PERSON, new))] if new and not _is_data(scope["path"]) else []
        await self._application(scope, body_again(body, receive), self._with_headers(send, extra))

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return status and reason where a request is not let in, whoever sends it."""
        host, method, site = headers.get("host", ""), scope["method"], headers.get("sec-fetch-site", "")
        if not self._door.knows(host):
            return 421, "this address is not the explorer's"
        if method not in ("GET", "HEAD", "POST"):
            return 405, "only GET, HEAD and POST are answered"
        if method == "POST":
            origin = headers.get("origin", "")
            sender = _split(origin)
            same = (sender is not None and sender.netloc == host) if origin else site == "same-origin"
            if not same:
                return 403, "a request from another site is not answered"
        elif site in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return 403, "a request from another site is not answered"
        if not _PATHS.fullmatch(scope["path"]):
            return 404, "there is nothing here"
        return None

    def _brings_token(self, scope: Scope) -> bool:
        given = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get("token", "")
        return bool(self._door.token) and scope["method"] == "GET" and _same(given, self._door.token)

    async def _welcome(self, scope: Scope, send: Send) -> None:
        """Keep the token in a cookie, and go on to the address without it.

        By a page, not a redirection: a link in a mail would be another site's doing until here, and a strict
        cookie not sent. What stands after the number sign is known to the browser alone, so a script goes on.
        """
        rest = [(k, v) for k, v in parse_qsl(scope["query_string"].decode("latin-1"), True) if k != "token"]
        to = quote(scope["path"], safe="/") + (f"?{urlencode(rest)}" if rest else "")
        page = f'<!doctype html><body data-to="{html.escape(to)}"><script>{_GO_ON}</script>'
        cookie = (b"set-cookie", _cookie(TOKEN, self._door.token))
        sending = self._with_headers(send, [cookie], _POLICY_OF_WELCOME)
        await answer(sending, 200, page.encode(), b"text/html; charset=utf-8")

    async def _say(self, send: Send, status: int, text: str) -> None:
        await answer(
            self._with_headers(send, []), status, (text + "\n").encode(), b"text/plain; charset=utf-8"
        )

    def _with_headers(
        self, send: Send, extra: Sequence[tuple[bytes, bytes]], content_policy: str | None = None
    ) -> Send:
        said = self._policy if content_policy is None else content_policy
        policy_header = (b"content-security-policy", said.encode())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                if not any(name.lower() == b"cache-control" for name, _ in own):
                    own.append((b"cache-control", b"no-store"))
                message["headers"] = [*own, *_HEADERS, policy_header, *extra]
            await send(message)

        return sending


async def body_of(receive: Receive) -> bytes | None:
    """Return a request's body; None where it is larger than may be."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def body_again(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read once more, and then what comes after it."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving


async def answer(send: Send, status: int, body: bytes, kind: bytes) -> None:
    """Send a whole answer."""
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address; None for what is none, such as one bracket."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _cookies(text: str) -> dict[str, str]:
    found: SimpleCookie = SimpleCookie()
    try:
        found.load(text)
    except CookieError:
        return {}
    return {name: own.value for name, own in found.items()}


def _cookie(name: str, value: str) -> bytes:
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict".encode()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _is_data(path: str) -> bool:
    return path.startswith(("/img/", "/assets/", "/_dash/"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
