"""What the Envoys of this host must know, and what they tell of themselves: a feed for each, from within the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_agent.local import Subject
from lictor_agent.mesh.source import Ask, InnerSource
from lictor_agent.waiting import ChangeWaiter
from lictor_connect_proxy.feed.assembling import first_snapshot
from lictor_connect_proxy.feed.feed import Feed
from lictor_connect_proxy.feed.registrations import Registration, registration_in
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.clock import Clock, Rng
from lictor_core.errors import LictorError, NotFoundError, PermissionDeniedError, RequestError
from lictor_core.proxy_status import REPORT_EVERY_S, ProxyReport
from lictor_core.queries import CARootsQuery
from lictor_core.registry import ReadOptions

if TYPE_CHECKING:
    from lictor_agent.agent import Agent

__all__ = ["CHECK_EVERY_S", "Envoys"]

_AGE_S_MAX: Final = 1.0
CHECK_EVERY_S: Final = 300.0
"""How often it is asked again whether a token still may, as Consul does."""


class Envoys:
    """The `Knowledge` of an agent (room `connect_proxy`, `xds.session`)."""

    def __init__(self, agent: Agent, ask: Ask, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> None:
        self._agent = agent
        self._changes = ChangeWaiter(agent.local)
        self._ask = ask
        self._clock = clock
        self._rng = rng
        self._log = log
        self._known_at = clock.monotonic()
        """When what this agent keeps of the registry was last known to be current."""

    async def follow(self, proxy_id: str, token: str, publish: Callable[[ProxySnapshot], None]) -> None:
        """See `Knowledge.follow`."""
        source = InnerSource(self._ask, token)
        registration = await self._registration(source, proxy_id)
        await self._check(source, registration.service)
        feed = Feed(
            source,
            first_snapshot(registration),
            publish,
            proxy_id=proxy_id,
            clock=self._clock,
            rng=self._rng,
            log=self._log.bind(proxy_id=proxy_id),
        )
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(feed.run()), group.create_task(self._keep_age())]
                await self._until_gone(source, proxy_id, feed)
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as found:
            raise found.exceptions[0] from None

    def report(self, proxy_id: str, report: ProxyReport) -> None:
        """See `Knowledge.report`. How old what is known is, is known here."""
        age_ms = round((self._clock.monotonic() - self._known_at) * 1000)
        try:
            self._agent.proxies.report(proxy_id, msgspec.structs.replace(report, config_age_ms=max(age_ms, 0)))
        except NotFoundError:
            return  # deregistered a moment ago: its stream ends

    def forget(self, proxy_id: str) -> None:
        """See `Knowledge.forget`."""
        self._agent.proxies.forget(proxy_id)

    async def _keep_age(self) -> None:
        """Look how old what is kept here is, as often as proxies tell of themselves."""
        while True:
            with suppress(LictorError, TimeoutError):
                async with asyncio.timeout(_AGE_S_MAX):
                    found = await self._agent.kept.read(CARootsQuery(), ReadOptions())
                self._known_at = self._clock.monotonic() - found.age_s
            await asyncio.sleep(REPORT_EVERY_S / 2)

    async def _registration(self, source: InnerSource, proxy_id: str) -> Registration:
        if not proxy_id:
            raise RequestError("the node has no id: it must be that of the proxy's registration")
        try:
            answer = await source.get(f"/v1/agent/service/{quote(proxy_id, safe='')}")
        except NotFoundError:
            raise NotFoundError(
                f"no proxy {proxy_id!r} is registered at this agent: register it, or name another by -proxy-id"
            ) from None
        return registration_in(answer.body)

    async def _check(self, source: InnerSource, service: str) -> None:
        """Raises `PermissionDeniedError` when the token may not speak for the service: who may has its leaf."""
        try:
            await source.get(f"/v1/agent/connect/ca/leaf/{quote(service, safe='')}")
        except PermissionDeniedError:
            raise
        except LictorError as error:
            # Away, or not ready: the feed asks again until it is. Nothing is served without a leaf.
            self._log.debug("xds.token.unchecked", service=service, reason=str(error))

    async def _until_gone(self, source: InnerSource, proxy_id: str, feed: Feed) -> None:
        """Return when the proxy is not registered any more; raises when its token may not any more."""
        checked_at, seen = self._clock.monotonic(), 0
        while proxy_id in self._agent.local.services:
            left_s = checked_at + CHECK_EVERY_S - self._clock.monotonic()
            if left_s <= 0:
                checked_at = self._clock.monotonic()
                await self._check(source, feed.snapshot.service)
                continue
            seen = await self._changes.wait(Subject.SERVICE, proxy_id, seen, left_s)
