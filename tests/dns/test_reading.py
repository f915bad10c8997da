"""What names are taken for, in words."""

from __future__ import annotations

import pytest

from lictor_dns.answer import RecordType
from lictor_dns.names import parse_name
from lictor_dns.reading import reading
from lictor_dns.settings import DnsSettings
from tests.dns.asking import name

ZONE = DnsSettings(alt_domain="mesh.test").zone()


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ("web.service.consul", "service", "the instances of the service web"),
        ("v1.Web.service.dc2.consul", "service", "the service web with the tag v1 in the datacenter dc2"),
        ("web.connect.consul", "connect", "mesh connections for the service web"),
        ("web.ingress.mesh.test", "ingress", "gateways that lead to the service web"),
        ("web.virtual.consul", "virtual", "the virtual address of the service web"),
        ("web.virtual.dc2.consul", "virtual", "of the service web in the datacenter dc2"),
        ("a.b.node.consul", "node", "the node a.b"),
        ("near.query.consul", "query", "the prepared query near"),
        ("0a000001.addr.consul", "address", "the address 10.0.0.1"),
        ("0a.addr.consul", "address", "has not 8 or 32 digits"),
        ("1.0.0.10.in-addr.arpa", "reverse", "who has the address 10.0.0.1"),
        ("10.in-addr.arpa", "reverse", "spells no whole address"),
        ("web.consul", "unknown", "of no form that means something"),
        ("example.com", "foreign", "not under consul. or mesh.test."),
    ],
)
def test_a_name_is_told_in_words(asked: str, kind: str, words: str) -> None:
    found = reading(parse_name(name(asked), ZONE, is_srv=False), ZONE, RecordType.A)
    assert found.kind == kind
    assert words in found.text


@pytest.mark.parametrize("type", [RecordType.SOA, RecordType.NS])
def test_questions_for_the_zone_do_not_look_at_the_name(type: RecordType) -> None:
    assert reading(parse_name(name("web.service.consul"), ZONE, is_srv=False), ZONE, type).kind == "zone"
