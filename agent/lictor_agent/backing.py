"""What stands behind an agent: a server in its own process, or the servers of its cluster over a connection."""

from __future__ import annotations

from typing import Protocol

from structlog.typing import FilteringBoundLogger

from lictor_agent import assembly
from lictor_agent.http.hot import HotSource
from lictor_agent.remote import RemoteRegistry
from lictor_config.tree import Configuration
from lictor_core.clock import Clock, Rng
from lictor_core.registry import CatalogView, Registry
from lictor_server import PLAIN, load_tls

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
    def view(self) -> CatalogView | None:
        """The catalog in memory, for DNS; None where there is none."""
        ...

    def describe(self) -> str:
        """Where the servers are, for people."""
        ...

    async def start(self) -> None:
        """Begin. Raises `ConfigurationError` or `ClusterError` when that is in vain."""
        ...

    async def stop(self) -> None:
        """End; called twice it does nothing."""
        ...

    async def failed(self) -> None:
        """Wait until this cannot go on, and raise why; ends quietly when it is stopped."""
        ...


class RemoteServers:
    """The servers of a client agent."""

    def __init__(
        self, configuration: Configuration, node_id: str, *, clock: Clock, rng: Rng, log: FilteringBoundLogger
    ) -> None:
        """Raises `ConfigurationError` for certificates that cannot be used."""
        settings = assembly.tls_settings(configuration)
        tls = PLAIN if settings is None else load_tls(settings, now=clock.now())
        for warning in tls.warnings:
            log.warning("tls.certificate.doubted", reason=warning)
        self._join = configuration.join
        self._registry = RemoteRegistry(
            assembly.remote_settings(configuration, node_id), tls=tls, clock=clock, rng=rng, log=log
        )

    @property
    def registry(self) -> RemoteRegistry:
        """What the agent asks."""
        return self._registry

    @property
    def source(self) -> None:
        """Nothing here tells whether answers still hold: servers are asked."""
        return None

    @property
    def view(self) -> None:
        """The catalog is not in memory here."""
        return None

    def describe(self) -> str:
        """Where the servers are, for people."""
        named = (*self._join.at_start, *self._join.retry)
        return f"found by {', '.join(named)}" if named else "none named: use -retry-join, or lictor join"

    async def start(self) -> None:
        """Begin to look for servers; it goes on when none is found, unless they were to be found at the start."""
        await self._registry.start()

    async def stop(self) -> None:
        """Close the connection."""
        await self._registry.stop()

    async def failed(self) -> None:
        """Wait until this agent gives up looking for servers (`retry_max`)."""
        await self._registry.failed()
