"""An intention that was written is waited for at its proxies, also at those of other agents."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from lictor_core.records import JsonObject
from tests.support.agents import dev_agent, environment_for_commands, program_of
from tests.support.api import call
from tests.support.echo import GREETING, echo_server
from tests.support.mesh import BACKEND, FRONTEND, mesh
from tests.support.recorder.json_types import as_list, as_object, at
from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow

SERVER, AGENT = 1, 2
MATCH = "/v1/connect/intentions/match?by=destination&name=db"
REPORT = "/v1/agent/connect/proxies/db-sidecar-proxy"


@contextmanager
def obeying(cluster: ServerCluster) -> Generator[None]:
    """A proxy of db on the agent, as far as policies go: it follows them, and tells which one it has."""
    ends = threading.Event()

    def obey() -> None:
        index = 1
        while not ends.is_set():
            found = cluster.ask(AGENT, f"{MATCH}&index={index}&wait=1s")
            if found.status == 200:
                index = int(found.headers["X-Consul-Index"])
                cluster.ask(AGENT, REPORT, "PUT", json.dumps({"DataPlane": "test", "PolicyIndex": index}))

    thread = threading.Thread(target=obey)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def write(cluster: ServerCluster, action: str, wait: str) -> JsonObject:
    """Write the intention at the server; what became of it at the proxies."""
    path = f"/v1/connect/intentions/exact?source=web&destination=db&wait-enforced={wait}"
    answer = cluster.ask(SERVER, path, "PUT", json.dumps({"Action": action}), timeout_s=90.0)
    assert answer.status == 200, answer.body
    return cast(JsonObject, json.loads(answer.body))


def rows(found: JsonObject, side: str) -> list[tuple[object, object]]:
    return [(row["Node"], row["ProxyID"]) for row in cast("list[JsonObject]", found[side])]


def test_proxies_of_other_nodes_are_waited_for_and_known_again_after_a_server_was_lost(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    proxy = ("c2", "db-sidecar-proxy")
    with cluster.running():
        cluster.start_client(AGENT, joins=(SERVER,))
        service = json.dumps({"Name": "db", "Port": 5432, "Connect": {"SidecarService": {}}})
        cluster.until(
            lambda: cluster.ask(AGENT, "/v1/agent/service/register", "PUT", service).status == 200, "a registration"
        )
        cluster.until(lambda: "db-sidecar" in cluster.ask(SERVER, "/v1/health/connect/db").body, "it in the catalog")
        assert rows(write(cluster, "deny", "0s"), "Pending") == [proxy]
        with obeying(cluster):
            for action in ("allow", "deny", "allow"):
                found = write(cluster, action, "60s")
                assert (found["Complete"], rows(found, "Enforced")) == (True, [proxy])
        last = found["Index"]
        lagging = write(cluster, "deny", "200ms")
        assert rows(lagging, "Pending") == [proxy]
        assert cast("list[JsonObject]", lagging["Pending"])[0]["PolicyIndex"] == last

        command = [program_of("lictor"), "intention", "create", "-wait-enforced=100ms", "-deny", "api", "db"]
        environment = environment_for_commands(f"{cluster.address(SERVER)}:8500")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
        assert (done.returncode, done.stdout.splitlines()[0]) == (2, "Created: api => db (deny)")
        assert "Enforced by 0 of 1 proxies" in done.stdout
        assert "1 proxy does not judge by it yet" in done.stderr

        cluster.kill(SERVER)
        cluster.start(SERVER)
        cluster.until(lambda: cluster.put(SERVER, "back", "yes"), "the server again")
        with obeying(cluster):
            found = write(cluster, "allow", "60s")
            assert (found["Complete"], rows(found, "Enforced")) == (True, [proxy])
        cluster.stop(AGENT)


def greeted(port: int) -> bool:
    """Whether a new connection through both proxies gets what the backend says."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
            return stream.recv(len(GREETING)) == GREETING
    except ConnectionError:
        return False


def test_once_all_proxies_run_a_policy_no_connection_gets_round_it(tmp_path: Path) -> None:
    path = "/v1/connect/intentions/exact?source=web&destination={}&wait-enforced=60s"
    with dev_agent("lictor", tmp_path) as agent, echo_server() as backend, mesh(agent, tmp_path, backend) as running:
        for _ in range(5):
            for action in ("deny", "allow"):
                found = as_object(call(agent.http_address, "PUT", path.format(BACKEND), {"Action": action}))
                assert [at(one, "ProxyID") for one in as_list(found["Enforced"])] == [f"{BACKEND}-sidecar-proxy"]
                assert found["Complete"] is True
                assert greeted(running.port) is (action == "allow")
        everywhere = as_object(call(agent.http_address, "PUT", path.format("*"), {"Action": "deny"}))
        assert everywhere["Complete"] is True
        named = [at(one, "ProxyID") for one in as_list(everywhere["Enforced"])]
        assert named == [f"{BACKEND}-sidecar-proxy", f"{FRONTEND}-sidecar-proxy"]
