"""What each kind of instance must and must not have. Texts are the real Consul's."""

import pytest

from lictor_config.definitions import DefinitionError, parse_service

DUPLICATE = 'upstreams cannot contain duplicates of [type="service", name="c", namespace="", datacenter=""]'
SAME_PORT = 'upstreams cannot contain duplicates by local bind address and port; "127.0.0.1:1" is specified twice'
UPSTREAMS: list[tuple[list[dict[str, object]], list[str]]] = [
    ([{"DestinationName": "c", "LocalBindPort": 1}, {"DestinationName": "c", "LocalBindPort": 2}], [DUPLICATE]),
    ([{"DestinationName": "c", "LocalBindPort": 1}, {"DestinationName": "d", "LocalBindPort": 1}], [SAME_PORT]),
    ([{"DestinationName": "c", "LocalBindPort": 1}, {"DestinationName": "c", "LocalBindPort": 1}],
     [DUPLICATE, SAME_PORT]),
    ([{"DestinationName": "c"}], ["upstream local bind port cannot be zero"]),
    ([{"LocalBindPort": 1}], ["upstream destination name cannot be empty"]),
    ([{"DestinationType": "x", "DestinationName": "c", "LocalBindPort": 1}],
     ['unknown upstream destination type: "x"']),
    ([{"DestinationName": "c", "LocalBindPort": 1},
      {"DestinationName": "c", "LocalBindPort": 1, "LocalBindAddress": "127.0.0.2", "Datacenter": "dc2"}], []),
    ([{"DestinationName": "c", "LocalBindSocketPath": "/c", "LocalBindSocketMode": "0660"},
      {"DestinationName": "d", "LocalBindSocketPath": "/d"}], []),
    ([{"DestinationName": "c", "LocalBindSocketPath": "/c"}, {"DestinationName": "d", "LocalBindSocketPath": "/c"}],
     ["two upstreams are at the Unix socket /c: give each its own"]),
    ([{"DestinationName": "c", "LocalBindSocketPath": "/c", "LocalBindPort": 1}],
     ["upstream c has a Unix socket and a port or an address: keep one of the two"]),
    ([{"DestinationName": "c", "LocalBindPort": 1, "LocalBindSocketMode": "0600"}],
     ["upstream c has a mode of a Unix socket, and no path of one"]),
    ([{"DestinationName": "c", "LocalBindSocketPath": "/c", "LocalBindSocketMode": "rw"}],
     ["upstream c has the socket mode 'rw': write octal digits, such as 0600"]),
]  # fmt: skip
PATHS: list[tuple[list[dict[str, object]], list[str]]] = [
    ([{"Path": "/x", "ListenerPort": 0}], ["expose.paths: invalid listener port: 0"]),
    ([{"Path": "/x", "ListenerPort": 99999}], ["expose.paths: invalid listener port: 99999"]),
    ([{"Path": "/x", "ListenerPort": 1}, {"Path": "/x", "ListenerPort": 2}], ["expose.paths: duplicate paths exposed"]),
    ([{"Path": "/x", "ListenerPort": 1, "Protocol": "ftp"}],
     ["protocol 'ftp' not supported for path: /x, must be in: [http http2]"]),
    ([{"Path": "/x", "ListenerPort": 1, "Protocol": "http"}], []),
]  # fmt: skip
ALL_OF_A_PROXY = {
    "DestinationServiceName": "b",
    "DestinationServiceID": "x",
    "LocalServiceAddress": "x",
    "LocalServicePort": 5,
    "Upstreams": [{"DestinationName": "c", "LocalBindPort": 1}],
}


def flaws(body: dict[str, object]) -> list[str]:
    try:
        parse_service({"Name": "a", **body})
    except DefinitionError as error:
        return [problem.message for problem in error.problems]
    return []


@pytest.mark.parametrize(("upstreams", "expected"), UPSTREAMS)
def test_upstreams_are_checked(upstreams: list[dict[str, object]], expected: list[str]) -> None:
    proxy = {"DestinationServiceName": "b", "Upstreams": upstreams}
    assert flaws({"Kind": "connect-proxy", "Port": 1, "Proxy": proxy}) == expected


@pytest.mark.parametrize(("paths", "expected"), PATHS)
def test_exposed_paths_are_checked(paths: list[dict[str, object]], expected: list[str]) -> None:
    proxy = {"DestinationServiceName": "b", "Expose": {"Paths": paths}}
    assert flaws({"Kind": "connect-proxy", "Port": 1, "Proxy": proxy}) == expected


@pytest.mark.parametrize("kind", ["mesh-gateway", "terminating-gateway"])
def test_gateways_stand_for_no_service(kind: str) -> None:
    assert flaws({"Kind": kind}) == [f"Port must be non-zero for a {kind}"]
    assert flaws({"Kind": kind, "Port": 1, "Proxy": ALL_OF_A_PROXY}) == [
        f"The Proxy.{name} configuration is invalid for a {kind}"
        for name in (
            "DestinationServiceName",
            "DestinationServiceID",
            "LocalServiceAddress",
            "LocalServicePort",
            "Upstreams",
        )
    ]


def test_an_ingress_gateway_and_a_typical_service_need_nothing() -> None:
    assert flaws({"Kind": "ingress-gateway"}) == []
    assert flaws({"Proxy": ALL_OF_A_PROXY}) == []


def test_an_upstream_is_a_service_unless_it_says_otherwise() -> None:
    proxy = {"DestinationServiceName": "b", "Upstreams": [{"DestinationName": "c", "LocalBindPort": 1}]}
    service = parse_service({"Name": "a", "Kind": "connect-proxy", "Port": 1, "Proxy": proxy})
    assert service.proxy.upstreams[0].destination_type == "service"
