"""Keeps a proxy's snapshot current, for ever, whatever happens to the agent.

When the agent is away the last knowledge stays and its age is told; questions are repeated after pauses that grow, with
jitter. An answer that cannot be used takes its part out of the snapshot instead (architecture, decision 10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.feed.asking import AgentSource
from lictor_connect_proxy.feed.assembling import assemble
from lictor_connect_proxy.feed.needs import ChainFound, DefaultFound, InstancesOf, Known, Need
from lictor_connect_proxy.feed.opaque import UnusableAnswerError
from lictor_connect_proxy.snapshot import Endpoint, ProxySnapshot
from lictor_core.clock import Clock, Rng
from lictor_core.errors import LictorError

__all__ = ["WATCHES_MAX", "Feed"]

WATCHES_MAX: Final = 20_000
"""Things that one proxy watches; what needs more is served without what comes last, and the log says so."""
RETRY_S_FIRST: Final = 0.1
RETRY_S_MAX: Final = 10.0
_PAUSE_S: Final = 0.025
"""Between two answers of one source, so that a busy agent is not asked without end, and first tells everybody else of a
change that concerns many."""
_REMINDER_S: Final = 60.0
"""How often an interruption that goes on is logged."""


class Feed:
    """The knowledge of one proxy. `publish` gets each new snapshot, in the loop of `run`.

    `snapshot` is what to begin with: the proxy as flags describe it, or with `proxy_id` what is known of the one that
    is registered so, be it only an empty service. Changes that come in one pass of the loop are published as one.
    """

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
        watches_max: int = WATCHES_MAX,
    ) -> None:
        self._watches_max = watches_max
        self.snapshot = snapshot
        self._start = snapshot
        self._proxy_id = proxy_id
        self._agent = agent
        self._publish = publish
        self._clock = clock
        self._rng = rng
        self._log = log.bind(room="connect_proxy")
        self._values: dict[Need[object], object] = {}
        self._heard: dict[Need[object], float] = {}
        self._watches: dict[Need[object], asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._is_assembling = False
        self._was_complete = False
        self._told: set[str] = set()

    async def run(self) -> None:
        """Ask and publish until cancelled."""
        self._publish(self.snapshot)
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                self._assemble()
                await asyncio.Event().wait()
            finally:
                self._group = None

    def ages_s(self) -> dict[str, float]:
        """For each source how many seconds ago the agent last answered. A question that blocks ages up to its wait.

        Of several sources of one name it is the oldest answer.
        """
        now = self._clock.monotonic()
        ages: dict[str, float] = {}
        for need, heard in self._heard.items():
            ages[need.name] = max(ages.get(need.name, 0.0), now - heard)
        return ages

    def _assemble(self) -> None:
        """Put the snapshot together, ask for what it needs and for nothing else, publish it when it is another one."""
        self._is_assembling = False
        if self._group is None:
            return
        known = Known(self._values)
        snapshot = assemble(self._start, known, self.snapshot, self._proxy_id)
        self._keep_watches(self._group, known)
        if snapshot is self.snapshot:
            return
        self.snapshot = snapshot
        self._publish(snapshot)
        if not self._was_complete and snapshot.is_complete():
            self._was_complete = True
            self._log.info("proxy.configuration.completed", service=snapshot.service)

    def _keep_watches(self, group: asyncio.TaskGroup, known: Known) -> None:
        for need in [need for need in self._watches if need not in known.wanted]:
            self._watches.pop(need).cancel()
            self._values.pop(need, None)
            self._heard.pop(need, None)
        for need in known.wanted:
            if need in self._watches:
                continue
            if len(self._watches) >= self._watches_max:
                self._tell_once(
                    "proxy.feed.exhausted",
                    reason=f"{len(known.wanted)} things are to be watched, and at most {self._watches_max} are",
                    advice="give the proxy fewer upstreams, or the gateway fewer services",
                )
                return
            self._watches[need] = group.create_task(self._watch(need), name=f"feed {need.name}")

    def _tell_once(self, event: str, **keys: str) -> None:
        if event not in self._told:
            self._told.add(event)
            self._log.warning(event, **keys)

    def _change(self, need: Need[object], value: object) -> None:
        """`value` is what is known now; None takes it out."""
        self._note(need, value)
        if value is None:
            self._values.pop(need, None)
        else:
            self._values[need] = value
        if not self._is_assembling:
            self._is_assembling = True
            asyncio.get_running_loop().call_soon(self._assemble)

    def _note(self, need: Need[object], value: object) -> None:
        if isinstance(need, InstancesOf):
            endpoints = cast("tuple[Endpoint, ...]", value)
            healthy = sum(one.healthy for one in endpoints)
            self._log.info("proxy.instances.changed", upstream=need.service, healthy=healthy)
        elif isinstance(value, DefaultFound) and value.hidden:
            self._log.warning(
                "proxy.default_policy.hidden",
                reason=value.hidden,
                advice="connections without a matching intention are denied; give the token agent:read",
            )
        elif isinstance(value, ChainFound) and value.chain is None:
            self._tell_once(
                "proxy.chain.unsupported",
                reason="the agent knows no discovery chains",
                advice="upstreams go straight to their services: redirects, subsets and failover do not count",
            )

    async def _watch(self, need: Need[object]) -> None:
        """Ask for ever, and tell of each new value.

        A first cursor after every failure, since another agent with other indexes may answer next.
        """
        cursor, failures, told_at = "", 0, 0.0
        while True:
            try:
                fetched = await need.ask(self._agent, cursor)
            except Exception as error:
                if not isinstance(error, LictorError):
                    # A mistake of ours costs this answer, and the proxy nothing else.
                    self._log.exception("proxy.feed.crashed", source=need.name)
                cursor = ""
                failures += 1
                if need.closed and isinstance(error, UnusableAnswerError) and need in self._values:
                    self._change(need, None)
                told_at = await self._rest(need, error, failures, told_at)
                continue
            self._heard[need] = self._clock.monotonic()
            if failures:
                self._log.info("proxy.feed.resumed", source=need.name, failures=failures)
                failures = 0
            if fetched.value != self._values.get(need):
                self._change(need, fetched.value)
            cursor = fetched.cursor
            await asyncio.sleep(_PAUSE_S if cursor else max(_PAUSE_S, fetched.rest_s))

    async def _rest(self, need: Need[object], error: Exception, failures: int, told_at: float) -> float:
        """Pause after a failure; returns when it was last logged."""
        now = self._clock.monotonic()
        most = min(RETRY_S_MAX, RETRY_S_FIRST * 2.0 ** min(failures - 1, 16))
        pause_s = self._rng.uniform(most / 2, most)
        if failures == 1 or now - told_at >= _REMINDER_S:
            heard = self._heard.get(need)
            self._log.warning(
                "proxy.feed.interrupted",
                source=need.name,
                reason=str(error),
                age_s=round(now - heard, 3) if heard is not None else None,
            )
            told_at = now
        await asyncio.sleep(pause_s)
        return told_at
