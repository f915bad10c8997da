"""Bounds of whole agents: one that asks too much is told so and stays a member; a reload takes other bounds over."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.agents import CLIENT_NODE, DevAgent, client_agent, dev_agent

pytestmark = pytest.mark.slow

FEW = {"rpc_rate": 0.001, "rpc_max_burst": 40}
MANY = {"rpc_rate": 10_000, "rpc_max_burst": 10_000}


def ask(agent: DevAgent, target: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", agent.ports["http"], timeout=30)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def serf_health(server: DevAgent) -> list[str]:
    checks = json.loads(ask(server, f"/v1/health/node/{CLIENT_NODE}?consistent")[2])
    return [check["Status"] for check in checks if check["CheckID"] == "serfHealth"]


def test_an_agent_that_asks_too_much_is_told_so_and_stays_a_member(tmp_path: Path) -> None:
    quick = {"membership": {"lease_ttl": "2s", "connection_grace": "1s"}}
    with (
        dev_agent("lictor", tmp_path, quick) as server,
        client_agent(server, tmp_path, {"limits": FEW}) as client,
    ):
        answers = [ask(client, f"/v1/kv/{number}") for number in range(60)]
        statuses = [status for status, _, _ in answers]
        assert statuses[-1] == 429
        assert set(statuses) <= {404, 429}
        _, headers, text = answers[-1]
        assert text.startswith("RPC rate limit exceeded")
        assert headers["Retry-After"] == "60"
        assert ask(server, "/v1/kv/a")[0] == 404, "the server answers others"
        ends = time.monotonic() + 5  # more than twice a lease
        while time.monotonic() < ends:
            assert serf_health(server) == ["passing"]
            time.sleep(0.5)
        assert "client.rpc.exceeded" in ask(client, "/v1/agent/metrics")[2]
        path = tmp_path / "client.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "limits": MANY}))
        assert ask(client, "/v1/agent/reload", "PUT")[0] == 200
        assert ask(client, "/v1/kv/a")[0] == 404


@contextmanager
def silent(port: int, count: int) -> Generator[list[socket.socket]]:
    """So many connections that say nothing."""
    made = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.close()


def test_a_reload_takes_over_who_may_have_how_many_connections_and_ask_how_often(tmp_path: Path) -> None:
    limits: dict[str, object] = {"http_max_conns_per_client": 3, "rpc_max_conns_per_client": 1}
    with dev_agent("lictor", tmp_path, {"limits": limits}) as server:
        with silent(server.ports["http"], 3):
            assert ask(server, "/v1/status/leader")[0] == 429
        with silent(server.ports["server"], 9) as made:
            made[-1].setblocking(True)
            with socket.create_connection(("127.0.0.1", server.ports["server"]), timeout=30) as one_more:
                assert one_more.recv(1) == b"", "it is closed at once"
        path = tmp_path / "agent.json"
        limits |= {"http_max_conns_per_client": 50, "http_rate_per_client": 0.001, "http_burst_per_client": 2}
        path.write_text(json.dumps({"limits": limits}))
        assert ask(server, "/v1/agent/reload", "PUT")[0] == 200
        with silent(server.ports["http"], 5):
            answers = [ask(server, "/v1/status/leader") for _ in range(4)]
        assert [status for status, _, _ in answers] == [200, 200, 429, 429]
        assert answers[-1][1]["Retry-After"] == "1000"
