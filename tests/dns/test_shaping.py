"""Which settings and bounds shaped an answer."""

from __future__ import annotations

import pytest

from lictor_core.records import WARNING
from lictor_dns.asked import worded
from lictor_dns.explain import explain
from lictor_dns.settings import DnsSettings
from tests.dns.asking import NOW
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service

NODES = [make_node(f"n{number}", f"10.0.0.{number}", meta={"rack": "7"}) for number in range(60)]
CATALOG = PlainCatalog([make_instance(make_service(), node) for node in NODES])


def told(
    kind: str = "A",
    settings: DnsSettings | None = None,
    *,
    payload: int = 0,
    is_udp: bool = True,
    name: str = "web.service.consul",
    catalog: PlainCatalog = CATALOG,
) -> dict[str, tuple[str, str]]:
    question = worded(name, kind, payload=payload, is_udp=is_udp)
    found = explain(catalog, question, settings or DnsSettings(), now=NOW)
    return {one.name.removeprefix("dns_config."): (one.value, one.effect) for one in found.settings}


def test_few_instances_go_to_clients_without_edns() -> None:
    found = told()
    assert found["udp_answer_limit"] == ("3", "3 of 60 answers for clients that take 512 bytes over UDP")
    assert found["enable_truncate"] == ("false", "the client is not told that there are more answers")
    assert "message size" not in found


def test_tc_is_told() -> None:
    found = told(settings=DnsSettings(enable_truncate=True))
    assert found["enable_truncate"] == ("true", "TC tells the client to ask again over TCP")


def test_the_size_of_the_message_is_told_with_what_does_not_fit() -> None:
    found = told("SRV", payload=1232)
    value, effect = found["message size"]
    assert value == "1232"
    assert " of 60 answers fit and " in effect
    assert "additional records do not fit; with EDNS or over TCP the client takes more" in effect


def test_over_tcp_all_fit() -> None:
    assert told("SRV", is_udp=False) == {}


def test_a_record_limit_bounds_addresses_and_no_ports() -> None:
    limited = DnsSettings(a_record_limit=2)
    assert told(settings=limited, is_udp=False)["a_record_limit"] == ("2", "no answer has more than 2 addresses")
    assert "a_record_limit" not in told("SRV", limited, is_udp=False)
    assert "a_record_limit" not in told(settings=DnsSettings(a_record_limit=60), is_udp=False)


def test_only_passing_is_told_where_it_is_on() -> None:
    warned = PlainCatalog([make_instance(make_service(), NODES[0], statuses=[WARNING])])
    assert "only_passing" not in told(catalog=warned)
    assert told(settings=DnsSettings(only_passing=True), catalog=warned)["only_passing"][0] == "true"


def test_times_to_live_are_told() -> None:
    settings = DnsSettings(node_ttl_s=7, service_ttls_s={"w*": 9})
    assert told(settings=settings)["service_ttl"][0] == "9s"
    assert told(settings=settings, name="n1.node.consul")["node_ttl"][0] == "7s"


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (DnsSettings(max_stale_s=30.0), "max_stale", "30s"),
        (DnsSettings(allow_stale=False), "allow_stale", "false"),
        (DnsSettings(use_cache=True, cache_max_age_s=10.0), "cache_max_age", "10s"),
        (DnsSettings(use_cache=True, cache_max_age_s=50.0, max_stale_s=30.0), "max_stale", "30s"),
    ],
)
def test_an_old_picture_names_the_setting_that_bounds_it(settings: DnsSettings, name: str, value: str) -> None:
    old = PlainCatalog([make_instance()])
    old.age_s = 31.0
    found = told(settings=settings, catalog=old)
    assert list(found) == [name]
    assert found[name][0] == value
