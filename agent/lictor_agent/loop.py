"""The loop around anti-entropy: carries out what the plan says, and lets others wait for it."""

from __future__ import annotations

import asyncio
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.batches import Batch, subjects
from lictor_agent.local import Change, LocalState, Subject
from lictor_agent.plan import Ask, Plan, Round, SyncTokens
from lictor_agent.refusals import Refusals
from lictor_core.clock import Clock, Rng
from lictor_core.errors import LictorError, RequestError
from lictor_core.queries import NodeChecksQuery, NodeDigestQuery, NodeServicesQuery
from lictor_core.records import Node
from lictor_core.registry import ReadOptions, Registry

__all__ = ["SyncLoop"]

_QUIET_RETRY_S: Final = 1.0
"""Failures that are tried again sooner than this are no news: a leader is being elected."""
_LANES_MAX: Final = 8
"""Commands under way at once: enough for agents whose services all have tokens of their own."""
_IDS_LOGGED_MAX: Final = 8


class SyncLoop:
    """Keeps the catalog's picture of one node in agreement with its local state while `run` runs."""

    def __init__(
        self,
        local: LocalState,
        node: Node,
        registry: Registry,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        *,
        output_wait_s: float,
        tokens: SyncTokens | None = None,
        sync_every_s: float | None = None,
    ) -> None:
        self._plan = Plan(
            local,
            node,
            rng,
            output_wait_s=output_wait_s,
            now=clock.monotonic(),
            tokens=tokens or SyncTokens(),
            sync_every_s=sync_every_s,
        )
        self.refusals = Refusals()
        """What the catalog does not have because the servers will not."""
        self._registry = registry
        self._clock = clock
        self._log = log
        self._wake = asyncio.Event()
        self._waiting: set[asyncio.Future[None]] = set()
        self._is_telling = False
        self._lanes = asyncio.Semaphore(_LANES_MAX)
        local.subscribe(self._changed)

    async def run(self) -> None:
        """Compare and tell, for ever, until cancelled."""
        while True:
            await self._until_due()
            try:
                await self._work()
            except LictorError as error:
                self._failed(error)

    def set_node(self, node: Node) -> None:
        """Tell the catalog another record of this node; its name is the same."""
        self._plan.node_changed(node)
        self._wake.set()

    async def flushed(self, wait_s_max: float) -> None:
        """Return when the servers took or refused all changes made so far, or after `wait_s_max` seconds.

        Never raises.
        """
        if not self._plan.has_changes and not self._is_telling:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait([future], timeout=wait_s_max)
        finally:
            self._waiting.discard(future)

    @property
    def nodes(self) -> int:
        """How many nodes the catalog had when it was last asked; 0 before."""
        return self._plan.nodes

    def look_again(self) -> None:
        """The catalog may have lost what it had of this node, as when its lease ran out: compare the whole soon."""
        self._plan.look_again(self._clock.monotonic())
        self._wake.set()

    def use_tokens(self, tokens: SyncTokens) -> None:
        """Write by other tokens from now on; what was refused is tried again soon."""
        if tokens != self._plan.tokens:
            self._plan.tokens = tokens
            self.look_again()

    def _changed(self, change: Change) -> None:
        if change.removed:
            forget = self.refusals.forget_service if change.subject is Subject.SERVICE else self.refusals.forget_check
            forget(change.id)
        self._plan.changed(change)
        self._wake.set()

    async def _until_due(self) -> None:
        while (due := self._plan.due_at()) is not None and (pause_s := due - self._clock.monotonic()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _work(self) -> None:
        """Step by step, as long as something is due. Those who wait go on waiting when it fails: it is tried again."""
        self._is_telling = True
        try:
            while True:
                waiting = set(self._waiting)
                match step := self._plan.next(self._clock.monotonic()):
                    case Ask.DIGEST:
                        await self._ask_digest()
                    case Ask.LISTING:
                        await self._ask_listing()
                    case Round():
                        await self._tell(step)
                        if not self._plan.has_rest:
                            _release(waiting)
                    case None:
                        _release(waiting)
                        return
        finally:
            self._is_telling = False

    async def _ask_digest(self) -> None:
        reading = await self._registry.read(NodeDigestQuery(node=self._plan.node.node), self._reading())
        self._plan.digest(reading.value, self._clock.monotonic())

    async def _ask_listing(self) -> None:
        name = self._plan.node.node
        services = await self._registry.read(NodeServicesQuery(node=name), self._reading())
        checks = await self._registry.read(NodeChecksQuery(node=name), self._reading())
        found = services.value
        self._plan.listing(
            None if found is None else found.node,
            {} if found is None else found.services,
            checks.value,
            self._clock.monotonic(),
        )

    def _reading(self) -> ReadOptions:
        return ReadOptions(token=self._plan.tokens.for_node)

    async def _tell(self, round: Round) -> None:
        outcomes = await asyncio.gather(*(self._tell_lane(lane) for lane in round.lanes), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _tell_lane(self, lane: tuple[Batch, ...]) -> None:
        async with self._lanes:
            for place, batch in enumerate(lane):
                if self._plan.holds_back(batch):
                    continue
                try:
                    await self._write(batch)
                except BaseException:
                    for one in lane[place:]:
                        self._plan.lost(one)
                    raise

    async def _write(self, batch: Batch) -> None:
        try:
            await self._registry.write(batch.command(self._plan.node), token=batch.token)
        except RequestError as error:
            if self._plan.refused(batch, self._clock.monotonic()):
                self._tell_refused(batch, str(error))
            return
        self.refusals.taken(batch)
        self._plan.written(batch, self._clock.monotonic())
        self._log.debug("agent.sync.written", changes=len(batch.items), **_subjects(batch))

    def _tell_refused(self, batch: Batch, reason: str) -> None:
        # It is tried again for as long as it is here; each time the same is no news.
        tell = self._log.warning if self.refusals.refused(batch, reason) else self._log.debug
        tell("agent.sync.refused", reason=reason, **_subjects(batch))

    def _failed(self, error: LictorError) -> None:
        pause_s = self._plan.failed(self._clock.monotonic())
        retry_ms = round(pause_s * 1000)
        if pause_s < _QUIET_RETRY_S:
            self._log.debug("agent.sync.failed", reason=str(error), retry_ms=retry_ms)
        else:
            self._log.warning("agent.sync.failed", reason=str(error), retry_ms=retry_ms)


def _release(waiting: set[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)


def _subjects(batch: Batch) -> dict[str, object]:
    """What a batch is about, as keys of a log event: the first few ids."""
    found = [subjects(item) for item in batch.items]
    services = [one for ids, _ in found for one in ids]
    checks = [one for _, ids in found for one in ids]
    return {"service_ids": services[:_IDS_LOGGED_MAX], "check_ids": checks[:_IDS_LOGGED_MAX]}
