"""Arrays as bytes: compressed `.npz` without pickles, which any numpy can read."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from reportgen.errors import StoreError

_MOST_BYTES = 2_000_000_000
_SURE_BYTES, _MOST_PACKED = 64_000_000, 100
"""Of arrays larger than the first, at most the second as many bytes come of each that is stored."""
_DAMAGED = (zlib.error, zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, TypeError, MemoryError,
            NotImplementedError, RuntimeError, SyntaxError)  # fmt: skip


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as one compressed blob: an `.npz` without pickles."""
    buffer = io.BytesIO()
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise StoreError(f'array "{name}" holds Python objects and cannot be stored')
    np.savez(buffer, allow_pickle=False, **{name: np.ascontiguousarray(a) for name, a in arrays.items()})
    plain = buffer.getvalue()
    packed = zlib.compress(plain, 1)
    return packed if len(plain) <= _most(len(packed)) else zlib.compress(plain, 0)


def unpack_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return what `pack_arrays` packed.

    A store may be anybody's: no more is unpacked than so many bytes can hold, and no array is made that its
    part is too short for.

    Raises:
        StoreError: Damaged, or larger when unpacked than `pack_arrays` packs so small.
    """
    try:
        most = _most(len(data))
        plain = zlib.decompressobj().decompress(data, most + 1)
        if len(plain) > most:
            raise StoreError(f"stored arrays: {len(data):,} bytes unpack to more than {most:,}")
        with zipfile.ZipFile(io.BytesIO(plain)) as parts:
            return {_array_name(part): _array(parts, part) for part in parts.infolist()}
    except _DAMAGED as error:
        raise StoreError(f"stored arrays are damaged: {error}") from None


def _most(n_packed: int) -> int:
    """Return how many bytes may come of so many."""
    return min(_MOST_BYTES, max(_SURE_BYTES, _MOST_PACKED * n_packed))


def _array_name(part: zipfile.ZipInfo) -> str:
    return part.filename.removesuffix(".npy")


def _array(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> np.ndarray:
    """Return one array, whose header is held against the bytes that are there."""
    if part.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f'array "{_array_name(part)}" is packed twice')
    with parts.open(part) as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
        if header is None:
            raise ValueError(f'array "{_array_name(part)}" is of format {version}')
        shape, _, kind = header(file)
        n_bytes = math.prod(shape) * kind.itemsize
        if n_bytes != part.file_size - file.tell():
            raise ValueError(f'array "{_array_name(part)}" claims {n_bytes:,} bytes')
    with parts.open(part) as file:
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array
