"""Who asks: by the socket, or on behalf of a network."""

import pytest

from lictor_dns.clients import asker_of, host_of, subnet_address
from lictor_dns.question import Edns


def option(family: int, bits: int, address: bytes) -> bytes:
    return family.to_bytes(2) + bytes((bits, 0)) + address


@pytest.mark.parametrize(
    ("client", "host"),
    [
        (("192.0.2.1", 53), "192.0.2.1"),
        (("2001:db8::1", 53, 0, 0), "2001:db8::1"),
        (("fe80::1%lo", 53, 0, 1), "fe80::1"),
        ("192.0.2.1:53", "192.0.2.1"),
        ("[2001:db8::1]:53", "2001:db8::1"),
        (None, ""),
    ],
)
def test_a_socket_tells_the_host(client: object, host: str) -> None:
    assert host_of(client) == host


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


def test_a_subnet_stands_before_the_client() -> None:
    named = asker_of("n1", ("192.0.2.1", 53), Edns(512, option(1, 32, bytes((192, 0, 2, 9)))))
    assert (named.address(), named.is_named) == ("192.0.2.9", True)
    plain = asker_of("n1", ("192.0.2.1", 53), Edns(512, b""))
    assert (plain.address(), plain.is_named) == ("192.0.2.1", False)
    assert asker_of("n1", ("192.0.2.1", 53), None).address() == "192.0.2.1"
