"""An Envoy with a wrong token: told no resource, and why."""

from __future__ import annotations

from typing import Final

import h2.config
import h2.connection
import h2.events

from tests.attackers.fortress import MANAGEMENT, Fortress
from tests.attackers.kinds import Door
from tests.attackers.visits import connect, context_of

__all__ = ["denied_discovery"]

_PATH: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_CLUSTER: Final = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
_PERMISSION_DENIED: Final = "7"
_NODE: Final = "api-sidecar-proxy"
"""Which is registered: who may not see it is told that, who may, its resources."""


def denied_discovery(fort: Fortress, door: Door) -> None:
    """Both wrong tokens, and none; with a right one the stream goes on."""
    for token in (fort.revoked, fort.foreign, ""):
        status, told = _asked(fort, door, token)
        assert status == _PERMISSION_DENIED, (status, told)
        assert not token or token not in told, "a refusal repeats the secret"
    assert _asked(fort, door, MANAGEMENT) == ("", "told"), "with the right one it is told something"


def _asked(fort: Fortress, door: Door, token: str) -> tuple[str, str]:
    """The status of the stream, and its message; no status, and that it was told, when there were resources."""
    node, kind = _NODE.encode(), _CLUSTER.encode()
    request = (
        b"\x0a" + bytes([len(node) + 2]) + b"\x0a" + bytes([len(node)]) + node + b"\x12" + bytes([len(kind)]) + kind
    )
    link = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    with connect(fort.place(door), context_of(fort, door, fort.good)) as connection:
        link.initiate_connection()
        headers = [(":method", "POST"), (":scheme", "https"), (":path", _PATH), (":authority", "a")]
        headers += [("content-type", "application/grpc"), ("te", "trailers"), ("x-consul-token", token)]
        link.send_headers(1, headers)
        link.send_data(1, b"\0" + len(request).to_bytes(4, "big") + request)
        connection.sendall(link.data_to_send())
        found: dict[str, str] = {}
        while "grpc-status" not in found:
            data = connection.recv(65_536)
            if not data:
                break
            for event in link.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                    found |= {str(name): str(value) for name, value in event.headers}
                if isinstance(event, h2.events.DataReceived):
                    return "", "told"
            connection.sendall(link.data_to_send())
        return found.get("grpc-status", ""), found.get("grpc-message", "")
