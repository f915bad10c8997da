"""Service definitions: every key, every rule, the same from HTTP and from files. Texts are the real Consul's."""

import contextlib

import pytest
from hypothesis import given

from lictor_config.definitions import (
    DefinitionError,
    Dialect,
    ServiceDefinition,
    dns_warnings,
    parse_check,
    parse_service,
)
from lictor_core.records import ServiceAddress, ServiceKind, Weights
from tests.support.strategies import json_values

FULL = {
    "Kind": "connect-proxy",
    "ID": "web-1",
    "Name": "web",
    "Tags": ["a", "b"],
    "Address": "192.0.2.1",
    "TaggedAddresses": {"lan": {"Address": "192.0.2.2", "Port": 81}},
    "Meta": {"k": "v"},
    "Port": 80,
    "Weights": {"Passing": 5, "Warning": 2},
    "EnableTagOverride": True,
    "Token": "t",
    "Check": {"TTL": "5s"},
    "Checks": [{"TCP": "127.0.0.1:80", "Interval": "10s"}],
    "Proxy": {
        "DestinationServiceName": "app",
        "DestinationServiceID": "app-1",
        "LocalServiceAddress": "127.0.0.1",
        "LocalServicePort": 8080,
        "Config": {"bind_port": 1, "Nested": {"x": [1, 2]}},
        "Upstreams": [
            {
                "DestinationType": "prepared_query",
                "DestinationName": "db",
                "Datacenter": "dc2",
                "LocalBindAddress": "127.0.0.2",
                "LocalBindPort": 9191,
                "Config": {"protocol": "http"},
                "MeshGateway": {"Mode": "local"},
            }
        ],
        "MeshGateway": {"Mode": "remote"},
        "Expose": {
            "Checks": True,
            "Paths": [{"Path": "/x", "LocalPathPort": 1, "ListenerPort": 2, "Protocol": "http2"}],
        },
    },
}
FULL_IN_A_FILE = {
    "kind": "connect-proxy",
    "id": "web-1",
    "name": "web",
    "tags": ["a", "b"],
    "address": "192.0.2.1",
    "tagged_addresses": {"lan": {"address": "192.0.2.2", "port": 81}},
    "meta": {"k": "v"},
    "port": 80,
    "weights": {"passing": 5, "warning": 2},
    "enable_tag_override": True,
    "token": "t",
    "check": {"ttl": "5s"},
    "checks": [{"tcp": "127.0.0.1:80", "interval": "10s"}],
    "proxy": {
        "destination_service_name": "app",
        "destination_service_id": "app-1",
        "local_service_address": "127.0.0.1",
        "local_service_port": 8080,
        "config": {"bind_port": 1, "Nested": {"x": [1, 2]}},
        "upstreams": [
            {
                "destination_type": "prepared_query",
                "destination_name": "db",
                "datacenter": "dc2",
                "local_bind_address": "127.0.0.2",
                "local_bind_port": 9191,
                "config": {"protocol": "http"},
                "mesh_gateway": {"mode": "local"},
            }
        ],
        "mesh_gateway": {"mode": "remote"},
        "expose": {
            "checks": True,
            "paths": [{"path": "/x", "local_path_port": 1, "listener_port": 2, "protocol": "http2"}],
        },
    },
}

# What the real Consul 1.8.7 answers to each body, asked at /v1/agent/service/register
REFUSED: list[tuple[dict[str, object], str]] = [
    ({}, "Missing service name"),
    ({"Name": ""}, "Missing service name"),
    ({"Name": "a", "Bogus": 1}, 'Request decode failed: json: unknown field "Bogus"'),
    ({"Name": "a", "SocketPath": "/x"}, 'Request decode failed: json: unknown field "SocketPath"'),
    ({"Name": "a", "Check": {"ID": "x", "TTL": "1s"}}, 'Request decode failed: json: unknown field "ID"'),
    ({"Name": "a", "Connect": {"SidecarService": {"Bogus": 1}}}, 'Request decode failed: json: unknown field "Bogus"'),
    ({"Name": "a", "Address": "0.0.0.0"}, "Invalid service address"),
    ({"Name": "a", "Address": "::"}, "Invalid service address"),
    ({"Name": "a", "Weights": {"Passing": 0, "Warning": 1}}, "Invalid Weights: Passing must be greater than 0"),
    ({"Name": "a", "Weights": {}}, "Invalid Weights: Passing must be greater than 0"),
    ({"Name": "a", "Weights": {"Passing": 70000}}, "Invalid Weights: DNS Weight must be between 0 and 65535"),
    ({"Name": "a", "Weights": {"Passing": 1, "Warning": -1}},
     "Invalid Weights: Warning must be greater or equal than 0"),
    ({"Name": "a", "Meta": {"": "1"}},
     "Invalid Service Meta: Couldn't load metadata pair ('', '1'): Key cannot be blank"),
    ({"Name": "a", "Check": {"TTL": "10s", "Interval": "5s"}},
     "Invalid check: Interval and TTL cannot both be specified"),
    ({"Name": "a", "Checks": [{}, {"TTL": "1s"}]}, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"Name": "a", "Check": {"TTL": "5s", "Status": "bogus"}},
     "Status for checks must 'passing', 'warning', 'critical'"),
    ({"Name": "a", "Kind": "connect-proxy"},
     "2 errors occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services"
     "\n\t* Port must be set for a Connect proxy\n\n"),
    ({"Name": "a", "Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "b"},
      "Connect": {"Native": True}},
     "1 error occurred:\n\t* A Proxy cannot also be Connect Native, only typical services\n\n"),
    ({"Name": "a", "Connect": {"SidecarService": {"ID": "z"}}},
     "1 error occurred:\n\t* A SidecarService cannot specify an ID as this is managed by the agent\n\n"),
    ({"Name": "a", "Connect": {"SidecarService": {"Connect": {"SidecarService": {}}}}},
     "1 error occurred:\n\t* A SidecarService cannot have a nested SidecarService\n\n"),
    ({"Name": "a", "Kind": "mesh-gateway", "Port": 1, "Connect": {"SidecarService": {}}},
     "1 error occurred:\n\t* A mesh-gateway cannot have a sidecar service defined\n\n"),
    ({"Name": "a", "Connect": {"SidecarService": {"Check": {"HTTP": "x"}}}},
     "Invalid check in sidecar_service: Interval must be > 0 for Script, HTTP, or TCP checks"),
]  # fmt: skip

# What the real Consul 1.8.7 takes
TAKEN: list[dict[str, object]] = [
    {"Name": "a", "Port": -1},
    {"Name": "a", "Port": 70000},
    {"Name": "a_b.c"},
    {"Name": "a", "Kind": "bogus"},
    {"Name": "a", "Check": {}},
    {"Name": "a", "Check": {"TTL": "0s"}},
    {"Name": "a", "Connect": {"Bogus": 1}},
    {"Name": "a", "Connect": {"Native": True, "SidecarService": {}}},
    {"Name": "a", "Connect": {"SidecarService": {"Port": 99999, "Kind": "mesh-gateway"}}},
    {"Name": "a", "TaggedAddresses": {"x": {"Address": "0.0.0.0"}}},
    {"Name": "a", "Tags": None, "Meta": None, "Weights": None, "Checks": None, "Proxy": None, "Connect": None},
]


def test_every_key_is_read_the_same_from_http_and_from_files() -> None:
    over_http = parse_service(FULL)
    assert over_http == parse_service(FULL_IN_A_FILE, Dialect.FILE)
    assert over_http.kind is ServiceKind.CONNECT_PROXY
    assert over_http.tagged_addresses == {"lan": ServiceAddress(address="192.0.2.2", port=81)}
    assert over_http.weights == Weights(passing=5, warning=2)
    assert [check.kind.value for check in over_http.checks] == ["ttl", "tcp"]
    assert over_http.proxy.upstreams[0].config == {"protocol": "http"}
    assert over_http.proxy.config == {"bind_port": 1, "Nested": {"x": [1, 2]}}
    assert over_http.proxy.expose.paths[0].protocol == "http2"


@pytest.mark.parametrize(("body", "answer"), REFUSED)
def test_a_bad_body_gets_consuls_answer(body: dict[str, object], answer: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_service(body)
    assert str(caught.value) == answer


@pytest.mark.parametrize("body", TAKEN)
def test_what_consul_takes_is_taken(body: dict[str, object]) -> None:
    assert parse_service(body).name == str(body["Name"])


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_service({"Port": "80", "Tags": "x", "Check": {"TTL": "x"}})
    assert len(caught.value.problems) == 4
    assert str(caught.value).startswith("Request decode failed: ")


def test_a_sidecar_keeps_what_it_was_given() -> None:
    sidecar = parse_service({"Name": "a", "Connect": {"SidecarService": {"Port": 5, "Tags": ["x"]}}}).sidecar
    assert sidecar is not None
    assert (sidecar.port, sidecar.tags, sidecar.name) == (5, ("x",), "")


@pytest.mark.parametrize("body", [[], "x", 5, True])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(DefinitionError, match="JSON object"):
        parse_service(body)


def test_null_counts_as_an_empty_object() -> None:
    with pytest.raises(DefinitionError, match="Missing service name"):
        parse_service(None)


def test_a_file_may_bind_a_service_to_any_address() -> None:
    assert parse_service({"name": "a", "address": "0.0.0.0"}, Dialect.FILE).address == "0.0.0.0"


@given(json_values())
def test_any_json_is_a_definition_or_one_error(value: object) -> None:
    for parse in (parse_service, parse_check):
        for dialect in Dialect:
            with contextlib.suppress(DefinitionError):
                parse(value, dialect)


def test_names_that_dns_cannot_carry_are_warned_of_only() -> None:
    service = ServiceDefinition(name="a_b", tags=("ok", "x.y"))
    assert [warning.split(" cannot")[0] for warning in dns_warnings(service)] == ["service name 'a_b'", "tag 'x.y'"]
    assert "63" in dns_warnings(ServiceDefinition(name="x" * 64))[0]
    assert dns_warnings(ServiceDefinition(name="web-1", tags=("v2",))) == []


def test_a_sidecar_in_a_file_has_no_metadata_that_cannot_be() -> None:
    value = {"name": "a", "connect": {"sidecar_service": {"meta": {"": "1"}}}}
    with pytest.raises(DefinitionError, match=r"Invalid SidecarService: .*Key cannot be blank"):
        parse_service(value, Dialect.FILE)


def test_over_http_a_null_among_texts_is_an_empty_one() -> None:
    service = parse_service({"Name": "a", "Tags": ["t", None], "Meta": {"k": None}})
    assert (service.tags, service.meta) == (("t", ""), {"k": ""})


def test_in_a_file_a_null_among_texts_is_none() -> None:
    with pytest.raises(DefinitionError, match="must be a string, not null"):
        parse_service({"name": "a", "tags": [None]}, Dialect.FILE)
