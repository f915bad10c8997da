"""Any small catalog gives what a naive reading of the rules gives: the resolver beside a twin without wit."""

import ipaddress
from collections.abc import Sequence
from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.clock import SeededRng
from lictor_core.records import CRITICAL, PASSING, WARNING, ServiceHealth
from lictor_dns.render import limits_for, render
from lictor_dns.resolve import resolve
from lictor_dns.settings import DnsSettings
from tests.dns.asking import NOW, question, text, texts
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service

_TTL_S: Final = 7
_NODES: Final = ("alpha", "Beta", "dotted.name")
_NODE_ADDRESSES: Final = {"alpha": "10.0.0.1", "Beta": "2001:db8::1", "dotted.name": "node.example.com"}
_NAMES: Final = ("web", "Web", "under_score")
_TAGS: Final = ("v1", "V2", "a.b")
_ADDRESSES: Final = ("", "", "10.9.0.1", "2001:db8::9", "a.example.com", "b.example.com")
_STATUSES: Final = ((), (PASSING,), (PASSING, WARNING), (WARNING,), (CRITICAL,))


class _Twin(NamedTuple):
    """What an answer has to say, in any order: a code, one record of each set of `answers`, all of `additional`."""

    code: int
    answers: Sequence[set[str]]
    additional: set[str]


@st.composite
def _instances(draw: st.DrawFn) -> list[ServiceHealth]:
    found: list[ServiceHealth] = []
    for number in range(draw(st.sampled_from((8, 5, 3, 2, 1, 0)))):
        node = draw(st.sampled_from(_NODES))
        service = make_service(
            draw(st.sampled_from(_NAMES)),
            id=f"id-{number}",
            port=draw(st.sampled_from((0, 80, 65535))),
            address=draw(st.sampled_from(_ADDRESSES)),
            tags=draw(st.lists(st.sampled_from(_TAGS), max_size=2)),
            weights=draw(st.sampled_from(((5, 2), (1, 1), (65535, 0)))),
        )
        statuses = draw(st.sampled_from(_STATUSES))
        meta = {"on": node} if node == "alpha" else None
        found.append(make_instance(service, make_node(node, _NODE_ADDRESSES[node], meta=meta), statuses=statuses))
    return found


def _wanted(instances: Sequence[ServiceHealth], name: str, tag: str, *, only_passing: bool) -> list[ServiceHealth]:
    """The instances that a name means."""
    refused = {CRITICAL, WARNING} if only_passing else {CRITICAL}
    return [
        one
        for one in instances
        if one.service.service.lower() == name.lower()
        and (not tag or tag.lower() in [own.lower() for own in one.service.tags])
        and not refused & {check.status for check in one.checks}
    ]


def _family(address: str) -> str:
    """`A`, `AAAA`, or `CNAME` for what is no address."""
    try:
        return "A" if ipaddress.ip_address(address).version == 4 else "AAAA"
    except ValueError:
        return "CNAME"


def _addresses(instances: Sequence[ServiceHealth], asked: str, kind: str) -> _Twin:
    found: set[str] = set()
    hosts: set[str] = set()
    for one in instances:
        address = one.service.address or one.node.address
        family = _family(address)
        if family == "CNAME":
            hosts.add(f"{asked}. {_TTL_S} IN CNAME {address}.")
        elif kind in (family, "ANY"):
            found.add(f"{asked}. {_TTL_S} IN {family} {address}")
    if found or not hosts:
        return _Twin(0, [{record} for record in found], set())
    return _Twin(0, [hosts], set())


def _ports(instances: Sequence[ServiceHealth], asked: str) -> _Twin:
    answers: dict[object, set[str]] = {}
    additional: set[str] = set()
    for one in instances:
        address = one.service.address or one.node.address
        family = _family(address)
        if family == "CNAME":
            target = address
        elif one.service.address:
            target = f"{ipaddress.ip_address(address).packed.hex()}.addr.dc1.consul"
        else:
            target = f"{one.node.node}.node.dc1.consul"
        warned = any(check.status == WARNING for check in one.checks)
        weight = one.service.weights.warning if warned else one.service.weights.passing
        # Of several instances of a node at one place only one is given.
        place = (one.node.node, one.service.address, one.service.port)
        answers.setdefault(place, set()).add(f"{asked}. {_TTL_S} IN SRV 1 {weight} {one.service.port} {target}.")
        if family != "CNAME":
            additional.add(f"{target}. {_TTL_S} IN {family} {address}")
        for key, value in (one.node.meta or {}).items():
            additional.add(f'{one.node.node}.node.dc1.consul. {_TTL_S} IN TXT "{key}={value}"')
    return _Twin(0, list(answers.values()), additional)


def _naive(instances: Sequence[ServiceHealth], name: str, tag: str, asked: str, kind: str, only_passing: bool) -> _Twin:
    wanted = _wanted(instances, name, tag, only_passing=only_passing)
    if not wanted:
        return _Twin(3, [], set())
    return _ports(wanted, asked) if kind == "SRV" else _addresses(wanted, asked, kind)


@settings(max_examples=250)
@given(
    instances=_instances(),
    name=st.sampled_from(_NAMES),
    tag=st.sampled_from(("", "", "", *_TAGS)),
    is_rfc_2782=st.booleans(),
    kind=st.sampled_from(("A", "AAAA", "ANY", "SRV", "SRV", "SRV")),
    only_passing=st.booleans(),
    turn=st.integers(0, 9),
)
def test_a_service_is_what_a_naive_reading_of_the_rules_gives(
    instances: list[ServiceHealth],
    name: str,
    tag: str,
    is_rfc_2782: bool,
    kind: str,
    only_passing: bool,
    turn: int,
) -> None:
    if is_rfc_2782 and "." not in tag:
        domain_name = f"_{name}._{tag or 'tcp'}.service.consul"
    else:
        domain_name = ".".join(filter(None, (tag, name, "service.consul")))
    dns_settings = DnsSettings(service_ttls_s={"*": _TTL_S}, only_passing=only_passing)
    asked = question(domain_name, kind)
    answer = resolve(
        PlainCatalog(instances), asked, dns_settings, now=NOW, rng=SeededRng(turn), turn=turn, records_max=65535
    )
    message = render(asked, answer, limits_for(asked, dns_settings, is_udp=False))
    expected = _naive(instances, name, tag, domain_name, kind, only_passing)
    found = texts(message)
    assert text(message).rcode() == expected.code
    assert len(found) == len(expected.answers)
    assert all(set(found) & possible for possible in expected.answers)
    assert {record for possible in expected.answers for record in possible}.issuperset(found)
    assert sorted(texts(message, "additional")) == sorted(expected.additional)
    assert bool(texts(message, "authority")) is not bool(found)
