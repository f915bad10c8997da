"""Listeners for connections, and the frame that all listeners share.

A listener is kept the same as long as it can be: what changes often comes by reference, since every change of a
listener ends its connections after a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lictor_connect_proxy.xds.forms import ADS, lasting, named_any
from lictor_core.records import JsonObject

__all__ = [
    "by_server_name",
    "connection_filters",
    "connection_limit",
    "filter_chain",
    "framed",
    "inspected",
    "source_check",
    "tcp_proxy",
]

_RBAC: Final = "envoy.extensions.filters.network.rbac.v3.RBAC"
ATTEMPTS_MAX: Final = 4
"""Instances that are tried for one connection, as by the built-in proxy."""
EARLY_BYTES_MAX: Final = 16_384
"""Read from a client before the application has accepted."""


def by_server_name(chain: JsonObject, *names: str) -> JsonObject:
    """A chain for connections that ask for one of these TLS server names."""
    return {**chain, "filter_chain_match": {"server_names": list(names)}}


def inspected(listener: JsonObject) -> JsonObject:
    """A listener that looks at the TLS server name before it chooses a chain."""
    inspector = named_any(
        "envoy.filters.listener.tls_inspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    )
    return {**listener, "listener_filters": [inspector]}


def framed(
    name: str,
    address: JsonObject,
    chains: Sequence[JsonObject],
    *,
    inbound: bool,
    access_log: Sequence[JsonObject] = (),
) -> JsonObject:
    """A listener. Nobody shares its port: two Envoys on one would each get some of the connections."""
    listener: JsonObject = {
        "name": name,
        "address": address,
        "traffic_direction": "INBOUND" if inbound else "OUTBOUND",
        "enable_reuse_port": False,
        "filter_chains": list(chains),
    }
    if access_log:
        listener["access_log"] = list(access_log)
    return listener


def filter_chain(
    filters: Sequence[JsonObject], transport_socket: JsonObject | None = None, handshake_timeout_s: float = 0
) -> JsonObject:
    """Filters behind TLS, or without it."""
    chain: JsonObject = {"filters": list(filters)}
    if transport_socket is not None:
        chain["transport_socket"] = transport_socket
        if handshake_timeout_s:
            chain["transport_socket_connect_timeout"] = lasting(handshake_timeout_s)
    return chain


def tcp_proxy(
    cluster: str,
    stat_prefix: str,
    *,
    after_handshake: bool = False,
    access_log: Sequence[JsonObject] = (),
    hashes: Sequence[JsonObject] = (),
) -> JsonObject:
    """Passes bytes on. A connection may be silent as long as it likes, as with the built-in proxy.

    With `after_handshake` nothing is dialed for a client whose certificate is not accepted. `hashes` say what of a
    connection is hashed to choose an instance.
    """
    fields: JsonObject = {
        "stat_prefix": stat_prefix,
        "cluster": cluster,
        "idle_timeout": "0s",
        "max_connect_attempts": ATTEMPTS_MAX,
    }
    if after_handshake:
        fields["upstream_connect_mode"] = "ON_DOWNSTREAM_TLS_HANDSHAKE"
        fields["max_early_data_bytes"] = EARLY_BYTES_MAX
    if hashes:
        fields["hash_policy"] = list(hashes)
    if access_log:
        fields["access_log"] = list(access_log)
    return named_any(
        "envoy.filters.network.tcp_proxy", "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", **fields
    )


def connection_limit(stat_prefix: str, connections_max: int) -> JsonObject:
    """Turns away what is more than a listener may hold."""
    return named_any(
        "envoy.filters.network.connection_limit",
        "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
        stat_prefix=stat_prefix,
        max_connections=connections_max,
    )


def source_check(name: str) -> JsonObject:
    """RBAC on who connects, its rules by reference."""
    return {"name": name, "config_discovery": {"config_source": ADS, "type_urls": [f"type.googleapis.com/{_RBAC}"]}}


def connection_filters(name: str, stat_prefix: str, principals: Sequence[JsonObject]) -> JsonObject:
    """The rules that `source_check` refers to by `name`: nobody but `principals`."""
    policies: JsonObject = {}
    if principals:
        policies["intentions"] = {"permissions": [{"any": True}], "principals": list(principals)}
    rules: JsonObject = {"action": "ALLOW", "policies": policies}
    return named_any(name, _RBAC, stat_prefix=f"{stat_prefix}.", rules=rules)
