"""How many connections to a port each address has: one client must not take the places of all."""

from __future__ import annotations

from typing import Final

from lictor_core.errors import OverloadedError

__all__ = ["SPARE_PER_CLIENT", "Clients"]

SPARE_PER_CLIENT: Final = 8
"""Connections of one address beyond its bound, which are told why they are refused, and serve servers alone."""


class Clients:
    """The connections of each address, from their first moment. `max` is the bound for one; 0 is none."""

    def __init__(self, max: int) -> None:
        self.max = max
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        """Addresses that have connections."""
        return len(self._counts)

    def arrive(self, host: str) -> OverloadedError | None:
        """Count a connection until `depart`; why not, where even the spare places are taken: then it is not counted."""
        count = self._counts.get(host, 0)
        if self.max and count >= self.max + SPARE_PER_CLIENT:
            return self._full(host)
        self._counts[host] = count + 1
        return None

    def depart(self, host: str) -> None:
        """A connection that was counted is over, or is of another kind."""
        count = self._counts[host] - 1
        if count:
            self._counts[host] = count
        else:
            del self._counts[host]

    def over(self, host: str) -> OverloadedError | None:
        """Why what this address asks is not answered, servers' questions apart; None when it is."""
        return self._full(host) if self.max and self._counts.get(host, 0) > self.max else None

    def _full(self, host: str) -> OverloadedError:
        return OverloadedError(
            f"{host} has {self.max} connections to this server already: close some, or raise "
            "limits.rpc_max_conns_per_client"
        )
