"""What is measured by `proxy`: an application, and pairs of sidecars of several products in front of it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lictor_bench.dev_agents import Agent, cpu_s, end, free_ports, lictor_program
from lictor_bench.proxy_envoy import bootstrap_of_client, bootstrap_of_server, certificates

__all__ = ["BULK_BYTES", "Pair", "application", "consul_pair", "envoy_pair", "lictor_pair"]

BULK_BYTES: Final = 1_000_000
"""The size of the value under the key `bulk` of the application."""
_READY_S_MAX: Final = 30.0
_CONNECTIONS_MAX: Final = 20_000


@dataclass(slots=True)
class Pair:
    """Two proxies of one product; `port` leads through both to the application. `seen` holds figures by name."""

    product: str
    port: int
    pids: tuple[int, int]
    seen: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def note(self, name: str, value: float) -> None:
        """One more figure of that name."""
        self.seen.setdefault(name, []).append(value)

    def cpu_s(self) -> float:
        """Processor time that both proxies have used."""
        return sum(cpu_s(pid) for pid in self.pids)

    def resident_mb(self) -> float:
        """Resident memory of the larger proxy."""
        sizes = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids]
        return max(sizes) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def application() -> Generator[int]:
    """A Redis server that keeps nothing; gives its port. One large value waits under the key `bulk`."""
    (port,) = free_ports(1)
    argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with _program([*argv, "--daemonize", "no", "--maxclients", "15000", "--tcp-backlog", "4096"]):
        _wait_for_pong(port)
        # In Redis' own form of a request, since a line would be too long.
        _exchange(port, b"*3\r\n$3\r\nSET\r\n$4\r\nbulk\r\n$%d\r\n%b\r\n" % (BULK_BYTES, b"x" * BULK_BYTES), b"+OK")
        yield port


def lictor_pair(agent: Agent, application: int) -> contextlib.AbstractContextManager[Pair]:
    """Two of `lictor connect proxy`, of the environment that measures."""
    return _connect_proxies("Lictor", lictor_program(), agent, application)


def consul_pair(program: str, agent: Agent, application: int) -> contextlib.AbstractContextManager[Pair]:
    """Two of `consul connect proxy`."""
    return _connect_proxies("Consul", program, agent, application)


@contextlib.contextmanager
def envoy_pair(program: str, agent: Agent, application: int) -> Generator[Pair]:
    """Two Envoys, with certificates of the agent's CA."""
    public, port = free_ports(2)
    own, peer = certificates(agent, "envoy-client"), certificates(agent, "envoy-redis")
    with tempfile.TemporaryDirectory() as place:
        server = bootstrap_of_server(Path(place), peer, public, application)
        client = bootstrap_of_client(Path(place), own, peer, port, public)
        arguments = [program, "--disable-hot-restart", "--log-level", "off", "-c"]
        with _program([*arguments, str(server)]) as one, _program([*arguments, str(client)]) as two:
            _wait_for_pong(port)
            yield Pair("Envoy", port, (one, two))


@contextlib.contextmanager
def _connect_proxies(product: str, program: str, agent: Agent, application: int) -> Generator[Pair]:
    service, client = f"{product.lower()}-redis", f"{product.lower()}-client"
    port, unused = free_ports(2)
    _register(agent, service, application, {})
    many = {"limits": {"max_connections": _CONNECTIONS_MAX}}
    upstream = {"DestinationName": service, "LocalBindPort": port, "Config": many}
    _register(agent, client, unused, {"Upstreams": [upstream]})
    arguments = [program, "connect", "proxy", "-http-addr", agent.url, "-log-level", "warn", "-sidecar-for"]
    with _program([*arguments, service]) as one, _program([*arguments, client]) as two:
        _wait_for_pong(port)
        yield Pair(product, port, (one, two))


def _register(agent: Agent, service: str, port: int, proxy: dict[str, object]) -> None:
    (own,) = free_ports(1)
    healthy = [{"Name": "up", "TTL": "1h", "Status": "passing"}]
    sidecar = {
        "Port": own,
        "Proxy": {"Config": {"max_inbound_connections": _CONNECTIONS_MAX}, **proxy},
        "Checks": healthy,
    }
    body = {"Name": service, "Port": port, "Connect": {"SidecarService": sidecar}}
    agent.put("/v1/agent/service/register", json.dumps(body).encode())


@contextlib.contextmanager
def _program(argv: Sequence[str]) -> Generator[int]:
    """A program while the block runs; gives its process id."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        end(process)


def _wait_for_pong(port: int) -> None:
    deadline = time.monotonic() + _READY_S_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, RuntimeError):
            _exchange(port, b"PING\r\n", b"+PONG")
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port} after {_READY_S_MAX} s")


def _exchange(port: int, request: bytes, expected: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = connection.recv(100)
    if not answer.startswith(expected):
        raise RuntimeError(f"port {port} answered {answer!r}")
