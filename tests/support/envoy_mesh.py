"""Two services with Envoys beside a server that keeps its data: `web` reaches `backend` through both."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.support.agents import environment_for_commands, program_of
from tests.support.conditions import wait_until
from tests.support.echo import GREETING
from tests.support.lone_server import LoneServer
from tests.support.ports import free_port
from tests.support.processes import Program, running

__all__ = ["BACKEND", "FRONTEND", "Envoy", "EnvoyMesh", "arrives", "connected", "envoy_mesh"]

BACKEND = "backend"
FRONTEND = "web"
_WITHIN_S = 60.0


@dataclass(frozen=True)
class Envoy:
    """A running Envoy and where its admin API is."""

    program: Program
    admin: int

    def is_ready(self) -> bool:
        """Whether it has a configuration and has opened its listeners."""
        with suppress(OSError, http.client.HTTPException):
            return self.ask("/ready") == "LIVE\n"
        return False

    def figure(self, name: str) -> int:
        """A counter or gauge; 0 of one that it does not have yet."""
        found = re.search(rf"^{re.escape(name)}: (\d+)$", self.ask(f"/stats?filter=^{re.escape(name)}$"), re.MULTILINE)
        return int(found[1]) if found else 0

    def ask(self, path: str) -> str:
        """What the admin API answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        try:
            connection.request("GET", path.replace("^", "%5E").replace("\\", "%5C"))
            return connection.getresponse().read().decode()
        finally:
            connection.close()


@dataclass(frozen=True)
class EnvoyMesh:
    """Connections to `port` on 127.0.0.1 arrive at the backend when intentions allow it."""

    server: LoneServer
    port: int
    near: Envoy
    far: Envoy

    def put(self, path: str, body: object) -> str:
        """Ask the agent with PUT; the body of its answer."""
        status, text, _ = self.server.request("PUT", path, json.dumps(body))
        assert status == 200, text
        return text

    def intend(self, action: str) -> None:
        """Allow or deny `web` the backend."""
        self.put(f"/v1/connect/intentions/exact?source={FRONTEND}&destination={BACKEND}", {"Action": action})

    @contextmanager
    def gateway(self, directory: Path, kind: str, service: str) -> Generator[Envoy]:
        """A gateway that registers itself, while the block runs."""
        flags = ["-gateway", kind, "-register", "-service", service, "-address", f"127.0.0.1:{free_port()}"]
        with _envoy(directory, self.server, service, flags) as envoy:
            yield envoy

    def proxies(self) -> dict[str, dict[str, object]]:
        """What the agent knows of the proxies, by id."""
        status, text, _ = self.server.get("/v1/agent/connect/proxies")
        assert status == 200, text
        return {str(one["ProxyID"]): one for one in cast(list[dict[str, object]], json.loads(text))}


def connected(port: int) -> socket.socket:
    """A connection on which the backend has greeted."""
    stream = socket.create_connection(("127.0.0.1", port), 10)
    greeting = b""
    while len(greeting) < len(GREETING):
        data = stream.recv(len(GREETING))
        if not data:
            stream.close()
            raise ConnectionError("closed before the greeting")
        greeting += data
    return stream


def arrives(port: int) -> bool:
    """Whether a new connection arrives at the backend."""
    try:
        connected(port).close()
    except OSError:
        return False
    return True


@contextmanager
def envoy_mesh(
    directory: Path, server: LoneServer, backend_port: int, flags: Sequence[str] = ()
) -> Generator[EnvoyMesh]:
    """Register both services at a running agent, and run an Envoy, started with `flags`, beside each."""
    port, near_port, far_port = free_port(), free_port(), free_port()
    upstream = {"DestinationName": BACKEND, "LocalBindPort": port}
    _register(server, BACKEND, backend_port, {"Port": far_port})
    _register(server, FRONTEND, free_port(), {"Port": near_port, "Proxy": {"Upstreams": [upstream]}})
    with ExitStack() as stack:
        far = stack.enter_context(_envoy(directory, server, BACKEND, flags))
        near = stack.enter_context(_envoy(directory, server, FRONTEND, flags))
        yield EnvoyMesh(server, port, near, far)


@contextmanager
def _envoy(directory: Path, server: LoneServer, service: str, flags: Sequence[str]) -> Generator[Envoy]:
    admin = free_port()
    who = () if "-gateway" in flags else ("-sidecar-for", service)
    argv = [program_of("lictor"), "connect", "envoy", *who, "-admin-bind", f"127.0.0.1:{admin}"]
    found: list[Envoy] = []
    with running(
        f"envoy-{service}",
        [*argv, *flags, "--", "-l", "warning"],
        directory,
        environment=environment_for_commands(f"127.0.0.1:{server.ports['http']}"),
    ) as program:
        found.append(Envoy(program, admin))
        program.wait_until(found[0].is_ready, "it was ready", _WITHIN_S)
        yield found[0]


def _register(server: LoneServer, name: str, port: int, sidecar: dict[str, object]) -> None:
    # The default check of a sidecar runs every 10 s; a test cannot wait for that.
    check = {"TCP": f"127.0.0.1:{sidecar['Port']}", "Interval": "200ms", "Timeout": "2s"}
    body = {"Name": name, "Port": port, "Connect": {"SidecarService": {**sidecar, "Checks": [check]}}}

    def is_registered() -> bool:  # it cannot be before there is a leader
        return server.request("PUT", "/v1/agent/service/register", json.dumps(body))[0] == 200

    wait_until(is_registered, within_s=_WITHIN_S, what=f"{name} is registered")
