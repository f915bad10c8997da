"""Agents that are no servers, beside real servers: found, lost, all gone and back, before any server, over TLS."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.server.certificates import Authority
from tests.support.agents import program_of
from tests.support.server_cluster import Launch, ServerCluster

pytestmark = pytest.mark.slow


def connected_to(cluster: ServerCluster, number: int) -> int:
    """The number of the server that a client agent told last it was connected to; 0 for none yet."""
    lines = [line for line in cluster.programs[number].log().splitlines() if "agent.server.connected" in line]
    return int(lines[-1].rpartition("server=s")[2].split()[0]) if lines else 0


def resolved(cluster: ServerCluster, number: int, name: str) -> list[str]:
    """The addresses that an agent's DNS gives."""
    dig = ["dig", "+short", "+time=2", "+tries=1", f"@{cluster.address(number)}", "-p", "8600", name]
    done = subprocess.run(dig, capture_output=True, text=True, timeout=10, check=False)
    return sorted(done.stdout.split()) if done.returncode == 0 else []


def test_requests_go_on_when_the_server_of_an_agent_is_killed(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 3)
    with cluster.running():
        cluster.start_client(4)
        cluster.until(lambda: cluster.put(4, "k", "0"), "a write through the agent")
        answers: list[tuple[int, str]] = []
        ends = threading.Event()

        def ask() -> None:
            number = 0
            while not ends.is_set():
                number += 1
                written = cluster.ask(4, "/v1/kv/k", "PUT", str(number))
                answers.append((written.status, written.body.strip()))
                answers.append((200 if cluster.value(4, "k") == str(number) else 0, "true"))

        index = cluster.ask(4, "/v1/kv/watched").headers["X-Consul-Index"]
        woken: list[int] = []
        waiting = threading.Thread(
            target=lambda: woken.append(
                cluster.ask(4, f"/v1/kv/watched?index={index}&wait=120s", timeout_s=150.0).status
            )
        )
        asking = threading.Thread(target=ask)
        for thread in (waiting, asking):
            thread.start()
        for _ in range(2):
            before = len(answers)
            cluster.until(lambda: len(answers) > before + 20, "answers")  # noqa: B023 waited for at once
            lost = connected_to(cluster, 4)
            cluster.kill(lost)
            cluster.until(lambda: connected_to(cluster, 4) != lost, "another server")  # noqa: B023 waited for at once
            before = len(answers)
            cluster.until(lambda: len(answers) > before + 20, "answers without it")  # noqa: B023 waited for at once
            cluster.start(lost)
            cluster.until(lambda: len(cluster.peers(lost)) == 3, "the server again")  # noqa: B023 waited for at once
        ends.set()
        asking.join()
        assert set(answers) == {(200, "true")}
        assert woken == []
        assert cluster.put(1, "watched", "now")
        waiting.join(30)
        assert woken == [200]


def test_what_an_agent_answers_from_memory_is_as_new_as_the_leader(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 3)
    with cluster.running():
        cluster.start_client(4)
        cluster.until(lambda: cluster.put(4, "k", "0"), "a write through the agent")
        connection = http.client.HTTPConnection(cluster.address(4), 8500, timeout=15)
        for number in range(200):
            assert cluster.put(1 + number % 3, "k", str(number))
            for _ in range(2):  # the second one is confirmed, not read
                connection.request("GET", "/v1/kv/k")

                [entry] = json.loads(connection.getresponse().read())
                assert base64.b64decode(entry["Value"]) == str(number).encode()
        connection.close()
        metrics = cluster.ask(4, "/v1/agent/metrics").body
        hot = [one["Value"] for one in json.loads(metrics)["Gauges"] if one["Name"].endswith("http.answered_hot")]
        assert hot[0] >= 150, "few answers came from memory: this test says nothing"


def test_plain_requests_need_no_general_parser(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    with cluster.running():
        cluster.launches[4] = Launch()  # a fork would have it loaded
        agent = cluster.start_client(4, joins=(1,))
        cluster.until(lambda: cluster.put(4, "k", "0"), "a write through the agent")
        assert cluster.ask(4, "/v1/agent/self").status == 200
        maps = Path(f"/proc/{agent.process.pid}/maps")
        assert "aiohttp" not in maps.read_text()
        assert cluster.ask(4, "/ui/").status == 404
        assert "aiohttp" in maps.read_text()


def test_all_servers_gone_and_back_are_found_by_an_agent_that_stayed(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1, {"performance": {"raft_multiplier": 1, "rpc_hold_timeout": "1s"}})
    with cluster.running():
        cluster.start_client(4, joins=(1,))
        cluster.until(lambda: cluster.put(4, "k", "1"), "a write through the agent")
        cluster.kill(1)
        cluster.until(lambda: "No known Consul servers" in cluster.ask(4, "/v1/kv/k").body, "the loss")
        own = json.loads(cluster.ask(4, "/v1/agent/self").body)
        assert (own["Config"]["Server"], own["Stats"]["consul"]["known_servers"]) == (False, "0")
        assert [one["Name"] for one in json.loads(cluster.ask(4, "/v1/agent/members").body)] == ["c4"]
        cluster.start(1)
        cluster.until(lambda: cluster.value(4, "k") == "1", "the server again")
        members = json.loads(cluster.ask(4, "/v1/agent/members").body)
        assert [(one["Name"], one["Tags"]["role"]) for one in members] == [("c4", "node"), ("s1", "consul")]


def test_an_agent_that_is_there_before_any_server_waits_for_one(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    try:
        cluster.start_client(4, joins=(1,))
        cluster.until(lambda: cluster.ask(4, "/v1/agent/self").status == 200, "the agent")
        cluster.start(1)
        cluster.until(lambda: cluster.put(4, "k", "1"), "a write through the agent")
        cluster.until(lambda: resolved(cluster, 4, "consul.service.consul") == [cluster.address(1)], "DNS")
        nodes = {one["Node"] for one in json.loads(cluster.ask(4, "/v1/catalog/nodes").body)}
        assert nodes == {"s1", "c4"}
        own = json.loads(cluster.ask(4, "/v1/agent/self").body)
        assert own["Stats"]["consul"] == {"acl": "disabled", "known_servers": "1", "server": "false"}
        assert "raft" not in own["Stats"]
    finally:
        for number in list(cluster.programs):
            cluster.kill(number)


def test_a_paused_server_is_left(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 3)
    with cluster.running():
        cluster.start_client(4)
        cluster.until(lambda: cluster.put(4, "k", "1"), "a write through the agent")
        paused = connected_to(cluster, 4)
        cluster.programs[paused].process.send_signal(signal.SIGSTOP)
        try:
            cluster.until(lambda: connected_to(cluster, 4) != paused, "another server")
            assert cluster.put(4, "k", "2")
        finally:
            cluster.programs[paused].process.send_signal(signal.SIGCONT)


def test_snapshots_are_saved_and_restored_through_an_agent(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    with cluster.running():
        cluster.start_client(4, joins=(1,))
        cluster.until(lambda: cluster.put(4, "k", "before"), "a write through the agent")
        lictor, where = program_of("lictor"), f"-http-addr=http://{cluster.address(4)}:8500"
        file = str(tmp_path / "state.snap")
        subprocess.run([lictor, "snapshot", "save", where, file], timeout=60, check=True, capture_output=True)
        assert cluster.put(4, "k", "after")
        subprocess.run([lictor, "snapshot", "restore", where, file], timeout=60, check=True, capture_output=True)
        assert cluster.value(4, "k") == "before"


def test_with_certificates_agents_and_servers_talk_over_tls_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server, client = authority.server(), authority.client()
    checks: dict[str, object] = {
        "ca_file": authority.ca_file,
        "verify_incoming_rpc": True,
        "verify_outgoing": True,
        "verify_server_hostname": True,
    }
    cluster = ServerCluster(tmp_path, 1, {**checks, "cert_file": server.cert_file, "key_file": server.key_file})
    with cluster.running():
        cluster.start_client(
            4, joins=(1,), settings={**checks, "cert_file": client.cert_file, "key_file": client.key_file}
        )
        cluster.until(lambda: cluster.put(4, "k", "1"), "a write over TLS")
        cluster.start_client(5, joins=(1,), settings={})
        cluster.until(lambda: "this server takes TLS only" in cluster.programs[5].log(), "the refusal")
        assert cluster.ask(5, "/v1/kv/k").status == 500
