"""A connection into the mesh: a healthy instance is dialed, proves exactly who it is, and only then bytes flow.

The way has legs: the target of the upstream, then its failover targets. An instance is taken from the first leg that
has a good one which was not tried yet; the last attempt goes to a leg behind where there is one, so that a failover
helps also those who find out that everything before it is dead. When no leg has a good one, those that stand aside are
tried.
"""

from __future__ import annotations

from lictor_connect_proxy.commands import Abort, Command, Count, DialInstance, Report, StartRelay
from lictor_connect_proxy.events import ConnectionEnded, Event, InstanceFailed, InstanceReached, LocalAccepted
from lictor_connect_proxy.layers.balance import ATTEMPTS_MAX, InstanceKey, key_of
from lictor_connect_proxy.layers.identify import identify_upstream
from lictor_connect_proxy.layers.stages import Accepted, Refusal
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.layers.upstream import Leg, Upstream
from lictor_connect_proxy.snapshot import Endpoint
from lictor_core.addresses import join_host_port

__all__ = ["OutboundLayer"]


class OutboundLayer:
    """One outgoing connection. The upstream with its balancers is shared by all of them."""

    __slots__ = ("_accepted", "_began", "_legs", "_relays", "_taken", "_tried", "_upstream")

    def __init__(self, accepted: Accepted, upstream: Upstream) -> None:
        self._accepted = accepted
        self._upstream = upstream
        self._legs: tuple[Leg, ...] = ()
        self._tried: tuple[tuple[Leg, InstanceKey], ...] = ()
        self._taken: tuple[Leg, Endpoint] | None = None
        self._relays = False
        self._began = 0.0

    @property
    def instance(self) -> Endpoint | None:
        """The instance that is dialed or relayed to."""
        return None if self._taken is None else self._taken[1]

    def handle(self, event: Event) -> list[Command]:
        """What to do after `event`."""
        match event:
            case LocalAccepted(at):
                legs = self._upstream.legs()
                if isinstance(legs, Refusal):
                    return self.unavailable(legs.reason)
                self._legs, self._began = legs, at
                return self._dial_next(at, "no healthy instance is known")
            case InstanceReached(certificate, now, at) if self._taken is not None:
                leg, endpoint = self._taken
                verdict = identify_upstream(self._accepted, certificate, leg.route.expected, now)
                if isinstance(verdict, Refusal):
                    return self._instance_failed("proxy.instance.misidentified", verdict.reason, at)
                leg.balancer.succeeded(endpoint, at)
                self._relays = True
                told: list[Command] = [*self._upstream.reached(self._legs, leg, self._began, at)]
                if leg is not self._legs[0]:
                    told.append(self._count(Counted.FAILED_OVER))
                self._legs, self._tried = (), ()  # 10,000 that relay need not remember what they did not need
                return [*told, StartRelay(leg.route)]
            case InstanceFailed(reason, at):
                return self._instance_failed("proxy.instance.failed", reason, at)
            case ConnectionEnded():
                return self._give_back()
            case _:
                return []

    def unavailable(self, reason: str) -> list[Command]:
        """End it without an instance."""
        keys: dict[str, object] = {"upstream": self._upstream.listener.service, "peer": self._accepted.peer}
        report = Report("warning", "proxy.upstream.unavailable", {**keys, "reason": reason})
        return [report, self._count(Counted.UNAVAILABLE), Abort()]

    def _instance_failed(self, event: str, reason: str, at: float) -> list[Command]:
        if self._taken is None:
            return []
        (leg, endpoint), self._taken = self._taken, None
        was_aside = leg.balancer.is_ejected(endpoint, at)
        ejected_s = leg.balancer.failed(endpoint, at)
        keys: dict[str, object] = {
            "upstream": self._upstream.listener.service,
            "service": leg.route.expected.service,
            "instance": endpoint.instance,
            "address": join_host_port(endpoint.host, endpoint.port),
            "reason": reason,
            "ejected_s": round(ejected_s, 3),
        }
        commands: list[Command] = [Report("warning", event, keys), self._count(Counted.INSTANCE_FAILED)]
        if ejected_s and not was_aside:
            commands.append(self._count(Counted.EJECTED))
        return [*commands, *self._dial_next(at, "every instance that was tried failed")]

    def _dial_next(self, at: float, otherwise: str) -> list[Command]:
        found = self._next(at) if len(self._tried) < ATTEMPTS_MAX else None
        if found is None:
            return self.unavailable(otherwise)
        leg, endpoint, panics = found
        self._tried += ((leg, key_of(endpoint)),)
        self._taken = leg, endpoint
        dial = DialInstance(endpoint, leg.route)
        return [*self._upstream.panicked(self._legs), self._count(Counted.PANICKED), dial] if panics else [dial]

    def _next(self, at: float) -> tuple[Leg, Endpoint, bool] | None:
        client = self._accepted.peer.rpartition(":")[0]
        is_last = len(self._tried) == ATTEMPTS_MAX - 1
        deepest = max((number for number, leg in enumerate(self._legs) if self._tried_of(leg)), default=0)
        order = (*self._legs[deepest + 1 :], *self._legs[: deepest + 1]) if is_last else self._legs
        for leg in order:
            endpoint = leg.balancer.pick(at, client, self._tried_of(leg))
            if endpoint is not None:
                return leg, endpoint, False
        for leg in self._legs:
            endpoint = leg.balancer.pick_ejected(at, self._tried_of(leg))
            if endpoint is not None:
                return leg, endpoint, True
        return None

    def _tried_of(self, leg: Leg) -> list[InstanceKey]:
        return [key for tried, key in self._tried if tried is leg]

    def _count(self, counted: Counted) -> Count:
        return Count(counted, self._upstream.listener.service)

    def _give_back(self) -> list[Command]:
        if self._taken is not None:
            (leg, endpoint), self._taken = self._taken, None
            if self._relays:
                leg.balancer.released(endpoint)
            else:
                leg.balancer.abandoned(endpoint)
        return []
