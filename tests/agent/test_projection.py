"""Definitions as the catalog keeps them, with Consul's defaults."""

from __future__ import annotations

import pytest

from lictor_agent.projection import check_record, identified_checks, service_record
from lictor_config.definitions import parse_check, parse_service
from lictor_core.records import PASSING, ServiceAddress, Weights
from tests.agent.builders import NODE, check, service


def test_a_name_alone_makes_a_whole_instance() -> None:
    record = service_record(parse_service({"Name": "bare"}))
    assert (record.id, record.service, record.tags, record.meta) == ("bare", "bare", [], None)
    assert (record.weights, record.tagged_addresses) == (Weights(passing=1, warning=1), None)


@pytest.mark.parametrize(("address", "family"), [("127.0.0.9", "ipv4"), ("::9", "ipv6")])
def test_an_address_is_tagged_with_its_family(address: str, family: str) -> None:
    record = service_record(parse_service({"Name": "web", "Address": address, "Port": 80}))
    own = ServiceAddress(address=address, port=80)
    assert record.tagged_addresses == {f"lan_{family}": own, f"wan_{family}": own}


def test_given_tagged_addresses_are_kept() -> None:
    given = {"lan_ipv4": {"Address": "127.0.0.1", "Port": 1}, "wan": {"Address": "198.51.100.7", "Port": 2}}
    record = service_record(parse_service({"Name": "web", "Address": "127.0.0.9", "TaggedAddresses": given}))
    assert record.tagged_addresses == {
        "lan_ipv4": ServiceAddress(address="127.0.0.1", port=1),
        "wan_ipv4": ServiceAddress(address="127.0.0.9", port=0),
        "wan": ServiceAddress(address="198.51.100.7", port=2),
    }


def test_a_host_name_is_tagged_with_nothing() -> None:
    assert service_record(parse_service({"Name": "web", "Address": "host.example.com"})).tagged_addresses is None


def test_a_lone_check_has_the_id_of_its_service_and_several_have_numbers() -> None:
    one = parse_service({"ID": "web-1", "Name": "web", "Check": {"TTL": "9s"}})
    assert [found[:2] for found in identified_checks("web-1", "web", one.checks)] == [
        ("service:web-1", "Service 'web' check")
    ]
    several = parse_service(
        {"Name": "web", "Checks": [{"TTL": "9s", "Name": "n"}, {"CheckID": "own", "TTL": "9s"}, {"TTL": "9s"}]}
    )
    assert [found[:2] for found in identified_checks("web", "web", several.checks)] == [
        ("service:web:1", "n"),
        ("own", "Service 'web' check"),
        ("service:web:3", "Service 'web' check"),
    ]


def test_a_check_is_critical_until_something_else_is_said() -> None:
    definition = parse_check({"Name": "c", "TTL": "9s"})
    assert check_record(NODE, "c", "c", definition, None, None).status == "critical"
    given = parse_check({"Name": "c", "TTL": "9s", "Status": "passing"})
    assert check_record(NODE, "c", "c", given, None, None).status == "passing"


def test_a_check_shows_its_type_unless_told_otherwise() -> None:
    definition = parse_check({"Name": "c", "TTL": "9s"})
    assert check_record(NODE, "c", "c", definition, None, None).type == "ttl"
    assert check_record(NODE, "c", "c", definition, None, None, shows_type=False).type == ""


def test_a_check_that_was_here_keeps_status_and_output_but_not_its_notes() -> None:
    definition = parse_check({"Name": "c", "TTL": "9s", "Status": "warning", "Notes": "new"})
    record = check_record(NODE, "c", "c", definition, service(), check("c", status=PASSING, output="fine"))
    assert (record.status, record.output, record.notes, record.service_name) == (PASSING, "fine", "new", "web")
