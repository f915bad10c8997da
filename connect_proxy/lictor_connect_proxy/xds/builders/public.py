"""The public listener of a sidecar: connections and requests of the mesh, as far as intentions let them."""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.snapshot import ProxySnapshot, PublicListener, TrustRoots
from lictor_connect_proxy.xds.builders.clusters import local_cluster
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.guards import Guard
from lictor_connect_proxy.xds.builders.hatches import with_source_check, written
from lictor_connect_proxy.xds.builders.listeners import connection_limit, filter_chain, framed, tcp_proxy
from lictor_connect_proxy.xds.builders.logs import access_logs, listener_logs
from lictor_connect_proxy.xds.builders.matches import everything, path_match
from lictor_connect_proxy.xds.builders.rates import RATE_FILTER, instance_rates, no_rate, rate_of
from lictor_connect_proxy.xds.builders.settings import milliseconds, text
from lictor_connect_proxy.xds.forms import lasting, socket_address
from lictor_connect_proxy.xds.naming import LOCAL_APP, public_listener
from lictor_core.entries.defaults import is_http_like
from lictor_core.records import JsonObject

__all__ = ["add_public"]

_ROUTES: Final = "public_listener"


def add_public(draft: Draft, snapshot: ProxySnapshot, public: PublicListener, roots: TrustRoots) -> None:
    """The listener, what it refers to, and the application."""
    protocol = (public.protocol or "tcp").lower()
    by_hand = written(text(snapshot.config, "envoy_public_listener_json"))
    guard = Guard(
        service=snapshot.service,
        policy=snapshot.policy,
        default_allow=snapshot.default_allow is True,
        roots=roots,
        sees_requests=is_http_like(protocol) and by_hand is None,
        providers=snapshot.jwt_providers,
    )
    stat_prefix = f"public_listener_{protocol}"
    guard.add_names(draft)
    draft.cluster(_application(snapshot, public, protocol))
    limit = connection_limit(stat_prefix, public.connections_max)
    name = public_listener(public.bind_address, public.bind_port)
    if by_hand is not None:
        by_hand.setdefault("name", name)
        checks = [limit, guard.add_source_check(draft, stat_prefix)]
        draft.listener(with_source_check(by_hand, guard.tls(), checks))
        return
    if guard.sees_requests:
        routes, per_filter = _routes(snapshot, protocol)
        filters = [limit, guard.add_http(draft, snapshot, (stat_prefix, _ROUTES), protocol, routes, per_filter)]
    else:
        passing = tcp_proxy(LOCAL_APP, stat_prefix, after_handshake=True, access_log=access_logs(snapshot.config))
        filters = [limit, guard.add_source_check(draft, stat_prefix), passing]
    chain = filter_chain(filters, guard.tls(), public.handshake_timeout_s)
    if snapshot.revoked_since and not guard.sees_requests:
        chain["metadata"] = {"filter_metadata": {"lictor": {"revoked_since": snapshot.revoked_since}}}
    address, logs = socket_address(public.bind_address, public.bind_port), listener_logs(snapshot.config)
    listener = framed(name, address, [chain], inbound=True, access_log=logs)
    if text(snapshot.config, "balance_inbound_connections") == "exact_balance":
        listener["connection_balance_config"] = {"exact_balance": {}}
    draft.listener(listener)


def _application(snapshot: ProxySnapshot, public: PublicListener, protocol: str) -> JsonObject:
    by_hand = written(text(snapshot.config, "envoy_local_cluster_json"))
    return local_cluster(public, protocol) if by_hand is None else by_hand | {"name": LOCAL_APP}


def _routes(snapshot: ProxySnapshot, protocol: str) -> tuple[list[JsonObject], JsonObject]:
    """Routes to the application, and what filters are told of all of them."""
    rates = instance_rates(snapshot.config)
    everybody = rate_of(rates)
    action = _action(snapshot, protocol)
    routes: list[JsonObject] = []
    for route in rates.routes:
        match = path_match(route.path_exact, route.path_prefix, route.path_regex)
        own = rate_of(route) or no_rate()
        routes.append({"match": match, "route": action, "typed_per_filter_config": {RATE_FILTER: own}})
    routes.append({"match": everything(), "route": action})
    return routes, {} if everybody is None else {RATE_FILTER: everybody}


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
