"""The listeners of gateways that tell services apart by the TLS server name, one for each address."""

from __future__ import annotations

from collections.abc import Sequence

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.listeners import framed, inspected
from lictor_connect_proxy.xds.builders.logs import listener_logs
from lictor_connect_proxy.xds.forms import socket_address
from lictor_connect_proxy.xds.naming import gateway_listener
from lictor_core.records import JsonObject

__all__ = ["add_bound"]


def add_bound(draft: Draft, snapshot: ProxySnapshot, chains: Sequence[JsonObject]) -> None:
    """Let the gateway accept connections for `chains` at each of its addresses."""
    logs = listener_logs(snapshot.config)
    for bound in snapshot.bind_addresses:
        name = gateway_listener(bound.name, bound.address, bound.port)
        address = socket_address(bound.address, bound.port)
        draft.listener(inspected(framed(name, address, chains, inbound=True, access_log=logs)))
