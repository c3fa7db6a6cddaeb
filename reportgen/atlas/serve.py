"""A site on this machine as Pages would show it: under a sub-path, compressed, with its own 404 page.

Needs nothing but Python, so that it also runs by itself: `python reportgen/atlas/serve.py site`.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import posixpath
import sys
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_PACKED = (".html", ".css", ".js", ".json", ".csv", ".txt")


class SiteHandler(http.server.BaseHTTPRequestHandler):
    """Answers requests for the files of one folder under one sub-path; nothing outside is shown."""

    protocol_version = "HTTP/1.1"

    def __init__(self, folder: Path, under: str, *args: object) -> None:
        self.folder, self.under = folder.resolve(), under
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a file, or with the site's own page for what is missing."""
        place = self._place()
        if place is None:
            missing = self.folder / "404.html"
            self._send(HTTPStatus.NOT_FOUND, missing if missing.is_file() else None)
        else:
            self._send(HTTPStatus.OK, place)

    do_HEAD = do_GET  # noqa: N815

    def _place(self) -> Path | None:
        path = posixpath.normpath(unquote(urlsplit(self.path).path))
        if path != self.under.rstrip("/") and not path.startswith(self.under):
            return None
        place = (self.folder / path[len(self.under) :]).resolve()
        if place.is_dir():
            place = place / "index.html"
        return place if place.is_file() and place.is_relative_to(self.folder) else None

    def _send(self, status: HTTPStatus, place: Path | None) -> None:
        data, ending = (place.read_bytes(), place.suffix) if place else (b"There is nothing here.\n", ".txt")
        packed = ending in _PACKED and "gzip" in self.headers.get("Accept-Encoding", "")
        self.send_response(status)
        self.send_header("Content-Type", _TYPES.get(ending, "application/octet-stream"))
        self.send_header("Cache-Control", "max-age=600")
        if packed:
            data = gzip.compress(data, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of single requests."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A page that was closed while a picture came is no error."""


def site_server(
    folder: str | Path, *, under: str = "atlas", port: int = 0
) -> http.server.ThreadingHTTPServer:
    """Return a server of a site on this machine's own address; `serve_forever` starts it.

    Args:
        folder: The site.
        under: The sub-path; empty for none.
        port: 0 takes a free one, see `server_port`.
    """
    path = f"/{under.strip('/')}/" if under.strip("/") else "/"
    return _Server(("127.0.0.1", port), partial(SiteHandler, Path(folder), path))


def main() -> None:
    """Serve a site until interrupted."""
    parser = argparse.ArgumentParser(description="show a site as Pages would")
    parser.add_argument("site")
    parser.add_argument("--under", default="atlas", help="the sub-path, as a project's Pages have")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    server = site_server(given.site, under=given.under, port=given.port)
    under = f"{given.under.strip('/')}/" if given.under.strip("/") else ""
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}/{under}  (Ctrl-C ends)\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
