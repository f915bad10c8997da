"""What an upstream leads to: the clusters of its discovery chain, or the one cluster of an upstream without a chain."""

from __future__ import annotations

from collections.abc import Iterator

from lictor_connect_proxy.snapshot import ProxySnapshot, QueryResult, UpstreamListener
from lictor_connect_proxy.xds.builders.balancing import cluster_balance, connection_hashes
from lictor_connect_proxy.xds.builders.clusters import Reached, ReachedTier, mesh_cluster
from lictor_connect_proxy.xds.builders.draft import Draft, Seat
from lictor_connect_proxy.xds.builders.hatches import with_mesh_tls, written
from lictor_connect_proxy.xds.builders.routes import chain_routes, lone_route
from lictor_connect_proxy.xds.builders.settings import duration, integer, mapping, parsed, text
from lictor_connect_proxy.xds.forms import lasting
from lictor_connect_proxy.xds.naming import query_cluster, target_cluster
from lictor_core.entries.base import seconds
from lictor_core.entries.chains import Chain, ChainNode, ChainResolver, Target
from lictor_core.names import service_sni
from lictor_core.records import JsonObject

__all__ = ["add_clusters", "first_cluster", "hashes_of", "is_plain", "protocol_of", "routes_of"]


def protocol_of(snapshot: ProxySnapshot, upstream: UpstreamListener) -> str:
    """What is spoken to the upstream; the chain knows it best, unless the registration demands another."""
    chain = snapshot.chains.get(upstream.key)
    return (upstream.protocol or ("" if chain is None else chain.protocol) or "tcp").lower()


def is_plain(snapshot: ProxySnapshot, upstream: UpstreamListener) -> bool:
    """Whether nothing is said of the way to the upstream but where it ends: only then a hatch may take its place."""
    chain = snapshot.chains.get(upstream.key)
    return chain is None or all(node.resolver is not None and node.resolver.default for node in chain.nodes.values())


def add_clusters(draft: Draft, snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener) -> None:
    """Add every cluster that the upstream may lead to."""
    chain = snapshot.chains.get(upstream.key)
    protocol = protocol_of(snapshot, upstream)
    by_hand = written(text(parsed(upstream.config_json), "envoy_cluster_json"))
    for reached in _reached(snapshot, seat, upstream, chain, protocol):
        cluster, instances = mesh_cluster(reached)
        if by_hand is not None and is_plain(snapshot, upstream):
            cluster = with_mesh_tls(by_hand, reached.name, cluster)
            instances = instances if "eds_cluster_config" in cluster else None
        draft.cluster(cluster, instances)


def routes_of(snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener) -> list[JsonObject]:
    """The routes of requests to the upstream."""
    chain = snapshot.chains.get(upstream.key)
    protocol = protocol_of(snapshot, upstream)
    return lone_route(_lone_name(seat, upstream), protocol) if chain is None else chain_routes(chain, protocol)


def hashes_of(snapshot: ProxySnapshot, upstream: UpstreamListener) -> list[JsonObject]:
    """What of connections to the upstream is hashed."""
    chain = snapshot.chains.get(upstream.key)
    resolver = None if chain is None else chain.nodes[chain.start_node].resolver
    return [] if resolver is None else connection_hashes(resolver.load_balancer)


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


def _reached(
    snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener, chain: Chain | None, protocol: str
) -> Iterator[Reached]:
    if chain is None:
        yield _without_chain(snapshot, seat, upstream, protocol)
        return
    resolved: set[str] = set()
    for node in chain.nodes.values():
        if node.resolver is not None:
            resolved.add(node.resolver.target)
            yield _of_resolver(snapshot, seat, upstream, chain, node.resolver, protocol)
    copied = {one.mirror_target for node in chain.nodes.values() for one in node.routes if one.mirror_target}
    for target in sorted(copied - resolved):
        lone = ChainResolver(connect_timeout="", target=target)
        yield _of_resolver(snapshot, seat, upstream, chain, lone, protocol)


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
        ejection=_ejection(upstream),
        balance=cluster_balance(resolver.load_balancer),
    )


def _ejection(upstream: UpstreamListener) -> JsonObject:
    """What later Consul's `passive_health_check` says besides."""
    passive = mapping(parsed(upstream.config_json), "passive_health_check")
    numbers = {
        "enforcing_consecutive_5xx": integer(passive, "enforcing_consecutive_5xx"),
        "max_ejection_percent": integer(passive, "max_ejection_percent"),
    }
    found: JsonObject = {name: number for name, number in numbers.items() if number is not None}
    if base_s := duration(passive, "base_ejection_time"):
        found["base_ejection_time"] = lasting(base_s)
    return found


def _tier(snapshot: ProxySnapshot, seat: Seat, target: Target) -> ReachedTier:
    return ReachedTier(
        endpoints=snapshot.instances.get(target.id, ()),
        sni=target.sni,
        expected=(seat.identity(target.service, target.datacenter),),
    )


def _without_chain(snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener, protocol: str) -> Reached:
    found = snapshot.endpoints.get(upstream.key, ())
    name = _lone_name(seat, upstream)
    result = snapshot.queried.get(upstream.key) or QueryResult(upstream.service, upstream.datacenter)
    return Reached(
        name=name,
        tiers=[
            ReachedTier(
                endpoints=found,
                sni=name,
                expected=(seat.identity(result.service, result.datacenter),),
            )
        ],
        connect_timeout_s=upstream.connect_timeout_s,
        protocol=protocol,
        limits=upstream.limits,
        passive_health=upstream.passive_health,
        ejection=_ejection(upstream),
    )


def _lone_name(seat: Seat, upstream: UpstreamListener) -> str:
    datacenter = upstream.datacenter or seat.datacenter
    if upstream.is_query:
        return query_cluster(upstream.service, datacenter, seat.trust_domain)
    return service_sni(upstream.service, datacenter, seat.trust_domain)
