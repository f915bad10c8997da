import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.feed.answers import (
    TARGETS_MAX,
    chain_in,
    default_allow_in,
    endpoints_in,
    entries_in,
    entry_as,
    leaf_in,
    linked_services_in,
    mesh_gateways_in,
    policy_in,
    query_in,
    roots_in,
    service_names_in,
)
from lictor_connect_proxy.feed.opaque import UnusableAnswerError
from lictor_connect_proxy.feed.registrations import registration_in, sidecars_in
from lictor_connect_proxy.snapshot import Endpoint, Policy, QueryResult
from lictor_core.entries.routing import Resolver
from lictor_core.intentions import decide
from tests.connect_proxy.build import rule
from tests.connect_proxy.feed.agent_double import plain_chain, target


def _intention(source: str, action: object, **more: object) -> dict[str, object]:
    names = {"SourceName": source, "DestinationName": "db", "SourceNS": "default", "DestinationNS": "default"}
    return {"ID": f"{source}-db", "Action": action, **names, **more}


def _health(node: str, *statuses: str, address: str = "", port: int = 21000) -> dict[str, object]:
    return {
        "Node": {"Node": node, "Address": "192.0.2.1"},
        "Service": {"ID": f"db-{node}", "Address": address, "Port": port},
        "Checks": [{"Status": status} for status in statuses],
    }


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


def test_instances_that_pass_or_warn_are_healthy() -> None:
    body = [_health("b", "passing", "warning"), _health("a", "passing"), _health("c", "passing", "critical")]
    assert endpoints_in(json.dumps(body).encode()) == (
        Endpoint("192.0.2.1", 21000, "a/db-a"),
        Endpoint("192.0.2.1", 21000, "b/db-b"),
        Endpoint("192.0.2.1", 21000, "c/db-c", healthy=False),
    )


def test_where_only_passing_instances_are_wanted_one_with_a_warning_is_not_healthy() -> None:
    body = json.dumps([_health("a", "warning"), _health("b", "passing")]).encode()
    assert [one.healthy for one in endpoints_in(body, only_passing=True)] == [False, True]


def test_an_instance_has_the_weight_of_its_state() -> None:
    passing, warning = _health("a", "passing"), _health("b", "passing", "warning")
    for row in (passing, warning):
        service = row["Service"]
        assert isinstance(service, dict)
        service["Weights"] = {"Passing": 7, "Warning": 2}
    assert [one.weight for one in endpoints_in(json.dumps([passing, warning]).encode())] == [7, 2]


def test_an_instance_elsewhere_is_reached_by_its_address_for_elsewhere() -> None:
    row = _health("a", "passing", address="10.0.0.1")
    service, node = row["Service"], row["Node"]
    assert isinstance(service, dict)
    assert isinstance(node, dict)
    node["TaggedAddresses"] = {"wan": "203.0.113.1"}
    body = json.dumps([row]).encode()
    assert endpoints_in(body, is_remote=True)[0][:2] == ("10.0.0.1", 21000)
    service["TaggedAddresses"] = {"wan": {"Address": "203.0.113.2", "Port": 7}}
    body = json.dumps([row]).encode()
    assert endpoints_in(body, is_remote=True)[0][:2] == ("203.0.113.2", 7)
    assert endpoints_in(body)[0][:2] == ("10.0.0.1", 21000)
    row["Service"] = {**service, "Address": "", "TaggedAddresses": None}
    assert endpoints_in(json.dumps([row]).encode(), is_remote=True)[0][:2] == ("203.0.113.1", 21000)


def test_a_chain_is_read_as_it_is() -> None:
    chain = chain_in(json.dumps({"Chain": plain_chain("db")}).encode())
    assert chain.start_node == "resolver:db.default.dc1"
    assert chain.targets["db.default.dc1"].sni == "db.default.dc1.internal.x.consul"


@pytest.mark.parametrize(
    "wrong",
    [
        {"StartNode": "resolver:nowhere"},
        {"Targets": {}},
        {"Nodes": {"resolver:db.default.dc1": {"Type": "resolver", "Name": "x"}}},
        {"Targets": {f"t{n}": target("db") for n in range(TARGETS_MAX + 1)}},
    ],
)
def test_a_chain_that_leads_nowhere_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UnusableAnswerError):
        chain_in(json.dumps({"Chain": {**plain_chain("db"), **wrong}}).encode())


@pytest.mark.parametrize(("ttl", "ttl_s"), [("", 10.0), ("3s", 3.0), ("1h", 10.0), ("1ms", 1.0), ("soon", 10.0)])
def test_a_prepared_query_says_whose_instances_it_found_and_for_how_long(ttl: str, ttl_s: float) -> None:
    body = {"Service": "db", "Datacenter": "dc2", "DNS": {"TTL": ttl}, "Nodes": [_health("a", "passing")]}
    found = query_in(json.dumps(body).encode())
    assert found.result == QueryResult("db", "dc2")
    assert found.endpoints == (Endpoint("192.0.2.1", 21000, "a/db-a", service="db"),)
    assert found.ttl_s == ttl_s


def test_lists_that_are_null_are_empty() -> None:
    assert linked_services_in(b"null") == ()
    assert entries_in(b"null\n") == {}


def test_an_entry_may_have_keys_that_are_not_known_yet_but_not_parts() -> None:
    entry: dict[str, object] = {"Kind": "service-resolver", "Name": "db", "Later": 1, "CreateIndex": 3}
    assert entry_as(entry, Resolver) == Resolver(name="db")
    entry["Subsets"] = {"v1": {"Later": 1}}
    with pytest.raises(UnusableAnswerError, match="'db'"):
        entries_in(json.dumps([entry]).encode(), Resolver)


def test_services_behind_a_gateway_are_read_with_what_reaches_them() -> None:
    row = {"Service": {"Name": "db"}, "Port": 0, "CAFile": "/ca", "SNI": "db.example", "Hosts": None}
    (found,) = linked_services_in(json.dumps([row]).encode())
    assert (found.service, found.ca_file, found.sni, found.hosts) == ("db", "/ca", "db.example", ())


def test_an_instance_without_checks_is_healthy_and_its_own_address_counts_first() -> None:
    body = json.dumps([_health("a", address="198.51.100.7")]).encode()
    assert endpoints_in(body) == (Endpoint("198.51.100.7", 21000, "a/db-a"),)


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
    chain_in,
    query_in,
    entries_in,
    linked_services_in,
    service_names_in,
    lambda body: mesh_gateways_in(body, "dc1"),
    lambda body: policy_in(body, "db"),
    lambda body: sidecars_in(body, "web"),
]
_KEYS = [
    *("db", "Roots", "Kind", "Proxy", "Port", "Node", "Service", "Checks", "DebugConfig", "Action", "SourceName"),
    *("Chain", "Nodes", "Targets", "StartNode", "Config", "Upstreams", "DestinationName", "DNS", "TTL", "Name"),
]
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
