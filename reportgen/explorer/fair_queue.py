"""Whose turn it is: several people's requests, served round robin by person, the oldest of each first.

Pure: it knows neither what is asked nor who serves it, and is not safe for threads by itself.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator


class Turns:
    """A fair queue: who asks much waits behind their own requests, not others behind them."""

    def __init__(self) -> None:
        # People in the order in which they are served next; nobody without requests stays in it.
        self._people: OrderedDict[str, deque[str]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._people.values()))

    def __contains__(self, ticket: object) -> bool:
        return any(ticket in own for own in self._people.values())

    def put(self, person: str, ticket: str) -> None:
        """Let a ticket wait behind the person's own, and a new person behind all others."""
        self._people.setdefault(person, deque()).append(ticket)

    def take(self) -> str | None:
        """Return the ticket that is served next, its person then the last in the round; None for none."""
        if not self._people:
            return None
        person, own = next(iter(self._people.items()))
        ticket = own.popleft()
        self._people.move_to_end(person)
        if not own:
            del self._people[person]
        return ticket

    def drop(self, ticket: str) -> bool:
        """Take a ticket out; return whether it waited."""
        for person, own in self._people.items():
            if ticket in own:
                own.remove(ticket)
                if not own:
                    del self._people[person]
                return True
        return False

    def count(self, person: str) -> int:
        """Return how many tickets of a person wait."""
        return len(self._people.get(person, ()))

    def order(self) -> Iterator[str]:
        """Yield the tickets in the order in which they will be served, if nobody else comes."""
        rounds = [list(own) for own in self._people.values()]
        for i in range(max(map(len, rounds), default=0)):
            yield from (own[i] for own in rounds if i < len(own))
