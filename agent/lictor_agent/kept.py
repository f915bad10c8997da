"""Reads that Consul's agents answer from their cache: what is kept here is good enough, also while nobody leads.

An agent with a server reads that server's own state; any other one has views (`views`).
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from lictor_core.commands import ReadMode
from lictor_core.errors import CatchingUpError
from lictor_core.queries import Query
from lictor_core.registry import Reading, ReadOptions, Registry

__all__ = ["FRESH_S", "Kept", "KeptByServer", "KeptReading"]

FRESH_S: Final = 2.5
"""A server that knows a leader and was current so lately, is."""

T = TypeVar("T")


class KeptReading(NamedTuple, Generic[T]):
    """An answer, the seconds since it was known to be current (0: it is), and whether it was here before.

    `is_hit` is None where nobody counts that.
    """

    reading: Reading[T]
    age_s: float
    is_hit: bool | None


class Kept(Protocol):
    """What an agent keeps of the registry."""

    async def read(self, query: Query[T], options: ReadOptions) -> KeptReading[T]:
        """The answer as it is known here, waited for as `options` say; how fresh they ask counts for nothing."""
        ...

    def stamp(self, query: Query[T], token: str = "") -> int | None:
        """The stamp of what `read` would answer at once with an age of 0; None when it would not."""
        ...


class KeptByServer:
    """What an agent with a server keeps: nothing twice."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def read(self, query: Query[T], options: ReadOptions) -> KeptReading[T]:
        """The server's own answer; shortly after a start as fresh as `options` ask."""
        try:
            reading = await self._registry.read(query, msgspec.structs.replace(options, mode=ReadMode.STALE))
        except CatchingUpError:
            reading = await self._registry.read(query, options)
        age_s = reading.last_contact_ms / 1000
        return KeptReading(reading, 0.0 if reading.known_leader and age_s <= FRESH_S else age_s, None)

    def stamp(self, query: Query[T], token: str = "") -> int | None:
        """None: the hot path asks the server itself."""
        return None
