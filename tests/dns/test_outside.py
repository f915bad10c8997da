"""What an answer takes from others: asked for with the client's type, and looked at again each second."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lictor_core.clock import SeededRng
from lictor_dns.answer import Address, Answer, Record, RecordType, Result
from lictor_dns.names import Labels, parse_ip
from lictor_dns.outside import Heard, with_recursion
from lictor_dns.resolve import resolve
from lictor_dns.settings import DnsSettings
from tests.dns.asking import NOW, name, question
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service

HOST = "host.example.com"
HOSTED = PlainCatalog([make_instance(make_service(address=HOST), make_node(address="10.0.0.1"))])


class Others:
    """They say of every host that it has these addresses."""

    def __init__(self, *ips: str) -> None:
        self.asked: list[tuple[Labels, int]] = []
        self._ips = ips

    def addresses(self, host: Labels, wanted: int) -> Sequence[Record]:
        self.asked.append((host, wanted))
        found = [parse_ip(ip) for ip in self._ips]
        return [Record(host, RecordType.A, 77, Address(ip)) for ip in found if ip is not None]


def test_who_asked_for_nothing_depends_on_nobody() -> None:
    asked = Heard(Others(), RecordType.A)
    assert with_recursion(Answer(result=Result.FOUND), asked) == Answer(result=Result.FOUND, recursion_available=True)
    assert with_recursion(Answer(result=Result.FOUND, this_second=True), None).this_second


def test_what_others_said_is_looked_at_again_each_second() -> None:
    asked = Heard(Others(), RecordType.A)
    asked(name(HOST))
    assert with_recursion(Answer(result=Result.FOUND), asked).this_second


@pytest.mark.parametrize("kind", ["A", "AAAA", "SRV", "ANY"])
def test_others_are_asked_for_what_the_client_wants(kind: str) -> None:
    others = Others("203.0.113.7")
    answer = resolved(others, kind=kind)
    assert others.asked == [(name(HOST), RecordType[kind])]
    assert answer.this_second
    assert answer.recursion_available


def test_an_instance_gives_five_of_many_addresses_and_its_own_time_to_live() -> None:
    answer = resolved(Others(*(f"203.0.113.{number}" for number in range(20))), service_ttls_s={"web": 9})
    assert [record.type for record in answer.answers] == [RecordType.CNAME, *[RecordType.A] * 5]
    assert {record.ttl for record in answer.answers} == {9}


def test_without_recursors_nobody_is_asked() -> None:
    others = Others("203.0.113.7")
    answer = resolved(others, recursors=())
    assert (len(answer.answers), answer.this_second, answer.recursion_available) == (1, False, False)
    assert not others.asked


@pytest.mark.parametrize("name", ["www.example.com", ".", "9.2.0.192.in-addr.arpa"])
def test_names_that_are_not_ours_are_for_others_where_there_are_any(name: str) -> None:
    assert resolved(Others(), name).result is Result.ELSEWHERE
    assert resolved(Others(), name, recursors=()).result in (Result.REFUSED, Result.FAILED)


def resolved(
    others: Others,
    name: str = "web.service.consul",
    *,
    kind: str = "A",
    recursors: tuple[str, ...] = ("192.0.2.53",),
    service_ttls_s: dict[str, int] | None = None,
) -> Answer:
    """The answer of a server with these settings."""
    return resolve(
        HOSTED,
        question(name, kind),
        DnsSettings(recursors=recursors, service_ttls_s=service_ttls_s or {}),
        now=NOW,
        rng=SeededRng(1),
        turn=0,
        records_max=100,
        recursion=others,
    )
