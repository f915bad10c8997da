"""Places: where an instance or node is reached and under which name."""

import pytest

from lictor_core.records import CRITICAL, PASSING, WARNING
from lictor_dns.answer import RecordType, Text
from lictor_dns.names import Zone, parse_ip
from lictor_dns.reach import (
    Place,
    address_record,
    instance_place,
    is_serving,
    metadata_texts,
    node_place,
    weight,
    within_number,
)
from tests.dns.asking import name
from tests.support.catalog import make_instance, make_node, make_service

ZONE = Zone((b"consul",), None, "dc1")
ASKED = name("web.service.consul")


def test_an_instance_without_address_is_at_its_node() -> None:
    place = instance_place(make_instance(make_service(), make_node("n1", "10.0.0.1")), ASKED, ZONE)
    assert place == Place(parse_ip("10.0.0.1"), None, name("n1.node.dc1.consul"))


def test_an_address_of_its_own_is_spelled_in_the_target() -> None:
    place = instance_place(make_instance(make_service(address="10.1.0.2")), ASKED, ZONE)
    assert place == Place(parse_ip("10.1.0.2"), None, name("0a010002.addr.dc1.consul"))


def test_a_host_name_is_its_own_target() -> None:
    place = instance_place(make_instance(make_service(address="svc.example.com.")), ASKED, ZONE)
    assert place == Place(None, name("svc.example.com"), name("svc.example.com"))


@pytest.mark.parametrize("address", ["Web.Service.consul", "a..b", "x" * 64 + ".example"])
def test_a_host_name_that_leads_nowhere_falls_back_to_the_node(address: str) -> None:
    place = instance_place(make_instance(make_service(address=address), make_node("n1", "10.0.0.1")), ASKED, ZONE)
    assert place == Place(parse_ip("10.0.0.1"), None, name("n1.node.dc1.consul"))


def test_a_node_whose_name_fits_nowhere_is_reached_by_the_name_of_its_address() -> None:
    place = node_place(make_node("x" * 70, "10.0.0.50"), ZONE)
    assert place is not None
    assert place.target == name("0a000032.addr.dc1.consul")


def test_a_node_with_neither_address_nor_host_name_is_nowhere() -> None:
    assert node_place(make_node("n1", ""), ZONE) is None


@pytest.mark.parametrize(
    ("address", "wanted", "expected"),
    [
        ("10.0.0.1", "A", "A"),
        ("10.0.0.1", "AAAA", None),
        ("10.0.0.1", "ANY", "A"),
        ("10.0.0.1", "TXT", "A"),
        ("10.0.0.1", "CNAME", None),
        ("2001:db8::1", "AAAA", "AAAA"),
        ("2001:db8::1", "A", None),
        ("2001:db8::1", "ANY", "AAAA"),
        ("host.example.com", "A", "CNAME"),
        ("host.example.com", "AAAA", "CNAME"),
    ],
)
def test_a_place_gives_records_of_its_kind(address: str, wanted: str, expected: str | None) -> None:
    place = node_place(make_node("n1", address), ZONE)
    assert place is not None
    record = address_record(ASKED, place, RecordType[wanted], 3)
    assert (record and record.type.name) == expected


@pytest.mark.parametrize(
    ("statuses", "only_passing", "serving"),
    [
        ([], False, True),
        ([PASSING, WARNING], False, True),
        ([PASSING, WARNING], True, False),
        ([PASSING, CRITICAL], False, False),
    ],
)
def test_checks_decide_who_is_given_out(statuses: list[str], only_passing: bool, serving: bool) -> None:
    assert is_serving(make_instance(statuses=statuses), only_passing=only_passing) is serving


def test_weight_goes_with_health() -> None:
    service = make_service(weights=(5, 2))
    assert weight(make_instance(service, statuses=[PASSING])) == 5
    assert weight(make_instance(service, statuses=[PASSING, WARNING])) == 2


def test_numbers_fit_into_sixteen_bits() -> None:
    assert [within_number(number) for number in (-1, 0, 80, 65535, 65536)] == [0, 0, 80, 65535, 65535]


def test_metadata_is_written_after_rfc_1464_or_raw() -> None:
    meta = {"k": "v", "empty": "", "=a`": "b=`c", "rfc1035-note": "raw = text", "RFC1035-other": "too"}
    assert {text.strings[0] for text in metadata_texts(make_node(meta=meta))} == {
        b"k=v",
        b"empty=",
        b"`=a``=b=``c",
        b"raw = text",
        b"too",
    }


def test_long_metadata_is_split_into_strings_that_fit() -> None:
    (text,) = metadata_texts(make_node(meta={"k": "v" * 512}))
    assert text == Text((b"k=" + b"v" * 253, b"v" * 255, b"v" * 4))


def test_a_node_without_metadata_has_no_texts() -> None:
    assert metadata_texts(make_node(meta=None)) == []
