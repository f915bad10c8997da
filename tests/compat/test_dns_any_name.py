"""Names put together at random are asked of the real Consul and of Lictor at once, and get the same.

The corpus asks for what somebody thought of; this finds what nobody did. Left out is what is a declared difference
there: labels with dots, an RFC 2782 name of nothing, bytes that are no text, and the words of later versions.
"""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.compat.scenarios.dns.registrations import instance
from tests.support.agents import NODE, DevAgent, dev_agent
from tests.support.recorder.dns_runner import DnsRunner
from tests.support.recorder.dns_scenario import DnsScenario
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step

_QUESTIONS = 6000
_SEEDS = (1, 2)
_S_MAX = 10.0
_ON_ONE_CONNECTION = 100
"""Consul ends a connection after 128 questions."""
_SHOWN_MAX = 20
_SERIAL = re.compile(r"( SOA \S+ \S+) \d+ ")
_PROXY: dict[str, Json] = {
    "Service": "web-proxy",
    "Kind": "connect-proxy",
    "Port": 21000,
    "Proxy": {"DestinationServiceName": "web"},
}
_TAGGED: dict[str, Json] = {"lan_ipv4": {"Address": "10.5.0.1", "Port": 1}, "wan": {"Address": "192.0.2.5", "Port": 2}}
_CATALOG = DnsScenario(
    "any-name",
    "A little of everything.",
    (
        instance("n1", "10.0.0.1", {"Service": "web", "Port": 8001, "Tags": ["a", "V1"]}, NodeMeta={"rack": "r1"}),
        instance("n2", "10.0.0.2", {"Service": "web", "Port": 8002, "Tags": ["a"], "Address": "10.2.0.2"}, "warning"),
        instance("n3", "10.0.0.3", {"Service": "web", "Port": 8003, "Tags": ["a", "only"]}, "critical"),
        instance("n1", "10.0.0.1", _PROXY, NodeMeta={"rack": "r1"}),
        instance("n4", "2001:db8::4", {"Service": "six", "Port": 1, "Connect": {"Native": True}}),
        instance("n5", "10.0.0.5", {"Service": "tagged", "Port": 5, "TaggedAddresses": _TAGGED}),
        instance("host", "host.example.com", {"Service": "hosted", "Port": 1}),
        instance("n2", "10.0.0.2", {"Service": "alias", "Port": 9, "Address": "web.service.consul"}),
        instance("n2", "10.0.0.2", {"Service": "under_score", "Port": 7, "Tags": ["x_y"]}),
        instance("gw1", "10.0.0.7", {"Service": "gw", "Kind": "ingress-gateway", "Port": 8443}),
        instance("dc1", "10.0.0.8", {"Service": "service", "Port": 3, "Tags": ["service", "node"]}),
        Step(
            "what is behind the gateway",
            "PUT",
            "/v1/config",
            {
                "Kind": "ingress-gateway",
                "Name": "gw",
                "Listeners": [{"Port": 80, "Protocol": "tcp", "Services": [{"Name": "web"}]}],
            },
        ),
        Step("a query", "POST", "/v1/query", {"Name": "q", "Service": {"Service": "web", "Tags": ["a"]}}),
        Step(
            "a template",
            "POST",
            "/v1/query",
            {"Name": "t-", "Service": {"Service": "${name.suffix}"}, "Template": {"Type": "name_prefix_match"}},
        ),
    ),
    (),
    {"alt_domain": "alt.test", "dns_config": {"node_ttl": "5s", "service_ttl": {"web": "7s", "*": "3s"}}},
)
_KINDS = ("service", "connect", "ingress", "node", "query", "addr")
_WORDS = (
    *("web", "Web", "six", "hosted", "alias", "tagged", "under_score", "gw", "service", "web-proxy", "nobody"),
    *("n1", "N2", "n4", "host", "gw1", "a", "v1", "only", "x_y", "q", "Q", "t-web", "t-none", "dc1", "dc2"),
    *("_web", "_six", "_tcp", "_udp", "_v1", "_under_score", "_nobody", "0a000001", "0A000001", "0a00000g", "0a"),
    *("20010db8000000000000000000000004", "consul", "ns", "alt", "test", "1", "0", "10", "in-addr", "ip6", "*", "a b"),
    *_KINDS,
)
_DOMAINS = (
    "consul",
    "consul",
    "consul",
    "Consul",
    "alt.test",
    "dc1.consul",
    "dc2.consul",
    "test",
    "arpa",
    "in-addr.arpa",
)
_TYPES = ("A", "A", "AAAA", "SRV", "SRV", "ANY", "TXT", "NS", "SOA", "CNAME", "PTR", "MX")


def questions(seed: int) -> Iterator[tuple[str, str]]:
    """Names and types, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(_QUESTIONS):
        labels = [chance.choice(_WORDS) for _ in range(chance.randint(0, 3))]
        if chance.random() < 0.7:
            labels.append(chance.choice(_KINDS))
        yield ".".join((*labels, chance.choice(_DOMAINS))).replace(" ", "\\032"), chance.choice(_TYPES)


def answers(agent: DevAgent, asked: Sequence[tuple[str, str]]) -> Iterator[dict[str, object]]:
    """What an agent answers over TCP, where every answer is whole, without the order of records and the time."""
    for start in range(0, len(asked), _ON_ONE_CONNECTION):
        with (
            socket.create_connection(("127.0.0.1", agent.ports["dns"]), _S_MAX) as stream,
            stream.makefile("rb") as reader,
        ):
            for name, kind in asked[start : start + _ON_ONE_CONNECTION]:
                query = dns.message.make_query(name, kind).to_wire()
                stream.sendall(len(query).to_bytes(2) + query)
                reply = reader.read(int.from_bytes(reader.read(2)))
                yield shown(dns.message.from_wire(reply, one_rr_per_rrset=True), agent.ports["server"])


def shown(message: dns.message.Message, server_port: int) -> dict[str, object]:
    sections = {
        name: sorted({_text(record, server_port) for record in section})
        for name, section in zip(("answer", "authority", "additional"), message.sections[1:], strict=True)
    }
    return {"code": dns.rcode.to_text(message.rcode()), "flags": dns.flags.to_text(message.flags), **sections}


def _text(record: dns.rrset.RRset, server_port: int) -> str:
    return _SERIAL.sub(r"\1 <time> ", str(record)).replace(f" {server_port} {NODE}.", f" <port> {NODE}.")


def differences(first: Mapping[str, object], second: Mapping[str, object]) -> str:
    return "; ".join(f"{name}: {first[name]} but {second[name]}" for name in first if first[name] != second[name])


@pytest.mark.slow
@pytest.mark.timeout(300)  # thousands of questions, beside other tests
@pytest.mark.needs("consul")
@pytest.mark.parametrize("seed", _SEEDS)
def test_any_name_gets_from_both_the_same(seed: int, tmp_path: Path) -> None:
    (tmp_path / "lictor").mkdir()
    with (
        dev_agent("consul", tmp_path, _CATALOG.config) as consul,
        dev_agent("lictor", tmp_path / "lictor", _CATALOG.config) as lictor,
    ):
        for agent in (consul, lictor):
            DnsRunner(agent.ports).run(_CATALOG)
        asked = list(questions(seed))
        both = zip(asked, answers(consul, asked), answers(lictor, asked), strict=True)
        found = [f"{name} {kind}: {told}" for (name, kind), theirs, ours in both if (told := differences(theirs, ours))]
    assert not found, f"{len(found)} of {_QUESTIONS} differ:\n" + "\n".join(found[:_SHOWN_MAX])
