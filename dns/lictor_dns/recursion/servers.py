"""The recursors: who they are, and in which order they are asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from lictor_core.addresses import join_host_port

__all__ = ["LOST_S", "Recursor", "Servers"]

LOST_S: Final = 10.0
"""Seconds for which a recursor that did not answer is asked after the others."""


class Recursor(NamedTuple):
    """One server: an IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return join_host_port(self.host, self.port)


class Servers:
    """The recursors in their order; who did not answer lately comes after the others, in the same order.

    Consul keeps to the order: each question first waits for a server that is down.
    """

    def __init__(self, addresses: Iterable[tuple[str, int]]) -> None:
        self._recursors = tuple(Recursor(*address) for address in addresses)
        self._lost_until: dict[Recursor, float] = {}

    def __len__(self) -> int:
        return len(self._recursors)

    def in_order(self, now_s: float) -> list[Recursor]:
        """Whom to ask, first to last. `now_s` is the monotonic clock's."""
        return sorted(self._recursors, key=lambda one: self._lost_until.get(one, now_s) > now_s)

    def lost(self, recursor: Recursor, now_s: float) -> bool:
        """`recursor` did not answer; returns whether that is news."""
        is_news = recursor not in self._lost_until
        self._lost_until[recursor] = now_s + LOST_S
        return is_news

    def answered(self, recursor: Recursor) -> bool:
        """`recursor` answered; returns whether that is news."""
        return self._lost_until.pop(recursor, None) is not None
