"""The data plane of one proxy: takes snapshots, keeps listeners and TLS contexts in step with them, judges again.

A new snapshot never disturbs a connection that it allows: new contexts serve new handshakes, listeners that stay are
not touched, those that go leave their connections alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.contexts import TlsContexts, tls_contexts
from lictor_connect_proxy.driver.inbound import Inbound
from lictor_connect_proxy.driver.listener import Listener
from lictor_connect_proxy.driver.outbound import Outbound
from lictor_connect_proxy.driver.places import Place, SocketFile, TcpPort
from lictor_connect_proxy.driver.pump import Scratch
from lictor_connect_proxy.layers.balance import Balancer
from lictor_connect_proxy.sessions import SESSION_S_MAX
from lictor_connect_proxy.snapshot import Policy, ProxySnapshot, PublicListener, UpstreamKey, UpstreamListener
from lictor_core.clock import Clock, Rng
from lictor_core.errors import ConfigurationError

__all__ = ["DRAIN_S", "ProxyDriver"]

DRAIN_S: Final = 0.7
"""How long live connections may go on after the stop was asked for; the process has one second."""
_FIRST_INSTANCE_BOUND: Final = 1 << 16


class ProxyDriver:
    """Runs inside `run`; `apply` may be called at any time, from the same loop."""

    def __init__(self, service: str, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> None:
        self.clock = clock
        self.log = log.bind(room="connect_proxy", service=service)
        self.scratch = Scratch()
        self.snapshot = ProxySnapshot(service=service)
        self.contexts: TlsContexts | None = None
        self._rng = rng
        self._inbound = Inbound(self)
        self._balancers: dict[UpstreamKey, Balancer] = {}
        self._listeners: dict[Hashable, tuple[Listener, asyncio.Task[None]]] = {}
        self._connections: asyncio.TaskGroup | None = None
        self._live: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then accept nothing more, drain for `DRAIN_S`, and cut what is left."""
        async with asyncio.TaskGroup() as connections:
            self._connections = connections
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
            self._connections = None

    def apply(self, snapshot: ProxySnapshot) -> None:
        """Take over a new snapshot."""
        before, self.snapshot = self.snapshot, snapshot
        if (snapshot.leaf, snapshot.roots) != (before.leaf, before.roots):
            self._make_contexts()
            self._tell_of_certificates()
        if snapshot.endpoints is not before.endpoints:
            self._update_balancers()
        self._keep_listeners()
        if (snapshot.policy, snapshot.default_allow) != (before.policy, before.default_allow):
            self._judge_again(before)

    def listening(self) -> list[str]:
        """The addresses that accept connections now."""
        return [listener.address for listener, _ in self._listeners.values() if listener.is_listening]

    def connections(self) -> int:
        """How many accepted connections live now, those still in their handshake included."""
        return len(self._live)

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
            self._tell_of_requests(snapshot.policy, before.policy)
        elif before.policy is not None and before.default_allow is not None:
            self.log.warning("proxy.policy.withdrawn", reason="what the agent sent cannot be judged by; nobody gets in")

    def _tell_of_requests(self, policy: Policy, before: Policy | None) -> None:
        """Name the intentions that this proxy can only carry out as denials, each time one comes."""
        known = () if before is None else before.rules
        for rule in policy.rules:
            if rule.looks_at_requests and rule not in known:
                self.log.warning(
                    "proxy.intention.unsupported",
                    source=rule.source,
                    destination=rule.destination,
                    intention=rule.id,
                    reason="it has rules about requests, and this proxy sees connections: its source is denied",
                    advice="run the service behind a proxy for HTTP, or allow or deny the source as a whole",
                )

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

    def _update_balancers(self) -> None:
        for key, endpoints in self.snapshot.endpoints.items():
            self._balancer(key).update(endpoints)

    def _balancer(self, key: UpstreamKey) -> Balancer:
        if key not in self._balancers:
            # Proxies that start together must not all begin with the same instance.
            self._balancers[key] = Balancer(self._rng.below(_FIRST_INSTANCE_BOUND))
        return self._balancers[key]

    def _keep_listeners(self) -> None:
        """Start and stop listeners so that they are those of the snapshot, as far as it can serve them yet."""
        if self._group is None:
            return
        wanted = self._wanted()
        for key in [key for key in self._listeners if key not in wanted]:
            _, task = self._listeners.pop(key)
            task.cancel()
        for key, spec in wanted.items():
            if key not in self._listeners:
                listener = self._listener(spec)
                self._listeners[key] = (listener, self._group.create_task(listener.run()))

    def _wanted(self) -> dict[Hashable, PublicListener | UpstreamListener]:
        snapshot = self.snapshot
        wanted: dict[Hashable, PublicListener | UpstreamListener] = {}
        public = snapshot.public
        # A listener that is there stays when its material becomes unusable: it refuses, which says more than a port
        # that is closed.
        if public is not None:
            key = ("public", public.bind_address, public.bind_port, public.connections_max)
            if snapshot.can_judge() or key in self._listeners:
                wanted[key] = public
        for upstream in snapshot.upstreams:
            if (snapshot.has_identity() and upstream.key in snapshot.endpoints) or upstream in self._listeners:
                wanted[upstream] = upstream
        return wanted

    def _listener(self, spec: PublicListener | UpstreamListener) -> Listener:
        place: Place = TcpPort(spec.bind_address, spec.bind_port)
        if isinstance(spec, PublicListener):
            serve, name = self._inbound.serve, "public"
        else:
            if spec.socket_path:
                place = SocketFile(spec.socket_path, spec.socket_mode)
            serve, name = Outbound(spec, self._balancer(spec.key), self).serve, f"upstream {spec.service}"
        return Listener(
            place,
            serve,
            name=name,
            connections_max=spec.connections_max,
            spawn=self._spawn,
            log=self.log,
        )

    def _spawn(self, connection: Coroutine[None, None, None]) -> None:
        assert self._connections is not None, "listeners run only inside run"
        task = self._connections.create_task(connection)
        self._live.add(task)
        task.add_done_callback(self._live.discard)

    async def _drain(self) -> None:
        if self._live:
            await asyncio.wait(self._live, timeout=DRAIN_S)
        for task in self._live:
            task.cancel()
