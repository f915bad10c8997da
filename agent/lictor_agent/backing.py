"""What stands behind an agent: a server in its own process, or the servers of its cluster over a connection."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from lictor_agent import assembly
from lictor_agent.http.confirming import Confirm
from lictor_agent.http.hot_answers import HotSource
from lictor_agent.kept import Kept
from lictor_agent.known_servers import KnownServers
from lictor_agent.remote import RemoteRegistry
from lictor_agent.views import AddressBook, KeptInViews, ViewCatalog, ViewStore
from lictor_config.tree import Configuration
from lictor_core.clock import Clock, Rng
from lictor_core.errors import ConfigurationError
from lictor_core.metrics import Meter
from lictor_core.registry import CatalogView, Registry
from lictor_server import UNKEYED, Keyed, Tls, load_tls

__all__ = ["Backing", "RemoteServers"]


class Backing(Protocol):
    """The servers as the rest of the process knows them."""

    @property
    def registry(self) -> Registry:
        """What the agent asks."""
        ...

    @property
    def source(self) -> HotSource | None:
        """What tells whether answers that were kept still hold; None where nothing does."""
        ...

    @property
    def confirm(self) -> Confirm | None:
        """Makes sure that answers that were kept still hold, where `source` cannot tell at once."""
        ...

    @property
    def view(self) -> CatalogView:
        """The catalog in memory, for DNS."""
        ...

    @property
    def kept(self) -> Kept:
        """What is known here of the registry, for who does not ask for the newest."""
        ...

    def describe(self) -> str:
        """Where the servers are, for people."""
        ...

    def use_token(self, token: str) -> None:
        """Have DNS show what the holder of this token may see; called where there is access control."""
        ...

    def follow(self, configuration: Configuration) -> None:
        """Take over what a reload changes for the servers."""
        ...

    def renewal(self, configuration: Configuration) -> Callable[[], None]:
        """Read certificate, key and CA as they are now; what is returned has connections to come use them.

        Raises `ConfigurationError` for such as cannot be used.
        """
        ...

    def at_connection(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time when the servers are reached by another connection; never where there is none."""
        ...

    async def start(self) -> None:
        """Begin. Raises `ConfigurationError` or `ClusterError` when that is in vain."""
        ...

    async def stop(self) -> None:
        """End; called twice it does nothing."""
        ...

    def forget(self) -> None:
        """This agent has left on purpose, and shall not find the servers again by itself."""
        ...

    async def failed(self) -> None:
        """Wait until this cannot go on, and raise why; ends quietly when it is stopped."""
        ...


class RemoteServers:
    """The servers of a client agent."""

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
        """Raises `ConfigurationError` for certificates that cannot be used."""
        self._clock = clock
        self._tls = _tls(configuration, clock)
        self._join = configuration.join
        self._known = KnownServers("" if configuration.dev else configuration.data_dir, log)
        settings_of_link = assembly.remote_settings(configuration, node_id)
        self._source_address = settings_of_link.source
        self._registry = RemoteRegistry(
            replace(settings_of_link, known=self._known.read()),
            tls=self._tls,
            keyed=keyed,
            clock=clock,
            rng=rng,
            log=log,
        )
        if meter is not None:
            self._registry.tell_figures(meter)
        self._registry.at_connection(self._keep_known)
        self._views = ViewStore(self._registry, clock=clock, rng=rng, log=log)
        self._addresses = AddressBook(self._registry.read, clock)
        self._catalog = ViewCatalog(self._views, self._addresses)
        self._kept = KeptInViews(self._views, rng, is_judged=configuration.acl.enabled)
        self._following: asyncio.Task[None] | None = None

    @property
    def registry(self) -> RemoteRegistry:
        """What the agent asks."""
        return self._registry

    @property
    def source(self) -> None:
        """Nothing here tells whether answers still hold: servers are asked."""
        return None

    @property
    def confirm(self) -> Confirm:
        """The server in use."""
        return self._registry.confirm

    @property
    def view(self) -> CatalogView:
        """The catalog as far as it was asked for."""
        return self._catalog

    @property
    def kept(self) -> Kept:
        """Views of what was asked for."""
        return self._kept

    def describe(self) -> str:
        """Where the servers are, for people."""
        named = (*self._join.at_start, *self._join.retry)
        return f"found by {', '.join(named)}" if named else "none named: use -retry-join, or lictor join"

    def use_token(self, token: str) -> None:
        """DNS shows what the holder of this token may see."""
        self._catalog.use_token(token)

    def follow(self, configuration: Configuration) -> None:
        """Ask as much as is allowed now; the servers of this agent read configurations of their own."""
        self._registry.follow_rate(configuration.limits.rpc_rate, configuration.limits.rpc_max_burst)

    def renewal(self, configuration: Configuration) -> Callable[[], None]:
        """Read certificate, key and CA as they are now, for the next connection."""
        read = _tls(configuration, self._clock)
        return lambda: self._tls.take(read)

    def at_connection(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time when a server was found."""
        self._registry.at_connection(callback)

    def _keep_known(self) -> None:
        self._known.keep(self._registry.servers)

    def forget(self) -> None:
        """Know no servers at the next start but those that are named then."""
        self._known.forget()

    async def start(self) -> None:
        """Begin to look for servers; it goes on when none is found, unless they were to be found at the start.

        Raises `ConfigurationError` when they are to be reached from an address that this machine does not have.
        """
        _check_own(self._source_address)
        await self._registry.start()
        self._following = asyncio.get_running_loop().create_task(self._views.run(), name="agent-views")

    async def stop(self) -> None:
        """Follow nothing any more, and close the connection."""
        following, self._following = self._following, None
        self._addresses.close()
        if following is not None:
            following.cancel()
            await asyncio.wait([following])
            if not following.cancelled():
                following.exception()  # whoever wanted to know has asked `failed`
        await self._registry.stop()

    async def failed(self) -> None:
        """Wait until this agent gives up looking for servers (`retry_max`), or makes a mistake with its views."""
        assert self._following is not None, "start comes first"
        looking = asyncio.ensure_future(self._registry.failed())
        following = self._following
        try:
            await asyncio.wait([looking, following], return_when=asyncio.FIRST_COMPLETED)
            if following.done() and not following.cancelled():
                following.result()
            if looking.done():
                looking.result()
        finally:
            looking.cancel()


def _tls(configuration: Configuration, clock: Clock) -> Tls:
    settings = assembly.tls_settings(configuration)
    # What a certificate lacks to be a server's is no matter here: `load_tls` warns of nothing else.
    return Tls() if settings is None else load_tls(settings, now=clock.now())


def _check_own(address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise ConfigurationError(
                    f"bind_addr: this machine does not have the address {address}; choose one of its own with -bind"
                ) from error
