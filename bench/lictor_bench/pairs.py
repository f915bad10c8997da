"""A server and a client agent of one program, each a process with an address of its own and the usual ports."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lictor_bench.dev_agents import consul_program, end, lictor_program

__all__ = ["Pair", "every_pair", "put", "until_answers"]

_START_S_MAX: Final = 40.0
_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and a client agent; `host` and `pid` are the client agent's, `server` is where the server is."""

    name: str
    server: str
    host: str
    pid: int


@contextlib.contextmanager
def every_pair() -> Generator[list[Pair]]:
    """Lictor's pair and, where the real Consul is found, its own, while the block runs."""
    net = f"127.{1 + os.getpid() % 250}"
    consul = consul_program()
    with contextlib.ExitStack() as running:
        pairs = [running.enter_context(_pair("Lictor", lictor_program(), f"{net}.1"))]
        if consul is not None:
            pairs.append(running.enter_context(_pair("Consul", consul, f"{net}.2")))
        yield pairs


@contextlib.contextmanager
def _pair(name: str, command: str, net: str) -> Generator[Pair]:
    server, client = f"{net}.1", f"{net}.2"
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as running:
        place = Path(directory)
        running.enter_context(_process(place, command, "server", server, "-server", "-bootstrap-expect=1"))
        agent = running.enter_context(_process(place, command, "client", client, f"-retry-join={server}"))
        until_answers(f"http://{client}:8500/v1/status/leader", b":8300")
        yield Pair(name, server, client, agent.pid)


@contextlib.contextmanager
def _process(place: Path, command: str, name: str, host: str, *more: str) -> Generator[subprocess.Popen[bytes]]:
    arguments = [command, "agent", f"-node={name}", f"-data-dir={place / name}", f"-bind={host}", f"-client={host}"]
    with (place / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([*arguments, *more], stdout=log, stderr=log, cwd=place)
        try:
            yield process
        finally:
            end(process)


def put(url: str, body: bytes) -> None:
    """A PUT that must succeed; raises `OSError` when it does not."""
    with urllib.request.urlopen(urllib.request.Request(url, body, method="PUT"), timeout=10):
        pass


def until_answers(url: str, wanted: bytes) -> None:
    """Ask `url` until its answer contains `wanted`. Raises `RuntimeError` when that takes too long."""
    deadline = time.monotonic() + _START_S_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=5) as answer:
            if wanted in answer.read():
                return
        time.sleep(_POLL_S)
    raise RuntimeError(f"{url} does not show {wanted.decode()} within {_START_S_MAX} s")
