"""Sidecars: what is filled in, what is kept, what cannot be."""

from __future__ import annotations

import pytest

from lictor_agent.sidecar import expanded
from lictor_config.definitions import ServiceDefinition, parse_service
from lictor_core.errors import OverloadedError, RequestError
from lictor_core.records import ServiceKind

PORTS = range(21_000, 21_003)


def _parent(sidecar: object, **more: object) -> ServiceDefinition:
    return parse_service({"Name": "web", "Port": 80, **more, "Connect": {"SidecarService": sidecar}})


def test_an_empty_sidecar_gets_everything_from_its_service() -> None:
    sidecar = expanded(_parent({}, ID="web-1", Tags=["t"], Meta={"m": "1"}), set[int](), PORTS)
    assert (sidecar.kind, sidecar.id, sidecar.name) == (
        ServiceKind.CONNECT_PROXY,
        "web-1-sidecar-proxy",
        "web-sidecar-proxy",
    )
    assert (sidecar.tags, sidecar.meta, sidecar.port) == (("t",), {"m": "1"}, 21_000)
    proxy = sidecar.proxy
    assert (proxy.destination_service_name, proxy.destination_service_id) == ("web", "web-1")
    assert (proxy.local_service_address, proxy.local_service_port) == ("127.0.0.1", 80)


def test_it_listens_and_follows_its_service() -> None:
    listening, following = expanded(_parent({}, Address="127.0.0.7"), set[int](), PORTS).checks
    assert (listening.name, listening.tcp, listening.interval_s) == (
        "Connect Sidecar Listening",
        "127.0.0.7:21000",
        10.0,
    )
    assert (following.name, following.alias_service) == ("Connect Sidecar Aliasing web", "web")


def test_an_ipv6_address_is_dialled_in_brackets() -> None:
    assert expanded(_parent({}, Address="::7"), set[int](), PORTS).checks[0].tcp == "[::7]:21000"


def test_what_a_sidecar_says_itself_is_kept() -> None:
    given = {"Name": "own", "Port": 9, "Tags": ["p"], "Checks": [{"TTL": "9s"}], "Proxy": {"LocalServicePort": 8}}
    sidecar = expanded(_parent(given), {9}, PORTS)
    assert (sidecar.name, sidecar.port, sidecar.tags, len(sidecar.checks)) == ("own", 9, ("p",), 1)
    assert sidecar.proxy.local_service_port == 8


def test_an_application_at_a_socket_needs_no_port() -> None:
    proxy = expanded(_parent({"Proxy": {"LocalServiceSocketPath": "/run/web"}}), set[int](), PORTS).proxy
    assert (proxy.local_service_socket_path, proxy.local_service_address, proxy.local_service_port) == (
        "/run/web",
        "",
        0,
    )


def test_ports_are_taken_in_order_until_there_are_none() -> None:
    assert expanded(_parent({}), {21_000}, PORTS).port == 21_001
    with pytest.raises(OverloadedError, match="all of 21000-21002 are taken"):
        expanded(_parent({}), set(PORTS), PORTS)


def test_a_sidecar_that_no_proxy_can_be_is_refused() -> None:
    with pytest.raises(RequestError, match="upstream destination name cannot be empty"):
        expanded(_parent({"Proxy": {"Upstreams": [{"LocalBindPort": 1}]}}), set[int](), PORTS)


def test_metadata_that_cannot_be_is_refused() -> None:
    with pytest.raises(RequestError, match=r"Invalid SidecarService: .*Key contains invalid characters"):
        expanded(_parent({"Meta": {"bad key": "v"}}), set[int](), PORTS)
