"""The lock that a process holds while it renders into a store or changes its schema."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from reportgen.errors import StoreError, StoreLocked


def rendering_lock(path: Path, patience: float) -> FileLock:
    """Return the lock of a store, acquired.

    Args:
        path: The store; a link to a store has the same lock.
        patience: Seconds to wait for another process.

    Raises:
        StoreLocked: Another run renders into it.
        StoreError: The lock file cannot be created.
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
