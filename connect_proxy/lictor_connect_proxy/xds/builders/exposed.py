"""Paths that are served without mTLS, each by a listener of its own: checks come from outside the mesh."""

from __future__ import annotations

import ipaddress
from typing import Final

from lictor_connect_proxy.snapshot import LOCAL_CONNECT_TIMEOUT_S, ExposedPath, ProxySnapshot, PublicListener
from lictor_connect_proxy.xds.builders.clusters import plain_cluster
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.http import Managed, exposed_http
from lictor_connect_proxy.xds.builders.listeners import filter_chain, framed
from lictor_connect_proxy.xds.builders.logs import access_logs
from lictor_connect_proxy.xds.builders.routes import route_table, virtual_host
from lictor_connect_proxy.xds.forms import socket_address
from lictor_connect_proxy.xds.naming import exposed_cluster, exposed_listener
from lictor_core.records import JsonObject

__all__ = ["add_exposed"]

_ANY: Final = "0.0.0.0"
_OWN_HOST: Final = (("127.0.0.0", 8), ("::1", 128))


def add_exposed(draft: Draft, snapshot: ProxySnapshot, public: PublicListener | None) -> None:
    """All of them, on the address of the public listener."""
    address = _ANY if public is None else public.bind_address or _ANY
    host = "127.0.0.1" if public is None else public.application_host
    for path in snapshot.exposed:
        _add(draft, snapshot, path, address, host)


def _add(draft: Draft, snapshot: ProxySnapshot, path: ExposedPath, address: str, host: str) -> None:
    name, cluster = exposed_listener(path, address), exposed_cluster(path.application_port)
    protocol = path.protocol or "http"
    draft.cluster(
        plain_cluster(cluster, socket_address(host, path.application_port), LOCAL_CONNECT_TIMEOUT_S, protocol)
    )
    only: list[JsonObject] = [{"match": {"path": path.path}, "route": {"cluster": cluster}}]
    draft.routes(route_table(name, [virtual_host(name, ["*"], only)]))
    stat_prefix = f"{name.partition(':')[0]}_{protocol}"
    managed = Managed(stat_prefix=stat_prefix, routes=name, protocol=protocol, access_log=access_logs(snapshot.config))
    chain = filter_chain([exposed_http(managed)])
    if path.from_check:
        chain["filter_chain_match"] = {"source_prefix_ranges": _sources(address)}
    draft.listener(framed(name, socket_address(address, path.listener_port), [chain], inbound=True))


def _sources(address: str) -> list[JsonObject]:
    """This host: its agent comes from loopback, or from the address that it connects to."""
    ranges = list(_OWN_HOST)
    own = ipaddress.ip_address(address)
    if not (own.is_unspecified or own.is_loopback):
        ranges.append((address, own.max_prefixlen))
    return [{"address_prefix": prefix, "prefix_len": length} for prefix, length in ranges]
