"""What the Envoy beside an instance is given: its public listener, exposed paths, and a listener for each upstream."""

from __future__ import annotations

from lictor_connect_proxy.snapshot import ProxySnapshot, UpstreamListener
from lictor_connect_proxy.xds.builders.draft import Draft, Seat, seat_of
from lictor_connect_proxy.xds.builders.exposed import add_exposed
from lictor_connect_proxy.xds.builders.hatches import written
from lictor_connect_proxy.xds.builders.http import Managed, outbound_http
from lictor_connect_proxy.xds.builders.listeners import filter_chain, framed, tcp_proxy
from lictor_connect_proxy.xds.builders.logs import access_logs, listener_logs
from lictor_connect_proxy.xds.builders.public import add_public
from lictor_connect_proxy.xds.builders.routes import route_table, virtual_host
from lictor_connect_proxy.xds.builders.settings import parsed, text
from lictor_connect_proxy.xds.builders.tls import certificate_secret, validation_secret
from lictor_connect_proxy.xds.builders.tracing import collector_cluster, tracing
from lictor_connect_proxy.xds.builders.upstreams import (
    add_clusters,
    first_cluster,
    hashes_of,
    is_plain,
    protocol_of,
    routes_of,
)
from lictor_connect_proxy.xds.forms import pipe_address, socket_address
from lictor_connect_proxy.xds.naming import LEAF, ROOTS, upstream_id, upstream_listener
from lictor_core.entries.defaults import is_http_like
from lictor_core.records import JsonObject

__all__ = ["add_sidecar"]


def add_sidecar(draft: Draft, snapshot: ProxySnapshot) -> None:
    """All of it. A proxy that cannot speak TLS serves nobody of the mesh."""
    add_exposed(draft, snapshot, snapshot.public)
    seat = seat_of(snapshot)
    if seat is None or snapshot.leaf is None or snapshot.roots is None:
        return
    draft.secret(certificate_secret(LEAF, snapshot.leaf))
    draft.secret(validation_secret(ROOTS, snapshot.roots))
    collector = collector_cluster(snapshot.config)
    if collector is not None:
        draft.cluster(collector)
    if snapshot.public is not None:
        add_public(draft, snapshot, snapshot.public, snapshot.roots)
    for upstream in snapshot.upstreams:
        if snapshot.knows(upstream.key):
            _add_upstream(draft, snapshot, seat, upstream)


def _add_upstream(draft: Draft, snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener) -> None:
    add_clusters(draft, snapshot, seat, upstream)
    by_hand = written(text(parsed(upstream.config_json), "envoy_listener_json"))
    if by_hand is not None and is_plain(snapshot, upstream):
        by_hand.setdefault("name", upstream_listener(upstream))
        draft.listener(by_hand)
        return
    address = (
        pipe_address(upstream.socket_path, upstream.socket_mode)
        if upstream.socket_path
        else socket_address(upstream.bind_address, upstream.bind_port)
    )
    chain = filter_chain([_upstream_filter(draft, snapshot, seat, upstream)])
    logs = listener_logs(snapshot.config)
    draft.listener(framed(upstream_listener(upstream), address, [chain], inbound=False, access_log=logs))


def _upstream_filter(draft: Draft, snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener) -> JsonObject:
    name, protocol = upstream_id(upstream), protocol_of(snapshot, upstream)
    stat_prefix, logs = f"upstream_{name}_{protocol}", access_logs(snapshot.config)
    if not is_http_like(protocol):
        hashes = hashes_of(snapshot, upstream)
        return tcp_proxy(first_cluster(snapshot, seat, upstream), stat_prefix, access_log=logs, hashes=hashes)
    host = virtual_host(name, ["*"], routes_of(snapshot, seat, upstream))
    draft.routes(route_table(name, [host]))
    managed = Managed(
        stat_prefix=stat_prefix,
        routes=name,
        protocol=protocol,
        access_log=logs,
        tracing=tracing(snapshot.config, snapshot.service, inbound=False),
    )
    return outbound_http(managed)
