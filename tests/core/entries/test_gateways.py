"""The entries of gateways looked at alone; tests/compat/scenarios/http/gateways.py has all refusals."""

from __future__ import annotations

import pytest

from lictor_core.entries.gateways import (
    CERTIFIED_HOSTS_MAX,
    SERVICES_MAX,
    IngressGateway,
    IngressListener,
    IngressService,
    IngressTLS,
    certified_names,
)
from tests.core.entries.build import flaws


def host(name: str, *, tls: bool = False) -> list[str]:
    listener = {"Port": 80, "Protocol": "http", "Services": [{"Name": "web", "Hosts": [name]}]}
    return flaws("ingress-gateway", {"TLS": {"Enabled": tls}, "Listeners": [listener]})


@pytest.mark.parametrize("name", ["*", "*.com", "a.com", "*.a.com:80", "a.com:80"])
def test_a_wildcard_is_the_whole_first_label_of_a_host(name: str) -> None:
    assert host(name) == []


@pytest.mark.parametrize("name", ["", "a.*.com", "x*.com", "*:80", "*.*.com"])
def test_any_other_wildcard_is_refused(name: str) -> None:
    assert host(name) == ["Listeners[0].Services[0].Hosts"]


def test_a_certificate_cannot_be_for_every_host() -> None:
    assert host("*", tls=True) == ["Listeners[0].Services[0].Hosts"]
    assert host("*.com", tls=True) == []


def test_all_flaws_of_listeners_are_found_at_once() -> None:
    listeners = [
        {"Port": 80, "Protocol": "tcp", "Services": [{"Name": "a", "Hosts": ["h"]}, {"Name": "*"}]},
        {"Port": 80, "Protocol": "udp"},
        {"Port": 70000, "Protocol": "http", "Services": [{"Name": "*", "Hosts": ["h"]}, {"Name": "", "Hosts": ["h"]}]},
    ]
    assert flaws("ingress-gateway", {"Listeners": listeners}) == [
        "Listeners[0].Services",
        "Listeners[0].Services[0].Hosts",
        "Listeners[0].Services[1].Name",
        "Listeners[1].Port",
        "Listeners[1].Protocol",
        "Listeners[1].Services",
        "Listeners[2].Port",
        "Listeners[2].Services[0].Hosts",
        "Listeners[2].Services[1].Name",
        "Listeners[2].Services[1].Hosts",
    ]


def test_a_limit_is_never_negative_neither_of_a_service_nor_of_all() -> None:
    service = {"Name": "a", "MaxConnections": -1}
    listeners = [{"Port": 80, "Protocol": "tcp", "Services": [service]}]
    defaults = {"MaxPendingRequests": -1}
    assert flaws("ingress-gateway", {"Listeners": listeners, "Defaults": defaults}) == [
        "Defaults",
        "Listeners[0].Services[0]",
    ]


def test_a_linked_service_comes_once_and_with_all_of_its_certificate() -> None:
    services = [{"Name": "a", "CAFile": "ca"}, {"Name": "a"}, {"CertFile": "c"}, {"Name": "b", "KeyFile": "k"}]
    assert flaws("terminating-gateway", {"Services": services}) == [
        "Services[1].Name",
        "Services[2].Name",
        "Services[2]",
        "Services[3]",
    ]


def test_the_services_of_a_gateway_are_bounded() -> None:
    services = [{"Name": f"s{number}"} for number in range(SERVICES_MAX + 1)]
    for count, found in ((SERVICES_MAX, False), (SERVICES_MAX + 1, True)):
        listeners = [{"Port": 80, "Protocol": "http", "Services": services[:count]}]
        assert flaws("terminating-gateway", {"Services": services[:count]}) == (["Services"] if found else [])
        assert flaws("ingress-gateway", {"Listeners": listeners}) == (["Listeners"] if found else [])


def test_a_gateway_is_known_by_the_names_that_dns_answers_for_and_by_hosts_without_what_no_certificate_has() -> None:
    hosts = ("api.example:8080", "api.example", "*.B.example.", "10 0", "x" * 254, "*", "ü.example", "-.example")
    assert certified_names(hosts, "DC1", ("consul", "alt.test", "")) == (
        "*.ingress.consul",
        "*.ingress.dc1.consul",
        "*.ingress.alt.test",
        "*.ingress.dc1.alt.test",
        "*.b.example",
        "api.example",
    )


def test_a_certificate_carries_a_bounded_number_of_hosts() -> None:
    assert len(certified_names((f"h{number}.example" for number in range(500)), "dc1", ())) == CERTIFIED_HOSTS_MAX


def listener(port: int, host: str, *, tls: bool | None = None) -> IngressListener:
    own = None if tls is None else IngressTLS(enabled=tls)
    return IngressListener(port=port, protocol="http", services=[IngressService(name="web", hosts=[host])], tls=own)


def test_hosts_are_certified_where_their_listener_has_tls() -> None:
    listeners = [listener(1, "b.example", tls=True), listener(2, "a.example"), listener(3, "c.example", tls=False)]
    common, none = IngressTLS(enabled=True), IngressTLS(enabled=False)
    assert IngressGateway(name="gw", tls=common, listeners=listeners).named_hosts == ("a.example", "b.example")
    assert IngressGateway(name="gw", tls=none, listeners=listeners).named_hosts == ("b.example",)
    assert IngressGateway(name="gw", tls=none, listeners=listeners[1:]).named_hosts is None
    assert IngressGateway(name="gw", tls=common, listeners=None).named_hosts is None
