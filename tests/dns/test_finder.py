"""Records from the catalog: which instances, each address once, host names and what is behind them."""

from collections.abc import Sequence

import pytest

from lictor_core import topics
from lictor_core.clock import SeededRng
from lictor_dns.answer import Record, RecordType
from lictor_dns.clients import asker_of
from lictor_dns.finder import Finder
from lictor_dns.names import QueryName, ServiceName, Zone, text_of
from lictor_dns.settings import DnsSettings
from tests.dns.asking import name
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_query, make_service

ZONE = Zone((b"consul",), None, "dc1")
WEB = name("web.service.consul")


def finder(
    catalog: PlainCatalog,
    settings: DnsSettings | None = None,
    *,
    records_max: int = 65535,
    has_edns: bool = False,
) -> Finder:
    asker = asker_of("n1", None, None)
    settings = settings or DnsSettings()
    return Finder(catalog, settings, ZONE, SeededRng(1), 0, records_max, asker, has_edns=has_edns)


def shown(records: Sequence[Record]) -> list[str]:
    return [f"{text_of(record.name)} {record.ttl} {record.type.name}" for record in records]


def instances_at(*addresses: str) -> PlainCatalog:
    return PlainCatalog(
        [
            make_instance(make_service(id=f"web-{number}", address=address, port=number))
            for number, address in enumerate(addresses)
        ]
    )


def test_tags_are_compared_without_case() -> None:
    catalog = PlainCatalog([make_instance(make_service(tags=["Primary"])), make_instance(make_service(id="other"))])
    found = finder(catalog).instances(ServiceName("web", "primary", "dc1"))
    assert [instance.service.id for instance in found] == ["web"]


def test_mesh_instances_are_proxies_and_natives() -> None:
    catalog = PlainCatalog(
        [
            make_instance(make_service("web")),
            make_instance(make_service("web-proxy", proxy_of="web")),
            make_instance(make_service("web", id="native", native=True)),
        ]
    )
    found = finder(catalog).instances(ServiceName("web", "", "dc1", connect=True))
    assert {instance.service.id for instance in found} == {"web-proxy", "native"}


@pytest.mark.parametrize(
    ("limit", "has_edns", "hops", "given"),
    [
        (3, True, 1, 3),
        (3, False, 1, 3),
        (20, True, 1, 8),
        (20, False, 1, 5),
        (20, True, 2, 5),
        (20, False, 2, 4),
        (0, True, 1, 0),
    ],
)
def test_behind_a_host_name_is_what_a_client_without_edns_gets(
    limit: int, has_edns: bool, hops: int, given: int
) -> None:
    """As from Consul, which asks itself so: of an alias the CNAME counts as well."""
    catalog = PlainCatalog(
        [
            *(make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(12)),
            make_instance(make_service("alias1", address="web.service.consul")),
            make_instance(make_service("alias2", address="alias1.service.consul")),
        ]
    )
    seeker = finder(catalog, DnsSettings(udp_answer_limit=limit), has_edns=has_edns)
    alias = ServiceName(f"alias{hops}", "", "dc1")
    found = seeker.addresses(seeker.instances(alias), name(f"alias{hops}.service.consul"), RecordType.A, 0)
    assert [record.type for record in found] == [RecordType.CNAME] * hops + [RecordType.A] * given


def test_what_was_read_is_remembered() -> None:
    seeker = finder(instances_at("n1.node.consul"))
    seeker.addresses(seeker.instances(ServiceName("web", "", "dc1")), WEB, RecordType.A, 0)
    seeker.instances(ServiceName("web", "", "dc1", connect=True))
    assert list(seeker.topics) == [topics.service("web"), topics.node("n1"), topics.connect("web")]


def test_an_address_is_given_once() -> None:
    seeker = finder(instances_at("10.0.0.5", "10.0.0.5", "10.0.0.6"))
    records = seeker.addresses(seeker.instances(ServiceName("web", "", "dc1")), WEB, RecordType.A, 0)
    assert len(records) == 2


def test_a_host_name_is_given_alone_and_only_where_there_is_no_address() -> None:
    service = ServiceName("web", "", "dc1")
    seeker = finder(instances_at("a.example.com", "b.example.com", "10.0.0.5"))
    instances = seeker.instances(service)
    assert shown(seeker.addresses(instances, WEB, RecordType.A, 0)) == ["web.service.consul 0 A"]
    assert shown(seeker.addresses(instances, WEB, RecordType.AAAA, 0)) == ["web.service.consul 0 CNAME"]


def test_an_address_limit_cuts_addresses() -> None:
    seeker = finder(instances_at("10.0.0.1", "10.0.0.2", "10.0.0.3"), DnsSettings(a_record_limit=2))
    records = seeker.addresses(seeker.instances(ServiceName("web", "", "dc1")), WEB, RecordType.A, 0)
    assert len(records) == 2


def test_no_more_records_are_made_than_a_reply_holds() -> None:
    catalog = instances_at(*(f"10.0.0.{number}" for number in range(20)))
    seeker = finder(catalog, records_max=4)
    instances = seeker.instances(ServiceName("web", "", "dc1"))
    answers, attached = seeker.ports(instances, WEB, 0)
    assert len(seeker.addresses(instances, WEB, RecordType.A, 0)) == len(answers) == len(attached) == 4


def test_a_host_name_of_our_zone_is_followed_to_addresses_with_the_services_ttl() -> None:
    catalog = instances_at("n1.node.consul")
    catalog.put_node(make_node("n1", "10.0.0.9", meta={"k": "v"}))
    seeker = finder(catalog, DnsSettings(node_ttl_s=17))
    records = seeker.addresses(seeker.instances(ServiceName("web", "", "dc1")), WEB, RecordType.A, 5)
    assert shown(records) == ["web.service.consul 5 CNAME", "n1.node.consul 5 A"]


def test_a_node_behind_a_node_brings_its_metadata() -> None:
    catalog = PlainCatalog(nodes=[make_node("h", "n1.node.consul"), make_node("n1", "10.0.0.9", meta={"k": "v"})])
    seeker = finder(catalog)
    node = seeker.node("h")
    assert node is not None
    records = seeker.node_addresses(node, name("h.node.consul"), RecordType.A)
    assert shown(records) == ["h.node.consul 0 CNAME", "n1.node.consul 0 A", "n1.node.consul 0 TXT"]


def test_host_names_that_lead_in_a_circle_end_after_some_hops() -> None:
    catalog = PlainCatalog(nodes=[make_node("a", "b.node.consul"), make_node("b", "a.node.consul")])
    seeker = finder(catalog)
    node = seeker.node("a")
    assert node is not None
    assert len(seeker.node_addresses(node, name("a.node.consul"), RecordType.A)) == 4


def test_services_that_lead_in_a_circle_end_after_some_hops() -> None:
    catalog = PlainCatalog(
        [
            make_instance(make_service("a", address="b.service.consul")),
            make_instance(make_service("b", address="a.service.consul")),
        ]
    )
    seeker = finder(catalog)
    instances = seeker.instances(ServiceName("a", "", "dc1"))
    assert len(seeker.addresses(instances, name("a.service.consul"), RecordType.A, 0)) == 4


def test_other_datacenters_and_unknown_names_have_nothing_behind_them() -> None:
    for target in (
        "n1.node.dc2.consul",
        "n2.node.consul",
        "web.service.dc2.consul",
        "x.consul",
        "1.0.0.10.in-addr.arpa",
    ):
        seeker = finder(instances_at(target))
        records = seeker.addresses(seeker.instances(ServiceName("web", "", "dc1")), WEB, RecordType.A, 0)
        assert shown(records) == ["web.service.consul 0 CNAME"]


def test_a_target_that_spells_an_address_is_followed() -> None:
    seeker = finder(instances_at("0a000001.addr.dc1.consul"))
    records = seeker.addresses(seeker.instances(ServiceName("web", "", "dc1")), WEB, RecordType.A, 3)
    assert shown(records) == ["web.service.consul 3 CNAME", "0a000001.addr.dc1.consul 3 A"]


def test_the_same_port_of_the_same_place_is_given_once() -> None:
    node = make_node("n1", "10.0.0.1")
    catalog = PlainCatalog(
        [
            make_instance(make_service(id="one", port=80), node),
            make_instance(make_service(id="two", port=80), node),
            make_instance(make_service(id="three", port=81), node),
        ]
    )
    seeker = finder(catalog)
    answers, attached = seeker.ports(seeker.instances(ServiceName("web", "", "dc1")), WEB, 0)
    assert len(answers) == len(attached) == 2


def test_a_host_name_leads_to_the_family_that_was_asked_for_where_there_are_two() -> None:
    both = make_node("n1", "10.0.0.1", tagged={"lan_ipv6": "2001:db8::1"})
    catalog = PlainCatalog([make_instance(make_service("web", address="db.service.consul"), both)])
    catalog.put(make_instance(make_service("db"), both))
    seeker = finder(catalog)
    instances = seeker.instances(ServiceName("web", "", "dc1"))
    for kind, behind in ((RecordType.A, "A"), (RecordType.AAAA, "AAAA"), (RecordType.ANY, "AAAA")):
        found = seeker.addresses(instances, WEB, kind, 0)
        assert shown(found) == ["web.service.consul 0 CNAME", f"db.service.consul 0 {behind}"]


def test_a_host_name_that_is_a_broken_template_leads_nowhere() -> None:
    catalog = PlainCatalog([make_instance(make_service("web", address="broken.query.consul"))])
    catalog.put_query(make_query("broken", "${name.full + 1}", template=True))
    seeker = finder(catalog)
    found = seeker.addresses(seeker.instances(ServiceName("web", "", "dc1")), WEB, RecordType.A, 0)
    assert shown(found) == ["web.service.consul 0 CNAME"]


def test_gateways_that_let_in_are_found_by_the_service() -> None:
    catalog = PlainCatalog([make_instance(make_service("gw", port=8443)), make_instance(make_service("web"))])
    catalog.put_ingress("web", "gw")
    seeker = finder(catalog)
    found = seeker.instances(ServiceName("web", "", "dc1", ingress=True))
    assert [instance.service.service for instance in found] == ["gw"]
    assert list(seeker.topics) == [topics.ingress("web")]


def test_what_is_equally_near_takes_turns_and_nothing_else() -> None:
    catalog = PlainCatalog(
        [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(4)]
    )
    catalog.put_query(make_query("near", near="n2"))
    found = finder(catalog).found(QueryName("near", "dc1"))
    assert found is not None
    assert (found.instances[0].node.node, found.turns) == ("n2", 3)
    assert len(found.instances) == 4
