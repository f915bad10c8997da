"""The ports of a server: one for RPC and Raft, and where it is wanted one for those who know no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.rpc import Methods, RpcListener
from lictor_server.settings import ServerSettings
from lictor_server.tls import Proof, Tls

__all__ = ["Ports"]


class Ports:
    """Both listeners. All methods belong to one event loop."""

    def __init__(
        self,
        methods: Methods,
        settings: ServerSettings,
        *,
        raft: Callable[[Proof | None], asyncio.Protocol],
        tls: Tls,
        keyed: Keyed = UNKEYED,
        log: FilteringBoundLogger,
    ) -> None:
        """`raft` makes the protocol of a connection that is Raft's; those on the second port are for RPC alone."""
        self._settings = settings
        self._log = log

        def listener(port: int, accept: Callable[[Proof | None], asyncio.Protocol] | None) -> RpcListener:
            return RpcListener(
                methods,
                address=settings.bind_address,
                port=port,
                connections_max=settings.rpc_connections_max,
                in_flight_max=settings.rpc_in_flight_max,
                log=log,
                tls=tls,
                keyed=keyed,
                raft=accept,
                per_client_max=settings.rpc_per_client_max,
                handshake_max_s=settings.rpc_handshake_max_s,
            )

        self._main = listener(settings.server_port, raft)
        self._joining = listener(settings.join_port, None) if settings.join_port > 0 else None

    @property
    def accepted(self) -> int:
        """Connections that came in at the server port."""
        return self._main.accepted

    @property
    def accepted_raft(self) -> int:
        """How many of them were Raft's."""
        return self._main.accepted_raft

    @property
    def server(self) -> int:
        """The port of RPC and Raft; the one that was taken, once this has started, where 0 was asked for."""
        return self._main.port

    def bound_clients(self, per_client_max: int) -> None:
        """Take at most so many connections of one address from now on, 0 for any number; those that are open stay."""
        for listener in (self._main, self._joining):
            if listener is not None:
                listener.clients.max = per_client_max

    async def start(self) -> None:
        """Listen. Raises `OSError` when the server port cannot be had.

        That the second one cannot be had must not keep a server from serving.
        """
        await self._main.start()
        if self._joining is None:
            return
        try:
            await self._joining.start()
        except OSError as error:
            self._log.warning(
                "rpc.join_port.unavailable", port=self._settings.join_port, reason=error.strerror or str(error)
            )
            self._joining = None

    async def stop(self) -> None:
        """Listen no more, and close every connection."""
        await self._main.stop()
        if self._joining is not None:
            await self._joining.stop()
