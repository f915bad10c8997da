"""Client subnets: what an option says, and what goes back."""

import ipaddress

import dns.edns
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_dns.subnet import normal_subnet, subnet_address, subnet_of, with_scope


def option(family: int, bits: int, address: bytes) -> bytes:
    return family.to_bytes(2) + bytes((bits, 0)) + address


@pytest.mark.parametrize(
    ("option", "back"),
    [
        ("00011800c0a801", "00011800c0a801"),
        ("00011818c0a801", "00011800c0a801"),
        ("0002380020010db8010200", "0002380020010db8010200"),
        ("00010000", "00010000"),
        ("00000000", "00000000"),
        ("00011800", "00011800000000"),
        ("00010800c0a80101", "00010800c0"),
        ("00011400c0a8ff", "00011400c0a8f0"),
        ("00024000" + "20010db8" * 5, "0002400020010db820010db8"),
    ],
)
def test_a_subnet_goes_back_as_far_as_it_is_told(option: str, back: str) -> None:
    found = normal_subnet(bytes.fromhex(option))
    assert found is not None
    assert found.hex() == back


@pytest.mark.parametrize(
    "option",
    [
        "",
        "0001",
        "00031800c0a801",
        "00012100c0a80101",
        "0002810020010db8",
        "00001800c0a801",
        "00011821c0a801",
        "0002208120010db8",
    ],
)
def test_a_malformed_subnet_is_none(option: str) -> None:
    assert normal_subnet(bytes.fromhex(option)) is None


@given(address=st.ip_addresses(), data=st.data())
def test_an_option_of_another_hand_is_understood(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, data: st.DataObject
) -> None:
    prefix = data.draw(st.integers(0, address.max_prefixlen))
    written = dns.edns.ECSOption(str(address), prefix, 0).to_wire()
    assert written is not None
    assert normal_subnet(written) == written


@given(option=st.binary(max_size=24))
def test_what_goes_back_is_well_formed(option: bytes) -> None:
    found = normal_subnet(option)
    assert found is None or normal_subnet(found) == found


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (option(1, 24, bytes((192, 0, 2))), "192.0.2.0"),
        (option(1, 32, bytes((192, 0, 2, 9))), "192.0.2.9"),
        (option(1, 0, b""), "0.0.0.0"),
        (option(2, 32, bytes.fromhex("20010db8")), "2001:db8::"),
        (option(3, 24, b"abc"), ""),
        (option(1, 40, bytes(5)), ""),
        (b"\0\1\x18", ""),
        (b"", ""),
    ],
)
def test_a_subnet_is_the_address_that_it_begins_with(given: bytes, address: str) -> None:
    assert subnet_address(given) == address


@given(address=st.ip_addresses(), data=st.data())
def test_the_option_of_a_network_is_read_as_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, data: st.DataObject
) -> None:
    prefix = data.draw(st.integers(0, address.max_prefixlen))
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    made = subnet_of(network)
    assert normal_subnet(made) == made
    assert subnet_address(made) == str(network.network_address)


def test_the_scope_is_the_prefix_where_others_may_be_told_something_else() -> None:
    made = subnet_of(ipaddress.ip_network("192.0.2.0/24"))
    assert with_scope(made, scoped=False) == made
    assert with_scope(made, scoped=True).hex() == "00011818c00002"
