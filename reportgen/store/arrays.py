"""Arrays as bytes: compressed `.npz` without pickles, which any numpy can read."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping

import numpy as np

from reportgen.errors import StoreError


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as one compressed blob: an `.npz` without pickles."""
    buffer = io.BytesIO()
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise StoreError(f'array "{name}" holds Python objects and cannot be stored')
    np.savez(buffer, allow_pickle=False, **{name: np.ascontiguousarray(a) for name, a in arrays.items()})
    return zlib.compress(buffer.getvalue(), 1)


def unpack_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return what `pack_arrays` packed."""
    with np.load(io.BytesIO(zlib.decompress(data)), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
