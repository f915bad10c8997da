"""Where the connections of an upstream go: its discovery chain, read as shares of stops in order.

A splitter's weights are shares of connections; chance, passed in for each connection, draws one. A share leads to a
resolver: its target first, then its failover targets, each with the TLS server name to ask for and the service that
must answer. Redirects and subsets are in the targets already. What only a proxy for HTTP can do makes the whole chain
`Unsuited`: to leave it out would send requests elsewhere than they were meant to go.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from lictor_connect_proxy.layers.picking import Picking
from lictor_connect_proxy.layers.route import UpstreamRoute
from lictor_connect_proxy.layers.stages import Refusal, Unsuited
from lictor_connect_proxy.snapshot import CONNECT_TIMEOUT_S, ProxySnapshot, UpstreamListener
from lictor_core.entries.base import seconds
from lictor_core.entries.chains import Chain, ChainNode, ChainResolver, Target
from lictor_core.entries.compiler import CHAIN_SPLITS_MAX
from lictor_core.entries.defaults import is_http_like
from lictor_core.errors import RequestError
from lictor_core.names import ServiceId, service_sni

__all__ = ["Plan", "Share", "Stop", "plan_of", "plan_out"]

_DEPTH_MAX: Final = 64
"""Nodes that lead to one another in a row; compiled chains have splitters under splitters merged."""


class Stop(NamedTuple):
    """A target of a chain, or all instances of an upstream without one: `target` tells its balancer from others'."""

    target: str
    route: UpstreamRoute
    picking: Picking = Picking.ROUND_ROBIN


@dataclass(frozen=True, slots=True)
class Share:
    """Stops in the order in which they are tried, and how much of the connections begin there."""

    weight: float
    stops: tuple[Stop, ...]


class Plan:
    """What an upstream's connections do. At least one share has a weight."""

    def __init__(self, shares: tuple[Share, ...]) -> None:
        self.shares = tuple(share for share in shares if share.weight > 0)
        assert self.shares, "the weights of a splitter sum to a hundred"
        self._bounds = tuple(itertools.accumulate(share.weight for share in self.shares))

    def stops(self, chance: float) -> tuple[Stop, ...]:
        """The stops of one connection; `chance` is from 0 up to, but without, 1."""
        drawn = chance * self._bounds[-1]
        for share, bound in zip(self.shares, self._bounds, strict=True):
            if drawn < bound:
                return share.stops
        return self.shares[-1].stops

    def stops_by_target(self) -> dict[str, Stop]:
        """All stops that some connection may come to; where it begins there outranks where it only fails over."""
        further = {stop.target: stop for share in self.shares for stop in share.stops[1:]}
        return further | {share.stops[0].target: share.stops[0] for share in self.shares}


def plan_out(snapshot: ProxySnapshot, upstream: UpstreamListener) -> Plan | Unsuited | Refusal:
    """Where the connections of an upstream go: by its chain, and without one to the service that it names.

    A service without datacenter is one of the proxy's own. A prepared query leads to whom it found.
    """
    own = snapshot.leaf.identity() if snapshot.leaf is not None else None
    if own is None or snapshot.roots is None:
        return Refusal("no usable certificate is known yet")
    trust_domain = snapshot.roots.trust_domain.lower()
    chain = snapshot.chains.get(upstream.key)
    if chain is not None:
        return plan_of(chain, trust_domain)
    service, datacenter = upstream.service, upstream.datacenter or own.datacenter
    if upstream.is_query:
        found = snapshot.queried.get(upstream.key)
        if found is None or not found.service:
            return Refusal(f"the prepared query {upstream.service} has not been answered yet")
        service, datacenter = found.service, found.datacenter or own.datacenter
    expected = ServiceId(trust_domain, own.namespace, datacenter, service)
    sni = service_sni(service, datacenter, trust_domain, namespace=own.namespace)
    return Plan((Share(1.0, (Stop("", UpstreamRoute(expected, sni, upstream.connect_timeout_s)),)),))


def plan_of(chain: Chain, trust_domain: str) -> Plan | Unsuited:
    """The plan that a chain makes, or which setting needs a proxy for HTTP."""
    shares: list[Share] = []
    for weight, node in _resolvers(chain, chain.start_node, 1.0, 0):
        if isinstance(node, Unsuited):
            return node
        found = _stops(chain, node, trust_domain)
        if isinstance(found, Unsuited):
            return found
        shares.append(Share(weight, found))
        if len(shares) > CHAIN_SPLITS_MAX:
            return Unsuited(f"discovery chain {chain.service_name}", f"it has more than {CHAIN_SPLITS_MAX} shares")
    if not any(share.weight > 0 for share in shares):
        return Unsuited(f"service-splitter {chain.service_name}", "none of its shares has a weight")
    return Plan(tuple(shares))


def _resolvers(chain: Chain, name: str, weight: float, depth: int) -> Iterator[tuple[float, ChainResolver | Unsuited]]:
    """The resolvers that connections come to, with their shares."""
    node = chain.nodes.get(name)
    if node is None or depth > _DEPTH_MAX:
        yield weight, Unsuited(f"discovery chain {chain.service_name}", f"its node {name!r} cannot be followed")
    elif node.resolver is not None:
        yield weight, node.resolver
    elif node.splits:
        whole = sum(split.weight for split in node.splits) or 1.0
        for split in node.splits:
            if split.definition is not None and split.definition.changes_headers:
                owner = _owner(node)
                yield weight, Unsuited(f"header changes of service-splitter {owner}", "connections have no headers")
                return
            yield from _resolvers(chain, split.next_node, weight * split.weight / whole, depth + 1)
    elif (only := _only_way(node)) is not None:
        yield from _resolvers(chain, only, weight, depth + 1)
    else:
        yield weight, Unsuited(f"service-router {_owner(node)}", "its routes look at HTTP requests")


def _only_way(node: ChainNode) -> str | None:
    """Where a router sends everything when it has no route of its own; the last route is the compiler's."""
    return node.routes[0].next_node if len(node.routes) == 1 else None


def _owner(node: ChainNode) -> str:
    """The service whose entry made a router or a splitter: their names are `<service>.<namespace>`."""
    return node.name.rpartition(".")[0]


def _stops(chain: Chain, resolver: ChainResolver, trust_domain: str) -> tuple[Stop, ...] | Unsuited:
    own = chain.targets.get(resolver.target)
    entry = f"service-resolver {resolver.target if own is None else own.service}"
    try:
        timeout_s, request_timeout_s = seconds(resolver.connect_timeout), seconds(resolver.request_timeout)
    except RequestError as error:
        return Unsuited(f"timeouts of {entry}", str(error))
    if request_timeout_s > 0 and is_http_like(chain.protocol):
        return Unsuited(f"RequestTimeout of {entry}", "it ends single requests")
    picking = _picking(resolver, entry)
    if isinstance(picking, Unsuited):
        return picking
    further = resolver.failover.targets if resolver.failover is not None else []
    stops: list[Stop] = []
    for name in (resolver.target, *further):
        target = chain.targets.get(name)
        if target is None:
            return Unsuited(f"discovery chain {chain.service_name}", f"its target {name!r} is not described")
        stops.append(Stop(name, _route(target, trust_domain, timeout_s), picking))
    return tuple(stops)


def _picking(resolver: ChainResolver, entry: str) -> Picking | Unsuited:
    """How instances are chosen. A connection shows the address it comes from, and nothing else to hash."""
    balancer = resolver.load_balancer
    if balancer is None or not balancer.policy:
        return Picking.ROUND_ROBIN
    if not all(policy.source_ip for policy in balancer.hash_policies):
        return Unsuited(f"LoadBalancer.HashPolicies of {entry}", "they look at headers, cookies or queries of requests")
    try:
        return Picking(balancer.policy)
    except ValueError:
        known = ", ".join(Picking)
        return Unsuited(f"LoadBalancer.Policy {balancer.policy!r} of {entry}", f"this proxy knows {known}")


def _route(target: Target, trust_domain: str, timeout_s: float) -> UpstreamRoute:
    expected = ServiceId(trust_domain, target.namespace, target.datacenter, target.service)
    return UpstreamRoute(expected, target.sni, timeout_s if timeout_s > 0 else CONNECT_TIMEOUT_S)
