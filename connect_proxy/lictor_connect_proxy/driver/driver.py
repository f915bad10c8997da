"""The data plane of one proxy: takes snapshots, keeps listeners and TLS contexts in step with them, judges again.

A new snapshot never disturbs a connection that it allows: new contexts serve new handshakes, listeners that stay are
not touched, those that go leave their connections alive.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, NamedTuple

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.contexts import TlsContexts, tls_contexts
from lictor_connect_proxy.driver.accesses import AccessLog, access_settings
from lictor_connect_proxy.driver.inbound import Inbound
from lictor_connect_proxy.driver.listener import HANDSHAKES_MAX, Listener
from lictor_connect_proxy.driver.lives import Lives
from lictor_connect_proxy.driver.outbound import Outbound
from lictor_connect_proxy.driver.places import SocketFile, TcpPort
from lictor_connect_proxy.driver.pump import Scratch
from lictor_connect_proxy.driver.surroundings import STOPPED
from lictor_connect_proxy.figures import Figures
from lictor_connect_proxy.layers.stages import Unsuited
from lictor_connect_proxy.layers.suitability import escape_hatches, exposed_flaws, kind_flaw, public_flaw
from lictor_connect_proxy.layers.upstream import Upstream
from lictor_connect_proxy.sessions import SESSION_S_MAX
from lictor_connect_proxy.snapshot import CONNECTIONS_MAX, ProxySnapshot, UpstreamListener
from lictor_core.clock import Clock, Rng
from lictor_core.errors import ConfigurationError
from lictor_core.proxy_status import RejectedResource
from lictor_core.records import JsonObject

__all__ = ["DRAIN_S", "ListenerKey", "ProxyDriver", "drain_s"]

DRAIN_S: Final = 0.7
"""How long live connections may go on after the stop was asked for, unless `drain_timeout_ms` says otherwise."""
_DRAIN_S_MAX: Final = 3600.0
_OF_UPSTREAMS: Final = ("upstreams", "endpoints", "chains", "instances", "queried", "leaf", "roots")
"""Fields of a snapshot that the state of upstreams is made of."""


class ListenerKey(NamedTuple):
    """What tells listeners apart: another address is another socket, all else changes under way."""

    host: str
    port: int
    path: str = ""
    mode: int = 0


def _upstream_key(listener: UpstreamListener) -> ListenerKey:
    mode = listener.socket_mode if listener.socket_path else 0
    return ListenerKey(listener.bind_address, listener.bind_port, listener.socket_path, mode)


class ProxyDriver:
    """Runs inside `run`; `apply` may be called at any time, from the same loop."""

    def __init__(self, service: str, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> None:
        self.clock = clock
        self.log = log.bind(room="connect_proxy", service=service)
        self.figures = Figures(service)
        self.accesses = AccessLog(self.log, rng)
        self.scratch = Scratch()
        self.snapshot = ProxySnapshot(service=service)
        self.contexts: TlsContexts | None = None
        self.refused: dict[str, Unsuited] = {}
        """Listeners that are not started because a proxy for HTTP is needed, by name, with the setting that does."""
        self._rng = rng
        self._inbound = Inbound(self)
        self._upstreams: dict[ListenerKey, Upstream] = {}
        self._outbounds: dict[ListenerKey, Outbound] = {}
        self._listeners: dict[ListenerKey, tuple[Listener, asyncio.Task[None]]] = {}
        self._lives = Lives()
        self._group: asyncio.TaskGroup | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then accept nothing more, drain, and cut what is left."""
        try:
            async with asyncio.TaskGroup() as connections:
                self._lives.begin(connections)
                async with asyncio.TaskGroup() as listeners:
                    self._group = listeners
                    renewal = listeners.create_task(self._renew_contexts())
                    self._keep_listeners()
                    await stop.wait()
                    self._group = None
                    renewal.cancel()
                    for _, task in self._listeners.values():
                        task.cancel()
                await self._drain()
        finally:
            self._lives.cut(STOPPED)

    def apply(self, snapshot: ProxySnapshot) -> None:
        """Take over a new snapshot."""
        before, self.snapshot = self.snapshot, snapshot
        self.accesses.settings = access_settings(snapshot.config)
        if (snapshot.leaf, snapshot.roots) != (before.leaf, before.roots):
            self._make_contexts()
            self._tell_of_certificates()
        if any(getattr(snapshot, name) is not getattr(before, name) for name in _OF_UPSTREAMS):
            self._update_upstreams()
        self._keep_listeners()
        hatches = escape_hatches(snapshot)
        if hatches and hatches != escape_hatches(before):
            self.log.warning("proxy.settings.ignored", keys=hatches, reason="only Envoy heeds them")
        if (snapshot.policy, snapshot.default_allow) != (before.policy, before.default_allow):
            self._judge_again(before)

    def listening(self) -> list[str]:
        """The addresses that accept connections now."""
        return [listener.address for listener, _ in self._listeners.values() if listener.is_listening]

    def missing(self) -> list[str]:
        """What keeps the proxy from being ready, in words; nothing when it is."""
        if self._group is None:
            return ["it stops"]
        found = [] if self.snapshot.is_complete() else ["the agent has not told everything yet"]
        if self.contexts is None:
            found.append("there is no usable certificate")
        failed = [f"{listener.address}: {listener.failure}" for listener in self._all() if listener.failure]
        waiting = [listener.address for listener in self._all() if not (listener.is_listening or listener.failure)]
        refused = [f"{name}: {flaw.setting} needs Envoy" for name, flaw in self.refused.items()]
        return [*found, *failed, *(f"{address} does not accept yet" for address in waiting), *refused]

    def rejected(self) -> tuple[RejectedResource, ...]:
        """Listeners that cannot be had, and why."""
        failed = {f"{one.name} {one.address}": one.failure for one in self._all() if one.failure}
        refused = {name: f"{flaw.setting}: {flaw.reason}" for name, flaw in self.refused.items()}
        return tuple(
            RejectedResource(type="listener", name=name, reason=reason)
            for name, reason in {**failed, **refused}.items()
        )

    def _all(self) -> list[Listener]:
        return [listener for listener, _ in self._listeners.values()]

    def connections(self) -> int:
        """How many accepted connections live now, those still in their handshake included."""
        return self._lives.count

    def _judge_again(self, before: ProxySnapshot) -> None:
        snapshot = self.snapshot
        revoked = self._inbound.judge_again()
        if snapshot.policy is not None and snapshot.default_allow is not None:
            self.log.info(
                "proxy.policy.applied",
                intentions=len(snapshot.policy.rules),
                default_allow=snapshot.default_allow,
                revoked=revoked,
            )
        elif before.policy is not None and before.default_allow is not None:
            self.log.warning("proxy.policy.withdrawn", reason="what the agent sent cannot be judged by; nobody gets in")

    def _make_contexts(self) -> None:
        leaf, roots = self.snapshot.leaf, self.snapshot.roots
        self.contexts = None
        if leaf is None or roots is None:
            return
        try:
            self.contexts = tls_contexts(leaf, roots)
        except ConfigurationError as error:
            self.log.error("proxy.certificates.refused", reason=str(error))

    def _tell_of_certificates(self) -> None:
        leaf = self.snapshot.leaf
        if leaf is not None and self.contexts is not None:
            self.log.info("proxy.certificates.loaded", uri=leaf.uri, serial=leaf.serial, valid_before=leaf.valid_before)

    async def _renew_contexts(self) -> None:
        """Let sessions, and the keys that tickets are sealed with, live no longer than `SESSION_S_MAX`."""
        while True:
            await asyncio.sleep(SESSION_S_MAX)
            if self.contexts is not None:
                self._make_contexts()

    def _update_upstreams(self) -> None:
        """Carry what the snapshot says of upstreams into their states; those that are gone are forgotten."""
        before, self._upstreams = self._upstreams, {}
        for listener in self.snapshot.upstreams:
            key = _upstream_key(listener)
            upstream = before.get(key)
            if upstream is None or upstream.listener.key != listener.key:
                upstream = Upstream(listener, self._rng)
            upstream.apply(self.snapshot, listener)
            self._upstreams[key] = upstream

    def _keep_listeners(self) -> None:
        """Start and stop listeners so that they are those of the snapshot, as far as it can serve them yet."""
        if self._group is None:
            return
        wanted = self._wanted()
        for key in [key for key in self._listeners if key not in wanted]:
            _, task = self._listeners.pop(key)
            self._outbounds.pop(key, None)
            task.cancel()
        for key in wanted:
            if key not in self._listeners:
                listener = self._listener(key)
                self._listeners[key] = (listener, self._group.create_task(listener.run()))
        for key, (listener, _) in self._listeners.items():
            self._adjust(key, listener)

    def _wanted(self) -> list[ListenerKey]:
        """The listeners that can be served. Those that a proxy for HTTP is needed for are told of, once."""
        snapshot = self.snapshot
        wanted: list[ListenerKey] = []
        refused: dict[str, Unsuited] = {f"exposed {one.setting}": one for one in exposed_flaws(snapshot)}
        kind = kind_flaw(snapshot)
        if kind is not None:
            refused["gateway"] = kind
        public = snapshot.public
        # A listener that is there stays when its material becomes unusable: it refuses, which says more than a port
        # that is closed.
        if public is not None:
            key = ListenerKey(public.bind_address, public.bind_port)
            flaw = public_flaw(snapshot)
            if flaw is not None:
                refused["public"] = flaw
            elif snapshot.can_judge() or key in self._listeners:
                wanted.append(key)
        for upstream in self._upstreams.values():
            key = _upstream_key(upstream.listener)
            if isinstance(upstream.plan, Unsuited):
                refused[f"upstream {upstream.listener.service}"] = upstream.plan
            elif (snapshot.has_identity() and snapshot.knows(upstream.listener.key)) or key in self._listeners:
                wanted.append(key)
        self._tell_of_refused(refused)
        return wanted

    def _tell_of_refused(self, refused: dict[str, Unsuited]) -> None:
        before, self.refused = self.refused, refused
        for name, flaw in refused.items():
            if before.get(name) != flaw:
                self.log.error(
                    "proxy.listener.refused",
                    listener=name,
                    setting=flaw.setting,
                    reason=f"{flaw.reason}; this proxy sees connections",
                    advice="run the service behind Envoy (`lictor connect envoy`), or do without the setting",
                )

    def _listener(self, key: ListenerKey) -> Listener:
        upstream = self._upstreams.get(key)
        if upstream is None:
            serve, name = self._inbound.serve, "public"
        else:
            self._outbounds[key] = Outbound(upstream, self)
            serve, name = self._outbounds[key].serve, f"upstream {upstream.listener.service}"
        return Listener(
            SocketFile(key.path, key.mode) if key.path else TcpPort(key.host, key.port),
            serve,
            name=name,
            connections_max=CONNECTIONS_MAX,
            lives=self._lives,
            log=self.log,
        )

    def _adjust(self, key: ListenerKey, listener: Listener) -> None:
        """Settings that need no other socket."""
        upstream = self._upstreams.get(key)
        if upstream is not None:
            self._outbounds[key].upstream = upstream
            limit = upstream.limit
        else:
            limit = self._inbound.limit
            if self.snapshot.public is not None:
                limit.most = self.snapshot.public.connections_max
        # Room for those who are refused: they are accepted to be told.
        listener.connections_max = limit.most + HANDSHAKES_MAX

    async def _drain(self) -> None:
        lives = self._lives
        if lives.count:
            timeout_s = drain_s(self.snapshot.config)
            self.log.info("proxy.process.draining", connections=lives.count, timeout_s=timeout_s)
            with contextlib.suppress(TimeoutError):
                await lives.drain(timeout_s)
        lives.cut(STOPPED)


def drain_s(config: JsonObject) -> float:
    """Seconds that live connections may go on after the stop: `drain_timeout_ms` of `proxy.config`, else `DRAIN_S`."""
    told = config.get("drain_timeout_ms")
    return min(told / 1000, _DRAIN_S_MAX) if isinstance(told, int | float) and told >= 0 else DRAIN_S
