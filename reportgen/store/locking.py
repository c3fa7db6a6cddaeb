"""The lock that one process holds while it renders into a store, or changes what a store can hold."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from reportgen.errors import StoreError, StoreLocked


def rendering_lock(path: Path, patience: float) -> FileLock:
    """Return the lock of a store, taken.

    Args:
        path: The store; a link to a store is that store.
        patience: Seconds to wait for another to be done.

    Raises:
        StoreLocked: Another run renders into it.
        StoreError: The lock cannot be made.
    """
    lock = FileLock(f"{path.resolve()}.lock")
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise StoreLocked(
            f'another run is rendering into store "{path.name}"', hint="wait for it, or use another --store"
        ) from None
    except OSError as error:
        raise StoreError(f'store "{path.name}" cannot be locked: {error.strerror or error}') from None
    return lock
