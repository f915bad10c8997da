"""What a registration means, and what is told of one that cannot be served."""

import json
import re

import pytest

from lictor_connect_proxy.feed.opaque import UnusableAnswerError
from lictor_connect_proxy.feed.registrations import registration_in, sidecars_in
from lictor_connect_proxy.snapshot import (
    BindAddress,
    ExposedPath,
    Limits,
    PassiveHealth,
    PublicListener,
    UpstreamKey,
    UpstreamListener,
)
from lictor_core.records import ServiceKind


def _proxy(**proxy: object) -> bytes:
    known: dict[str, object] = {"DestinationServiceName": "web", "LocalServicePort": 8080, **proxy}
    return json.dumps({"Kind": "connect-proxy", "Address": "", "Port": 21000, "Proxy": known}).encode()


def _upstream(**config: object) -> dict[str, object]:
    return {"Upstreams": [{"DestinationName": "db", "LocalBindPort": 1, "Config": config}]}


def test_a_proxy_is_reached_on_all_addresses_unless_it_says_otherwise() -> None:
    assert registration_in(_proxy()).public == PublicListener(
        bind_address="0.0.0.0", bind_port=21000, application_host="127.0.0.1", application_port=8080
    )


def test_settings_under_config_are_used() -> None:
    config = {
        "bind_address": "127.0.0.9",
        "bind_port": 21001,
        "local_service_address": "127.0.0.8:8081",
        "local_connect_timeout_ms": 250,
        "handshake_timeout_ms": 1500,
        "max_inbound_connections": 7,
        "unknown": {"kept": "out"},
    }
    assert registration_in(_proxy(Config=config)).public == PublicListener(
        bind_address="127.0.0.9",
        bind_port=21001,
        application_host="127.0.0.8",
        application_port=8081,
        application_timeout_s=0.25,
        handshake_timeout_s=1.5,
        connections_max=7,
    )


def test_upstreams_become_listeners() -> None:
    upstreams = [
        {"DestinationType": "service", "DestinationName": "db", "LocalBindPort": 9191},
        {
            "DestinationName": "cache",
            "Datacenter": "dc2",
            "LocalBindAddress": "127.0.0.5",
            "LocalBindPort": 9192,
            "Config": {"connect_timeout_ms": 500, "limits": {"max_connections": 3}},
        },
        {"DestinationType": "prepared_query", "DestinationName": "near", "LocalBindPort": 9193},
    ]
    assert registration_in(_proxy(Upstreams=upstreams)).upstreams == (
        UpstreamListener(service="db", bind_port=9191),
        UpstreamListener(
            service="cache",
            datacenter="dc2",
            bind_address="127.0.0.5",
            bind_port=9192,
            connect_timeout_s=0.5,
            demanded_connect_timeout="500ms",
            connections_max=3,
            limits=Limits(max_connections=3),
            config_json='{"connect_timeout_ms":500,"limits":{"max_connections":3}}',
        ),
        UpstreamListener(service="near", is_query=True, bind_port=9193),
    )


def test_what_an_upstream_demands_of_its_chain_is_part_of_its_key() -> None:
    config = {"protocol": "HTTP", "connect_timeout_ms": 2500}
    upstreams = [{"DestinationName": "db", "LocalBindPort": 1, "Config": config}]
    (found,) = registration_in(_proxy(Upstreams=upstreams, MeshGateway={"Mode": "local"})).upstreams
    assert found.key == UpstreamKey("db", "", False, "http", "2.5s", "local")


@pytest.mark.parametrize(
    ("own", "opaque", "common", "mode"),
    [("none", "remote", "local", "none"), ("", "remote", "local", "remote"), ("", "", "local", "local")],
)
def test_the_gateways_of_an_upstream_are_its_own_before_all_others(
    own: str, opaque: str, common: str, mode: str
) -> None:
    config = {"mesh_gateway": {"mode": opaque}}
    upstream = {"DestinationName": "db", "LocalBindPort": 1, "MeshGateway": {"Mode": own}, "Config": config}
    (found,) = registration_in(_proxy(Upstreams=[upstream], MeshGateway={"Mode": common})).upstreams
    assert found.mesh_gateway == mode


def test_sockets_stand_in_place_of_ports() -> None:
    upstream = {"DestinationName": "db", "LocalBindSocketPath": "/run/db.sock", "LocalBindSocketMode": "0660"}
    found = registration_in(_proxy(LocalServicePort=0, LocalServiceSocketPath="/run/web.sock", Upstreams=[upstream]))
    assert found.public is not None
    assert (found.public.application_path, found.public.application_port) == ("/run/web.sock", 0)
    (listener,) = found.upstreams
    assert (listener.socket_path, listener.socket_mode, listener.bind_port) == ("/run/db.sock", 0o660, 0)


def test_limits_and_passive_health_are_read() -> None:
    config = {
        "limits": {"max_connections": "5", "max_pending_requests": 6, "max_concurrent_requests": 7},
        "passive_health_check": {"interval": "22s", "max_failures": 4},
    }
    (found,) = registration_in(
        _proxy(Upstreams=[{"DestinationName": "db", "LocalBindPort": 1, "Config": config}])
    ).upstreams
    assert found.limits == Limits(max_connections=5, max_pending_requests=6, max_concurrent_requests=7)
    assert found.connections_max == 5
    assert found.passive_health == PassiveHealth(interval_s=22.0, failures_max=4)
    later = {"base_ejection_time": "7s", "max_ejection_percent": 50, "enforcing_consecutive_5xx": 0}
    (found,) = registration_in(
        _proxy(Upstreams=[{"DestinationName": "db", "LocalBindPort": 1, "Config": {"passive_health_check": later}}])
    ).upstreams
    assert found.passive_health == PassiveHealth(ejection_s=7.0, ejected_percent_max=50, enforced_percent=0)


def test_exposed_paths_are_read() -> None:
    paths = [
        {"Path": "/health", "ListenerPort": 21500, "LocalPathPort": 8080, "Protocol": "http2"},
        {"Path": "/ready", "ListenerPort": 21501, "LocalPathPort": 8080, "ParsedFromCheck": True},
    ]
    found = registration_in(_proxy(Expose={"Checks": True, "Paths": paths}))
    assert found.exposes_checks
    assert found.exposed == (
        ExposedPath(path="/health", listener_port=21500, application_port=8080, protocol="http2"),
        ExposedPath(path="/ready", listener_port=21501, application_port=8080, from_check=True),
    )


def test_a_gateway_speaks_for_itself_and_listens_where_it_says() -> None:
    config = {
        "envoy_gateway_bind_tagged_addresses": True,
        "envoy_gateway_bind_addresses": {"extra": {"address": "127.0.0.4", "port": 9}},
    }
    body: dict[str, object] = {
        "Kind": "ingress-gateway",
        "ID": "way-in-1",
        "Service": "way-in",
        "Address": "127.0.0.2",
        "Port": 8443,
        "TaggedAddresses": {"wan": {"Address": "127.0.0.3", "Port": 7}},
        "Proxy": {"Config": config},
    }
    found = registration_in(json.dumps(body).encode())
    assert (found.kind, found.service, found.proxy_id) == (ServiceKind.INGRESS_GATEWAY, "way-in", "way-in-1")
    assert found.bind_addresses == (
        BindAddress(name="default", address="127.0.0.2", port=8443),
        BindAddress(name="wan", address="127.0.0.3", port=7),
        BindAddress(name="extra", address="127.0.0.4", port=9),
    )
    body["Proxy"] = {"Config": {"envoy_gateway_no_default_bind": True}}
    assert registration_in(json.dumps(body).encode()).bind_addresses == ()


@pytest.mark.parametrize(
    ("proxy", "named"),
    [
        ({"Config": {"bind_port": "many"}}, "proxy.config.bind_port"),
        ({"Config": {"bind_port": 70000}}, "port 70000"),
        ({"Config": {"local_connect_timeout_ms": -1}}, "proxy.config.local_connect_timeout_ms"),
        ({"Config": {"handshake_timeout_ms": [1]}}, "proxy.config.handshake_timeout_ms"),
        ({"Config": {"max_inbound_connections": 1.5}}, "proxy.config.max_inbound_connections"),
        ({"Config": {"bind_address": {}}}, "proxy.config.bind_address"),
        ({"Config": {"local_service_address": "nowhere"}}, "proxy.config.local_service_address"),
        ({"Upstreams": [{"DestinationName": "db", "LocalBindPort": 0}]}, "local_bind_port of upstream db"),
        (_upstream(connect_timeout_ms="soon"), "config of upstream db.connect_timeout_ms"),
        (_upstream(limits=3), "config of upstream db.limits"),
        (_upstream(limits={"max_connections": -1}), "config of upstream db.limits.max_connections"),
        (_upstream(passive_health_check={"interval": "x"}), "config of upstream db.passive_health_check.interval"),
        (_upstream(mesh_gateway={"mode": "far"}), "mesh_gateway.mode of upstream db"),
        ({"Upstreams": [{"DestinationName": "db", "DestinationType": "x"}]}, "destination_type"),
        (
            {"Upstreams": [{"DestinationName": "db", "LocalBindSocketPath": "/s", "LocalBindSocketMode": "rw"}]},
            "local_bind_socket_mode of upstream db",
        ),
        ({"Expose": {"Paths": [{"Path": "/x", "ListenerPort": 0}]}}, "listener_port of /x"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_key(proxy: dict[str, object], named: str) -> None:
    with pytest.raises(UnusableAnswerError, match=re.escape(named)):
        registration_in(_proxy(**proxy))


@pytest.mark.parametrize(
    "proxy",
    [
        {"Upstreams": [{"DestinationName": "db", "LocalBindPort": 0}]},
        {"Upstreams": [{"DestinationName": "db", "LocalBindPort": 70000}]},
        {"Upstreams": [{"DestinationName": f"s{n}", "LocalBindPort": n + 1} for n in range(1025)]},
        {"LocalServicePort": 0},
        {"Config": {"local_service_address": "nowhere"}},
        {"DestinationServiceName": ""},
    ],
)
def test_a_registration_that_cannot_be_served_is_refused(proxy: dict[str, object]) -> None:
    with pytest.raises(UnusableAnswerError):
        registration_in(_proxy(**proxy))


def test_a_service_that_is_no_proxy_is_refused() -> None:
    with pytest.raises(UnusableAnswerError, match="must be one of connect-proxy"):
        registration_in(b'{"Kind": "", "Port": 80, "Proxy": {"DestinationServiceName": ""}}')


def test_sidecars_are_found_by_the_instance_that_they_front() -> None:
    services = {
        "web-1": {"ID": "web-1", "Kind": ""},
        "b": {"ID": "b", "Kind": "connect-proxy", "Proxy": {"DestinationServiceID": "web-1"}},
        "a": {"ID": "a", "Kind": "connect-proxy", "Proxy": {"DestinationServiceID": "web-1"}},
        "c": {"ID": "c", "Kind": "connect-proxy", "Proxy": {"DestinationServiceID": "web-2"}},
        "d": {"ID": "d", "Kind": "mesh-gateway", "Proxy": {"DestinationServiceID": "web-1"}},
    }
    assert sidecars_in(json.dumps(services).encode(), "web-1") == ["a", "b"]
