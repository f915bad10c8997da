"""Explanations: they say of an answer what is so."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core import topics
from lictor_core.errors import RequestError
from lictor_core.explanations import DnsExplanation
from lictor_core.records import CRITICAL, PASSING, WARNING
from lictor_core.registry import ColdViewError
from lictor_dns.answer import Address, Record, RecordType
from lictor_dns.asked import worded
from lictor_dns.explain import INSTANCES_MAX, explain
from lictor_dns.names import Labels
from lictor_dns.settings import DnsSettings
from tests.dns.asking import NOW
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_query, make_service
from tests.support.cold_catalog import ColdCatalog

N1 = make_node("n1", "10.0.0.1", meta={"k": "v"})
CATALOG = PlainCatalog(
    [
        make_instance(make_service(tags=["v1"]), N1, statuses=[PASSING]),
        make_instance(make_service(port=81), make_node("n2", "10.0.0.2"), statuses=[CRITICAL]),
        make_instance(make_service("alias", address="web.service.consul"), N1),
    ]
)
CATALOG.put_virtual("web", "240.0.0.1")


def explained(
    name: str, kind: str = "A", settings: DnsSettings | None = None, catalog: PlainCatalog = CATALOG
) -> DnsExplanation:
    return explain(catalog, worded(name, kind), settings or DnsSettings(), now=NOW)


def test_a_service_is_explained_with_its_answer_and_each_of_its_instances() -> None:
    found = explained("Web.service.consul", "SRV")
    assert (found.name, found.type, found.transport, found.bytes_max) == ("Web.service.consul.", "SRV", "UDP", 512)
    assert (found.kind, found.code, found.reason) == ("service", "NOERROR", "1 of 2 instances are given")
    assert found.answers == ["Web.service.consul. 0 IN SRV 1 1 80 n1.node.dc1.consul."]
    assert found.additional == ["n1.node.dc1.consul. 0 IN A 10.0.0.1", 'n1.node.dc1.consul. 0 IN TXT "k=v"']
    assert [(one.node, one.port, one.status, one.given) for one in found.instances] == [
        ("n1", 80, "passing", True),
        ("n2", 81, "critical", False),
    ]
    index = CATALOG.wake_index((topics.service("web"),))
    assert [(one.name, one.index) for one in found.depends_on] == [("service:web", index)]
    assert (found.age_s, found.fetched, found.instances_more) == (0.0, 0, 0)


@pytest.mark.parametrize(
    ("name", "kind", "code", "reason"),
    [
        ("nobody.service.consul", "A", "NXDOMAIN", "the catalog has no instance of nobody"),
        ("v9.web.service.consul", "A", "NXDOMAIN", "none of its 2 instances can be given"),
        ("web.service.dc9.consul", "A", "NXDOMAIN", "dc9 is not this agent's datacenter, dc1"),
        ("web.virtual.consul", "A", "NOERROR", "the catalog has it"),
        ("web.virtual.consul", "SRV", "NOERROR", "has nothing of this type"),
        ("db.virtual.consul", "A", "NXDOMAIN", "db has no virtual address"),
        ("web.virtual.dc9.consul", "A", "NXDOMAIN", "dc9 is not this agent's datacenter, dc1"),
        ("nobody.node.consul", "A", "NXDOMAIN", "the catalog has no node nobody"),
        ("n1.node.consul", "A", "NOERROR", "the catalog has it"),
        ("n1.node.consul", "SRV", "NOERROR", "has nothing of this type"),
        ("x.consul", "A", "NXDOMAIN", "no such name can be"),
        ("example.com", "A", "REFUSED", "other zones"),
        ("consul", "AXFR", "NOTIMP", "not handed out"),
        ("9.0.0.10.in-addr.arpa", "PTR", "SERVFAIL", "nobody in the catalog has this address"),
        ("1.0.0.10.in-addr.arpa", "PTR", "NOERROR", "the catalog has it"),
        ("consul", "SOA", "NOERROR", "the catalog has it"),
    ],
)
def test_every_outcome_has_a_reason(name: str, kind: str, code: str, reason: str) -> None:
    found = explained(name, kind)
    assert found.code == code
    assert reason in found.reason


def test_a_picture_that_is_too_old_is_the_reason() -> None:
    old = PlainCatalog([make_instance()])
    old.age_s = float("inf")
    found = explained("web.service.consul", catalog=old)
    assert (found.code, found.age_s, found.instances) == ("SERVFAIL", None, [])
    assert "older than it may be" in found.reason


def test_names_of_our_own_zone_are_followed_and_the_instances_are_those_that_were_asked_for() -> None:
    found = explained("alias.service.consul")
    assert [(one.service, one.given) for one in found.instances] == [("alias", True)]
    assert [one.name for one in found.depends_on] == ["service:alias", "service:web"]


def test_of_very_many_instances_the_rest_is_counted() -> None:
    nodes = [make_node(f"n{number}", f"10.{number // 250}.0.{number % 250}") for number in range(INSTANCES_MAX + 44)]
    found = explained("web.service.consul", catalog=PlainCatalog([make_instance(None, node) for node in nodes]))
    assert (len(found.instances), found.instances_more) == (INSTANCES_MAX, 44)
    assert found.reason == f"3 of {INSTANCES_MAX + 44} instances are given"


def test_instances_that_are_given_stand_first() -> None:
    nodes = [make_node(f"n{number}", f"10.0.0.{number}") for number in range(50)]
    found = explained("web.service.consul", catalog=PlainCatalog([make_instance(None, node) for node in nodes]))
    assert [one.given for one in found.instances] == [True] * 3 + [False] * 47


def test_what_is_not_here_has_to_be_fetched_first() -> None:
    with pytest.raises(ColdViewError):
        explained("web.service.consul", catalog=ColdCatalog([make_instance()]))


@given(
    statuses=st.lists(st.sampled_from([PASSING, WARNING, CRITICAL]), min_size=1, max_size=12),
    only_passing=st.booleans(),
    limit=st.integers(0, 4),
    kind=st.sampled_from(["A", "SRV", "AAAA", "ANY", "TXT"]),
    payload=st.sampled_from([0, 600, 4096]),
)
def test_as_many_instances_are_given_as_the_answer_has_and_none_that_is_unwell(
    statuses: list[str], only_passing: bool, limit: int, kind: str, payload: int
) -> None:
    catalog = PlainCatalog(
        [
            make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}"), statuses=[status])
            for number, status in enumerate(statuses)
        ]
    )
    settings = DnsSettings(only_passing=only_passing, a_record_limit=limit)
    found = explain(catalog, worded("web.service.consul", kind, payload=payload), settings, now=NOW)
    given = [one for one in found.instances if one.given]
    assert len(found.instances) == len(statuses)
    assert len(given) == len(found.answers)
    assert not [one for one in given if one.status == CRITICAL or (only_passing and one.status == WARNING)]
    assert all(one.reason for one in found.instances)
    well = [one for one in statuses if one == PASSING or (one == WARNING and not only_passing)]
    if kind != "AAAA" and len(given) < len(well):
        assert found.settings, "something left them out, and is named"


@given(
    name=st.one_of(
        st.text(min_size=1, max_size=40),
        st.builds(
            "{}.{}.consul".format, st.text(min_size=1, max_size=20), st.sampled_from(["service", "node", "addr"])
        ),
    ),
    number=st.integers(0, 300),
    payload=st.integers(0, 65535),
    is_udp=st.booleans(),
)
def test_any_question_that_can_be_asked_is_explained_in_json(
    name: str, number: int, payload: int, is_udp: bool
) -> None:
    try:
        question = worded(name, str(number), payload=payload, is_udp=is_udp)
    except RequestError:
        return
    found = explain(CATALOG, question, DnsSettings(), now=NOW)
    assert msgspec.json.decode(msgspec.json.encode(found), type=DnsExplanation) == found
    assert found.reading
    assert found.reason
    assert found.bytes <= found.bytes_max


def test_gateways_of_a_service_are_explained() -> None:
    catalog = PlainCatalog([make_instance(make_service("edge"), N1), make_instance(make_service("other"), N1)])
    catalog.put_ingress("web", "edge")
    found = explained("web.ingress.consul", catalog=catalog)
    assert (found.kind, found.answers) == ("ingress", ["web.ingress.consul. 0 IN A 10.0.0.1"])
    assert [(one.service, one.given) for one in found.instances] == [("edge", True)]


def test_a_prepared_query_is_explained_by_the_instances_of_its_service() -> None:
    catalog = PlainCatalog(
        [
            make_instance(make_service(tags=["v1"]), N1),
            make_instance(make_service(), make_node("n2", "10.0.0.2")),
            make_instance(make_service(tags=["v1"]), make_node("n3", "10.0.0.3"), statuses=[CRITICAL]),
        ]
    )
    query = make_query("near")
    catalog.put_query(msgspec.structs.replace(query, service=msgspec.structs.replace(query.service, tags=["v1"])))
    found = explained("near.query.consul", catalog=catalog)
    assert (found.kind, found.reason) == ("query", "1 of 3 instances are given")
    assert {one.node: one.given for one in found.instances} == {"n1": True, "n2": False, "n3": False}
    reasons = {one.node: one.reason for one in found.instances}
    assert "the prepared query leaves it out" in reasons["n2"]
    assert reasons["n3"] == "its check check-web is critical"
    assert [one.name for one in found.depends_on] == ["prepared-queries", "service:web"]
    assert explained("nobody.query.consul", catalog=catalog).code == "NXDOMAIN"


class Said:
    """Recursors that know one host."""

    def addresses(self, host: Labels, wanted: int) -> Sequence[Record]:
        return [Record(host, RecordType.A, 9, Address(ipaddress.ip_address("192.0.2.1")))]


def test_what_recursors_are_asked_is_theirs_to_explain() -> None:
    found = explained("example.com", settings=DnsSettings(recursors=("192.0.2.53",)))
    assert (found.code, found.bytes, found.answers) == ("", 0, [])
    assert "192.0.2.53 is asked" in found.reason


def test_what_recursors_say_of_an_instance_is_in_the_answer() -> None:
    catalog = PlainCatalog([make_instance(make_service(address="host.example.com"), N1)])
    settings = DnsSettings(recursors=("192.0.2.53",))
    found = explain(catalog, worded("web.service.consul"), settings, now=NOW, recursion=Said())
    assert found.answers[0] == "web.service.consul. 0 IN CNAME host.example.com."
    assert found.answers[1].endswith(" IN A 192.0.2.1")
    assert [one.given for one in found.instances] == [True]
