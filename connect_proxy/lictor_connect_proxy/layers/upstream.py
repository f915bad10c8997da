"""What all connections of one upstream share: its plan, the balancers of its targets, its limit, what was told of it.

Changes come as snapshots. A balancer lives as long as its target is part of the plan, so that an instance which failed
is not forgotten because something else changed. Live connections are not touched: also those to an instance that is
critical or deregistered go on until an end closes them, as with Consul's proxies, for a check that fails does not mean
that the work of a connection is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from lictor_connect_proxy.commands import Report
from lictor_connect_proxy.layers.balance import Balancer
from lictor_connect_proxy.layers.chain import Plan, Stop, plan_out
from lictor_connect_proxy.layers.limits import ConnectionLimit
from lictor_connect_proxy.layers.outliers import Ejection, ejection_of
from lictor_connect_proxy.layers.route import UpstreamRoute
from lictor_connect_proxy.layers.stages import Refusal, Unsuited
from lictor_connect_proxy.snapshot import Endpoint, ProxySnapshot, QueryResult, UpstreamListener
from lictor_core.clock import Rng
from lictor_core.entries.chains import Chain

__all__ = ["Leg", "Upstream", "limit_of"]

_CHANCE_BITS: Final = 53
"""As many as a float keeps."""


class _Told(NamedTuple):
    """What was told last of the connections that begin at one target: who serves them, and since when.

    Connections that began before a change was told say nothing about it.
    """

    serving: str
    at: float = 0.0
    panics: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of one connection's way: who must answer, and the instances to try. `target` is empty without a chain."""

    route: UpstreamRoute
    balancer: Balancer
    target: str = ""


def limit_of(upstream: UpstreamListener) -> int:
    """How many connections of an upstream may be open at a time."""
    limit = upstream.limits.max_connections
    return upstream.connections_max if limit is None else limit


class _Source(NamedTuple):
    """All that a plan is made of, and whether the instances of its targets are known."""

    listener: UpstreamListener
    chain: Chain | None
    queried: QueryResult | None
    uri: str
    trust_domain: str
    is_known: bool


def _source(snapshot: ProxySnapshot, listener: UpstreamListener) -> _Source:
    return _Source(
        listener,
        snapshot.chains.get(listener.key),
        snapshot.queried.get(listener.key),
        "" if snapshot.leaf is None else snapshot.leaf.uri,
        "" if snapshot.roots is None else snapshot.roots.trust_domain,
        snapshot.knows(listener.key),
    )


class Upstream:
    """The state of one upstream listener. `listener` is its registration as it is now."""

    def __init__(self, listener: UpstreamListener, rng: Rng) -> None:
        self.listener = listener
        self.limit = ConnectionLimit(limit_of(listener))
        self.plan: Plan | Unsuited | Refusal = Refusal("it is not known yet where it leads")
        self._rng = rng
        self._balancers: dict[str, Balancer] = {}
        self._told: dict[str, _Told] = {}
        self._source: _Source | None = None
        self._taken: dict[str, tuple[Endpoint, ...]] = {}

    def apply(self, snapshot: ProxySnapshot, listener: UpstreamListener) -> None:
        """Take over what a new snapshot says of this upstream."""
        self.listener = listener
        self.limit.most = limit_of(listener)
        source = _source(snapshot, listener)
        if source == self._source:
            # Of many upstreams most changes concern one: the others have their plan, and most of them their instances.
            self._take_instances(snapshot)
            return
        self._source = source
        plan = plan_out(snapshot, listener)
        if isinstance(plan, Refusal):
            self.plan = plan
            return
        if isinstance(plan, Plan) and isinstance(self.plan, Plan) and not snapshot.knows(listener.key):
            # The chain is new and the instances of its targets are still being asked for: what served goes on serving.
            plan = self.plan
        stops = plan.stops_by_target() if isinstance(plan, Plan) else {}
        ejection = ejection_of(listener.passive_health)
        self._balancers = {target: self._balancer(stop, ejection) for target, stop in stops.items()}
        self._taken = {target: taken for target, taken in self._taken.items() if target in stops}
        self._take_instances(snapshot)
        self._told = {target: told for target, told in self._told.items() if target in stops}
        self.plan = plan

    def legs(self) -> tuple[Leg, ...] | Refusal:
        """The way of the next connection."""
        if isinstance(self.plan, Unsuited):
            return Refusal(f"{self.plan.setting}: {self.plan.reason}")
        if isinstance(self.plan, Refusal):
            return self.plan
        # Most chains have one share, and the system's chance costs a call of it.
        chance = self._rng.bits(_CHANCE_BITS) / (1 << _CHANCE_BITS) if len(self.plan.shares) > 1 else 0.0
        return tuple(Leg(stop.route, self._balancers[stop.target], stop.target) for stop in self.plan.stops(chance))

    def balancers(self) -> dict[str, Balancer]:
        """By target, which is empty for an upstream without a chain."""
        return dict(self._balancers)

    def panicked(self, legs: tuple[Leg, ...]) -> list[Report]:
        """No instance of these legs is fit, and one that stands aside is tried: tell it, once until one is reached."""
        told = self._told.get(legs[0].target, _Told(legs[0].target))
        if told.panics:
            return []
        self._told[legs[0].target] = told._replace(panics=True)
        keys: dict[str, object] = {
            "upstream": self.listener.service,
            "instances": sum(len(leg.balancer) for leg in legs),
        }
        reason = "all instances failed a moment ago; they are tried all the same"
        return [Report("warning", "proxy.upstream.panicked", {**keys, "reason": reason})]

    def reached(self, legs: tuple[Leg, ...], leg: Leg, began: float, now: float) -> list[Report]:
        """A connection accepted at `began` reached an instance of `leg`: tell when others serve than before."""
        first = legs[0]
        told = self._told.get(first.target, _Told(first.target))
        if leg.target == told.serving or began < told.at:
            if told.panics:
                self._told[first.target] = told._replace(panics=False)
            return []
        self._told[first.target] = _Told(leg.target, now)
        keys: dict[str, object] = {"upstream": self.listener.service, "target": leg.target}
        if leg is first:
            return [Report("info", "proxy.upstream.recovered", keys)]
        return [Report("warning", "proxy.upstream.failed_over", {**keys, "instead_of": first.target})]

    def _balancer(self, stop: Stop, ejection: Ejection) -> Balancer:
        balancer = self._balancers.get(stop.target) or Balancer(self._rng)
        balancer.picking, balancer.ejection = stop.picking, ejection
        return balancer

    def _take_instances(self, snapshot: ProxySnapshot) -> None:
        for target, balancer in self._balancers.items():
            instances = self._instances(snapshot, target)
            if instances is not self._taken.get(target):
                self._taken[target] = instances
                balancer.update(instances)

    def _instances(self, snapshot: ProxySnapshot, target: str) -> tuple[Endpoint, ...]:
        if self.listener.key in snapshot.chains:
            return snapshot.instances.get(target, self._taken.get(target, ()))
        return snapshot.endpoints.get(self.listener.key, ())
