"""An application behind a real socket of this machine, for as long as a test needs it."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from reportgen.explorer.serving import listen, make_server


@contextlib.contextmanager
def served(application: Any, port: int = 0) -> Iterator[str]:
    """Give the address under which an application is served."""
    server, listening = make_server(application), listen("127.0.0.1", port)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
