"""Two services with sidecars beside a development agent: `web` reaches `backend` through both proxies."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from tests.support.agents import DevAgent, Product, environment_for_commands, program_of
from tests.support.api import WAIT_S_MAX, call, listens
from tests.support.conditions import wait_until
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.recorder.json_types import Json, as_list, as_object, at

BACKEND = "backend"
FRONTEND = "web"


@dataclass(frozen=True)
class Mesh:
    """A running mesh: connections to `port` on 127.0.0.1 arrive at the backend when intentions allow it."""

    agent: DevAgent
    port: int

    def deny(self) -> None:
        """Forbid `web` to reach the backend, in place of what was said before."""
        self._intend("deny")

    def allow(self) -> None:
        """Permit `web` to reach the backend, in place of what was said before."""
        self._intend("allow")

    def _intend(self, action: str) -> None:
        path = "/v1/connect/intentions"
        body: Json = {"SourceName": FRONTEND, "DestinationName": BACKEND, "Action": action}
        for intention in as_list(call(self.agent.http_address, "GET", path) or []):
            call(self.agent.http_address, "DELETE", f"{path}/{at(intention, 'ID')}")
        call(self.agent.http_address, "POST", path, body)


@contextlib.contextmanager
def mesh(
    agent: DevAgent, directory: Path, backend_port: int, *, near: Product | None = None, far: Product | None = None
) -> Generator[Mesh]:
    """Register both services and run their sidecars until the block ends.

    `near` is the product of the sidecar beside `web`, `far` the one beside the backend; both are the agent's by
    default. The block starts when the catalog shows the backend's sidecar as healthy and the way in is open.
    """
    entry_port, near_port, far_port = free_port(), free_port(), free_port()
    _register(agent, BACKEND, backend_port, {"Port": far_port})
    upstream: Json = {"DestinationName": BACKEND, "LocalBindPort": entry_port}
    _register(agent, FRONTEND, free_port(), {"Port": near_port, "Proxy": {"Upstreams": [upstream]}})
    with (
        sidecar(far or agent.product, agent, directory, BACKEND, far_port),
        sidecar(near or agent.product, agent, directory, FRONTEND, entry_port),
    ):
        wait_until(lambda: _backend_is_healthy(agent), within_s=WAIT_S_MAX, what="the backend's sidecar is passing")
        yield Mesh(agent, entry_port)


@contextlib.contextmanager
def mesh_by_flags(
    agent: DevAgent, directory: Path, backend_port: int, *, near: Product, far: Product
) -> Generator[Mesh]:
    """The same with proxies that are told everything by flags; the one beside the backend registers itself."""
    entry_port, far_port = free_port(), free_port()
    address, listen = f"127.0.0.1:{backend_port}", f"127.0.0.1:{far_port}"
    behind = ("-service", BACKEND, "-service-addr", address, "-listen", listen, "-register")
    before = ("-service", FRONTEND, "-upstream", f"{BACKEND}:127.0.0.1:{entry_port}")
    with (
        proxy(far, agent, directory, behind, far_port),
        proxy(near, agent, directory, before, entry_port),
    ):
        wait_until(
            lambda: _backend_is_healthy(agent),
            within_s=WAIT_S_MAX,
            what="the backend's proxy is registered and passing",
        )
        yield Mesh(agent, entry_port)


@contextlib.contextmanager
def sidecar(product: Product, agent: DevAgent, directory: Path, service_id: str, port: int) -> Generator[None]:
    """The proxy of a product beside a registered service while the block runs, once it listens on `port`."""
    with proxy(product, agent, directory, ("-sidecar-for", service_id), port):
        yield


@contextlib.contextmanager
def proxy(product: Product, agent: DevAgent, directory: Path, arguments: tuple[str, ...], port: int) -> Generator[None]:
    """`connect proxy` of a product with these arguments while the block runs, once it listens on `port`."""
    argv = [program_of(product), "connect", "proxy", "-http-addr", agent.http_address, *arguments]
    with running(
        f"{product}-proxy-{arguments[1]}",
        argv,
        directory,
        environment=environment_for_commands(),
        ready=lambda: listens(port),
        kill=product == "consul",
    ):
        yield


def _register(agent: DevAgent, name: str, port: int, sidecar_service: Json) -> None:
    # The default check of a sidecar runs every 10 s; a test cannot wait for that.
    check: Json = {"TCP": f"127.0.0.1:{at(sidecar_service, 'Port')}", "Interval": "100ms", "Timeout": "2s"}
    connect: Json = {"SidecarService": {**as_object(sidecar_service), "Checks": [check]}}
    body: Json = {"Name": name, "Port": port, "Connect": connect}
    call(agent.http_address, "PUT", "/v1/agent/service/register", body)


def _backend_is_healthy(agent: DevAgent) -> bool:
    return bool(call(agent.http_address, "GET", f"/v1/health/connect/{BACKEND}?passing"))
