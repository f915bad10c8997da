"""Ports for programs under test are free, and each is given once."""

import socket

from tests.support.ports import free_port, free_ports


def test_ports_of_one_process_are_different() -> None:
    assert len({free_port() for _ in range(50)}) == 50


def test_every_name_gets_a_port() -> None:
    assert set(free_ports("http", "dns")) == {"http", "dns"}


def test_a_port_that_is_listened_on_is_not_given() -> None:
    # Ports are given in order: the one after this would be next.
    following = free_port() + 1
    with socket.create_server(("127.0.0.1", following)):
        assert free_port() != following


def test_a_port_that_is_used_for_datagrams_is_not_given() -> None:
    following = free_port() + 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as user:
        user.bind(("127.0.0.1", following))
        assert free_port() != following


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    assert 9_999 < free_port() < 32_768
    assert 1_024 < free_port(digits=4) < 10_000
