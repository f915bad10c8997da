"""Connections from the mesh to the application: performs what `layers/inbound.py` commands."""

from __future__ import annotations

import socket

from lictor_connect_proxy.commands import Abort, Close, Command, Count, OpenApplication, Report, StartRelay
from lictor_connect_proxy.driver.handshake import HandshakeError, TlsEnd, certificate_of, handshake, say_goodbye
from lictor_connect_proxy.driver.listener import Admission
from lictor_connect_proxy.driver.pump import Pump
from lictor_connect_proxy.driver.sockets import cut, dial, dial_path, reason_of
from lictor_connect_proxy.driver.surroundings import Relayed, Surroundings, note, refuse_at_limit
from lictor_connect_proxy.events import ApplicationFailed, ApplicationOpened, Event, HandshakeCompleted, PermitRevoked
from lictor_connect_proxy.layers.authorize import Decisions
from lictor_connect_proxy.layers.inbound import InboundLayer, revocations
from lictor_connect_proxy.layers.limits import ConnectionLimit
from lictor_connect_proxy.layers.route import ApplicationRoute
from lictor_connect_proxy.layers.stages import Accepted, Refusal
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.snapshot import CONNECTIONS_MAX
from lictor_core.addresses import join_host_port

__all__ = ["Inbound"]


class Inbound:
    """All connections of the public listener."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._live: set[_InboundConnection] = set()
        self._decisions = Decisions()
        self.limit = ConnectionLimit(CONNECTIONS_MAX)

    async def serve(self, sock: socket.socket, peer: str, admission: Admission) -> None:
        """Take one accepted connection to its end; one too many is reset at once."""
        if not self.limit.enter():
            refuse_at_limit(self._around, self.limit, "public", "public")
            cut(sock)
            return
        admission.at_end = self.limit.leave
        around = self._around
        contexts = around.contexts
        public = around.snapshot.public
        if contexts is None or public is None:
            around.log.warning("proxy.connection.denied", peer=peer, reason="no usable certificate is known yet")
            cut(sock)
            return
        try:
            end = await handshake(
                sock,
                contexts.server,
                server_name=None,
                timeout_s=public.handshake_timeout_s,
                bios=around.scratch.bios,
            )
        except HandshakeError as error:
            if error.probe:
                around.log.debug("proxy.connection.probed", peer=peer)
            else:
                around.figures.tally.add(Counted.HANDSHAKE_FAILED, error.cause)
                around.log.warning("proxy.handshake.failed", peer=peer, reason=error.reason)
            return
        layer = InboundLayer(Accepted(peer), self._decisions)
        await _InboundConnection(layer, end, peer, admission, around, self._live).run()

    def judge_again(self) -> int:
        """Cut exactly the live connections that the snapshot denies now; returns how many."""
        permits = [one.layer.permit for one in self._live if one.layer.permit is not None]
        refused = revocations(permits, self._around.snapshot, self._decisions)
        cut_off = [
            (one, refused[one.layer.permit.identified.uri])
            for one in self._live
            if one.layer.permit is not None and one.layer.permit.identified.uri in refused
        ]
        for connection, refusal in cut_off:
            connection.revoke(refusal)
        return len(cut_off)


class _InboundConnection:
    __slots__ = ("_admission", "_around", "_end", "_live", "_local", "_peer", "_pump", "_relayed", "layer")

    def __init__(
        self,
        layer: InboundLayer,
        end: TlsEnd,
        peer: str,
        admission: Admission,
        around: Surroundings,
        live: set[_InboundConnection],
    ) -> None:
        """It is in `live` while it lives."""
        self.layer = layer
        self._end = end
        self._peer = peer
        self._admission = admission
        self._around = around
        self._live = live
        self._local: socket.socket | None = None
        self._pump: Pump | None = None
        self._relayed: Relayed | None = None

    async def run(self) -> None:
        """Go as far as there is something to wait for; a relay goes on by itself."""
        self._live.add(self)
        try:
            await self._handle(HandshakeCompleted(certificate_of(self._end), self._around.clock.now()))
        finally:
            if self._pump is None:
                self._live.discard(self)
                if self._local is not None:
                    cut(self._local)

    def revoke(self, refusal: Refusal) -> None:
        """The permit is gone; the connection ends at once, wherever it stands."""
        for command in self.layer.handle(PermitRevoked(refusal), self._around.snapshot):
            match command:
                case Report() | Count():
                    note(self._around, command)
                case _:
                    self.abort(refusal.reason)

    async def _handle(self, event: Event) -> None:
        commands: list[Command] = self.layer.handle(event, self._around.snapshot)
        while commands:
            match commands.pop(0):
                case (Report() | Count()) as what:
                    note(self._around, what)
                case OpenApplication(route):
                    commands += self.layer.handle(await self._open(route), self._around.snapshot)
                case StartRelay(ApplicationRoute() as route):
                    self._relay(route)
                case Close():
                    say_goodbye(self._end)
                    self._end.sock.close()
                case Abort():
                    self.abort("refused")
                case command:
                    raise AssertionError(f"an inbound connection does not know {command}")

    async def _open(self, route: ApplicationRoute) -> Event:
        try:
            if route.path:
                self._local = await dial_path(route.path, route.timeout_s)
            else:
                self._local = await dial(route.host, route.port, route.timeout_s)
        except TimeoutError:
            self._count_failure()
            return ApplicationFailed(f"{_address(route)} did not accept within {route.timeout_s:g} s")
        except OSError as error:
            self._count_failure()
            return ApplicationFailed(f"{_address(route)}: {reason_of(error)}")
        return ApplicationOpened()

    def _count_failure(self) -> None:
        figures = self._around.figures
        figures.tally.add(Counted.APPLICATION_FAILED, figures.service)

    def _relay(self, route: ApplicationRoute) -> None:
        assert self._local is not None
        around = self._around
        permit = route.permit
        flow = around.figures.flow("inbound", permit.identified.identity.service, around.figures.service)
        pump = self._pump = Pump(self._local, self._end, around.scratch, self._ended)
        self._relayed = Relayed(around, flow, pump, peer=self._peer, instance=_address(route), decision=permit.decision)
        self._admission.settle()
        self._admission.keep(self)
        pump.start()

    def _ended(self, reason: str | None) -> None:
        assert self._relayed is not None, "only a relay ends so"
        self._relayed.ended(reason)
        self._live.discard(self)
        self._admission.end()

    def abort(self, reason: str) -> None:
        """Cut it now, wherever it stands."""
        if self._pump is not None:
            self._pump.abort(reason)
        else:
            cut(self._end.sock)


def _address(route: ApplicationRoute) -> str:
    return route.path or join_host_port(route.host, route.port)
