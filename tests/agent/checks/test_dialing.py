"""Addresses and the words for failed connections."""

from __future__ import annotations

import errno
import socket

import pytest

from lictor_agent.checks.dialing import dial_failure, split_host_port
from lictor_core.addresses import join_host_port


@pytest.mark.parametrize(
    ("address", "split"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:80", ("::1", 80)), (":80", ("", 80)), ("host:0", ("host", 0))],
)
def test_an_address_is_host_and_port(address: str, split: tuple[str, int]) -> None:
    assert split_host_port(address) == split


@pytest.mark.parametrize("address", ["127.0.0.1", "", "::1", "host:", "host:99999", "host:-1", "host:x", "host:٣"])
def test_anything_else_is_refused_with_its_reason(address: str) -> None:
    with pytest.raises(ValueError, match=r"missing port|invalid port|unknown port"):
        split_host_port(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "host"])
def test_joining_is_the_inverse_of_splitting(host: str) -> None:
    assert split_host_port(join_host_port(host, 80)) == (host, 80)


def test_a_failed_connection_names_address_and_reason() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "x")
    assert dial_failure("127.0.0.1:1", refused) == "dial tcp 127.0.0.1:1: connect: connection refused"
    assert dial_failure("127.0.0.1:1", TimeoutError()) == "dial tcp 127.0.0.1:1: i/o timeout"
    unknown = socket.gaierror(socket.EAI_NONAME, "x")
    assert dial_failure("nowhere.invalid:1", unknown) == "dial tcp: lookup nowhere.invalid: no such host"
