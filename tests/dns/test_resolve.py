"""Answers in the shapes of Consul 1.8.7, over a catalog in lists."""

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core import topics
from lictor_core.clock import SeededRng
from lictor_core.records import CRITICAL, PASSING, WARNING
from lictor_dns.answer import Address, Record, RecordType, Result, Srv
from lictor_dns.names import text_of
from lictor_dns.question import Question
from lictor_dns.render import limits_for, render
from lictor_dns.resolve import resolve
from lictor_dns.settings import DnsSettings, SoaSettings
from tests.dns.asking import NOW, ask, question, texts
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_query, make_service

N1 = make_node("n1", "10.0.0.1", meta={"k": "v"})
N2 = make_node("n2", "10.0.0.2")
N6 = make_node("n6", "2001:db8::6")
HOST = make_node("h", "host.example.com")
CATALOG = PlainCatalog(
    [
        make_instance(make_service(tags=["v1"], port=80), N1, statuses=[PASSING]),
        make_instance(make_service(address="10.1.0.2", port=81, weights=(5, 2)), N2, statuses=[WARNING]),
        make_instance(make_service(port=82), make_node("n3", "10.0.0.3"), statuses=[CRITICAL]),
        make_instance(make_service("six", port=86, address="2001:db8::66"), N6),
        make_instance(make_service("hostnode", port=90), HOST),
        make_instance(make_service("down", port=1), N2, statuses=[CRITICAL]),
        make_instance(make_service("web-proxy", proxy_of="web", port=21000), N1),
        make_instance(make_service("consul", port=8300), N2),
    ]
)
SOA = "consul. 0 IN SOA ns.consul. hostmaster.consul. 1767225600 3600 600 86400 0"


def shown(name: str, kind: str = "A", settings: DnsSettings | None = None) -> dict[str, list[str]]:
    """The sections that are not empty, sorted, as dnspython reads them from the wire."""
    asked = question(name, kind, payload=65535)
    settings = settings or DnsSettings()
    answer = resolve(CATALOG, asked, settings, now=NOW, rng=SeededRng(1), turn=0, records_max=65535)
    message = render(asked, answer, limits_for(asked, settings, is_udp=False))
    sections = {section: sorted(texts(message, section)) for section in ("answer", "authority", "additional")}
    return {section: records for section, records in sections.items() if records}


def test_a_service_is_its_healthy_instances() -> None:
    assert shown("web.service.consul") == {
        "answer": ["web.service.consul. 0 IN A 10.0.0.1", "web.service.consul. 0 IN A 10.1.0.2"]
    }


def test_only_passing_leaves_out_warnings() -> None:
    assert shown("web.service.consul", settings=DnsSettings(only_passing=True)) == {
        "answer": ["web.service.consul. 0 IN A 10.0.0.1"]
    }


def test_ports_come_with_weights_addresses_and_metadata() -> None:
    assert shown("web.service.consul", "SRV") == {
        "answer": [
            "web.service.consul. 0 IN SRV 1 1 80 n1.node.dc1.consul.",
            "web.service.consul. 0 IN SRV 1 2 81 0a010002.addr.dc1.consul.",
        ],
        "additional": [
            "0a010002.addr.dc1.consul. 0 IN A 10.1.0.2",
            "n1.node.dc1.consul. 0 IN A 10.0.0.1",
            'n1.node.dc1.consul. 0 IN TXT "k=v"',
        ],
    }


def test_metadata_can_be_left_out() -> None:
    settings = DnsSettings(node_meta_txt=False)
    assert shown("v1.web.service.consul", "SRV", settings)["additional"] == ["n1.node.dc1.consul. 0 IN A 10.0.0.1"]
    assert "additional" not in shown("n1.node.consul", "A", settings)
    assert shown("n1.node.consul", "TXT", settings)["answer"] == ['n1.node.consul. 0 IN TXT "k=v"']


def test_rfc_2782_names_mean_the_same() -> None:
    answers = ["0 IN SRV 1 1 80 n1.node.dc1.consul.", "0 IN SRV 1 2 81 0a010002.addr.dc1.consul."]
    for name in ("_web._tcp.service.consul", "_web._tcp.consul", "_web._tcp.dc1.consul"):
        assert shown(name, "SRV")["answer"] == [f"{name}. {answer}" for answer in answers]
    assert shown("_web._v1.service.consul", "SRV")["answer"] == [f"_web._v1.service.consul. {answers[0]}"]


def test_the_name_stays_as_it_was_asked() -> None:
    assert shown("V1.WEB.Service.consul") == {"answer": ["V1.WEB.Service.consul. 0 IN A 10.0.0.1"]}


@pytest.mark.parametrize(
    "name",
    [
        "nobody.service.consul",
        "down.service.consul",
        "v2.web.service.consul",
        "web.service.dc2.consul",
        "six.connect.consul",
        "consul",
        "ns.consul",
        "web.services.consul",
    ],
)
@pytest.mark.parametrize("kind", ["A", "SRV", "ANY"])
def test_what_has_no_such_name_gets_the_soa(name: str, kind: str) -> None:
    assert ask(CATALOG, name, kind).result is Result.NO_NAME
    assert shown(name, kind) == {"authority": [SOA]}


@pytest.mark.parametrize("kind", ["A", "AAAA", "ANY", "TXT"])
def test_a_node_that_is_not_there_gets_the_soa(kind: str) -> None:
    assert ask(CATALOG, "nobody.node.consul", kind).result is Result.NO_NAME
    assert shown("nobody.node.consul", kind) == {"authority": [SOA]}


@pytest.mark.parametrize("name", ["n1.node.consul", "nobody.node.consul", "n1.node.dc2.consul"])
@pytest.mark.parametrize("kind", ["SRV", "MX", "CNAME", "PTR"])
def test_no_node_has_data_of_other_types(name: str, kind: str) -> None:
    assert ask(CATALOG, name, kind).result is Result.NO_DATA
    assert shown(name, kind) == {}


@pytest.mark.parametrize("name", ["n1.node.dc2.consul", "n1.node.dc1.more.consul"])
def test_a_node_elsewhere_gets_the_soa(name: str) -> None:
    assert shown(name, "A") == shown(name, "ANY") == {"authority": [SOA]}


def test_a_reverse_name_asked_for_soa_has_it_beside_its_answer() -> None:
    assert shown("1.0.0.10.in-addr.arpa", "SOA") == {
        "answer": ["1.0.0.10.in-addr.arpa. 0 IN PTR n1.node.dc1.consul."],
        "authority": [SOA],
    }


@pytest.mark.parametrize(("name", "kind"), [("web.service.consul", "AAAA"), ("six.service.consul", "A")])
def test_a_service_without_such_data_gets_the_soa(name: str, kind: str) -> None:
    assert ask(CATALOG, name, kind).result is Result.NO_DATA
    assert shown(name, kind) == {"authority": [SOA]}


@pytest.mark.parametrize(
    ("name", "kind"), [("n6.node.consul", "A"), ("n1.node.consul", "SRV"), ("ab.addr.consul", "A")]
)
def test_a_node_or_address_without_such_data_gets_nothing(name: str, kind: str) -> None:
    assert ask(CATALOG, name, kind).result is Result.NO_DATA
    assert shown(name, kind) == {}


def test_a_node_is_its_address_and_metadata() -> None:
    address, metadata = "n1.node.consul. 0 IN A 10.0.0.1", 'n1.node.consul. 0 IN TXT "k=v"'
    assert shown("n1.node.consul") == {"answer": [address], "additional": [metadata]}
    assert shown("n1.node.consul", "AAAA") == {"additional": [metadata]}
    assert shown("n1.node.consul", "TXT") == {"answer": [metadata]}
    assert shown("n1.node.consul", "ANY") == {"answer": [address, metadata]}


def test_a_host_name_is_a_cname() -> None:
    assert shown("h.node.consul") == {"answer": ["h.node.consul. 0 IN CNAME host.example.com."]}
    assert shown("hostnode.service.consul", "MX") == {
        "answer": ["hostnode.service.consul. 0 IN CNAME host.example.com."]
    }
    assert shown("hostnode.service.consul", "SRV") == {
        "answer": ["hostnode.service.consul. 0 IN SRV 1 1 90 host.example.com."]
    }


def test_mesh_names_give_proxies() -> None:
    assert shown("web.connect.consul", "SRV")["answer"] == [
        "web.connect.consul. 0 IN SRV 1 1 21000 n1.node.dc1.consul."
    ]


def test_soa_and_ns_are_answered_for_every_name_of_the_zone() -> None:
    servers, addresses = ["consul. 0 IN NS n2.node.dc1.consul."], ["n2.node.dc1.consul. 0 IN A 10.0.0.2"]
    for name in ("consul", "web.service.consul", "nobody.here.consul"):
        assert shown(name, "SOA") == {"answer": [SOA], "authority": servers, "additional": addresses}
        assert shown(name, "NS") == {"answer": servers, "additional": addresses}


def test_at_most_three_name_servers_are_named() -> None:
    catalog = PlainCatalog(
        [make_instance(make_service("consul"), make_node(f"s{number}", f"10.0.0.{number}")) for number in range(5)]
    )
    firsts = {ask(catalog, "consul", "NS", turn=turn).answers[0] for turn in range(5)}
    assert len(firsts) == 5
    assert len(ask(catalog, "consul", "NS").answers) == 3


def test_the_soa_shows_its_settings() -> None:
    settings = DnsSettings(soa=SoaSettings(refresh_s=3, retry_s=4, expire_s=1, min_ttl_s=33))
    assert shown("nobody.service.consul", "A", settings)["authority"] == [
        "consul. 33 IN SOA ns.consul. hostmaster.consul. 1767225600 3 4 1 33"
    ]


def test_addresses_have_their_holders() -> None:
    assert shown("1.0.0.10.in-addr.arpa", "PTR") == {"answer": ["1.0.0.10.in-addr.arpa. 0 IN PTR n1.node.dc1.consul."]}
    assert shown("2.0.1.10.in-addr.arpa", "PTR") == {
        "answer": ["2.0.1.10.in-addr.arpa. 0 IN PTR web.service.dc1.consul."]
    }


@pytest.mark.parametrize("name", ["9.9.9.9.in-addr.arpa", "0.10.in-addr.arpa", "arpa"])
def test_an_address_of_nobody_fails_for_want_of_recursors(name: str) -> None:
    answer = ask(CATALOG, name, "PTR")
    assert (answer.result, answer.recursion_available) == (Result.FAILED, True)


def test_a_spelled_address_is_given_to_every_question() -> None:
    for kind in ("A", "AAAA", "SRV"):
        assert shown("0A010002.addr.dc1.consul", kind) == {"answer": ["0a010002.addr.dc1.consul. 0 IN A 10.1.0.2"]}


@pytest.mark.parametrize("name", ["example.com", ".", "web.service.example"])
def test_other_zones_are_refused(name: str) -> None:
    assert ask(CATALOG, name).result is Result.REFUSED


def test_the_zone_is_not_transferred() -> None:
    assert ask(CATALOG, "consul", "AXFR").result is Result.NOT_OFFERED


def test_times_to_live_are_as_set() -> None:
    settings = DnsSettings(node_ttl_s=17, service_ttls_s={"web": 9})

    def ttls(records: Sequence[Record]) -> set[int]:
        return {record.ttl for record in records}

    service = ask(CATALOG, "web.service.consul", "SRV", settings)
    assert ttls(service.answers) | ttls([one for group in service.attached for one in group]) == {9}
    assert ttls(ask(CATALOG, "n1.node.consul", "ANY", settings).answers) == {17}
    assert ttls(ask(CATALOG, "consul", "NS", settings).answers) == {17}


def test_an_alternative_domain_is_answered_with_targets_in_the_main_one() -> None:
    settings = DnsSettings(alt_domain="alt.test")
    assert shown("v1.web.service.alt.test", "SRV", settings)["answer"] == [
        "v1.web.service.alt.test. 0 IN SRV 1 1 80 n1.node.dc1.consul."
    ]
    assert shown("0a000001.addr.alt.test", "A", settings)["answer"] == ["0a000001.addr.consul. 0 IN A 10.0.0.1"]


def test_turns_put_every_instance_first_once() -> None:
    catalog = PlainCatalog(
        [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(7)]
    )
    turns = ask(catalog, "web.service.consul").turns
    firsts = {ask(catalog, "web.service.consul", turn=turn).answers[0] for turn in range(turns)}
    assert (turns, len(firsts)) == (7, 7)


def test_a_picture_too_old_is_not_answered_from() -> None:
    catalog = PlainCatalog([make_instance()])
    catalog.age_s = 11.0
    assert ask(catalog, "web.service.consul", settings=DnsSettings(max_stale_s=10.0)).result is Result.FAILED
    assert ask(catalog, "web.service.consul", settings=DnsSettings(max_stale_s=12.0)).result is Result.FOUND


def test_an_answer_tells_what_it_depends_on() -> None:
    assert ask(CATALOG, "web.service.consul").topics == (topics.service("web"),)
    assert ask(CATALOG, "N1.node.consul").topics == (topics.node("n1"),)
    assert ask(CATALOG, "web.connect.consul").topics == (topics.connect("web"),)
    assert ask(CATALOG, "1.0.0.10.in-addr.arpa", "PTR").any_change
    assert ask(CATALOG, "nobody.service.consul").this_second
    assert not ask(CATALOG, "web.service.consul").this_second


@given(
    labels=st.lists(
        st.sampled_from(
            [b"web", b"n1", b"service", b"node", b"connect", b"addr", b"_web", b"_tcp", b"dc1", b"0a000001"]
        )
        | st.binary(min_size=1, max_size=10),
        max_size=6,
    ),
    suffix=st.sampled_from([(b"consul",), (b"in-addr", b"arpa"), ()]),
    kind=st.sampled_from([*RecordType, 0, 15, 65535]),
    turn=st.integers(0, 2**16),
)
def test_every_name_of_every_type_has_an_answer(
    labels: list[bytes], suffix: tuple[bytes, ...], kind: int, turn: int
) -> None:
    asked = Question(0, (*labels, *suffix), kind, b"", None)
    answer = resolve(CATALOG, asked, DnsSettings(), now=NOW, rng=SeededRng(turn), turn=turn, records_max=65535)
    assert (answer.result is Result.FOUND) is bool(answer.answers)
    assert all(record.name == asked.labels or text_of(record.name).endswith("consul") for record in answer.answers)


def catalog_with_queries() -> PlainCatalog:
    catalog = PlainCatalog(
        [
            make_instance(make_service(port=80 + number), make_node(f"n{number}", f"10.0.0.{number}"))
            for number in (1, 2)
        ]
    )
    catalog.put_query(make_query("any", ttl="9s"))
    catalog.put_query(make_query("near", near="_ip"))
    catalog.put_query(make_query("none", "nobody", id="3"))
    catalog.put_query(make_query("x-", "${name.suffix + 1}", template=True, id="4"))
    return catalog


def test_a_prepared_query_is_what_it_finds() -> None:
    catalog = catalog_with_queries()
    answer = ask(catalog, "any.query.consul", "SRV", DnsSettings(service_ttls_s={"web": 3}))
    assert {record.ttl for record in answer.answers} == {9}
    assert len(answer.answers) == len(answer.attached) == answer.turns == 2
    assert (answer.interchangeable, answer.scoped, answer.by_client) == (True, True, False)
    assert answer.topics == (topics.PREPARED_QUERIES, topics.service("web"))
    assert ask(catalog, "near.query.consul", settings=DnsSettings(service_ttls_s={"web": 3})).answers[0].ttl == 3
    assert ask(catalog, "any.query.consul", "AAAA").scoped


@pytest.mark.parametrize("name", ["none.query.consul", "nobody.query.consul", "any.query.dc2.consul", "query.consul"])
def test_a_query_that_finds_nothing_is_no_name(name: str) -> None:
    answer = ask(catalog_with_queries(), name)
    assert (answer.result, answer.scoped) == (Result.NO_NAME, False)


@pytest.mark.parametrize("name", ["x-y.query.consul", "4.query.consul"])
def test_a_query_that_cannot_be_carried_out_fails_until_queries_change(name: str) -> None:
    answer = ask(catalog_with_queries(), name)
    assert (answer.result, answer.topics) == (Result.FAILED, (topics.PREPARED_QUERIES,))


def test_what_is_near_goes_by_who_asks() -> None:
    catalog = catalog_with_queries()
    asked = question("near.query.consul")
    for number in (1, 2):
        answer = resolve(
            catalog,
            asked,
            DnsSettings(),
            now=NOW,
            rng=SeededRng(1),
            turn=0,
            records_max=9,
            client=(f"10.0.0.{number}", 53),
        )
        assert answer.by_client
        assert str(answer.answers[0].data) == str(Address(ipaddress.IPv4Address(f"10.0.0.{number}")))


def test_gateways_let_in_to_a_service() -> None:
    catalog = PlainCatalog([make_instance(make_service("gw", port=8443), N1)])
    catalog.put_ingress("web", "gw")
    answer = ask(catalog, "tag.web.ingress.consul", "SRV")
    assert [record.data for record in answer.answers] == [Srv(1, 1, 8443, (b"n1", b"node", b"dc1", b"consul"))]
    assert answer.topics == (topics.ingress("web"),)
    assert ask(catalog, "gw.ingress.consul").result is Result.NO_NAME


def virtual_catalog() -> PlainCatalog:
    catalog = PlainCatalog([make_instance(make_service(), N1)])
    catalog.put_virtual("web", "240.0.0.1")
    return catalog


@pytest.mark.parametrize("name", ["web.virtual.consul", "wEb.Virtual.DC1.consul", "any.web.virtual.consul"])
@pytest.mark.parametrize("kind", ["A", "ANY"])
def test_a_service_of_the_mesh_has_its_virtual_address(name: str, kind: str) -> None:
    answer = ask(virtual_catalog(), name, kind, DnsSettings(node_ttl_s=5, service_ttls_s={"*": 9}))
    owner = question(name).labels
    assert answer.answers == (Record(owner, RecordType.A, 5, Address(ipaddress.IPv4Address("240.0.0.1"))),)
    assert (answer.topics, answer.turns) == ((topics.VIRTUAL_ADDRESSES,), 1)


@pytest.mark.parametrize("kind", ["AAAA", "SRV", "TXT", "CNAME", "PTR"])
def test_a_virtual_address_is_of_one_type(kind: str) -> None:
    answer = ask(virtual_catalog(), "web.virtual.consul", kind)
    assert (answer.result, answer.answers) == (Result.NO_DATA, ())
    assert [record.type for record in answer.authority] == [RecordType.SOA]


@pytest.mark.parametrize(
    "name", ["db.virtual.consul", "web.virtual.dc2.consul", "virtual.consul", "web.virtual.a.dc1.consul"]
)
@pytest.mark.parametrize("kind", ["A", "AAAA"])
def test_what_has_no_virtual_address_is_no_name(name: str, kind: str) -> None:
    answer = ask(virtual_catalog(), name, kind)
    assert answer.result is Result.NO_NAME
    assert [record.type for record in answer.authority] == [RecordType.SOA]


def test_a_host_name_may_be_that_of_a_virtual_address() -> None:
    catalog = virtual_catalog()
    catalog.put(make_instance(make_service("alias", address="web.virtual.consul"), N2))
    answer = ask(catalog, "alias.service.consul")
    assert [(record.type, text_of(record.name)) for record in answer.answers] == [
        (RecordType.CNAME, "alias.service.consul"),
        (RecordType.A, "web.virtual.consul"),
    ]
    assert topics.VIRTUAL_ADDRESSES in answer.topics
