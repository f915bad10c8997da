"""Keeps a proxy's snapshot current, for ever, whatever happens to the agent.

When the agent is away the last knowledge stays and its age is told; questions are repeated after pauses that grow, with
jitter. An answer that cannot be used takes its part out of the snapshot instead (architecture, decision 10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Final, TypeVar

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.feed import sources
from lictor_connect_proxy.feed.answers import Registration, UnusableAnswerError, default_allow_in
from lictor_connect_proxy.feed.asking import AgentSource
from lictor_connect_proxy.feed.sources import Fetched, Source
from lictor_connect_proxy.snapshot import Endpoint, ProxySnapshot, UpstreamKey
from lictor_core.clock import Clock, Rng
from lictor_core.errors import LictorError, PermissionDeniedError

__all__ = ["Feed"]

T = TypeVar("T")

RETRY_S_FIRST: Final = 0.1
RETRY_S_MAX: Final = 10.0
_PAUSE_S: Final = 0.01
"""Between two answers of one source, so that a busy agent is not asked without end."""
_POLL_S: Final = 5.0
"""For answers that cannot be waited for."""
_REMINDER_S: Final = 60.0
"""How often an interruption that goes on is logged."""


class Feed:
    """The knowledge of one proxy. `publish` gets each new snapshot, in the loop of `run`."""

    def __init__(
        self,
        agent: AgentSource,
        snapshot: ProxySnapshot,
        publish: Callable[[ProxySnapshot], None],
        *,
        proxy_id: str = "",
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        self.snapshot = snapshot
        self._agent = agent
        self._publish = publish
        self._proxy_id = proxy_id
        self._clock = clock
        self._rng = rng
        self._log = log.bind(room="connect_proxy")
        self._heard: dict[str, float] = {}
        self._watches: dict[Hashable, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._was_complete = False

    async def run(self) -> None:
        """Ask and publish until cancelled."""
        self._publish(self.snapshot)
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._keep_watches()

    def ages_s(self) -> dict[str, float]:
        """For each source how many seconds ago the agent last answered. A question that blocks ages up to its wait."""
        now = self._clock.monotonic()
        return {name: now - heard for name, heard in self._heard.items()}

    def _keep_watches(self) -> None:
        """Start and stop watches so that they are those that the snapshot needs."""
        if self._group is None:
            return
        wanted = self._wanted()
        for key in [key for key in self._watches if key not in wanted]:
            self._watches.pop(key).cancel()
        for key, start in wanted.items():
            if key not in self._watches:
                self._watches[key] = self._group.create_task(start())

    def _wanted(self) -> dict[Hashable, Callable[[], Coroutine[None, None, None]]]:
        service = self.snapshot.service
        wanted: dict[Hashable, Callable[[], Coroutine[None, None, None]]] = {
            "roots": lambda: self._watch(
                "roots", sources.roots(), lambda value: self._change(roots=value), closed=True
            ),
            ("leaf", service): lambda: self._watch(
                "leaf", sources.leaf(service), lambda value: self._change(leaf=value), closed=True
            ),
        }
        if self.snapshot.public is not None:
            wanted["intentions", service] = lambda: self._watch(
                "intentions", sources.policy(service), lambda value: self._change(policy=value), closed=True
            )
            wanted["default_policy"] = lambda: self._watch(
                "default_policy", self._default_policy, lambda value: self._change(default_allow=value), closed=True
            )
        if self._proxy_id:
            wanted["registration"] = lambda: self._watch(
                "registration", sources.registration(self._proxy_id), self._registered
            )
        for key in {upstream.key for upstream in self.snapshot.upstreams}:
            wanted["instances", *key] = self._watch_upstream(key)
        return wanted

    def _watch_upstream(self, key: UpstreamKey) -> Callable[[], Coroutine[None, None, None]]:
        name = f"instances {key.service}" + (f" in {key.datacenter}" if key.datacenter else "")

        def changed(value: tuple[Endpoint, ...] | None) -> None:
            if value is not None:
                self._log.info("proxy.instances.changed", upstream=key.service, healthy=len(value))
                self._change(endpoints={**self.snapshot.endpoints, key: value})

        return lambda: self._watch(name, sources.endpoints(key), changed)

    def _registered(self, value: Registration | None) -> None:
        if value is None:
            return
        for name in value.unsupported:
            self._log.warning("proxy.upstream.unsupported", upstream=name)
        if value.service != self.snapshot.service:
            self.snapshot = msgspec.structs.replace(self.snapshot, leaf=None, policy=None)
        keys = {upstream.key for upstream in value.upstreams}
        kept = {key: found for key, found in self.snapshot.endpoints.items() if key in keys}
        self._change(service=value.service, public=value.public, upstreams=value.upstreams, endpoints=kept)

    def _change(self, **fields: object) -> None:
        self.snapshot = msgspec.structs.replace(self.snapshot, **fields)
        self._keep_watches()
        self._publish(self.snapshot)
        if not self._was_complete and self.snapshot.is_complete():
            self._was_complete = True
            self._log.info("proxy.configuration.completed", service=self.snapshot.service)

    async def _watch(
        self, name: str, source: Source[T], changed: Callable[[T | None], None], *, closed: bool = False
    ) -> None:
        """Ask `source` for ever and tell `changed` of each new value.

        `closed`: an answer that cannot be used is told as None. A first cursor after every failure, since another
        agent with other indexes may answer next.
        """
        cursor, last, failures, told_at = "", None, 0, 0.0
        while True:
            try:
                fetched: Fetched[T] = await source(self._agent, cursor)
            except LictorError as error:
                cursor = ""
                failures += 1
                if closed and isinstance(error, UnusableAnswerError) and last is not None:
                    last = None
                    changed(None)
                told_at = await self._rest(name, error, failures, told_at)
                continue
            self._heard[name] = self._clock.monotonic()
            if failures:
                self._log.info("proxy.feed.resumed", source=name, failures=failures)
                failures = 0
            if fetched.value != last:
                last = fetched.value
                changed(last)
            cursor = fetched.cursor
            await asyncio.sleep(_PAUSE_S if cursor else _POLL_S)

    async def _rest(self, name: str, error: LictorError, failures: int, told_at: float) -> float:
        """Pause after a failure; returns when it was last logged."""
        now = self._clock.monotonic()
        most = min(RETRY_S_MAX, RETRY_S_FIRST * 2.0 ** min(failures - 1, 16))
        pause_s = self._rng.uniform(most / 2, most)
        if failures == 1 or now - told_at >= _REMINDER_S:
            heard = self._heard.get(name)
            self._log.warning(
                "proxy.feed.interrupted",
                source=name,
                reason=str(error),
                age_s=round(now - heard, 3) if heard is not None else None,
            )
            told_at = now
        await asyncio.sleep(pause_s)
        return told_at

    async def _default_policy(self, agent: AgentSource, cursor: str) -> Fetched[bool]:
        if cursor:
            await asyncio.sleep(agent.settled_s)
        try:
            return Fetched(default_allow_in((await agent.get("/v1/agent/self")).body), "polled")
        except PermissionDeniedError as error:
            if not cursor:
                self._log.warning(
                    "proxy.default_policy.hidden",
                    reason=str(error),
                    advice="connections without a matching intention are denied; give the token agent:read",
                )
            return Fetched(False, "polled")
