"""A real agent with a data directory, killed while it is written to: nothing that it acknowledged is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.support.agents import program_of
from tests.support.conditions import wait_until
from tests.support.lone_server import LoneServer

WRITERS = 8
KILLS = 3
WRITES_BEFORE_KILL = 150


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_agent_is_killed_again_and_again(tmp_path: Path) -> None:
    server = LoneServer(tmp_path)
    last_index, node_ids = 0, set[str]()
    for generation in range(KILLS):
        with server.agent(kill=True) as program:
            index = server.get("/v1/kv/?keys")[2]
            assert index >= last_index, "the index went backwards"
            node_ids.add(json.loads(server.get("/v1/agent/self")[1])["Config"]["NodeID"])
            writers = [
                threading.Thread(target=server.write_until_dead, args=(writer, generation)) for writer in range(WRITERS)
            ]
            for thread in writers:
                thread.start()
            server.wait_for_writes(WRITES_BEFORE_KILL)
            last_index = server.get("/v1/kv/?keys")[2]
            program.kill()
            for thread in writers:
                thread.join()
    with server.agent(kill=False):
        assert server.get("/v1/kv/?keys")[2] >= last_index
        found = server.everything()
    assert {key: found.get(key) for key in server.acknowledged} == server.acknowledged
    assert len(node_ids) == 1


def test_a_damaged_log_stops_the_start_with_its_file_and_place(tmp_path: Path) -> None:
    server = LoneServer(tmp_path)
    with server.agent(kill=False):
        assert server.request("PUT", "/v1/kv/a", "1")[0] == 200
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
    server = LoneServer(tmp_path)
    with server.agent(kill=False) as program:
        assert f"data in {tmp_path / 'data'}" in program.log()
        assert server.request("PUT", "/v1/kv/a", "1")[0] == 200
        before = server.get("/v1/kv/a")
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(10)
    with server.agent(kill=False):
        assert server.get("/v1/kv/a") == before


@pytest.mark.needs("bash")
def test_an_agent_whose_disk_is_full_ends_within_a_second_and_loses_nothing(tmp_path: Path) -> None:
    server = LoneServer(tmp_path)
    largest_file = ["bash", "-c", 'ulimit -f 256; exec "$@"', "limited"]  # KiB
    with server.agent(kill=True, prefix=largest_file) as program:
        writer = threading.Thread(target=server.write_until_dead, args=(0, 0), kwargs={"value_chars": 10_000})
        writer.start()
        wait_until(lambda: "raft.core.failed" in program.log(), within_s=30, what="the full disk")
        assert program.process.wait(1.0) == 1
        writer.join()
        assert "the agent cannot go on: cannot write the log" in program.log()
        assert "make room on that disk" in program.log()
    assert server.acknowledged
    with server.agent(kill=False):
        found = server.everything()
    assert {key: found.get(key) for key in server.acknowledged} == server.acknowledged
