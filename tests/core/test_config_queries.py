"""Queries about entries; their topics stand in the table of test_queries."""

from __future__ import annotations

from lictor_core.codec import pack, unpack
from lictor_core.config_queries import DiscoveryChainQuery, IngressHealthQuery


def test_they_travel_as_they_are() -> None:
    chain = DiscoveryChainQuery(service="web", datacenter="dc2", protocol="http", mesh_gateway="local")
    assert unpack(pack(chain), DiscoveryChainQuery) == chain
    ingress = IngressHealthQuery(service="web", node_meta=(("a", "b"),), passing=True)
    assert unpack(pack(ingress), IngressHealthQuery) == ingress
