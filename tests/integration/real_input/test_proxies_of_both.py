"""Lictor's proxy and the real Consul's, at either end, beside either agent."""

import contextlib
import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.agents import Product, dev_agent
from tests.support.api import WAIT_S_MAX
from tests.support.conditions import wait_until
from tests.support.echo import GREETING, echo_server
from tests.support.mesh import mesh, mesh_by_flags

_ANSWER_S_MAX = 10.0
_COMBINATIONS: tuple[tuple[Product, Product, Product], ...] = (
    ("lictor", "lictor", "consul"),
    ("lictor", "consul", "lictor"),
    ("lictor", "consul", "consul"),
    ("consul", "lictor", "lictor"),
    ("consul", "lictor", "consul"),
    ("consul", "consul", "lictor"),
    ("consul", "consul", "consul"),
)
"""Agent, sidecar of the client, sidecar of the server. The last is the control: it proves the test."""

_BY_FLAGS: tuple[tuple[Product, Product, Product], ...] = (
    ("lictor", "lictor", "lictor"),
    ("lictor", "consul", "lictor"),
    ("lictor", "lictor", "consul"),
    ("consul", "consul", "consul"),
)


@pytest.mark.slow
@pytest.mark.needs("consul")
@pytest.mark.parametrize(("agent_product", "near", "far"), _COMBINATIONS)
def test_traffic_passes_is_denied_and_passes_again(
    agent_product: Product, near: Product, far: Product, tmp_path: Path
) -> None:
    with (
        dev_agent(agent_product, tmp_path) as agent,
        echo_server() as backend_port,
        mesh(agent, tmp_path, backend_port, near=near, far=far) as running_mesh,
    ):
        port = running_mesh.port
        wait_until(lambda: _passes(port), within_s=WAIT_S_MAX, what="the first connection passes")
        running_mesh.deny()
        wait_until(lambda: _is_denied(port), within_s=WAIT_S_MAX, what="a denied client gets no byte")
        running_mesh.allow()
        wait_until(lambda: _passes(port), within_s=WAIT_S_MAX, what="an allowed connection passes again")


@pytest.mark.slow
@pytest.mark.needs("consul")
@pytest.mark.parametrize(("agent_product", "near", "far"), _BY_FLAGS)
def test_proxies_that_are_told_by_flags_work(
    agent_product: Product, near: Product, far: Product, tmp_path: Path
) -> None:
    with (
        dev_agent(agent_product, tmp_path) as agent,
        echo_server() as backend_port,
        mesh_by_flags(agent, tmp_path, backend_port, near=near, far=far) as running_mesh,
    ):
        port = running_mesh.port
        wait_until(lambda: _passes(port), within_s=WAIT_S_MAX, what="the first connection passes")
        running_mesh.deny()
        wait_until(lambda: _is_denied(port), within_s=WAIT_S_MAX, what="a denied client gets no byte")


@pytest.mark.slow
def test_half_closed_and_large_streams_pass_unchanged(product: Product, tmp_path: Path) -> None:
    sent = bytes(range(256)) * 8_192
    with (
        dev_agent(product, tmp_path) as agent,
        echo_server() as backend_port,
        mesh(agent, tmp_path, backend_port) as running_mesh,
    ):
        wait_until(lambda: _passes(running_mesh.port), within_s=WAIT_S_MAX, what="the first connection passes")
        with _connection(running_mesh.port) as stream:
            assert _read(stream, len(GREETING)) == GREETING
            received = b""
            for start in range(0, len(sent), 65_536):
                chunk = sent[start : start + 65_536]
                stream.sendall(chunk)
                received += _read(stream, len(chunk))
            assert received == sent


@pytest.mark.slow
def test_a_denial_closes_the_live_connection(product: Product, beyond_consul: None, tmp_path: Path) -> None:
    with (
        dev_agent(product, tmp_path) as agent,
        echo_server() as backend_port,
        mesh(agent, tmp_path, backend_port) as running_mesh,
    ):
        wait_until(lambda: _passes(running_mesh.port), within_s=WAIT_S_MAX, what="the first connection passes")
        with _connection(running_mesh.port) as stream:
            assert _read(stream, len(GREETING)) == GREETING
            running_mesh.deny()
            with contextlib.suppress(ConnectionResetError):
                assert stream.recv(1) == b"", "a denied connection stays silent until it is closed"


@contextlib.contextmanager
def _connection(port: int) -> Generator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), _ANSWER_S_MAX) as stream:
        yield stream


def _passes(port: int) -> bool:
    return _greeting(port) == GREETING and _echo(port, b"ave") == b"ave"


def _is_denied(port: int) -> bool:
    return _greeting(port) == b""


def _greeting(port: int) -> bytes:
    """The first bytes that a silent client gets; none when the connection is refused or closed."""
    try:
        with _connection(port) as stream:
            return _read(stream, len(GREETING))
    except (ConnectionError, TimeoutError):
        return b""


def _echo(port: int, data: bytes) -> bytes:
    try:
        with _connection(port) as stream:
            _read(stream, len(GREETING))
            stream.sendall(data)
            return _read(stream, len(data))
    except (ConnectionError, TimeoutError):
        return b""


def _read(stream: socket.socket, count: int) -> bytes:
    """`count` bytes, or fewer when the other end closes."""
    received = b""
    while len(received) < count and (data := stream.recv(count - len(received))):
        received += data
    return received
