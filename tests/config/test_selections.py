"""Lists of interface addresses: laws that hold for every list."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from lictor_config.interfaces import Interface
from lictor_config.selections import attribute, by, moved, ordered, shown, unique

ADDRESSES = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(ipaddress.IPv4Interface),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(ipaddress.IPv6Interface),
)
LISTS = st.lists(st.builds(Interface, st.sampled_from(["lo", "eth0"]), ADDRESSES), max_size=6).map(tuple)


@given(LISTS, st.sampled_from(["type,size", "-address", "name,-size", "private", "default"]))
def test_sorting_keeps_everything_and_twice_is_once(interfaces: tuple[Interface, ...], names: str) -> None:
    found = ordered(interfaces, names)
    assert sorted(map(str, found)) == sorted(map(str, interfaces))
    assert ordered(found, names) == found


@given(LISTS, st.sampled_from([("type", "IPv4"), ("rfc", "6890"), ("size", "24"), ("flags", "forwardable")]))
def test_an_address_is_included_or_excluded(interfaces: tuple[Interface, ...], wanted: tuple[str, str]) -> None:
    test = by(*wanted)
    assert len([one for one in interfaces if test(one)]) + len([one for one in interfaces if not test(one)]) == len(
        interfaces
    )


@given(LISTS)
def test_of_each_name_the_first_one_is_kept(interfaces: tuple[Interface, ...]) -> None:
    found = unique(interfaces, "name")
    assert [one.name for one in found] == list(dict.fromkeys(one.name for one in interfaces))


@given(LISTS, st.integers(-300, 300))
def test_counting_from_the_ends_of_a_network_stays_within_it(interfaces: tuple[Interface, ...], step: int) -> None:
    for before, after in zip(interfaces, moved(interfaces, "network", f"{step:+d}"), strict=True):
        assert after.address.ip in before.address.network


@given(ADDRESSES)
def test_usable_addresses_are_within_the_network(address: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> None:
    interface = Interface("eth0", address)
    for name in ("first_usable", "last_usable", "network", "broadcast"):
        assert ipaddress.ip_address(attribute(name, interface)) in address.network
    assert next(iter(shown([interface]))).startswith("eth0 ")
