"""Text that is safe to print on a terminal, and durations for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return a duration in seconds as text for people.

    Example:
        >>> duration(5.2), duration(200), duration(9000)
        ('5 s', '3 min 20 s', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def printable(text: str) -> str:
    """Return `text` without control characters, which a terminal would interpret."""
    return "".join(c if c.isprintable() else "?" for c in str(text))
