"""A connection into the mesh: a healthy instance is dialed, proves exactly who it is, and only then bytes flow."""

from __future__ import annotations

from lictor_connect_proxy.commands import Abort, Command, DialInstance, Report, StartRelay
from lictor_connect_proxy.events import Event, InstanceFailed, InstanceReached, LocalAccepted
from lictor_connect_proxy.layers.balance import Balancer
from lictor_connect_proxy.layers.identify import identify_upstream
from lictor_connect_proxy.layers.route import UpstreamRoute
from lictor_connect_proxy.layers.stages import Accepted, Refusal
from lictor_connect_proxy.snapshot import Endpoint
from lictor_core.addresses import join_host_port

__all__ = ["OutboundLayer"]


class OutboundLayer:
    """One outgoing connection. The balancer is shared by all connections of the upstream."""

    def __init__(self, accepted: Accepted, route: UpstreamRoute, balancer: Balancer) -> None:
        self._accepted = accepted
        self._route = route
        self._balancer = balancer
        self._waiting: list[Endpoint] = []
        self._dialing: Endpoint | None = None

    def handle(self, event: Event) -> list[Command]:
        """What to do after `event`."""
        match event:
            case LocalAccepted(at):
                self._waiting = list(self._balancer.candidates(at))
                return self._dial_next("no healthy instance is known")
            case InstanceReached(certificate, now, at) if self._dialing is not None:
                verdict = identify_upstream(self._accepted, certificate, self._route.expected, now)
                if isinstance(verdict, Refusal):
                    return self._instance_failed("proxy.instance.misidentified", verdict.reason, at)
                self._balancer.succeeded(self._dialing)
                return [StartRelay(self._route)]
            case InstanceFailed(reason, at):
                return self._instance_failed("proxy.instance.failed", reason, at)
            case _:
                return []

    def _instance_failed(self, event: str, reason: str, at: float) -> list[Command]:
        if self._dialing is None:
            return []
        keys: dict[str, object] = {
            "upstream": self._route.expected.service,
            "instance": self._dialing.instance,
            "address": join_host_port(self._dialing.host, self._dialing.port),
            "reason": reason,
            "ejected_s": self._balancer.failed(self._dialing, at),
        }
        return [Report("warning", event, keys), *self._dial_next("every instance that was tried failed")]

    def _dial_next(self, otherwise: str) -> list[Command]:
        if self._waiting:
            self._dialing = self._waiting.pop(0)
            return [DialInstance(self._dialing, self._route)]
        self._dialing = None
        keys: dict[str, object] = {"upstream": self._route.expected.service, "peer": self._accepted.peer}
        return [Report("warning", "proxy.upstream.unavailable", {**keys, "reason": otherwise}), Abort()]
