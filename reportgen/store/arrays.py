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
_SAFE_BYTES, _MOST_RATIO = 64_000_000, 100
"""Arrays larger than the first may be compressed at most by the second, a factor."""
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

    A store may come from anyone: the unpacked size is limited by the packed size, and an array is only
    created if its data has the size that its header states.

    Raises:
        StoreError: Damaged, or compressed more than `pack_arrays` compresses.
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
    """Return the largest unpacked size of so many packed bytes."""
    return min(_MOST_BYTES, max(_SAFE_BYTES, _MOST_RATIO * n_packed))


def _array_name(part: zipfile.ZipInfo) -> str:
    return part.filename.removesuffix(".npy")


def _array(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> np.ndarray:
    """Return one array, whose header is checked against the size of its data."""
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
            raise ValueError(
                f'the header of array "{_array_name(part)}" states {n_bytes:,} bytes, '
                f"and its file has {part.file_size:,}"
            )
    with parts.open(part) as file:
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array
