"""Virtual addresses by number: all of the reserved block, but for its first and last address."""

from __future__ import annotations

import ipaddress

import pytest

from lictor_core import topics
from lictor_core.virtual_addresses import NUMBER_MAX, VirtualAddressesQuery, address_of


@pytest.mark.parametrize(
    ("number", "address"),
    [(1, "240.0.0.1"), (255, "240.0.0.255"), (256, "240.0.1.0"), (NUMBER_MAX, "255.255.255.254")],
)
def test_addresses_are_counted_from_the_first_to_the_one_before_the_broadcast(number: int, address: str) -> None:
    assert address_of(number) == address
    assert ipaddress.ip_address(address).is_reserved


@pytest.mark.parametrize("number", [0, NUMBER_MAX + 1])
def test_no_other_number_has_an_address(number: int) -> None:
    with pytest.raises(AssertionError, match="no virtual address"):
        address_of(number)


def test_all_addresses_are_asked_for_together() -> None:
    assert VirtualAddressesQuery().topics() == (topics.VIRTUAL_ADDRESSES,)
