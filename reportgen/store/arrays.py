"""Arrays as bytes: compressed `.npz` without pickles, which any numpy can read."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from reportgen.errors import StoreError

_MOST_BYTES = 2_000_000_000
_DAMAGED = (zlib.error, zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, TypeError, MemoryError,
            NotImplementedError, RuntimeError, SyntaxError)  # fmt: skip


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as one compressed blob: an `.npz` without pickles."""
    buffer = io.BytesIO()
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise StoreError(f'array "{name}" holds Python objects and cannot be stored')
    np.savez(buffer, allow_pickle=False, **{name: np.ascontiguousarray(a) for name, a in arrays.items()})
    return zlib.compress(buffer.getvalue(), 1)


def unpack_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return what `pack_arrays` packed.

    Raises:
        StoreError: Damaged, or larger than 2 GB when unpacked.
    """
    try:
        plain = zlib.decompressobj().decompress(data, _MOST_BYTES)
        with zipfile.ZipFile(io.BytesIO(plain)) as parts:
            n_bytes = sum(part.file_size for part in parts.infolist())
        if n_bytes > _MOST_BYTES:
            raise StoreError(f"arrays of {n_bytes / 1e9:.1f} GB are more than a store holds")
        with np.load(io.BytesIO(plain), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _DAMAGED as error:
        raise StoreError(f"stored arrays are damaged: {error}") from None
