"""Places: where an instance or node is reached and under which name."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from lictor_core.records import Node, Service
from lictor_dns.answer import RecordType
from lictor_dns.names import Zone, parse_ip, text_of
from lictor_dns.reach import (
    Place,
    Viewpoint,
    address_record,
    instance_place,
    instance_port,
    node_place,
    within_number,
)
from tests.dns.asking import name
from tests.support.catalog import make_instance, make_node, make_service

ZONE = Zone((b"consul",), None, "dc1")
HERE = Viewpoint(ZONE)
ABROAD = Viewpoint(ZONE, translates=True)
ASKED = name("web.service.consul")


def test_an_instance_without_address_is_at_its_node() -> None:
    place = instance_place(make_instance(make_service(), make_node("n1", "10.0.0.1")), ASKED, HERE)
    assert place == Place(parse_ip("10.0.0.1"), None, name("n1.node.dc1.consul"))


def test_an_address_of_its_own_is_spelled_in_the_target() -> None:
    place = instance_place(make_instance(make_service(address="10.1.0.2")), ASKED, HERE)
    assert place == Place(parse_ip("10.1.0.2"), None, name("0a010002.addr.dc1.consul"))


def test_a_host_name_is_its_own_target() -> None:
    place = instance_place(make_instance(make_service(address="svc.example.com.")), ASKED, HERE)
    assert place == Place(None, name("svc.example.com"), name("svc.example.com"))


@pytest.mark.parametrize("address", ["Web.Service.consul", "a..b", "x" * 64 + ".example"])
def test_a_host_name_that_leads_nowhere_falls_back_to_the_node(address: str) -> None:
    place = instance_place(make_instance(make_service(address=address), make_node("n1", "10.0.0.1")), ASKED, HERE)
    assert place == Place(parse_ip("10.0.0.1"), None, name("n1.node.dc1.consul"))


def test_a_node_whose_name_fits_nowhere_is_reached_by_the_name_of_its_address() -> None:
    place = node_place(make_node("x" * 70, "10.0.0.50"), HERE)
    assert place is not None
    assert place.target == name("0a000032.addr.dc1.consul")


def test_a_node_with_neither_address_nor_host_name_is_nowhere() -> None:
    assert node_place(make_node("n1", ""), HERE) is None


@pytest.mark.parametrize(
    ("address", "wanted", "expected"),
    [
        ("10.0.0.1", "A", "A"),
        ("10.0.0.1", "AAAA", None),
        ("10.0.0.1", "ANY", "A"),
        ("10.0.0.1", "TXT", "A"),
        ("10.0.0.1", "CNAME", None),
        ("2001:db8::1", "AAAA", "AAAA"),
        ("2001:db8::1", "A", None),
        ("2001:db8::1", "ANY", "AAAA"),
        ("host.example.com", "A", "CNAME"),
        ("host.example.com", "AAAA", "CNAME"),
    ],
)
def test_a_place_gives_records_of_its_kind(address: str, wanted: str, expected: str | None) -> None:
    place = node_place(make_node("n1", address), HERE)
    assert place is not None
    record = address_record(ASKED, place, RecordType[wanted], 3)
    assert (record and record.type.name) == expected


def test_numbers_fit_into_sixteen_bits() -> None:
    assert [within_number(number) for number in (-1, 0, 80, 65535, 65536)] == [0, 0, 80, 65535, 65535]


BOTH = {"lan_ipv4": "10.0.0.4", "lan_ipv6": "2001:db8::6"}
WAN = {"wan": "198.51.100.1", "wan_ipv4": "198.51.100.4", "wan_ipv6": "2001:db8:f::6"}


def addresses(place_of: Callable[[int], Place | None]) -> list[str]:
    """Where questions for A, AAAA, and any type are led."""
    places = [place_of(RecordType[kind]) for kind in ("A", "AAAA", "ANY")]
    return [str(place.ip or text_of(place.host or ())) if place else "" for place in places]


@pytest.mark.parametrize(
    ("address", "tagged", "expected"),
    [
        ("10.0.0.1", {}, ["10.0.0.1", "10.0.0.1", "10.0.0.1"]),
        ("10.0.0.1", BOTH, ["10.0.0.4", "2001:db8::6", "2001:db8::6"]),
        ("10.0.0.1", {"lan_ipv6": "2001:db8::6"}, ["10.0.0.1", "2001:db8::6", "2001:db8::6"]),
        ("2001:db8::1", {"lan_ipv4": "10.0.0.4"}, ["10.0.0.4", "2001:db8::1", "10.0.0.4"]),
        ("host.example.com", BOTH, ["10.0.0.4", "2001:db8::6", "2001:db8::6"]),
        ("10.0.0.1", {"lan_ipv4": "host.example.com"}, ["host.example.com", "10.0.0.1", "host.example.com"]),
        ("10.0.0.1", WAN, ["10.0.0.1", "10.0.0.1", "10.0.0.1"]),
    ],
)
def test_a_tag_names_the_address_of_a_family(address: str, tagged: dict[str, str], expected: list[str]) -> None:
    node = make_node("n1", address, tagged=tagged)
    assert addresses(lambda wanted: node_place(node, ABROAD, wanted)) == expected
    at_node = make_instance(make_service(), node)
    assert addresses(lambda wanted: instance_place(at_node, ASKED, ABROAD, wanted)) == expected
    own = make_instance(make_service(address=address, tagged={tag: (one, 1) for tag, one in tagged.items()}))
    assert addresses(lambda wanted: instance_place(own, ASKED, ABROAD, wanted)) == expected


def test_an_instance_without_an_address_for_a_family_is_at_its_node() -> None:
    service = make_service(tagged={"lan_ipv6": ("2001:db8::7", 1)})
    instance = make_instance(service, make_node("n1", "10.0.0.1"))
    assert addresses(lambda wanted: instance_place(instance, ASKED, HERE, wanted)) == [
        "10.0.0.1",
        "2001:db8::7",
        "2001:db8::7",
    ]


def test_a_target_is_the_nodes_name_only_where_that_leads_to_the_address() -> None:
    node = make_node("n1", "10.0.0.1", tagged={"lan_ipv4": "10.0.0.4"})
    place = node_place(node, HERE)
    assert place is not None
    assert place.target == name("0a000004.addr.dc1.consul")
    same = node_place(make_node("n1", "10.0.0.1", tagged={"lan_ipv4": "10.0.0.1"}), HERE)
    assert same is not None
    assert same.target == name("n1.node.dc1.consul")


# What Consul 1.8.7 in one datacenter, with `translate_wan_addrs`, answered about another one that it was joined to.
@pytest.mark.parametrize(
    ("node", "service", "expected", "port"),
    [
        (make_node("t", "10.0.0.1", tagged={**BOTH, "wan": "198.51.100.1"}), make_service(), list(BOTH.values()), 80),
        (make_node("t", "10.0.0.1", tagged=WAN), make_service(), ["198.51.100.4", "2001:db8:f::6"], 80),
        (make_node("t", "10.0.0.1", tagged={"wan": "198.51.100.1"}), make_service(), ["198.51.100.1"] * 2, 80),
        (
            make_node("t", "10.0.0.1"),
            make_service(address="10.1.0.1", tagged={"wan": ("198.51.100.1", 8080), "lan_ipv4": ("10.1.0.4", 81)}),
            ["10.1.0.4", "198.51.100.1"],
            8080,
        ),
        (
            make_node("t", "10.0.0.1"),
            make_service(tagged={"wan": ("198.51.100.5", 8080), "wan_ipv6": ("2001:db8:f::5", 8081)}),
            ["198.51.100.5", "2001:db8:f::5"],
            8080,
        ),
        (
            make_node("t", "10.0.0.1"),
            make_service(address="10.1.0.1", tagged={"wan": ("198.51.100.1", 0)}),
            ["198.51.100.1"] * 2,
            80,
        ),
    ],
)
def test_from_another_datacenter_it_is_at_its_wan_addresses(
    node: Node, service: Service, expected: list[str], port: int
) -> None:
    far = replace(node, datacenter="dc2")
    instance = make_instance(service, far)
    assert addresses(lambda wanted: instance_place(instance, ASKED, ABROAD, wanted))[:2] == expected
    assert instance_port(instance, ABROAD) == port
    assert instance_port(instance, HERE) == service.port
    untranslated = addresses(lambda wanted: instance_place(instance, ASKED, HERE, wanted))
    assert not any(address.startswith(("198.51", "2001:db8:f")) for address in untranslated)
    near = make_instance(service, node)
    assert addresses(lambda wanted: instance_place(near, ASKED, ABROAD, wanted)) == untranslated
