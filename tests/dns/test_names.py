"""Names: what can be asked, and that every name we give can be asked back."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import ConfigurationError
from lictor_dns.names import (
    AddressName,
    Labels,
    Miss,
    NodeName,
    QueryName,
    ReverseName,
    ServiceName,
    VirtualName,
    Zone,
    address_target,
    labels_of,
    node_target,
    parse_domain,
    parse_ip,
    parse_name,
    service_target,
    text_of,
)

ZONE = Zone((b"consul",), (b"alt", b"test"), "dc1")
LABEL = st.text("abcxyz0189-_", min_size=1, max_size=20).filter(lambda text: not text.startswith("_"))


def parsed(name: str, zone: Zone = ZONE, *, is_srv: bool = False) -> object:
    labels = labels_of(name)
    assert labels is not None
    return parse_name(labels, zone, is_srv=is_srv)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web.service.consul", ServiceName("web", "", "dc1")),
        ("WEB.Service.CONSUL.", ServiceName("web", "", "dc1")),
        ("v1.web.service.consul", ServiceName("web", "v1", "dc1")),
        ("a.b.web.service.consul", ServiceName("web", "a.b", "dc1")),
        ("web.service.dc2.consul", ServiceName("web", "", "dc2")),
        ("web.service.alt.test", ServiceName("web", "", "dc1")),
        ("_web._tcp.service.consul", ServiceName("web", "", "dc1")),
        ("_web._.service.consul", ServiceName("web", "", "dc1")),
        ("_web._v1.service.dc2.consul", ServiceName("web", "v1", "dc2")),
        ("_web.service.consul", ServiceName("_web", "", "dc1")),
        ("node.service.consul", ServiceName("node", "", "dc1")),
        ("service.node.consul", NodeName("service", "dc1")),
        ("a.b.node.dc2.consul", NodeName("a.b", "dc2")),
        ("web.connect.consul", ServiceName("web", "", "dc1", connect=True)),
        ("v1.web.connect.consul", ServiceName("web", "", "dc1", connect=True)),
        ("web.ingress.consul", ServiceName("web", "", "dc1", ingress=True)),
        ("v1.web.ingress.dc2.consul", ServiceName("web", "", "dc2", ingress=True)),
        ("Web.Virtual.consul", VirtualName("web", "dc1")),
        ("v1.web.virtual.dc2.consul", VirtualName("web", "dc2")),
        ("virtual.virtual.consul", VirtualName("virtual", "dc1")),
        ("virtual.service.consul", ServiceName("virtual", "", "dc1")),
        ("web.virtual.node.consul", NodeName("web.virtual", "dc1")),
        ("web.virtual.dc1.more.consul", Miss.UNKNOWN),
        ("virtual.consul", Miss.UNKNOWN),
        ("Near.query.consul", QueryName("near", "dc1")),
        ("a.b.query.dc2.consul", QueryName("a.b", "dc2")),
        ("query.query.consul", QueryName("query", "dc1")),
        ("query.consul", Miss.UNKNOWN),
        ("ingress.consul", Miss.UNKNOWN),
        ("0A000001.addr.consul", AddressName("0a000001", ipaddress.ip_address("10.0.0.1"), "dc1")),
        ("0a0001.addr.consul", AddressName("0a0001", None, "dc1")),
        ("0a00000.addr.consul", AddressName("0a00000", None, "dc1")),
        ("0a000001.addr.any.where.consul", AddressName("0a000001", ipaddress.ip_address("10.0.0.1"), "any.where")),
        ("0a0000011.addr.consul", Miss.UNKNOWN),
        ("1.0.0.10.in-addr.arpa", ReverseName(ipaddress.ip_address("10.0.0.1"))),
        ("0.0.10.in-addr.arpa", ReverseName(None)),
        ("arpa", ReverseName(None)),
        ("consul", Miss.UNKNOWN),
        ("web.consul", Miss.UNKNOWN),
        ("service.consul", Miss.UNKNOWN),
        ("web.service.dc1.more.consul", Miss.UNKNOWN),
        ("zz000001.addr.consul", Miss.UNKNOWN),
        ("0x000001.addr.consul", Miss.UNKNOWN),
        ("1.0a000001.addr.consul", Miss.UNKNOWN),
        ("example.com", Miss.FOREIGN),
        ("notconsul", Miss.FOREIGN),
    ],
)
def test_a_name_means_what_the_grammar_says(name: str, expected: object) -> None:
    assert parsed(name) == expected


def test_a_datacenter_that_is_called_virtual_keeps_its_names() -> None:
    zone = Zone((b"consul",), None, "virtual")
    assert parsed("web.service.Virtual.consul", zone) == ServiceName("web", "", "virtual")
    assert parsed("_web._tcp.virtual.consul", zone, is_srv=True) == ServiceName("web", "", "virtual")
    assert parsed("web.virtual.virtual.consul", zone) == VirtualName("web", "virtual")
    assert parsed("web.virtual.consul", zone) is Miss.UNKNOWN


def test_the_root_is_foreign() -> None:
    assert parse_name((), ZONE, is_srv=False) is Miss.FOREIGN


def test_only_srv_questions_may_leave_service_out() -> None:
    assert parsed("_web._tcp.dc2.consul", is_srv=True) == ServiceName("web", "", "dc2")
    assert parsed("_web._tcp.dc2.consul", is_srv=False) is Miss.UNKNOWN


def test_the_longer_of_two_nested_domains_is_meant() -> None:
    nested = Zone((b"consul",), (b"service", b"consul"), "dc1")
    assert parsed("web.service.service.consul", nested) == ServiceName("web", "", "dc1")


def test_a_whole_ip6_name_is_an_address() -> None:
    address = ipaddress.ip_address("2001:db8::66")
    assert parsed(address.reverse_pointer) == ReverseName(address)


def test_ip6_digits_of_two_characters_are_no_address() -> None:
    assert parsed(".".join(["ab"] * 32) + ".ip6.arpa") == ReverseName(None)


@given(node=st.lists(LABEL, min_size=1, max_size=4).map(".".join), datacenter=LABEL)
def test_a_node_target_names_its_node(node: str, datacenter: str) -> None:
    target = node_target(node, datacenter, ZONE)
    assert target is not None
    assert parse_name(target, ZONE, is_srv=True) == NodeName(node, datacenter)


@given(service=LABEL, datacenter=LABEL)
def test_a_service_target_names_its_service(service: str, datacenter: str) -> None:
    target = service_target(service, datacenter, ZONE)
    assert target is not None
    assert parse_name(target, ZONE, is_srv=False) == ServiceName(service, "", datacenter)


@given(address=st.ip_addresses(), datacenter=LABEL)
def test_an_address_target_spells_its_address(address: ipaddress.IPv4Address, datacenter: str) -> None:
    name = parse_name(address_target(address, datacenter, ZONE), ZONE, is_srv=True)
    assert isinstance(name, AddressName)
    assert (name.address, name.datacenter) == (address, datacenter)


@given(address=st.ip_addresses())
def test_a_reverse_name_gives_its_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert parsed(address.reverse_pointer) == ReverseName(mapped or address)


@given(labels=st.lists(st.binary(min_size=1, max_size=20), max_size=8).map(tuple), is_srv=st.booleans())
def test_any_labels_have_a_meaning(labels: Labels, is_srv: bool) -> None:
    for suffix in ((), (b"consul",), (b"service", b"consul"), (b"addr", b"consul"), (b"in-addr", b"arpa")):
        parse_name((*labels, *suffix), ZONE, is_srv=is_srv)


@given(labels=st.lists(st.binary(min_size=1, max_size=20).filter(lambda raw: b"." not in raw), min_size=1, max_size=8))
def test_text_and_labels_turn_into_each_other(labels: list[bytes]) -> None:
    assert labels_of(text_of(tuple(labels))) == tuple(labels)


@pytest.mark.parametrize("host", ["", ".", "a..b", "x" * 64, ".".join(["x" * 60] * 5)])
def test_what_fits_in_no_dns_name_has_no_labels(host: str) -> None:
    assert labels_of(host) is None


def test_a_node_whose_name_is_too_long_has_no_target() -> None:
    assert node_target("x" * 64, "dc1", ZONE) is None
    assert node_target(".".join(["x" * 60] * 4), "dc1", ZONE) is None


@pytest.mark.parametrize("domain", [".", "a..b", "x" * 64])
def test_a_domain_that_is_no_name_is_refused(domain: str) -> None:
    with pytest.raises(ConfigurationError, match="no DNS name"):
        parse_domain(domain)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("FE80::1", "fe80::1"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("fe80::1%eth0", None),
        ("host", None),
        ("010.0.0.1", None),
    ],
)
def test_addresses_are_read_in_their_usual_forms(address: str, expected: str | None) -> None:
    found = parse_ip(address)
    assert (found and str(found)) == expected
