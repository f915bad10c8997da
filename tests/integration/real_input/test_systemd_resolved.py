"""systemd-resolved's way of asking, replayed: what it adds to a question depends on what it believes the server can do.

It begins with EDNS0 and the DO bit and a payload as large as its interface allows (65494 on loopback, 1232 or 512 by
others), goes down to plain UDP and to TCP when that fails, and goes up again; it asks for A and AAAA at once, for SOA
and DS of the zone when it validates, and the case of a name is not its own to choose but its clients'. A server that
fails at any of it costs its clients seconds, so none of these may be refused, and each may be answered differently only
where the protocol says so (RFC 6891, RFC 4035).
"""

import random
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.support.agents import DevAgent, Product, dev_agent
from tests.support.api import WAIT_S_MAX, call
from tests.support.conditions import wait_until
from tests.support.recorder.json_types import Json

pytestmark = [pytest.mark.slow]

MANY = 40
_LOOPBACK_PAYLOAD = 65494


class Shape(NamedTuple):
    """A way of asking: the payload that EDNS announces, 0 for none; whether DNSSEC is wanted; the transport."""

    payload: int
    dnssec: bool
    transport: str


_SHAPES = [
    Shape(_LOOPBACK_PAYLOAD, True, "udp"),
    Shape(1232, True, "udp"),
    Shape(512, False, "udp"),
    Shape(0, False, "udp"),
    Shape(0, False, "tcp"),
    Shape(65535, True, "tcp"),
]


@pytest.fixture(scope="module")
def named(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Generator[DevAgent]:
    """An agent with a small service and a large one."""
    with dev_agent(product, Path(tmp_path_factory.mktemp("agent"))) as agent:
        for number in range(MANY):
            _register(agent, f"m{number}", f"198.51.100.{number + 1}", {"Service": "many", "Port": 1})
        _register(agent, "n1", "192.0.2.1", {"Service": "web", "Port": 80})
        wait_until(
            lambda: bool(_asked(agent, "web.service.consul", "A", _SHAPES[3]).answer),
            within_s=WAIT_S_MAX,
            what="the last name is there",
        )
        yield agent


@pytest.mark.parametrize("shape", _SHAPES, ids=str)
def test_a_name_is_found_in_each_way(named: DevAgent, shape: Shape) -> None:
    reply = _asked(named, "web.service.consul", "A", shape)
    assert reply.rcode() == dns.rcode.NOERROR
    assert [rrset.to_text() for rrset in reply.answer] == ["web.service.consul. 0 IN A 192.0.2.1"]
    # Who asks with EDNS and gets none back takes the server for one that cannot do it, and asks again without.
    assert (reply.edns >= 0) is (shape.payload > 0)


@pytest.mark.parametrize("shape", _SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["AAAA", "DS", "DNSKEY", "HTTPS", "SVCB", "TLSA"])
def test_what_a_name_has_not_is_said_without_an_error(named: DevAgent, kind: str, shape: Shape) -> None:
    reply = _asked(named, "web.service.consul", kind, shape)
    assert reply.rcode() == dns.rcode.NOERROR
    if kind == "AAAA":
        assert not reply.answer
        assert [rrset.rdtype for rrset in reply.authority] == [dns.rdatatype.SOA]


@pytest.mark.parametrize("shape", _SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["SOA", "NS", "DS", "DNSKEY"])
def test_the_zone_itself_may_be_looked_at(named: DevAgent, kind: str, shape: Shape) -> None:
    reply = _asked(named, "consul", kind, shape)
    assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    assert bool(reply.answer) is (kind in ("SOA", "NS"))


@pytest.mark.parametrize("shape", _SHAPES, ids=str)
def test_the_case_of_the_question_comes_back(named: DevAgent, shape: Shape) -> None:
    rng = random.Random(7)
    for _ in range(5):
        name = "".join(rng.choice((one.lower(), one.upper())) for one in "web.service.consul.")
        reply = _asked(named, name, "A", shape)
        assert str(reply.question[0].name) == name
        assert [str(rrset.name) for rrset in reply.answer] == [name]


def test_on_loopback_all_of_a_large_service_comes_in_one_datagram(named: DevAgent, beyond_consul: None) -> None:
    reply = _asked(named, "many.service.consul", "A", _SHAPES[0])
    assert sum(len(rrset) for rrset in reply.answer) == MANY
    assert not reply.flags & dns.flags.TC


def test_names_of_others_are_refused_in_each_way_and_not_left_unanswered(named: DevAgent) -> None:
    for shape in _SHAPES:
        assert _asked(named, "www.example.com", "A", shape).rcode() == dns.rcode.REFUSED


def _asked(agent: DevAgent, name: str, kind: str, shape: Shape) -> dns.message.Message:
    query = dns.message.make_query(dns.name.from_text(name), kind)
    if shape.payload:
        query.use_edns(0, dns.flags.DO if shape.dnssec else 0, shape.payload)
    ask = dns.query.udp if shape.transport == "udp" else dns.query.tcp
    return ask(query, "127.0.0.1", timeout=10, port=agent.ports["dns"])


def _register(agent: DevAgent, node: str, address: str, service: dict[str, Json]) -> None:
    body: Json = {"Node": node, "Address": address, "Service": service}
    call(agent.http_address, "PUT", "/v1/catalog/register", body)
