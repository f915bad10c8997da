"""Instances are told by one number from all their parts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker.catalog import rows
from lictor_jepsen.clients.base import Refused
from lictor_jepsen.http import Answer
from lictor_jepsen.instances import (
    address_of,
    catalog_registration,
    catalog_rows,
    health_rows,
    local_rows,
    number_at,
    port_of,
)


@given(st.integers(0, (1 << 24) - 1))
def test_an_address_tells_its_number(number: int) -> None:
    assert number_at(address_of(number)) == number
    assert 1024 <= port_of(number) < 65536


@pytest.mark.parametrize("address", ["", "web", "11.0.0.1", "9.255.255.255", "::1"])
def test_other_addresses_tell_none(address: str) -> None:
    assert number_at(address) is None


def answer(tree: object) -> Answer:
    return Answer(200, {}, json.dumps(tree))


def service(number: int, **parts: object) -> dict[str, object]:
    """An instance as the health endpoints have it."""
    written = json.loads(catalog_registration("web", "w1", number))["Service"]
    return {**written, **parts}


def test_rows_of_all_endpoints_are_the_same() -> None:
    healthy = [{"Node": {"Node": "x-w1", "Address": address_of(7)}, "Service": service(7)}]
    listed = [
        {
            "Node": "x-w1",
            "Address": address_of(7),
            "ServiceID": "w1",
            "ServiceAddress": address_of(7),
            "ServicePort": port_of(7),
            "ServiceMeta": {"n": "7"},
        }
    ]
    assert health_rows(answer(healthy)) == catalog_rows(answer(listed)) == (("x-w1/w1", 7),)
    assert local_rows(answer({"w1": service(7), "d1": service(8, Service="db")}), "n1", "web") == (("n1/w1", 7),)


@pytest.mark.parametrize(
    "parts", [{"Address": address_of(8)}, {"Port": port_of(8)}, {"Meta": {"n": "8"}}, {"Meta": None}, {"Address": ""}]
)
def test_parts_of_two_writes_are_torn(parts: dict[str, object]) -> None:
    healthy = [{"Node": {"Node": "n1", "Address": "127.0.0.1"}, "Service": service(7, **parts)}]
    assert str(rows(health_rows(answer(healthy)))["n1/w1"]).startswith("torn: ")


def test_the_address_of_a_node_outside_is_a_part() -> None:
    healthy = [{"Node": {"Node": "x-w1", "Address": address_of(6)}, "Service": service(7)}]
    assert "torn: " in str(health_rows(answer(healthy)))


def test_another_shape_is_refused() -> None:
    with pytest.raises(Refused):
        health_rows(answer({"a": 1}))
