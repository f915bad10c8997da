"""Development agents to measure: the real Consul's and Lictor's, each a process of its own on free loopback ports."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Agent", "consul_agent", "consul_program", "cpu_s", "end", "free_ports", "lictor_agent", "lictor_program"]

_START_S_MAX: Final = 20.0
_STOP_S_MAX: Final = 5.0
_ANSWER_S_MAX: Final = 30.0
_POLL_S: Final = 0.05
_PORT_MIN: Final = 10_000
_PORT_MAX: Final = 32_000
"""Below those that Linux gives to outgoing connections (`ip_local_port_range`)."""
_CONSUL_PORTS: Final = ("http", "dns", "server", "serf-lan", "serf-wan", "grpc")
_LICTOR_PORTS: Final = ("http", "dns", "server", "grpc")


@dataclass(frozen=True, slots=True)
class Agent:
    """A running agent: its name, its ports on 127.0.0.1 by name, the id of its process."""

    name: str
    ports: dict[str, int]
    pid: int

    @property
    def url(self) -> str:
        """Where its HTTP API is."""
        return f"http://127.0.0.1:{self.ports['http']}"

    def put(self, path: str, body: bytes) -> bytes:
        """The answer to a PUT that must succeed; raises `RuntimeError` when it does not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=_ANSWER_S_MAX)
        try:
            connection.request("PUT", path, body)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{self.name} answered {answer.status} to PUT {path}: {text[:200]!r}")
        return text


def consul_program() -> str | None:
    """The real Consul: what `LICTOR_CONSUL` names, else `consul` on PATH, else None."""
    named = os.environ.get("LICTOR_CONSUL")
    return named if named and os.access(named, os.X_OK) else shutil.which("consul")


def lictor_program() -> str:
    """Lictor's command, of the environment that measures."""
    return str(Path(sys.executable).parent / "lictor")


@contextlib.contextmanager
def consul_agent(program: str, *more: str) -> Generator[Agent]:
    """`consul agent -dev` with `more` arguments, while the block runs."""
    with _agent("Consul", program, _CONSUL_PORTS, more) as agent:
        yield agent


@contextlib.contextmanager
def lictor_agent(*more: str) -> Generator[Agent]:
    """`lictor agent -dev` of the environment that measures, with `more` arguments, while the block runs."""
    with _agent("Lictor", lictor_program(), _LICTOR_PORTS, more) as agent:
        yield agent


@contextlib.contextmanager
def _agent(name: str, program: str, port_names: tuple[str, ...], more: tuple[str, ...]) -> Generator[Agent]:
    ports = dict(zip(port_names, free_ports(len(port_names)), strict=True))
    arguments = [program, "agent", "-dev", "-node", "bench", *more]
    for port_name, port in ports.items():
        arguments += [f"-{port_name}-port", str(port)]
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "log").open("w+b") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, cwd=directory)
        try:
            _wait_for_leader(name, process, ports["http"], Path(directory) / "log")
            yield Agent(name, ports, process.pid)
        finally:
            end(process)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on just now, and that no connection takes for its own end later.

    A server that is away for a moment must find its port free, however many connections there are meanwhile.
    """
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.SystemRandom().randrange(_PORT_MIN, _PORT_MAX)
            with contextlib.suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
        return ports


def _wait_for_leader(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/v1/status/leader")
            if b":" in connection.getresponse().read():
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(_POLL_S)
    raise RuntimeError(f"{name} has no leader after {_START_S_MAX} s; its log ends: {log.read_text()[-500:]}")


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc(5)


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a process that this one started: asked first, killed when it takes too long."""
    process.terminate()
    try:
        process.wait(_STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
