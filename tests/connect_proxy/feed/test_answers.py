import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.feed.answers import (
    UnusableAnswerError,
    default_allow_in,
    endpoints_in,
    leaf_in,
    policy_in,
    registration_in,
    roots_in,
    sidecars_in,
)
from lictor_connect_proxy.snapshot import Endpoint, Policy, PublicListener, UpstreamListener
from lictor_core.intentions import decide
from tests.connect_proxy.build import rule


def _intention(source: str, action: object, **more: object) -> dict[str, object]:
    names = {"SourceName": source, "DestinationName": "db", "SourceNS": "default", "DestinationNS": "default"}
    return {"ID": f"{source}-db", "Action": action, **names, **more}


def _health(node: str, *statuses: str, address: str = "", port: int = 21000) -> dict[str, object]:
    return {
        "Node": {"Node": node, "Address": "192.0.2.1"},
        "Service": {"ID": f"db-{node}", "Address": address, "Port": port},
        "Checks": [{"Status": status} for status in statuses],
    }


def _proxy(**proxy: object) -> bytes:
    known: dict[str, object] = {"DestinationServiceName": "web", "LocalServicePort": 8080, **proxy}
    return json.dumps({"Kind": "connect-proxy", "Address": "", "Port": 21000, "Proxy": known}).encode()


def test_intentions_become_rules() -> None:
    body = json.dumps({"db": [_intention("web", "allow"), _intention("*", "deny")]}).encode()
    assert policy_in(body, "db") == Policy(rules=(rule("web", "allow"), rule("*", "deny")))


def test_no_intentions_are_an_empty_policy() -> None:
    assert policy_in(b'{"db": null}', "db") == Policy(rules=())
    assert policy_in(b'{"db": []}', "db") == Policy(rules=())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"[]",
        b'{"other": []}',
        b'{"db": [{}]}',
        json.dumps({"db": [_intention("web", "audit")]}).encode(),
        json.dumps({"db": [_intention("web", "")]}).encode(),
        json.dumps({"db": [_intention("web", "allow", SourceNS="team")]}).encode(),
    ],
)
def test_one_intention_that_cannot_be_judged_by_makes_the_policy_unusable(body: bytes) -> None:
    with pytest.raises(UnusableAnswerError):
        policy_in(body, "db")


@pytest.mark.parametrize("action", ["allow", "deny", ""])
@pytest.mark.parametrize("rules", [{"Permissions": [{"Action": "allow"}]}, {"JWT": {"Providers": []}}])
def test_rules_on_requests_deny_their_source_alone(action: str, rules: dict[str, object]) -> None:
    body = json.dumps({"db": [_intention("web", action, **rules), _intention("api", "allow")]}).encode()
    found = policy_in(body, "db").rules
    assert not decide("web", "db", found, default_allow=True).allowed
    assert "rules about requests" in decide("web", "db", found, default_allow=True).reason
    assert decide("api", "db", found, default_allow=False).allowed


@pytest.mark.parametrize(
    ("enabled", "default_policy", "allowed"),
    [(False, "deny", True), (False, "allow", True), (True, "allow", True), (True, "deny", False), (True, "x", False)],
)
def test_the_default_is_allow_where_acls_are_off(enabled: bool, default_policy: str, allowed: bool) -> None:
    body = {"Config": {}, "DebugConfig": {"ACLsEnabled": enabled, "ACLDefaultPolicy": default_policy}}
    assert default_allow_in(json.dumps(body).encode()) is allowed


def test_instances_that_pass_or_warn_are_endpoints() -> None:
    body = [_health("b", "passing", "warning"), _health("a", "passing"), _health("c", "passing", "critical")]
    assert endpoints_in(json.dumps(body).encode()) == (
        Endpoint("192.0.2.1", 21000, "a/db-a"),
        Endpoint("192.0.2.1", 21000, "b/db-b"),
    )


def test_an_instance_without_checks_is_healthy_and_its_own_address_counts_first() -> None:
    body = json.dumps([_health("a", address="198.51.100.7")]).encode()
    assert endpoints_in(body) == (Endpoint("198.51.100.7", 21000, "a/db-a"),)


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


def test_upstreams_become_listeners_and_prepared_queries_are_named() -> None:
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
    found = registration_in(_proxy(Upstreams=upstreams))
    assert found.upstreams == (
        UpstreamListener(service="db", bind_port=9191),
        UpstreamListener(
            service="cache",
            datacenter="dc2",
            bind_address="127.0.0.5",
            bind_port=9192,
            connect_timeout_s=0.5,
            connections_max=3,
        ),
    )
    assert found.unsupported == ("prepared_query near",)


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
    with pytest.raises(UnusableAnswerError, match="kind"):
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


def test_roots_and_intermediates_are_trusted_all() -> None:
    body = {
        "TrustDomain": "ABC.consul",
        "Roots": [{"RootCert": "one", "IntermediateCerts": None}, {"RootCert": "two", "IntermediateCerts": ["three"]}],
    }
    found = roots_in(json.dumps(body).encode())
    assert found.pems == ("one", "two", "three")
    assert found.trust_domain == "abc.consul"


@pytest.mark.parametrize("body", [b'{"TrustDomain": "", "Roots": []}', b'{"TrustDomain": "x", "Roots": []}'])
def test_a_cluster_without_roots_is_unusable(body: bytes) -> None:
    with pytest.raises(UnusableAnswerError):
        roots_in(body)


def test_a_leaf_is_read_with_its_key() -> None:
    body = {
        "SerialNumber": "0a",
        "CertPEM": "cert",
        "PrivateKeyPEM": "key",
        "ServiceURI": "spiffe://x",
        "Service": "db",
    }
    found = leaf_in(json.dumps(body).encode())
    assert (found.certificate_pem, found.private_key_pem, found.uri) == ("cert", "key", "spiffe://x")


_PARSERS: list[Callable[[bytes], object]] = [
    leaf_in,
    roots_in,
    default_allow_in,
    endpoints_in,
    registration_in,
    lambda body: policy_in(body, "db"),
    lambda body: sidecars_in(body, "web"),
]
_KEYS = ["db", "Roots", "Kind", "Proxy", "Port", "Node", "Service", "Checks", "DebugConfig", "Action", "SourceName"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("parser", _PARSERS)
@given(body=st.binary(max_size=64) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_raise_one_error_only(parser: Callable[[bytes], object], body: bytes) -> None:
    with contextlib.suppress(UnusableAnswerError):
        parser(body)
