"""Things by the names people call them by: each entered once, by a decorator where it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A mapping that is filled by decorators.

    Args:
        what: What is entered, in a word, for errors.
        names: Those that may be entered; any, unless given.
    """

    def __init__(self, what: str, names: Sequence[str] | None = None) -> None:
        self.what, self.names = what, names
        self._found: dict[str, T] = {}

    def enter(self, name: str, value: T) -> None:
        """Enter a value.

        Raises:
            ValueError: The name is taken, or is none of those that may be entered.
        """
        if name in self._found:
            raise ValueError(f'{self.what} "{name}" is entered twice')
        if self.names is not None and name not in self.names:
            raise ValueError(f'{self.what} "{name}" is none of {", ".join(self.names)}')
        self._found[name] = value

    def named(self, *names: str) -> Callable[[T], T]:
        """Return a decorator that enters what it stands above under one or more names."""

        def entered(value: T) -> T:
            for name in names:
                self.enter(name, value)
            return value

        return entered

    def __getitem__(self, name: str) -> T:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
