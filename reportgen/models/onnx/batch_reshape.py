"""Which side of a Reshape is the batch, where an exporter wrote a fixed batch size."""

from __future__ import annotations

import numpy as np

from reportgen.models.onnx.call import Call
from reportgen.models.onnx.values import BATCH, Value, carries_batch, count


def with_batch(call: Call, value: Value, wanted: list[int]) -> tuple[int, ...]:
    """Return a wanted shape without -1, and with the batch where exporters wrote its size."""
    total, rest = count(value.shape), [w for w in wanted if w != -1]
    known = int(np.prod(rest, dtype=object)) if rest else 1
    batch_at = next((i for i, s in enumerate(value.shape) if carries_batch(s)), None)
    fixed, has_batch = call.builder.given_batch, any(carries_batch(w) for w in wanted)
    if -1 in wanted:
        side = 0 if known == 0 else total // known
        if known and total % known and batch_at is not None:
            side = total // BATCH * fixed // known  # The other sides include the written batch size.
        wanted = [side if w == -1 else w for w in wanted]
        known *= side
    held = sum(carries_batch(w) for w in wanted)
    before = int(np.prod(value.shape[:batch_at])) if batch_at is not None else 1
    certain = has_batch if fixed > 1 else not _swallowed(call, wanted, before)
    if batch_at is None or (known == total and held == 1 and certain):
        if known != total:
            call.refuse(f"reshapes {value.shape} to {tuple(wanted)}")
        return tuple(wanted)
    # The batch size was written: the batch is the side preceded by as many positions as now.
    plain = [w // BATCH * fixed if carries_batch(w) else w for w in wanted]
    place = _place_by_strides(call, plain, value.shape, batch_at) if fixed > 1 else None
    at = _batch_place(plain, value, batch_at, before, fixed) if place is None else place
    if at is None or int(np.prod(plain, dtype=object)) * BATCH != total * fixed:
        whole = tuple(s // BATCH * fixed if carries_batch(s) else s for s in value.shape)
        call.refuse(
            f"reshapes {whole} to {tuple(plain)}, wanted the pictures of a batch kept apart",
            "export with a dynamic batch, or without a step that joins pictures",
        )
    plain[at] = plain[at] // fixed * BATCH
    return tuple(plain)


def _place_by_strides(call: Call, plain: list[int], shape: tuple[int, ...], batch_at: int) -> int | None:
    """Return which written side holds the pictures of a batch, which keep their stride.

    In a side that pictures share with other items either may come first: in the order in which they were
    merged if that is known, else pictures. A side of pictures alone is preferred to a shared one.
    """
    fixed, last = call.builder.given_batch, call.builder.pictures_last
    after, merged = count(shape[batch_at + 1 :]), shape[batch_at] // BATCH
    strides = [after, after * merged] if merged in last else [after * merged, after]
    fitting = [(stride, at) for stride in dict.fromkeys(strides) for at in _fitting(plain, stride, fixed)]
    if not fitting:
        return None
    stride, at = next((found for found in fitting if plain[found[1]] == fixed), fitting[0])
    if plain[at] > fixed:
        known = stride == count(tuple(plain[at + 1 :]))
        (last.add if known else last.discard)(plain[at] // fixed)
    return at


def _fitting(plain: list[int], stride: int, fixed: int) -> list[int]:
    """Return the sides that contain `fixed` steps of a stride."""
    found, below = [], 1
    for at in reversed(range(len(plain))):
        top = below * plain[at]
        if top and below <= stride and top % (stride * fixed) == stride % below == 0:
            found.append(at)
        below = top
    return found


def _batch_place(plain: list[int], value: Value, batch_at: int, before: int, fixed: int) -> int | None:
    """Return which written side is the batch."""
    at = _meeting(plain, before, fixed)
    if at is None:
        return None
    merged = value.shape[batch_at] // BATCH
    following = [merged * int(n) for n in np.cumprod(value.shape[batch_at + 1 :])]
    whole = plain[at] in following and plain[at] != fixed
    if at > 0 and whole and plain[at - 1] % fixed == 0:
        return at - 1  # (tokens, pictures, features) reshaped to one list of tokens
    if merged > 1 and plain[at] == merged and plain[at + 1 : at + 2] == [fixed]:
        return at + 1  # and the list split again
    return at


def _swallowed(call: Call, wanted: list[int], before: int) -> bool:
    """Whether a -1 includes the batch although a 1 is written in its place, as in (1, -1)."""
    builder = call.builder
    at, fixed = _meeting(wanted, before, builder.given_batch), builder.given_batch
    if at is None or carries_batch(wanted[at]) or wanted[at] != fixed or before != 1:
        return False
    builder.doubtful = True
    return not builder.as_written


def _meeting(sides: list[int], before: int, fixed: int) -> int | None:
    product = 1
    for at, side in enumerate(sides):
        if product == before and side % fixed == 0:
            return at
        product *= side
    return None
