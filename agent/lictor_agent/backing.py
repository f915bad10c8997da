"""What stands behind an agent: a server in its own process, or the servers of its cluster over a connection."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn, Protocol

from structlog.typing import FilteringBoundLogger

from lictor_agent import assembly
from lictor_agent.auto_encrypt import AgentCertificate, CertificateKeeper
from lictor_agent.http.confirming import Confirm
from lictor_agent.http.hot_answers import HotSource
from lictor_agent.kept import Kept
from lictor_agent.known_servers import KnownServers
from lictor_agent.remote import RemoteRegistry, RemoteSettings
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

    def use_tokens(self, default: str, for_node: str) -> None:
        """Have DNS show what the holder of `default` may see, and speak for the node by the other one.

        Called where there is access control.
        """
        ...

    def follow(self, configuration: Configuration) -> None:
        """Take over what a reload changes for the servers."""
        ...

    @property
    def certificate(self) -> AgentCertificate | None:
        """What the servers gave this agent; None where nothing was asked for, or given yet."""
        ...

    def at_certificate(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time the servers gave another one."""
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
        self._tls = _tls(configuration, clock, None)
        self._configuration = configuration
        self._node_token = ""
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
        self._certificates = self._keeper(settings_of_link, keyed, rng, log)
        self._beginning: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[NoReturn] | None = None
        self._views = ViewStore(self._registry, clock=clock, rng=rng, log=log)
        self._addresses = AddressBook(self._registry.read, clock)
        self._catalog = ViewCatalog(self._views, self._addresses, is_judged=configuration.acl.enabled)
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

    def use_tokens(self, default: str, for_node: str) -> None:
        """DNS shows what the holder of `default` may see; by `for_node` a certificate is asked for."""
        self._catalog.use_token(default)
        self._node_token = for_node

    def follow(self, configuration: Configuration) -> None:
        """Ask as much as is allowed now; the servers of this agent read configurations of their own."""
        self._registry.follow_rate(configuration.limits.rpc_rate, configuration.limits.rpc_max_burst)

    def renewal(self, configuration: Configuration) -> Callable[[], None]:
        """Read certificate, key and CA as they are now, for the next connection."""
        read = _tls(configuration, self._clock, self.certificate)

        def use() -> None:
            self._configuration = configuration
            self._tls.take(read)

        return use

    @property
    def certificate(self) -> AgentCertificate | None:
        """What the servers gave, where `auto_encrypt` asks for it."""
        return None if self._certificates is None else self._certificates.certificate

    def at_certificate(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time the servers gave another one."""
        if self._certificates is not None:
            self._certificates.at_certificate(callback)

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
        if self._certificates is None:
            await self._registry.start()
        else:
            if self._join.at_start:
                await self._certificates.obtain()
            loop = asyncio.get_running_loop()
            self._beginning = loop.create_task(self._begin(self._certificates), name="agent-certificate")
        self._following = asyncio.get_running_loop().create_task(self._views.run(), name="agent-views")

    async def stop(self) -> None:
        """Follow nothing any more, and close the connection."""
        following, self._following = self._following, None
        self._addresses.close()
        for task in (self._beginning, self._renewing):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait([task])
        if following is not None:
            following.cancel()
            await asyncio.wait([following])
            if not following.cancelled():
                following.exception()  # whoever wanted to know has asked `failed`
        await self._registry.stop()

    async def failed(self) -> None:
        """Wait until this agent gives up looking for servers (`retry_max`), or makes a mistake with its views."""
        assert self._following is not None, "start comes first"
        looking = asyncio.ensure_future(self._given_up())
        following = self._following
        try:
            await asyncio.wait([looking, following], return_when=asyncio.FIRST_COMPLETED)
            if following.done() and not following.cancelled():
                following.result()
            if looking.done():
                looking.result()
        finally:
            looking.cancel()

    async def _begin(self, certificates: CertificateKeeper) -> None:
        """Look for servers once there is a certificate to show them, which is kept from then on."""
        await certificates.first()
        await self._registry.start()
        renewing = certificates.run(self._registry.read)
        self._renewing = asyncio.get_running_loop().create_task(renewing, name="agent-certificate-renewal")

    async def _given_up(self) -> None:
        """Wait until this agent gives up looking for servers, and raise why."""
        if self._beginning is not None:
            await asyncio.wait([self._beginning])
            if self._beginning.cancelled():
                return
            self._beginning.result()
        await self._registry.failed()

    def _keeper(
        self, settings: RemoteSettings, keyed: Keyed, rng: Rng, log: FilteringBoundLogger
    ) -> CertificateKeeper | None:
        tls = assembly.tls_settings(self._configuration)
        if tls is None or not tls.asks_for_certificate:
            return None

        keeper = CertificateKeeper(
            settings,
            self._configuration.auto_encrypt,
            tls,
            keyed=keyed,
            token=lambda: self._node_token,
            servers=lambda: (*self._registry.servers, *self._known.read()),
            clock=self._clock,
            rng=rng,
            log=log,
        )
        self._registry.before_join = keeper.meet
        keeper.at_certificate(lambda: self.renewal(self._configuration)())
        return keeper


def _tls(configuration: Configuration, clock: Clock, certificate: AgentCertificate | None) -> Tls:
    settings = assembly.tls_settings(configuration, None if certificate is None else certificate.pair)
    if settings is not None and certificate is not None and certificate.verify_server_hostname:
        settings = replace(settings, verify_server_hostname=True)
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
