"""Registries: named values, each registered once by a decorator at its definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A mapping that is filled by decorators.

    Args:
        what: The kind of value, for errors.
        names: The allowed names; any by default.
    """

    def __init__(self, what: str, names: Sequence[str] | None = None) -> None:
        self.what, self.names = what, names
        self._found: dict[str, T] = {}

    def register(self, name: str, value: T) -> None:
        """Register a value.

        Raises:
            ValueError: The name is registered already, or not allowed.
        """
        if name in self._found:
            raise ValueError(f'{self.what} "{name}" is registered twice')
        if self.names is not None and name not in self.names:
            raise ValueError(f'{self.what} is "{name}", wanted one of {", ".join(self.names)}')
        self._found[name] = value

    def named(self, *names: str) -> Callable[[T], T]:
        """Return a decorator that registers a value under one or more names."""

        def registered(value: T) -> T:
            for name in names:
                self.register(name, value)
            return value

        return registered

    def __getitem__(self, name: str) -> T:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
