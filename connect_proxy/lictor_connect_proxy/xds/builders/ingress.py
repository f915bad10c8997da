"""What the Envoy of an ingress gateway is given: ports that lead from outside into the mesh."""

from __future__ import annotations

from lictor_connect_proxy.snapshot import IngressListener, IngressService, ProxySnapshot
from lictor_connect_proxy.xds.builders.draft import Draft, Seat, seat_of
from lictor_connect_proxy.xds.builders.http import Managed, outbound_http
from lictor_connect_proxy.xds.builders.listeners import filter_chain, framed, tcp_proxy
from lictor_connect_proxy.xds.builders.logs import access_logs, listener_logs
from lictor_connect_proxy.xds.builders.routes import header_changes, route_table, virtual_host
from lictor_connect_proxy.xds.builders.tls import certificate_secret, plain_tls, validation_secret
from lictor_connect_proxy.xds.builders.tracing import collector_cluster, tracing
from lictor_connect_proxy.xds.builders.upstreams import add_clusters, first_cluster, hashes_of, routes_of
from lictor_connect_proxy.xds.forms import socket_address
from lictor_connect_proxy.xds.naming import LEAF, ROOTS, gateway_listener, upstream_id
from lictor_core.entries.defaults import is_http_like
from lictor_core.records import JsonObject

__all__ = ["add_ingress"]


def add_ingress(draft: Draft, snapshot: ProxySnapshot) -> None:
    """All of its listeners whose services are known."""
    seat = seat_of(snapshot)
    if seat is None or snapshot.leaf is None or snapshot.roots is None:
        return
    draft.secret(certificate_secret(LEAF, snapshot.leaf))
    draft.secret(validation_secret(ROOTS, snapshot.roots))
    collector = collector_cluster(snapshot.config)
    if collector is not None:
        draft.cluster(collector)
    for listener in snapshot.ingress:
        known = [one for one in listener.services if snapshot.knows(one.upstream.key)]
        for one in known:
            add_clusters(draft, snapshot, seat, one.upstream)
        if known:
            _add(draft, snapshot, seat, listener, known)


def _add(
    draft: Draft, snapshot: ProxySnapshot, seat: Seat, listener: IngressListener, services: list[IngressService]
) -> None:
    protocol = (listener.protocol or "tcp").lower()
    stat_prefix = f"ingress_upstream_{listener.port}_{protocol}"
    if is_http_like(protocol):
        name, inner = protocol, _http(draft, snapshot, seat, listener, services, stat_prefix)
    else:
        upstream = services[0].upstream
        name = upstream_id(upstream)
        inner = tcp_proxy(
            first_cluster(snapshot, seat, upstream),
            stat_prefix,
            access_log=access_logs(snapshot.config),
            hashes=hashes_of(snapshot, upstream),
        )
    chain = filter_chain([inner], plain_tls() if listener.tls else None)
    found = framed(
        gateway_listener(name, listener.bind_address, listener.port),
        socket_address(listener.bind_address, listener.port),
        [chain],
        inbound=False,
        access_log=listener_logs(snapshot.config),
    )
    draft.listener(found)


def _http(
    draft: Draft,
    snapshot: ProxySnapshot,
    seat: Seat,
    listener: IngressListener,
    services: list[IngressService],
    stat_prefix: str,
) -> JsonObject:
    hosts: list[JsonObject] = []
    for one in services:
        changes = header_changes(one.request_headers, one.response_headers)
        routes = routes_of(snapshot, seat, one.upstream)
        hosts.append(virtual_host(one.upstream.service, _domains(one, listener.port), routes, **changes))
    name = str(listener.port)
    draft.routes(route_table(name, hosts))
    managed = Managed(
        stat_prefix=stat_prefix,
        routes=name,
        protocol=listener.protocol.lower(),
        access_log=access_logs(snapshot.config),
        tracing=tracing(snapshot.config, snapshot.service, inbound=False),
    )
    return outbound_http(managed)


def _domains(service: IngressService, port: int) -> list[str]:
    """The hosts that requests name, also with the port, as clients of other ports than the usual do."""
    domains: dict[str, None] = {}
    for host in service.hosts or (f"{service.upstream.service}.ingress.*",):
        domains[host] = None
        if not host.endswith("*"):
            domains[f"{host}:{port}"] = None
    return list(domains)
