"""One Envoy while it is connected: follows what it must know, tells it what changed, tells the agent what it runs.

Knows nothing of gRPC: `receive` and `send` are whatever carries messages. Large configurations are made beside the
loop. An Envoy that was connected before keeps what it has until everything about it is known again; one that never had
anything gets what there is after `FIRST_S_MAX`, so that one part that cannot be had does not keep all from serving.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.kinds import CLUSTER, EXTENSION, LISTENER, ROUTES, SECRET, Resources
from lictor_connect_proxy.xds.resources import Encoder, Flaw, State
from lictor_connect_proxy.xds.stream import DeltaRequest, DeltaResponse, DeltaStream
from lictor_core.aside import aside
from lictor_core.clock import Clock
from lictor_core.errors import LictorError, NotFoundError
from lictor_core.proxy_status import ENVOY, REJECTED_MAX, REPORT_EVERY_S, ProxyReport, RejectedResource
from lictor_core.records import ServiceKind

__all__ = ["FIRST_S_MAX", "GAP_S", "Build", "Knowledge", "Session"]

GAP_S: Final = 0.015
"""Between two configurations of one Envoy: what changes together goes together. The first of a burst does not wait."""
FIRST_S_MAX: Final = 3.0
_LARGE: Final = 16
"""So many upstreams are worked out beside the loop."""
_LARGE_S: Final = 0.01
_STAMPS_MAX: Final = 64
_PUBLIC: Final = "public_listener"
"""How the names of a sidecar's listeners and routes begin that hold intentions."""

Build = Callable[[ProxySnapshot], Resources]


class Knowledge(Protocol):
    """Where sessions have it from what an Envoy must know, and whom they tell about it: the agent."""

    async def follow(self, proxy_id: str, token: str, publish: Callable[[ProxySnapshot], None]) -> None:
        """Publish each new snapshot until cancelled; returns when the proxy is not registered any more.

        Raises `NotFoundError` for a proxy that is not registered here, `PermissionDeniedError` when the token may not.
        """
        ...

    def report(self, proxy_id: str, report: ProxyReport) -> None:
        """The Envoy runs this."""
        ...

    def forget(self, proxy_id: str) -> None:
        """The Envoy has gone, as far as can be seen."""
        ...


class Session:
    """One stream of one Envoy. `owed` is what its last stream left (`DeltaStream.owed`), and afterwards what this did.

    `run` ends when either side does.
    """

    def __init__(
        self,
        proxy_id: str,
        version: str,
        build: Build,
        knowledge: Knowledge,
        *,
        owed: Mapping[str, frozenset[str]],
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self.delivered_s: float | None = None
        """How long it took until the first configuration was taken."""
        self.rejections = 0
        self._proxy_id = proxy_id
        self._version = version
        self._build = build
        self._knowledge = knowledge
        self._clock = clock
        self._log = log.bind(proxy_id=proxy_id)
        self._stream = DeltaStream(owed)
        self._encoder = Encoder()
        self._wake = asyncio.Event()
        self._began_at = clock.monotonic()
        self._snapshot: ProxySnapshot | None = None
        self._built: ProxySnapshot | None = None
        self._built_at = float("-inf")
        self._is_slow = False
        self._is_fresh: bool | None = None
        self._state: State | None = None
        self._flaws: tuple[Flaw, ...] = ()
        self._stamp = 0
        self._stamps: deque[tuple[int, int, str]] = deque(maxlen=_STAMPS_MAX)
        self._policy_index = 0
        self._leaf = ""
        self._heard_at = self._began_at
        self._reported: ProxyReport | None = None
        self._reported_at = float("-inf")

    @property
    def owed(self) -> Mapping[str, frozenset[str]]:
        """See `DeltaStream.owed`."""
        return self._stream.owed

    async def run(
        self,
        token: str,
        first: DeltaRequest,
        receive: Callable[[], Awaitable[DeltaRequest | None]],
        send: Callable[[DeltaResponse], Awaitable[None]],
    ) -> None:
        """Serve the stream that begins with `first` until it ends, or there is no such proxy any more.

        Raises what `Knowledge.follow` and `DeltaStream.receive` raise.
        """
        self._take(first)
        try:
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._knowledge.follow(self._proxy_id, token, self._publish))
                tasks = [following, group.create_task(self._read(receive)), group.create_task(self._write(send))]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as found:
            raise found.exceptions[0] from None
        if following.done() and not following.cancelled():
            raise NotFoundError(f"the proxy {self._proxy_id!r} is not registered at this agent any more")

    def _publish(self, snapshot: ProxySnapshot) -> None:
        self._snapshot = snapshot
        self._heard_at = self._clock.monotonic()
        self._wake.set()

    async def _read(self, receive: Callable[[], Awaitable[DeltaRequest | None]]) -> None:
        while (request := await receive()) is not None:
            self._take(request)
            self._wake.set()

    def _take(self, request: DeltaRequest) -> None:
        if self._is_fresh is None and request.kind in (CLUSTER, LISTENER):
            self._is_fresh = not request.versions
        rejection = self._stream.receive(request)
        if rejection is not None:
            self.rejections += 1
            self._log.warning(
                "xds.resource.rejected",
                type=_short(rejection.kind),
                names=rejection.names[:REJECTED_MAX],
                reason=rejection.detail,
            )

    async def _write(self, send: Callable[[DeltaResponse], Awaitable[None]]) -> None:
        while True:
            self._wake.clear()
            pause_s = await self._bring_up_to_date()
            if self._state is not None:
                for response in self._stream.respond(self._state, self._stamp):
                    await send(response)
                self._tell()
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _bring_up_to_date(self) -> float:
        """Make resources of the newest snapshot if that is due; returns when to look again at the latest."""
        snapshot, now = self._snapshot, self._clock.monotonic()
        if snapshot is None or snapshot is self._built:
            return REPORT_EVERY_S
        if self._state is None and not snapshot.is_complete():
            missing_s = now - self._began_at
            if self._is_fresh is not True or missing_s < FIRST_S_MAX or snapshot.roots is None:
                return max(FIRST_S_MAX - missing_s, FIRST_S_MAX / 10)
            self._log.warning("xds.configuration.incomplete", missing=_missing(snapshot))
        due_s = self._built_at + GAP_S - now
        if due_s > 0:
            return due_s
        await self._make(snapshot)
        return REPORT_EVERY_S

    async def _make(self, snapshot: ProxySnapshot) -> None:
        began = self._clock.monotonic()
        try:
            if self._is_slow or (self._state is None and len(snapshot.upstreams) >= _LARGE):
                state, flaws = await aside(lambda: self._encoder.encode(self._build(snapshot)))
            else:
                state, flaws = self._encoder.encode(self._build(snapshot))
        except LictorError as error:
            # What cannot be built leaves what there was; the reason is told with the proxy, and the next one may do.
            state, flaws = self._state or {}, (Flaw(LISTENER, "", str(error)),)
        self._built, self._built_at = snapshot, self._clock.monotonic()
        self._is_slow = self._built_at - began > _LARGE_S
        for flaw in flaws:
            if flaw not in self._flaws:
                self._log.warning("xds.resource.unusable", type=_short(flaw.kind), name=flaw.name, reason=flaw.reason)
        self._state, self._flaws = state, flaws
        self._stamp += 1
        leaf = snapshot.leaf.valid_before if snapshot.leaf else ""
        self._stamps.append((self._stamp, _policy_index(snapshot), leaf))

    def _tell(self) -> None:
        """Tell the agent what the Envoy runs, when that has changed or the last time is long ago."""
        applied, now = self._stream.applied, self._clock.monotonic()
        if applied is None:
            return
        if self.delivered_s is None:
            self.delivered_s = now - self._began_at
            self._log.info("xds.configuration.delivered", elapsed_ms=round(self.delivered_s * 1000, 1))
        rejected = [
            *(
                RejectedResource(type=_short(one.kind), name=one.names[0], reason=one.detail)
                for one in self._stream.rejected
            ),
            *(RejectedResource(type=_short(one.kind), name=one.name, reason=one.reason) for one in self._flaws),
        ]
        guards = self._built is not None and self._built.kind is ServiceKind.TERMINATING_GATEWAY
        holds_back = any(_holds_policy(one.type, one.name, guards=guards) for one in rejected)
        for stamp, policy_index, leaf in self._stamps:
            if stamp <= applied and not holds_back:
                self._policy_index, self._leaf = policy_index, leaf
        report = ProxyReport(
            data_plane=ENVOY,
            version=self._version,
            policy_index=self._policy_index,
            leaf_valid_before=self._leaf,
            rejected=tuple(rejected[:REJECTED_MAX]),
        )
        if report != self._reported or now - self._reported_at >= REPORT_EVERY_S:
            self._reported, self._reported_at = report, now
            self._knowledge.report(self._proxy_id, report)


def _missing(snapshot: ProxySnapshot) -> list[str]:
    missing = [name for name in ("policy", "default_allow") if snapshot.public and getattr(snapshot, name) is None]
    return missing + sorted({one.service for one in snapshot.upstreams if not snapshot.knows(one.key)})


def _policy_index(snapshot: ProxySnapshot) -> int:
    """The index of the oldest policy that the proxy judges by; 0 without one."""
    if snapshot.terminated:
        return min(one.policy.index if one.policy else 0 for one in snapshot.terminated)
    return snapshot.policy.index if snapshot.policy else 0


def _holds_policy(kind: str, name: str, *, guards: bool) -> bool:
    """Whether a resource that an Envoy would not take may hold intentions: then it judges by older ones.

    `guards`: all of its listeners may.
    """
    if kind in (_short(LISTENER), _short(ROUTES)):
        return guards or not name or name.startswith(_PUBLIC)
    return kind in (_short(SECRET), _short(EXTENSION))


def _short(kind: str) -> str:
    return kind.rpartition(".")[2]
