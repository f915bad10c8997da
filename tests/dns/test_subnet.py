"""Client subnets: what an option says, and what goes back."""

import ipaddress

import dns.edns
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_dns.subnet import normal_subnet


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
    "option", ["", "0001", "00031800c0a801", "00012100c0a80101", "0002810020010db8", "00001800c0a801"]
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
