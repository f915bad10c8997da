"""What the Envoy beside an instance is given: its public listener, and a listener for each upstream."""

from __future__ import annotations

from lictor_connect_proxy.snapshot import ProxySnapshot, PublicListener, TrustRoots, UpstreamListener
from lictor_connect_proxy.xds.builders.clusters import local_cluster
from lictor_connect_proxy.xds.builders.draft import Draft, Seat, seat_of
from lictor_connect_proxy.xds.builders.forms import pipe_address, socket_address
from lictor_connect_proxy.xds.builders.listeners import (
    connection_filters,
    connection_limit,
    filter_chain,
    framed,
    source_check,
    tcp_proxy,
)
from lictor_connect_proxy.xds.builders.tls import certificate_secret, downstream_tls, validation_secret
from lictor_connect_proxy.xds.builders.upstreams import add_clusters, first_cluster, protocol_of
from lictor_connect_proxy.xds.intentions import Admission, admission, allowed_names, principals, sources_of
from lictor_connect_proxy.xds.naming import (
    LEAF,
    LOCAL_APP,
    ROOTS,
    intentions_of,
    public_listener,
    upstream_id,
    upstream_listener,
)
from lictor_core.entries.defaults import is_http_like

__all__ = ["add_sidecar"]


def add_sidecar(draft: Draft, snapshot: ProxySnapshot) -> None:
    """All of it. A proxy that cannot speak TLS serves nobody of the mesh."""
    seat = seat_of(snapshot)
    if seat is None or snapshot.leaf is None or snapshot.roots is None:
        return
    draft.secret(certificate_secret(LEAF, snapshot.leaf))
    draft.secret(validation_secret(ROOTS, snapshot.roots))
    if snapshot.public is not None:
        _add_public(draft, snapshot, snapshot.public, snapshot.roots)
    for upstream in snapshot.upstreams:
        if snapshot.knows(upstream.key):
            _add_upstream(draft, snapshot, seat, upstream)


def _add_public(draft: Draft, snapshot: ProxySnapshot, public: PublicListener, roots: TrustRoots) -> None:
    service, protocol = snapshot.service, (public.protocol or "tcp").lower()
    admitted = _admitted(snapshot, sees_requests=is_http_like(protocol))
    name = intentions_of(service)
    stat_prefix = f"public_listener_{protocol}"
    draft.secret(validation_secret(name, roots, allowed_names(admitted, roots.trust_domain)))
    draft.extension(connection_filters(name, stat_prefix, principals(admitted, roots.trust_domain)))
    draft.cluster(local_cluster(public, protocol))
    filters = [
        connection_limit(stat_prefix, public.connections_max),
        source_check(name),
        tcp_proxy(LOCAL_APP, stat_prefix, after_handshake=True),
    ]
    chain = filter_chain(filters, downstream_tls(name), public.handshake_timeout_s)
    address = socket_address(public.bind_address, public.bind_port)
    draft.listener(framed(public_listener(public.bind_address, public.bind_port), address, [chain], inbound=True))


def _admitted(snapshot: ProxySnapshot, *, sees_requests: bool) -> Admission | None:
    if snapshot.policy is None:
        return None
    sources = sources_of(snapshot.service, snapshot.policy.rules, default_allow=snapshot.default_allow is True)
    return admission(sources, sees_requests=sees_requests)


def _add_upstream(draft: Draft, snapshot: ProxySnapshot, seat: Seat, upstream: UpstreamListener) -> None:
    add_clusters(draft, snapshot, seat, upstream)
    stat_prefix = f"upstream_{upstream_id(upstream)}_{protocol_of(snapshot, upstream)}"
    chain = filter_chain([tcp_proxy(first_cluster(snapshot, seat, upstream), stat_prefix)])
    address = (
        pipe_address(upstream.socket_path, upstream.socket_mode)
        if upstream.socket_path
        else socket_address(upstream.bind_address, upstream.bind_port)
    )
    draft.listener(framed(upstream_listener(upstream), address, [chain], inbound=False))
