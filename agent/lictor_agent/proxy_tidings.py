"""Tells the servers which policies this host's proxies run: when that changes, and nothing at rest."""

from __future__ import annotations

import asyncio
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.proxies import Proxies
from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.errors import LictorError
from lictor_core.proxy_status import PROXIES_OF_AGENT_MAX, REPORT_EVERY_S, ProxyTidings
from lictor_core.registry import Registry

__all__ = ["ProxyTeller"]

_GATHER_S: Final = 0.005
"""News wait so long for others: one change of an intention is told by all proxies of its service at about once."""
_RETRY_S_MIN: Final = 0.1
_RETRY_S_MAX: Final = 5.0


class ProxyTeller:
    """Tells as long as `run` runs. All methods belong to the event loop."""

    def __init__(
        self, proxies: Proxies, registry: Registry, node_name: str, rng: Rng, log: FilteringBoundLogger
    ) -> None:
        self._proxies = proxies
        self._registry = registry
        self._node_name = node_name
        self._rng = rng
        self._log = log
        self._told: dict[str, tuple[str, int]] | None = {}

    def reconnected(self) -> None:
        """The servers are reached by another connection: what was told is not known there."""
        if self._told:
            self._told = None
            self._proxies.changed.set()

    async def run(self) -> None:
        """Tell for ever, until cancelled."""
        backoff = Backoff(self._rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        while True:
            await self._news()
            try:
                await self._tell()
            except LictorError as error:
                self._log.debug("agent.proxies.untold", reason=str(error))
                self._proxies.changed.set()
                await asyncio.sleep(backoff.next_s())
            else:
                backoff.reset()

    async def _news(self) -> None:
        """Wait for news, or until a proxy may have fallen silent."""
        try:
            async with asyncio.timeout(REPORT_EVERY_S if self._told or self._proxies.any else None):
                await self._proxies.changed.wait()
            await asyncio.sleep(_GATHER_S)
        except TimeoutError:
            pass
        self._proxies.changed.clear()

    async def _tell(self) -> None:
        policies = tuple(self._proxies.policies()[:PROXIES_OF_AGENT_MAX])
        runs = {one.proxy_id: (one.service, one.policy_index) for one in policies}
        if runs != self._told:
            await self._registry.tell_proxies(ProxyTidings(node=self._node_name, policies=policies))
            self._told = runs
