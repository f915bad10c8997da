"""The gRPC port: held from the start, so that no other program takes the place where proxies will ask for xDS.

This version serves no xDS. A connection is closed at once, with one log event, so that an Envoy that was pointed here
says that it was refused instead of waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from lictor_core.addresses import join_host_port
from lictor_core.errors import ConfigurationError

__all__ = ["GrpcPort"]


class GrpcPort:
    """Listens on some addresses and turns everybody away."""

    def __init__(self, addresses: Sequence[tuple[str, int]], log: FilteringBoundLogger) -> None:
        self._addresses = tuple(addresses)
        self._log = log
        self._servers: list[asyncio.Server] = []

    @property
    def bound(self) -> list[tuple[str, int]]:
        """The addresses listened on."""
        return [one.getsockname()[:2] for server in self._servers for one in server.sockets]

    async def start(self) -> None:
        """Take the ports. Raises `ConfigurationError` when one cannot be had; then none is kept."""
        for host, port in self._addresses:
            try:
                self._servers.append(await asyncio.start_server(self._turn_away, host, port))
            except OSError as error:
                self.close()
                raise ConfigurationError(
                    f"cannot listen for gRPC on {join_host_port(host, port)}: {error.strerror or error}; "
                    "choose another port with -grpc-port, or none with -grpc-port=-1"
                ) from error

    def close(self) -> None:
        """Give the ports up."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()

    async def _turn_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._log.warning("grpc.connection.refused", peer=writer.get_extra_info("peername"), reason="no xDS yet")
        writer.transport.abort()
