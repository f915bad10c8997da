"""Batches of datagrams on real sockets."""

import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import pytest

from lictor_core.addresses import join_host_port
from lictor_dns.datagrams import BATCH_MAX, MESSAGE_BYTES_MAX, Datagrams
from lictor_dns.udp import bind
from tests.dns.asking import IPV6

ID_BYTES: Final = 2


@contextmanager
def served(host: str, client_host: str) -> Generator[tuple[Datagrams, socket.socket, int]]:
    """Datagrams on a port of `host`, and a client that is connected to that port at `client_host`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with bind(host, 0) as bound, socket.socket(family, socket.SOCK_DGRAM) as client:
        port: int = bound.getsockname()[1]
        client.settimeout(5)
        client.connect((client_host, port))
        yield Datagrams(bound, ID_BYTES), client, port


def take(datagrams: Datagrams, count: int) -> list[bytes]:
    """Receive until `count` messages came, in one batch."""
    deadline = time.monotonic() + 5
    while not (lengths := datagrams.receive()):
        assert time.monotonic() < deadline, "no datagram came"
    assert len(lengths) == count
    starts = [slot * MESSAGE_BYTES_MAX for slot in range(count)]
    return [datagrams.messages[start : start + length] for start, length in zip(starts, lengths, strict=True)]


@pytest.mark.parametrize(
    ("host", "client_host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.7"),
        pytest.param("::1", "::1", marks=IPV6),
        pytest.param("::", "::1", marks=IPV6),
    ],
)
def test_answers_go_back_from_the_address_that_was_asked(host: str, client_host: str) -> None:
    with served(host, client_host) as (datagrams, client, port):
        for number in range(5):
            client.send(b"%02d question" % number)
        assert take(datagrams, 5) == [b"%02d question" % number for number in range(5)]
        for slot in range(5):
            datagrams.answer(slot, b" answer %d" % slot)
        assert datagrams.send(0, 5) == 0
        # The client is connected: it takes datagrams from the asked address alone.
        assert [client.recv(100) for _ in range(5)] == [b"%02d answer %d" % (slot, slot) for slot in range(5)]
        asker = client_host if host != "0.0.0.0" else "127.0.0.1"
        assert str(datagrams.clients[0]) == join_host_port(asker, client.getsockname()[1])
        assert port


def test_a_batch_is_bounded_and_the_rest_comes_next() -> None:
    with served("127.0.0.1", "127.0.0.1") as (datagrams, client, _):
        for number in range(BATCH_MAX + 3):
            client.send(b"%03d" % number)
        assert len(take(datagrams, BATCH_MAX)) == BATCH_MAX
        assert take(datagrams, 3) == [b"%03d" % number for number in range(BATCH_MAX, BATCH_MAX + 3)]
        assert list(datagrams.receive()) == []


def test_runs_of_slots_are_sent_alone() -> None:
    with served("127.0.0.1", "127.0.0.1") as (datagrams, client, _):
        for number in range(4):
            client.send(b"%02d" % number)
        take(datagrams, 4)
        for slot in range(4):
            datagrams.answer(slot, b"!")
        assert datagrams.send(0, 1) == datagrams.send(3, 4) == datagrams.send(2, 2) == 0
        assert [client.recv(10), client.recv(10)] == [b"00!", b"03!"]


def test_a_long_message_loses_its_end_and_a_long_answer_does_not() -> None:
    with served("127.0.0.1", "127.0.0.1") as (datagrams, client, _):
        client.send(b"ab" + bytes(5000))
        assert take(datagrams, 1) == [b"ab" + bytes(MESSAGE_BYTES_MAX - 2)]
        datagrams.answer(0, bytes(65_000))
        assert datagrams.send(0, 1) == 0
        assert client.recv(65_535) == b"ab" + bytes(65_000)


def test_an_answer_that_cannot_be_sent_is_lost_alone() -> None:
    with served("127.0.0.1", "127.0.0.1") as (datagrams, client, _):
        for number in range(3):
            client.send(b"%02d" % number)
        take(datagrams, 3)
        datagrams.answer(0, b"!")
        datagrams.answer(1, bytes(65_534))  # with its id more than a datagram holds
        datagrams.answer(2, b"!")
        assert datagrams.send(0, 3) == 1
        assert [client.recv(10), client.recv(10)] == [b"00!", b"02!"]


def test_an_empty_datagram_is_a_message_of_no_bytes() -> None:
    with served("127.0.0.1", "127.0.0.1") as (datagrams, client, _):
        client.send(b"")
        client.send(b"ab")
        assert take(datagrams, 2) == [b"", b"ab"]


def test_a_closed_socket_is_an_error() -> None:
    with bind("127.0.0.1", 0) as bound:
        datagrams = Datagrams(bound, ID_BYTES)
    with pytest.raises(OSError, match="Bad file descriptor"):
        datagrams.receive()
