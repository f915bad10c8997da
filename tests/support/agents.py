"""A development agent as a process: the real Consul's or Lictor's, with the same face to tests."""

import contextlib
import http.client
import json
import os
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from tests.support.ports import free_port, free_ports
from tests.support.processes import Program, running
from tests.support.recorder.json_types import Json, as_object, at, parse

Product: TypeAlias = Literal["lictor", "consul"]

NODE = "judge"
"""The node name of every development agent that tests start."""

CLIENT_NODE = "beside"
"""The node name of every agent without a server that stands beside one."""

_CLIENT_ADDRESS = "127.0.0.2"

_GOSSIP_PORTS = {"serf_lan": 8301, "serf_wan": 8302}
"""What Lictor, which does not gossip, names as the ports of gossip: the usual ones, on which nobody listens."""

CONSUL_VARIABLE = "LICTOR_CONSUL"
"""Names the real Consul's program where it is not on PATH."""


@dataclass(frozen=True)
class DevAgent:
    """A running agent with a leader: where it listens on 127.0.0.1, and its process."""

    product: Product
    ports: Mapping[str, int]
    program: Program

    @property
    def http_address(self) -> str:
        """`host:port` of the HTTP API."""
        return f"127.0.0.1:{self.ports['http']}"


def consul_program() -> str | None:
    """The real Consul's program: what `LICTOR_CONSUL` names, else `consul` on PATH, else None."""
    named = os.environ.get(CONSUL_VARIABLE)
    return named if named and os.access(named, os.X_OK) else shutil.which("consul")


def put_consul_on_path() -> None:
    """Make the program that `LICTOR_CONSUL` names be found on PATH, where the marker `needs("consul")` looks."""
    program = consul_program()
    if program is not None and shutil.which("consul") is None:
        os.environ["PATH"] += os.pathsep + str(Path(program).parent)


def program_of(product: Product) -> str:
    """The command of a product. Raises `FileNotFoundError` where the real Consul is missing."""
    if product == "lictor":
        return str(Path(sys.executable).parent / "lictor")
    program = consul_program()
    if program is None:
        raise FileNotFoundError(f"the real Consul is missing: put consul on PATH or name it in {CONSUL_VARIABLE}")
    return program


def environment_for_commands(http_address: str = "") -> dict[str, str]:
    """What to add to the environment of a command: the agent's address, and no token or address of the person here."""
    silenced = {name: "" for name in os.environ if name.startswith(("CONSUL_", "LICTOR_HTTP", "LICTOR_TOKEN"))}
    return {**silenced, "CONSUL_HTTP_ADDR": http_address} if http_address else silenced


@contextlib.contextmanager
def dev_agent(
    product: Product, directory: Path, config: Mapping[str, object] | None = None, arguments: Sequence[str] = ()
) -> Generator[DevAgent]:
    """`agent -dev` of a product on free ports while the block runs, from the moment on that it has settled."""
    ports = free_ports("http", "dns", "server", "grpc")
    gossip = {name: free_port(digits=4) for name in _GOSSIP_PORTS} if product == "consul" else {}
    argv = [program_of(product), "agent", "-dev", "-node", NODE]
    for name, port in {**ports, **gossip}.items():
        argv += [f"-{name.replace('_', '-')}-port", str(port)]
    if config:
        path = directory / "agent.json"
        path.write_text(json.dumps(config))
        argv += ["-config-file", str(path)]
    with running(
        f"{product}-agent",
        [*argv, *arguments],
        directory,
        environment=environment_for_commands(),
        ready=lambda: _is_settled(ports["http"], management_token(config or {})),
        # How the real Consul ends is not our subject; it may hang.
        kill=product == "consul",
        forks=True,
    ) as process:
        yield DevAgent(product, {**ports, **_GOSSIP_PORTS, **gossip}, process)


@contextlib.contextmanager
def client_agent(server: DevAgent, directory: Path, config: Mapping[str, object] | None = None) -> Generator[DevAgent]:
    """A Lictor agent that is no server beside the one of `server`, while the block runs.

    Its node has an address of its own, so that only one node is at 127.0.0.1, where it listens, too.
    """
    ports = free_ports("http", "dns", "grpc")
    path = directory / "client.json"
    settings = {"data_dir": str(directory / "client"), "retry_join": [f"127.0.0.1:{server.ports['server']}"]}
    path.write_text(json.dumps({**(config or {}), **settings}))
    argv = [program_of("lictor"), "agent", "-node", CLIENT_NODE, "-config-file", str(path)]
    argv += [f"-bind={_CLIENT_ADDRESS}", "-client=127.0.0.1"]
    argv += [f"-{name}-port={port}" for name, port in ports.items()]
    with running(
        "lictor-client",
        argv,
        directory,
        environment=environment_for_commands(),
        ready=lambda: _knows_itself(ports["http"], management_token(config or {})),
        forks=True,
    ) as process:
        yield DevAgent("lictor", {**server.ports, **ports}, process)


def management_token(config: Mapping[str, object]) -> str:
    """The secret that a configuration gives to who may do everything; empty without access control."""
    acl = config.get("acl")
    tokens = as_object(cast("Json", acl)).get("tokens") if isinstance(acl, Mapping) else None
    return str(tokens.get("master", "")) if isinstance(tokens, dict) else ""


def _knows_itself(port: int, token: str) -> bool:
    try:
        return bool(_get(port, f"/v1/catalog/node/{CLIENT_NODE}", token))
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _is_settled(port: int, token: str) -> bool:
    """Whether the agent has a leader, a CA, and its own node, service and metadata in the catalog."""
    try:
        leader = _get(port, "/v1/status/leader", token)
        roots = _get(port, "/v1/connect/ca/roots", token)
        node = _get(port, f"/v1/catalog/node/{NODE}", token)
        health = _get(port, f"/v1/health/node/{NODE}", token)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return bool(leader and at(roots, "Roots") and health) and bool(node) and _has_own_service(as_object(node))


def _has_own_service(node: dict[str, Json]) -> bool:
    return "consul" in as_object(node["Services"]) and bool(at(node, "Node.Meta"))


def _get(port: int, path: str, token: str) -> Json:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"X-Consul-Token": token} if token else {})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"{path} answered {answer.status}: {body[:200]!r}")
    return parse(body)
