"""The server in an agent's own process. Only an agent that is to be a server imports this, and the server with it."""

from __future__ import annotations

import errno
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from lictor_agent import assembly
from lictor_agent.http.confirming import Confirm
from lictor_agent.kept import Kept, KeptByServer
from lictor_config.tree import Configuration
from lictor_core.addresses import join_host_port
from lictor_core.clock import Clock, Rng
from lictor_core.errors import ConfigurationError
from lictor_core.metrics import Meter
from lictor_core.registry import CatalogView
from lictor_server import UNKEYED, Keyed, Server, Tls, load_tls

__all__ = ["EmbeddedServer"]


class EmbeddedServer:
    """The server of an agent that is one."""

    def __init__(
        self,
        configuration: Configuration,
        node_id: str,
        *,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        meter: Meter | None = None,
        keyed: Keyed = UNKEYED,
    ) -> None:
        """Raises as `Server` does."""
        self._bind_address = configuration.bind_addr
        self._port = configuration.ports.server
        settings = assembly.server_settings(configuration, node_id)
        self._clock = clock
        self._server = Server(settings, clock=clock, rng=rng, log=log, meter=meter, keyed=keyed)

    @property
    def registry(self) -> Server:
        """What the agent asks."""
        return self._server

    @property
    def confirm(self) -> Confirm:
        """For what `source` cannot tell at once: that nobody else leads, which a consistent read must know."""
        return self._server.confirm

    @property
    def source(self) -> Server:
        """What tells whether answers that were kept still hold."""
        return self._server

    @property
    def view(self) -> CatalogView:
        """The catalog in memory."""
        return self._server.view()

    @property
    def kept(self) -> Kept:
        """What the server has."""
        return KeptByServer(self._server)

    def describe(self) -> str:
        """Where this server listens for agents and other servers."""
        return join_host_port(self._bind_address, self._server.server_port)

    def forget(self) -> None:
        """The servers of the cluster stand in this server's own log."""

    def use_tokens(self, default: str, for_node: str) -> None:
        """DNS shows what the holder of `default` may see; the node is the server's own."""
        self._server.use_view_token(default)

    def follow(self, configuration: Configuration) -> None:
        """Have the leader write configuration entries that are new in the configuration, and take over bounds."""
        self._server.bound_clients(configuration.limits.rpc_max_conns_per_client)
        self._server.follow_rates(assembly.request_rates(configuration))
        if not configuration.first_entries:
            return
        # Also what was there before: as in Consul, what was deleted meanwhile comes back.
        self._server.follow_entries(assembly.first_entries(configuration))

    @property
    def certificate(self) -> None:
        """Servers have their own."""
        return None

    def at_certificate(self, callback: Callable[[], None]) -> None:
        """Nobody gives this one a certificate."""

    def renewal(self, configuration: Configuration) -> Callable[[], None]:
        """Read certificate, key and CA as they are now, for connections to come."""
        settings = assembly.tls_settings(configuration)
        read = Tls() if settings is None else load_tls(settings, now=self._clock.now())
        return lambda: self._server.tls.take(read)

    def at_connection(self, callback: Callable[[], None]) -> None:
        """There is no connection that could be lost."""

    async def start(self) -> None:
        """Begin to serve. Raises `ConfigurationError` when the server port cannot be had."""
        try:
            await self._server.start()
        except OSError as error:
            address = join_host_port(self._bind_address, self._port)
            raise ConfigurationError(f"cannot listen for servers on {address}: {_bind_reason(error)}") from error

    async def stop(self) -> None:
        """Stop at once."""
        await self._server.stop()

    async def failed(self) -> None:
        """Wait until the server cannot go on."""
        await self._server.failed()


def _bind_reason(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "it is in use by another program; stop that one, or choose another with -server-port"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; choose one of its own with -bind"
        case _:
            return f"{error.strerror or error}; choose another with -bind and -server-port"
