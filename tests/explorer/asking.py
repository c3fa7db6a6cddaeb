"""Requests to an ASGI application without a server or a socket between."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def apart(make):
    """Run what `make` gives on a loop and a thread of its own: a browser's driver may have one on this."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(make())).result()


def ask(app, path, *, method="GET", query="", body=b"", **headers) -> Answer:
    """Send one request; underscores in names of headers are hyphens."""
    sent = {"host": "127.0.0.1:8050", **{name.replace("_", "-"): value for name, value in headers.items()}}
    named = [(n.encode(), v.encode()) for n, v in sent.items() if v is not None]
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "server": ("127.0.0.1", 8050), "client": ("127.0.0.1", 1), "headers": named,
    }  # fmt: skip
    parts = [body[i : i + 1_000_000] for i in range(0, len(body), 1_000_000)] or [b""]
    told = []

    async def receive():
        part = parts.pop(0) if parts else b""
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        told.append(message)

    apart(lambda: app(scope, receive, send))
    pairs = [(n.decode().lower(), v.decode()) for n, v in told[0]["headers"]]
    return Answer(
        told[0]["status"], dict(pairs), tuple(v for n, v in pairs if n == "set-cookie"),
        b"".join(m.get("body", b"") for m in told[1:]),
    )  # fmt: skip
