"""Names of layers where there is little room: cut in the middle, and still different from one another.

Where a name repeats itself, as exports of PyTorch do (`/features/features.2/conv/conv.1/Conv`), the
repetitions go first. The whole name belongs in a title next to the short one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def short_names(names: Iterable[str], most: int) -> dict[str, str]:
    """Return names by themselves, in at most so many letters where that leaves them different.

    Args:
        names: All those that are seen together; equal ones count once.
        most: Letters of a short name; those that would be equal, or have a number cut,
            get more.

    Example:
        >>> short_names(["/block/block.14/Conv", "the_long_name_of_a_layer"], 14)
        {'/block/block.14/Conv': 'block.14/Conv', 'the_long_name_of_a_layer': 'the_lo…a_layer'}
    """
    whole = list(dict.fromkeys(names))
    found = {name: name for name in whole if len(name) <= most}
    texts = {name: _without_repetitions(name) for name in whole if name not in found}
    if len({*found.values(), *texts.values()}) < len(whole):
        texts = {name: name for name in texts}
    longest = max(map(len, whole), default=0)
    taken = set(found.values())
    while texts and most <= longest:
        for head in sorted(range(most), key=lambda n: abs(n - (most - 1) / 2)):
            cuts = {name: cut for name, text in texts.items() if (cut := _cut(text, head, most))}
            alike = Counter(cuts.values())
            chosen = {name: cut for name, cut in cuts.items() if alike[cut] == 1 and cut not in taken}
            found |= chosen
            taken |= set(chosen.values())
            texts = {name: text for name, text in texts.items() if name not in chosen}
        most += 1
    return {name: found.get(name, name) for name in whole}


def _cut(text: str, head: int, most: int) -> str:
    """Return a text of at most so many letters, `head` of them in front; empty if a number would be cut."""
    if len(text) <= most:
        return text
    tail = len(text) - (most - 1 - head)
    if any(text[at - 1 : at].isdigit() and text[at : at + 1].isdigit() for at in (head, tail) if at):
        return ""
    return f"{text[:head]}…{text[tail:]}"


def _without_repetitions(name: str) -> str:
    """Return a path without the parts that the next one begins with."""
    parts = [part for part in name.split("/") if part]
    following = [*parts[1:], ""]
    return "/".join(
        part for part, after in zip(parts, following, strict=True) if not after.startswith(f"{part}.")
    )
