"""The public listener of a sidecar: connections and requests of the mesh, as far as intentions let them."""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.snapshot import ProxySnapshot, PublicListener, TrustRoots
from lictor_connect_proxy.xds.builders.clusters import local_cluster
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.hatches import with_source_check, written
from lictor_connect_proxy.xds.builders.http import Managed, inbound_http
from lictor_connect_proxy.xds.builders.listeners import (
    connection_filters,
    connection_limit,
    filter_chain,
    framed,
    source_check,
    tcp_proxy,
)
from lictor_connect_proxy.xds.builders.logs import access_logs, listener_logs
from lictor_connect_proxy.xds.builders.matches import everything, path_match
from lictor_connect_proxy.xds.builders.rates import RATE_FILTER, instance_rates, no_rate, rate_of
from lictor_connect_proxy.xds.builders.routes import route_table, virtual_host
from lictor_connect_proxy.xds.builders.settings import milliseconds, text
from lictor_connect_proxy.xds.builders.tls import downstream_tls, validation_secret
from lictor_connect_proxy.xds.builders.tokens import key_clusters, token_filter
from lictor_connect_proxy.xds.builders.tracing import tracing
from lictor_connect_proxy.xds.forms import lasting, socket_address
from lictor_connect_proxy.xds.intentions import Sources, admission, allowed_names, principals, sources_of
from lictor_connect_proxy.xds.naming import LOCAL_APP, intentions_of, public_listener
from lictor_connect_proxy.xds.requests import route_rules
from lictor_core.entries.defaults import is_http_like
from lictor_core.records import JsonObject

__all__ = ["add_public"]

_ROUTES: Final = "public_listener"


def add_public(draft: Draft, snapshot: ProxySnapshot, public: PublicListener, roots: TrustRoots) -> None:
    """The listener, what it refers to, and the application."""
    protocol = (public.protocol or "tcp").lower()
    by_hand = written(text(snapshot.config, "envoy_public_listener_json"))
    sees_requests = is_http_like(protocol) and by_hand is None
    sources = _sources(snapshot)
    admitted = None if sources is None else admission(sources, sees_requests=sees_requests)
    name, stat_prefix = intentions_of(snapshot.service), f"public_listener_{protocol}"
    draft.secret(validation_secret(name, roots, allowed_names(admitted, roots.trust_domain)))
    draft.cluster(_application(snapshot, public, protocol))
    tls = downstream_tls(name)
    limit = connection_limit(stat_prefix, public.connections_max)
    if sees_requests:
        filters = [limit, _http(snapshot, stat_prefix, protocol)]
        _add_rules(draft, snapshot, sources, roots.trust_domain, protocol)
    else:
        draft.extension(connection_filters(name, stat_prefix, principals(admitted, roots.trust_domain)))
        passing = tcp_proxy(LOCAL_APP, stat_prefix, after_handshake=True, access_log=access_logs(snapshot.config))
        filters = [limit, source_check(name), passing]
    if by_hand is not None:
        by_hand.setdefault("name", public_listener(public.bind_address, public.bind_port))
        draft.listener(with_source_check(by_hand, tls, filters[:2]))
        return
    chain = filter_chain(filters, tls, public.handshake_timeout_s)
    address = socket_address(public.bind_address, public.bind_port)
    listener = framed(public_listener(public.bind_address, public.bind_port), address, [chain], inbound=True)
    if text(snapshot.config, "balance_inbound_connections") == "exact_balance":
        listener["connection_balance_config"] = {"exact_balance": {}}
    if logs := listener_logs(snapshot.config):
        listener["access_log"] = logs
    draft.listener(listener)


def _sources(snapshot: ProxySnapshot) -> Sources | None:
    if snapshot.policy is None:
        return None
    return sources_of(snapshot.service, snapshot.policy.rules, default_allow=snapshot.default_allow is True)


def _application(snapshot: ProxySnapshot, public: PublicListener, protocol: str) -> JsonObject:
    by_hand = written(text(snapshot.config, "envoy_local_cluster_json"))
    return local_cluster(public, protocol) if by_hand is None else by_hand | {"name": LOCAL_APP}


def _http(snapshot: ProxySnapshot, stat_prefix: str, protocol: str) -> JsonObject:
    managed = Managed(
        stat_prefix=stat_prefix,
        routes=_ROUTES,
        protocol=protocol,
        access_log=access_logs(snapshot.config),
        tracing=tracing(snapshot.config, snapshot.service, inbound=True),
    )
    return inbound_http(managed)


def _add_rules(
    draft: Draft, snapshot: ProxySnapshot, sources: Sources | None, trust_domain: str, protocol: str
) -> None:
    draft.extension(token_filter(snapshot))
    for cluster in key_clusters(snapshot):
        draft.cluster(cluster)
    rules = route_rules(sources, trust_domain, default_allow=snapshot.default_allow is True)
    per_filter: JsonObject = dict(rules)
    rates = instance_rates(snapshot.config)
    everybody = rate_of(rates)
    if everybody is not None:
        per_filter[RATE_FILTER] = everybody
    action = _action(snapshot, protocol)
    routes: list[JsonObject] = []
    for route in rates.routes:
        match = path_match(route.path_exact, route.path_prefix, route.path_regex)
        own = rate_of(route) or no_rate()
        routes.append({"match": match, "route": action, "typed_per_filter_config": {RATE_FILTER: own}})
    routes.append({"match": everything(), "route": action})
    host = virtual_host(_ROUTES, ["*"], routes, typed_per_filter_config=per_filter)
    draft.routes(route_table(_ROUTES, [host]))


def _action(snapshot: ProxySnapshot, protocol: str) -> JsonObject:
    """To the application. Without a word an answer may take 15 s, as in Consul; calls of gRPC name their own time."""
    action: JsonObject = {"cluster": LOCAL_APP}
    timeout_s = milliseconds(snapshot.config, "local_request_timeout_ms")
    if timeout_s is not None:
        action["timeout"] = lasting(timeout_s)
    elif protocol == "grpc":
        action |= {"timeout": "0s", "max_stream_duration": {"grpc_timeout_header_max": "0s"}}
    idle_s = milliseconds(snapshot.config, "local_idle_timeout_ms")
    if idle_s is not None:
        action["idle_timeout"] = lasting(idle_s)
    return action
