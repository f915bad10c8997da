"""Who is connected: bounds on connections in all and for each client, and the end of those that take too long."""

from __future__ import annotations

import asyncio
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.http.hot import HotConnection
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.talkers import Talkers
from lictor_core.flood import Flood

__all__ = ["Roster"]

_SEEN_AT_ONCE: Final = 2000
_SHARES: Final = 5


class Roster:
    """All open connections, by the address of the client; clients on a Unix socket count as one, without a bound."""

    def __init__(self, settings: HttpSettings, log: FilteringBoundLogger, talkers: Talkers) -> None:
        self._settings = settings
        self.connections_per_client_max = settings.connections_per_client_max
        self._log = log
        self._talkers = talkers
        self._connections: set[HotConnection] = set()
        self._by_client: dict[str, int] = {}
        self._unseen: list[HotConnection] = []
        self._arriving = 0
        self._refused = Flood(lambda: asyncio.get_running_loop().time())

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def answered_hot(self) -> int:
        """Requests of the open connections that were answered from what was kept."""
        return sum(one.answered_hot for one in self._connections)

    def refusal(self, client: str) -> str | None:
        """Why a connection from `client` cannot be taken; None when it can."""
        if len(self._connections) + self._arriving >= self._settings.connections_max:
            return f"{self._settings.connections_max} connections are open already: try again later"
        limit = self.connections_per_client_max
        if client and limit and self._by_client.get(client, 0) >= limit:
            return f"your address has {limit} connections open already: close some, or raise http_max_conns_per_client"
        return None

    def note_refused(self, client: str, reason: str) -> None:
        """A connection was not taken: one event, but never a flood of them."""
        if self._refused.passes():
            left_out = self._refused.take_left_out()
            self._log.warning("http.connection.refused", client=client, reason=reason, left_out=left_out)

    def arrive(self, client: str) -> None:
        """Count a connection of `client` that is being secured, until `depart` or `settle`."""
        self._arriving += 1
        self._by_client[client] = self._by_client.get(client, 0) + 1

    def depart(self, client: str) -> None:
        """One that was being secured came to nothing."""
        self._arriving -= 1
        self._count_down(client)

    def settle(self, connection: HotConnection) -> None:
        """One that was being secured is `connection` now, and counts on."""
        self._arriving -= 1
        self._connections.add(connection)

    def add(self, connection: HotConnection, client: str) -> None:
        """Note a connection that was taken."""
        self._connections.add(connection)
        self._by_client[client] = self._by_client.get(client, 0) + 1

    def drop(self, connection: HotConnection, client: str) -> None:
        """Forget a connection that is closed."""
        self._connections.discard(connection)
        self._count_down(client)

    def _count_down(self, client: str) -> None:
        left = self._by_client[client] - 1
        if left:
            self._by_client[client] = left
        else:
            del self._by_client[client]

    def close_overdue(self) -> None:
        """Close connections whose time is over: a head that never ends, an answer that nobody takes, an idle one.

        Called once a second.

        Of very many a fifth is looked at each time: to look at tens of thousands at once would hold everybody up.
        """
        if not self._unseen:
            self._unseen = list(self._connections)
        share = max(_SEEN_AT_ONCE, len(self._connections) // _SHARES)
        seen, self._unseen = self._unseen[:share], self._unseen[share:]
        for connection in seen:
            if connection not in self._connections:
                continue
            connection.pass_on_late()
            connection.tell_hot(self._talkers)
            reason = connection.overdue(self._settings)
            if reason is not None:
                self._end(connection, reason)

    def _end(self, connection: HotConnection, reason: str) -> None:
        if reason in ("head", "reader"):
            self._log.warning("http.connection.timed_out", client=connection.client, waited_for=reason)
        else:  # clients that keep a connection for later, or hang up before their answer, do nothing unusual
            self._log.debug("http.connection.timed_out", client=connection.client, waited_for=reason)
        if reason in ("idle", "reader"):
            connection.abort()  # what is still unsent after all this time, nobody takes
        else:
            connection.close()

    def tasks(self) -> list[asyncio.Task[None]]:
        """What answers plain requests just now."""
        return [connection.task for connection in self._connections if connection.task is not None]

    def close_idle(self) -> None:
        """Close every connection on which nothing is going on, as a server that stops does."""
        for connection in tuple(self._connections):
            if not connection.is_busy:
                connection.close()

    def close_all(self) -> None:
        """Close every connection once what was answered is written."""
        for connection in tuple(self._connections):
            connection.close()
