"""Routes of upstreams: what a discovery chain makes of requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lictor_connect_proxy.xds.builders.balancing import request_hashes
from lictor_connect_proxy.xds.builders.matches import everything, route_match
from lictor_connect_proxy.xds.forms import any_of, lasting
from lictor_connect_proxy.xds.naming import target_cluster
from lictor_core.entries.base import seconds
from lictor_core.entries.chains import Chain, ChainNode, ChainRoute, ChainSplit
from lictor_core.entries.routing import RouteDestination
from lictor_core.entries.traffic import Fault, HeaderModifiers
from lictor_core.records import JsonObject

__all__ = ["FAULT_FILTER", "chain_routes", "header_changes", "lone_route", "route_table", "virtual_host"]

FAULT_FILTER: Final = "envoy.filters.http.fault"
_FAULT: Final = "envoy.extensions.filters.http.fault.v3.HTTPFault"
_MILLION: Final = 1_000_000
_SHARE: Final = 100
"""Envoy counts shares in whole numbers, entries in hundredths of a percent."""
_HOSTS_TRIED_MAX: Final = 5
"""Draws for an instance that was not tried yet, when a request is tried again."""


def route_table(name: str, hosts: Sequence[JsonObject]) -> JsonObject:
    """Routes that a listener refers to."""
    return {"name": name, "virtual_hosts": list(hosts)}


def virtual_host(name: str, domains: Sequence[str], routes: Sequence[JsonObject], **fields: object) -> JsonObject:
    """The routes of requests for some hosts."""
    return {"name": name, "domains": list(domains), "routes": list(routes), **fields}


def lone_route(cluster: str, protocol: str) -> list[JsonObject]:
    """Everything to one cluster."""
    return [{"match": everything(), "route": {"cluster": cluster} | _patience(protocol, 0.0)}]


def chain_routes(chain: Chain, protocol: str) -> list[JsonObject]:
    """The routes of a chain, in order; the last is for everything."""
    start = chain.nodes[chain.start_node]
    if start.type != "router":
        return [{"match": everything(), "route": _action(chain, start, RouteDestination(), protocol)}]
    return [_route(chain, one, protocol) for one in start.routes]


def header_changes(request: HeaderModifiers | None, response: HeaderModifiers | None) -> JsonObject:
    """Fields of a route, or of a share of it, that change headers."""
    found: JsonObject = {}
    for side, headers in (("request", request), ("response", response)):
        if headers is None:
            continue
        added = [_header(key, value, "APPEND_IF_EXISTS_OR_ADD") for key, value in (headers.add or {}).items()]
        added += [_header(key, value, "OVERWRITE_IF_EXISTS_OR_ADD") for key, value in (headers.set or {}).items()]
        if added:
            found[f"{side}_headers_to_add"] = added
        if headers.remove:
            found[f"{side}_headers_to_remove"] = list(headers.remove)
    return found


def _header(key: str, value: str, action: str) -> JsonObject:
    return {"header": {"key": key, "value": value}, "append_action": action}


def _route(chain: Chain, route: ChainRoute, protocol: str) -> JsonObject:
    match = route.definition.match
    to = route.definition.destination or RouteDestination()
    action = _action(chain, chain.nodes[route.next_node], to, protocol)
    if to.prefix_rewrite:
        action["prefix_rewrite"] = to.prefix_rewrite
    if route.mirror_target and to.mirror is not None:
        copies: JsonObject = {"default_value": _percent(to.mirror.percent)}
        cluster = target_cluster(chain, chain.targets[route.mirror_target])
        action["request_mirror_policies"] = [{"cluster": cluster, "runtime_fraction": copies}]
    found: JsonObject = {
        "match": route_match(None if match is None else match.http),
        "route": action,
        **header_changes(to.request_headers, to.response_headers),
    }
    if to.fault is not None:
        found["typed_per_filter_config"] = {FAULT_FILTER: _fault(to.fault)}
    return found


def _action(chain: Chain, node: ChainNode, to: RouteDestination, protocol: str) -> JsonObject:
    timeout_s = seconds(to.request_timeout)
    if node.resolver is None:
        action: JsonObject = {"weighted_clusters": {"clusters": [_share(chain, one) for one in node.splits]}}
        hashes = _first(node.splits, lambda one: _hashes(chain, chain.nodes[one.next_node]))
    else:
        action = {"cluster": target_cluster(chain, chain.targets[node.resolver.target])}
        timeout_s = timeout_s or seconds(node.resolver.request_timeout)
        hashes = _hashes(chain, node)
    if hashes:
        action["hash_policy"] = hashes
    action |= _patience(protocol, timeout_s)
    if seconds(to.idle_timeout):
        action["idle_timeout"] = lasting(seconds(to.idle_timeout))
    retry = _retry(to)
    return action | {"retry_policy": retry} if retry else action


def _hashes(chain: Chain, node: ChainNode) -> list[JsonObject]:
    return [] if node.resolver is None else request_hashes(node.resolver.load_balancer)


def _first(splits: Sequence[ChainSplit], of: Callable[[ChainSplit], list[JsonObject]]) -> list[JsonObject]:
    """A route has one way to hash: that of the first share that has one."""
    nothing: list[JsonObject] = []
    return next((found for found in map(of, splits) if found), nothing)


def _share(chain: Chain, split: ChainSplit) -> JsonObject:
    node = chain.nodes[split.next_node]
    assert node.resolver is not None, "a splitter leads to resolvers"
    definition = split.definition
    return {
        "name": target_cluster(chain, chain.targets[node.resolver.target]),
        "weight": round(split.weight * _SHARE),
        **(header_changes(definition.request_headers, definition.response_headers) if definition else {}),
    }


def _patience(protocol: str, timeout_s: float) -> JsonObject:
    """How long an answer may take. Without a word it is Envoy's 15 s, as in Consul; calls of gRPC name their own."""
    if timeout_s:
        return {"timeout": lasting(timeout_s)}
    if protocol != "grpc":
        return {}
    return {"timeout": "0s", "max_stream_duration": {"grpc_timeout_header_max": "0s"}}


def _retry(to: RouteDestination) -> JsonObject:
    conditions = list(to.retry_on)
    if to.retry_on_connect_failure and "connect-failure" not in conditions:
        conditions.append("connect-failure")
    if to.retry_on_status_codes:
        conditions.append("retriable-status-codes")
    if not conditions:
        return {}
    found: JsonObject = {
        "retry_on": ",".join(conditions),
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": any_of("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
            }
        ],
        "host_selection_retry_max_attempts": _HOSTS_TRIED_MAX,
    }
    if to.retry_on_status_codes:
        found["retriable_status_codes"] = list(to.retry_on_status_codes)
    if to.num_retries:
        found["num_retries"] = to.num_retries
    return found


def _fault(fault: Fault) -> JsonObject:
    found = any_of(_FAULT)
    if fault.delay is not None:
        delay: JsonObject = {"fixed_delay": lasting(seconds(fault.delay.duration))}
        found["delay"] = delay | {"percentage": _percent(fault.delay.percent)}
    if fault.abort is not None:
        found["abort"] = {"http_status": fault.abort.status, "percentage": _percent(fault.abort.percent)}
    return found


def _percent(percent: float) -> JsonObject:
    return {"numerator": round(percent * _MILLION / 100), "denominator": "MILLION"}
