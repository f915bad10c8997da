"""What an upstream leads to: the clusters of its discovery chain, or the one cluster of an upstream without a chain."""

from __future__ import annotations

from lictor_connect_proxy.snapshot import ProxySnapshot, UpstreamListener
from lictor_connect_proxy.xds.builders.clusters import Reached, ReachedTier, mesh_cluster
from lictor_connect_proxy.xds.builders.draft import Draft, Seat
from lictor_connect_proxy.xds.naming import query_cluster, target_cluster
from lictor_core.entries.base import seconds
from lictor_core.entries.chains import Chain, ChainNode, ChainResolver, Target
from lictor_core.names import service_sni

__all__ = ["add_clusters", "first_cluster", "protocol_of"]


def protocol_of(snapshot: ProxySnapshot, upstream: UpstreamListener) -> str:
    """What is spoken to the upstream; the chain knows it best, unless the registration demands another."""
    chain = snapshot.chains.get(upstream.key)
    return (upstream.protocol or ("" if chain is None else chain.protocol) or "tcp").lower()


def add_clusters(draft: Draft, snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener) -> None:
    """Add every cluster that the upstream may lead to."""
    chain = snapshot.chains.get(upstream.key)
    protocol = protocol_of(snapshot, upstream)
    if chain is None:
        draft.cluster(*mesh_cluster(_without_chain(snapshot, seat, upstream, protocol)))
        return
    for node in chain.nodes.values():
        if node.resolver is not None:
            draft.cluster(*mesh_cluster(_of_resolver(snapshot, seat, upstream, chain, node.resolver, protocol)))


def first_cluster(snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener) -> str:
    """Where connections go that nothing looks into."""
    chain = snapshot.chains.get(upstream.key)
    if chain is None:
        return _lone_name(seat, upstream)
    return _resolver_cluster(chain, chain.nodes[chain.start_node])


def _resolver_cluster(chain: Chain, node: ChainNode) -> str:
    while node.resolver is None:
        # Chains of connections have no routers and splitters: the one that says so nonetheless leads to its last word.
        following = node.routes[-1].next_node if node.routes else node.splits[0].next_node
        node = chain.nodes[following]
    return target_cluster(chain, chain.targets[node.resolver.target])


def _of_resolver(
    snapshot: ProxySnapshot,
    seat: Seat,
    upstream: UpstreamListener,
    chain: Chain,
    resolver: ChainResolver,
    protocol: str,
) -> Reached:
    failover = [] if resolver.failover is None else resolver.failover.targets
    targets = [chain.targets[one] for one in (resolver.target, *failover)]
    return Reached(
        name=target_cluster(chain, targets[0]),
        tiers=[_tier(snapshot, seat, target) for target in targets],
        connect_timeout_s=seconds(resolver.connect_timeout) or upstream.connect_timeout_s,
        protocol=protocol,
        limits=upstream.limits,
        passive_health=upstream.passive_health,
    )


def _tier(snapshot: ProxySnapshot, seat: Seat, target: Target) -> ReachedTier:
    return ReachedTier(
        endpoints=snapshot.instances.get(target.id, ()),
        sni=target.sni,
        expected=(seat.identity(target.service, target.datacenter),),
    )


def _without_chain(snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener, protocol: str) -> Reached:
    found = snapshot.endpoints.get(upstream.key, ())
    expected = {seat.identity(one.service or upstream.service, upstream.datacenter) for one in found}
    name = _lone_name(seat, upstream)
    return Reached(
        name=name,
        tiers=[
            ReachedTier(
                endpoints=found,
                sni=name,
                expected=tuple(sorted(expected)) or (seat.identity(upstream.service, upstream.datacenter),),
            )
        ],
        connect_timeout_s=upstream.connect_timeout_s,
        protocol=protocol,
        limits=upstream.limits,
        passive_health=upstream.passive_health,
    )


def _lone_name(seat: Seat, upstream: UpstreamListener) -> str:
    datacenter = upstream.datacenter or seat.datacenter
    if upstream.is_query:
        return query_cluster(upstream.service, datacenter, seat.trust_domain)
    return service_sni(upstream.service, datacenter, seat.trust_domain)
