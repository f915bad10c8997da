"""Connections from local programs into the mesh: performs what `layers/outbound.py` commands."""

from __future__ import annotations

import contextlib
import socket
import ssl

from lictor_connect_proxy.commands import Abort, Command, Count, DialInstance, Report, StartRelay
from lictor_connect_proxy.driver.handshake import HandshakeError, TlsEnd, certificate_of, handshake
from lictor_connect_proxy.driver.listener import Admission
from lictor_connect_proxy.driver.pump import Pump
from lictor_connect_proxy.driver.sockets import cut, dial, reason_of
from lictor_connect_proxy.driver.surroundings import Relayed, Surroundings, note, refuse_at_limit
from lictor_connect_proxy.events import ConnectionEnded, Event, InstanceFailed, InstanceReached, LocalAccepted
from lictor_connect_proxy.layers.outbound import OutboundLayer
from lictor_connect_proxy.layers.route import UpstreamRoute
from lictor_connect_proxy.layers.stages import Accepted
from lictor_connect_proxy.layers.upstream import Upstream
from lictor_connect_proxy.sessions import SessionKey, Sessions
from lictor_connect_proxy.snapshot import Endpoint

__all__ = ["Outbound"]


class Outbound:
    """All connections of one upstream listener. `upstream` may be replaced when it leads elsewhere."""

    def __init__(self, upstream: Upstream, around: Surroundings) -> None:
        self.upstream = upstream
        self._around = around

    async def serve(self, sock: socket.socket, peer: str, admission: Admission) -> None:
        """Take one accepted connection to its end; one too many is reset at once."""
        upstream = self.upstream
        if not upstream.limit.enter():
            service = upstream.listener.service
            refuse_at_limit(self._around, upstream.limit, f"upstream {service}", service)
            cut(sock)
            return
        admission.at_end = upstream.limit.leave
        layer = OutboundLayer(Accepted(peer), upstream)
        if self._around.contexts is None:
            # No instance is to blame for that.
            for command in layer.unavailable("no usable certificate is known"):
                if isinstance(command, Report | Count):
                    note(self._around, command)
            cut(sock)
            return
        await _OutboundConnection(sock, peer, layer, admission, self._around, upstream.listener.service).run()


class _OutboundConnection:
    __slots__ = (
        "_admission",
        "_around",
        "_end",
        "_instance",
        "_layer",
        "_peer",
        "_pump",
        "_relayed",
        "_resumable",
        "_sock",
        "_upstream",
    )

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        layer: OutboundLayer,
        admission: Admission,
        around: Surroundings,
        upstream: str,
    ) -> None:
        self._upstream = upstream
        self._sock = sock
        self._peer = peer
        self._layer = layer
        self._admission = admission
        self._around = around
        self._end: TlsEnd | None = None
        self._pump: Pump | None = None
        self._relayed: Relayed | None = None
        self._resumable: tuple[Sessions, SessionKey] | None = None
        self._instance = ""

    async def run(self) -> None:
        """Go as far as there is something to wait for; a relay goes on by itself."""
        try:
            await self._handle(LocalAccepted(self._around.clock.monotonic()))
        finally:
            if self._pump is None:
                self._hang_up()
                self._layer.handle(ConnectionEnded())

    async def _handle(self, event: Event) -> None:
        commands: list[Command] = self._layer.handle(event)
        while commands:
            match commands.pop(0):
                case (Report() | Count()) as what:
                    note(self._around, what)
                case DialInstance(endpoint, route):
                    self._hang_up()
                    commands += self._layer.handle(await self._reach(endpoint, route))
                case StartRelay(UpstreamRoute() as route):
                    self._relay(route)
                case Abort():
                    cut(self._sock)
                case command:
                    raise AssertionError(f"an outbound connection does not know {command}")

    async def _reach(self, endpoint: Endpoint, route: UpstreamRoute) -> Event:
        clock = self._around.clock
        contexts = self._around.contexts
        started = clock.monotonic()
        if contexts is None:
            return InstanceFailed("the certificates became unusable", started)
        try:
            sock = await dial(endpoint.host, endpoint.port, route.timeout_s)
        except TimeoutError:
            return InstanceFailed(f"no connection within {route.timeout_s:g} s", clock.monotonic())
        except OSError as error:
            return InstanceFailed(reason_of(error), clock.monotonic())
        left_s = max(0.0, route.timeout_s - (clock.monotonic() - started))
        key = SessionKey(endpoint.host, endpoint.port, route.sni)
        session = contexts.sessions.find(key)
        try:
            self._end = await handshake(
                sock,
                contexts.client,
                server_name=route.sni,
                timeout_s=left_s,
                resumes=session,
                bios=self._around.scratch.bios,
            )
        except HandshakeError as error:
            sock.close()
            return InstanceFailed(f"TLS: {error.reason}", clock.monotonic())
        except BaseException:
            sock.close()
            raise
        if session is not None:
            (contexts.sessions.resumed if self._end.session.session_reused else contexts.sessions.refused)(key)
        self._resumable = contexts.sessions, key
        self._instance = endpoint.instance
        reached = clock.monotonic()
        self._around.figures.dialed(self._upstream, reached - started)
        return InstanceReached(certificate_of(self._end), clock.now(), reached)

    def _relay(self, route: UpstreamRoute) -> None:
        assert self._end is not None
        around = self._around
        flow = around.figures.flow("outbound", around.figures.service, route.expected.service, self._upstream)
        pump = self._pump = Pump(self._sock, self._end, around.scratch, self._ended, self._heard)
        self._relayed = Relayed(around, flow, pump, peer=self._peer, instance=self._instance)
        self._admission.settle()
        self._admission.keep(self)
        pump.start()

    def abort(self, reason: str) -> None:
        """Cut the relay now."""
        if self._pump is not None:
            self._pump.abort(reason)

    def _ended(self, reason: str | None) -> None:
        assert self._relayed is not None, "only a relay ends so"
        self._relayed.ended(reason)
        self._layer.handle(ConnectionEnded())
        self._admission.end()

    def _heard(self) -> None:
        """The first bytes came from the instance."""
        end = self._end
        assert end is not None, "an instance was reached"
        with contextlib.suppress(ssl.SSLError):
            # OpenSSL holds on to the 16 KiB that it read a ticket with until the next write; this one writes nothing.
            end.session.write(b"")
        if self._resumable is not None:
            (sessions, key), self._resumable = self._resumable, None
            if sessions.wants(key):
                sessions.keep(key, end.session.session)

    def _hang_up(self) -> None:
        """Leave an instance that was reached and then not used."""
        if self._end is not None:
            end, self._end = self._end, None
            cut(end.sock)
