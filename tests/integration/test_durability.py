"""A real agent with a data directory, killed while it is written to: nothing that it acknowledged is lost."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import subprocess
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.agents import environment_for_commands, program_of
from tests.support.conditions import wait_until
from tests.support.ports import free_ports
from tests.support.processes import Program, running

WRITERS = 8
KILLS = 3
WRITES_BEFORE_KILL = 150


class Cluster:
    """One server's ports and directory, and what it acknowledged: key by index and value."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = free_ports("http", "dns", "server", "grpc")
        self.acknowledged: dict[str, str] = {}

    @contextmanager
    def agent(self, *, kill: bool, prefix: Sequence[str] = ()) -> Generator[Program]:
        argv = [*prefix, program_of("lictor"), "agent", "-server", "-bootstrap-expect=1", "-bind", "127.0.0.1"]
        argv += ["-node", "judge", "-data-dir", str(self.directory / "data")]
        for name, port in self.ports.items():
            argv += [f"-{name}-port", str(port)]
        with running(
            "agent", argv, self.directory, environment=environment_for_commands(), ready=self._ready, kill=kill
        ) as program:
            yield program

    def _ready(self) -> bool:
        try:
            return self.get("/v1/kv/?keys")[0] in (200, 404)
        except (OSError, http.client.HTTPException):
            return False

    def request(self, method: str, path: str, body: str = "") -> tuple[int, str, int]:
        """Status, body and index."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=10)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), int(answer.headers.get("X-Consul-Index", "0"))
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, str, int]:
        return self.request("GET", path)

    def write_until_dead(self, writer: int, generation: int, value_chars: int = 1) -> None:
        """Write one key after another, noting each that was acknowledged, until the agent is gone."""
        number = 0
        while True:
            key = f"{generation}/{writer}/{number}"
            value = f"value of {key}".ljust(value_chars)
            try:
                status, body, _ = self.request("PUT", f"/v1/kv/{key}", value)
            except (OSError, http.client.HTTPException):
                return
            if (status, body.strip()) == (200, "true"):
                self.acknowledged[key] = value
            number += 1

    def wait_for_writes(self, count: int) -> None:
        """Return when `count` more writes were acknowledged."""
        wanted = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= wanted, within_s=60, what="enough writes")

    def everything(self) -> dict[str, str]:
        status, body, _ = self.get("/v1/kv/?recurse")
        assert status == 200, body
        return {row["Key"]: base64.b64decode(row["Value"] or "").decode() for row in json.loads(body)}


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_agent_is_killed_again_and_again(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    last_index, node_ids = 0, set[str]()
    for generation in range(KILLS):
        with cluster.agent(kill=True) as program:
            index = cluster.get("/v1/kv/?keys")[2]
            assert index >= last_index, "the index went backwards"
            node_ids.add(json.loads(cluster.get("/v1/agent/self")[1])["Config"]["NodeID"])
            writers = [
                threading.Thread(target=cluster.write_until_dead, args=(writer, generation))
                for writer in range(WRITERS)
            ]
            for thread in writers:
                thread.start()
            cluster.wait_for_writes(WRITES_BEFORE_KILL)
            last_index = cluster.get("/v1/kv/?keys")[2]
            program.kill()
            for thread in writers:
                thread.join()
    with cluster.agent(kill=False):
        assert cluster.get("/v1/kv/?keys")[2] >= last_index
        found = cluster.everything()
    assert {key: found.get(key) for key in cluster.acknowledged} == cluster.acknowledged
    assert len(node_ids) == 1


def test_a_damaged_log_stops_the_start_with_its_file_and_place(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with cluster.agent(kill=False):
        assert cluster.request("PUT", "/v1/kv/a", "1")[0] == 200
    (path,) = (tmp_path / "data" / "raft" / "log").iterdir()
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff\xff" + data[102:])
    ended = subprocess.run(
        [program_of("lictor"), "agent", "-server", "-bootstrap", "-data-dir", tmp_path / "data", "-bind", "127.0.0.1"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert f"the agent cannot start: {path} is damaged at offset" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_agent_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with cluster.agent(kill=False) as program:
        assert f"data in {tmp_path / 'data'}" in program.log()
        assert cluster.request("PUT", "/v1/kv/a", "1")[0] == 200
        before = cluster.get("/v1/kv/a")
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(10)
    with cluster.agent(kill=False):
        assert cluster.get("/v1/kv/a") == before


@pytest.mark.needs("bash")
def test_an_agent_whose_disk_is_full_ends_within_a_second_and_loses_nothing(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    largest_file = ["bash", "-c", 'ulimit -f 256; exec "$@"', "limited"]  # KiB
    with cluster.agent(kill=True, prefix=largest_file) as program:
        writer = threading.Thread(target=cluster.write_until_dead, args=(0, 0), kwargs={"value_chars": 10_000})
        writer.start()
        wait_until(lambda: "raft.core.failed" in program.log(), within_s=30, what="the full disk")
        assert program.process.wait(1.0) == 1
        writer.join()
        assert "the agent cannot go on: cannot write the log" in program.log()
        assert "make room on that disk" in program.log()
    assert cluster.acknowledged
    with cluster.agent(kill=False):
        found = cluster.everything()
    assert {key: found.get(key) for key in cluster.acknowledged} == cluster.acknowledged
