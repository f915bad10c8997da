"""Who asks: by the socket, or on behalf of a network."""

import pytest

from lictor_dns.clients import asker_of, host_of
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


def test_a_subnet_stands_before_the_client() -> None:
    named = asker_of("n1", ("192.0.2.1", 53), Edns(512, option(1, 32, bytes((192, 0, 2, 9)))))
    assert (named.address(), named.is_named) == ("192.0.2.9", True)
    plain = asker_of("n1", ("192.0.2.1", 53), Edns(512, b""))
    assert (plain.address(), plain.is_named) == ("192.0.2.1", False)
    assert asker_of("n1", ("192.0.2.1", 53), None).address() == "192.0.2.1"
