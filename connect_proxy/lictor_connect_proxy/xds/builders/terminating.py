"""What the Envoy of a terminating gateway is given: for each service outside the mesh a guard, and the way to it."""

from __future__ import annotations

from lictor_connect_proxy.snapshot import ProxySnapshot, TerminatedService, TrustRoots
from lictor_connect_proxy.xds.builders.balancing import cluster_balance, connection_hashes, request_hashes
from lictor_connect_proxy.xds.builders.bound import add_bound
from lictor_connect_proxy.xds.builders.clusters import Reached, ReachedTier, outer_cluster
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.endpoints import are_addresses
from lictor_connect_proxy.xds.builders.guards import Guard
from lictor_connect_proxy.xds.builders.listeners import by_server_name, filter_chain, tcp_proxy
from lictor_connect_proxy.xds.builders.logs import access_logs
from lictor_connect_proxy.xds.builders.matches import everything
from lictor_connect_proxy.xds.builders.settings import text
from lictor_connect_proxy.xds.builders.tls import certificate_secret, outer_tls
from lictor_connect_proxy.xds.builders.tracing import collector_cluster
from lictor_connect_proxy.xds.forms import lasting
from lictor_connect_proxy.xds.naming import leaf_of
from lictor_core.entries.base import seconds
from lictor_core.entries.chains import ChainResolver, Target
from lictor_core.entries.defaults import is_http_like
from lictor_core.records import JsonObject

__all__ = ["add_terminating"]

_CONNECT_S = 5.0


def add_terminating(draft: Draft, snapshot: ProxySnapshot) -> None:
    """A listener for each address, with the services whose certificate and instances are known."""
    if snapshot.roots is None:
        return
    collector = collector_cluster(snapshot.config)
    if collector is not None:
        draft.cluster(collector)
    chains: list[JsonObject] = []
    for service in snapshot.terminated:
        chains += _chains(draft, snapshot, service, snapshot.roots)
    if chains:
        add_bound(draft, snapshot, chains)


def _chains(draft: Draft, snapshot: ProxySnapshot, service: TerminatedService, roots: TrustRoots) -> list[JsonObject]:
    if service.leaf is None or service.chain is None:
        return []
    draft.secret(certificate_secret(leaf_of(service.service), service.leaf))
    protocol = (service.protocol or service.chain.protocol or "tcp").lower()
    guard = Guard(
        service=service.service,
        policy=service.policy,
        default_allow=snapshot.default_allow is True,
        roots=roots,
        sees_requests=is_http_like(protocol),
        providers=snapshot.jwt_providers,
    )
    guard.add_names(draft)
    resolvers = {node.resolver.target: node.resolver for node in service.chain.nodes.values() if node.resolver}
    found: list[JsonObject] = []
    for target in service.chain.targets.values():
        resolver = resolvers.get(target.id) or ChainResolver(connect_timeout="", target=target.id)
        _add_cluster(draft, snapshot, service, target, resolver, protocol)
        inner = _filters(draft, snapshot, guard, target, resolver, protocol)
        chain = filter_chain(inner, guard.tls(leaf_of(service.service)))
        found.append(by_server_name(chain, target.sni))
    return found


def _add_cluster(
    draft: Draft,
    snapshot: ProxySnapshot,
    service: TerminatedService,
    target: Target,
    resolver: ChainResolver,
    protocol: str,
) -> None:
    reached = Reached(
        name=target.name,
        tiers=[ReachedTier(endpoints=snapshot.instances.get(target.id, ()), sni=service.sni, expected=())],
        connect_timeout_s=seconds(resolver.connect_timeout) or _CONNECT_S,
        protocol=protocol,
        balance=cluster_balance(resolver.load_balancer),
    )
    tls = outer_tls(service.ca_file, service.cert_file, service.key_file, service.sni)
    draft.cluster(*outer_cluster(reached, tls, text(snapshot.config, "envoy_dns_discovery_type").upper()))


def _filters(
    draft: Draft, snapshot: ProxySnapshot, guard: Guard, target: Target, resolver: ChainResolver, protocol: str
) -> list[JsonObject]:
    stat_prefix = f"upstream_{target.name}_{protocol}"
    if not guard.sees_requests:
        passing = tcp_proxy(
            target.name,
            stat_prefix,
            after_handshake=True,
            access_log=access_logs(snapshot.config),
            hashes=connection_hashes(resolver.load_balancer),
        )
        return [guard.add_source_check(draft, stat_prefix), passing]
    action: JsonObject = {"cluster": target.name}
    if hashes := request_hashes(resolver.load_balancer):
        action["hash_policy"] = hashes
    if timeout_s := seconds(resolver.request_timeout):
        action["timeout"] = lasting(timeout_s)
    elif protocol == "grpc":
        action |= {"timeout": "0s", "max_stream_duration": {"grpc_timeout_header_max": "0s"}}
    if not are_addresses(snapshot.instances.get(target.id, ())):
        # A host that is known by its name expects requests for that name.
        action["auto_host_rewrite"] = True
    routes: list[JsonObject] = [{"match": everything(), "route": action}]
    return [guard.add_http(draft, snapshot, (stat_prefix, target.name), protocol, routes)]
