"""Clusters of real servers: founded, killed, paused, moved, grown, left, and over TLS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.server.certificates import Authority
from tests.support.agents import program_of
from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow
AUTOPILOT: dict[str, object] = {"autopilot": {"server_stabilization_time": "500ms", "last_contact_threshold": "2s"}}


def test_nothing_acknowledged_is_lost_when_the_leader_is_killed_under_load(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3).running() as cluster:
        acknowledged: dict[str, str] = {}
        ends = threading.Event()

        def write(writer: int) -> None:
            number = 0
            while not ends.is_set():
                key = f"k/{writer}/{number}"
                if cluster.put(1 + (writer + number) % 3, key, key):
                    acknowledged[key] = key
                number += 1

        writers = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
        for thread in writers:
            thread.start()
        for _ in range(2):
            before = len(acknowledged)
            cluster.until(lambda: len(acknowledged) > before + 100, "writes")  # noqa: B023 waited for at once
            leader = cluster.leader()
            cluster.kill(leader)
            before = len(acknowledged)
            cluster.until(lambda: len(acknowledged) > before + 50, "writes without the killed leader")  # noqa: B023
            cluster.start(leader)
            cluster.leader()
        ends.set()
        for thread in writers:
            thread.join()
        for number in cluster.programs:
            missing = [
                key
                for key in list(acknowledged)[:: max(1, len(acknowledged) // 200)]
                if cluster.value(number, key) != key
            ]
            assert missing == []


def test_all_killed_at_once_come_back_at_other_addresses_with_everything(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 3)
    with cluster.running():
        for number in (1, 2, 3):
            assert cluster.put(number, f"k{number}", "x")
        ids = {json.loads(cluster.ask(number, "/v1/agent/self").body)["Config"]["NodeID"] for number in (1, 2, 3)}
        for number in (1, 2, 3):
            cluster.kill(number)
        cluster.move()
        for number in (3, 1, 2):
            cluster.start(number)
        cluster.leader()
        for number in (1, 2, 3):
            assert [cluster.value(number, f"k{one}") for one in (1, 2, 3)] == ["x", "x", "x"]
        assert ids == {
            json.loads(cluster.ask(number, "/v1/agent/self").body)["Config"]["NodeID"] for number in (1, 2, 3)
        }
        cluster.until(
            lambda: cluster.address(2) in cluster.ask(1, "/v1/operator/raft/configuration").body,
            "the new addresses in the peer set",
        )


def test_any_two_of_three_start_after_all_were_killed(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 3)
    with cluster.running():
        assert cluster.put(1, "a", "1")
        for number in (1, 2, 3):
            cluster.kill(number)
        for number in (2, 3):
            cluster.start(number)
        cluster.leader()
        assert cluster.value(3, "a") == "1"


def test_a_paused_leader_answers_nothing_old_when_it_goes_on(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3).running() as cluster:
        old = cluster.leader()
        assert cluster.put(old, "a", "1")
        others = [number for number in (1, 2, 3) if number != old]
        os.kill(cluster.programs[old].pid, signal.SIGSTOP)
        try:
            cluster.until(lambda: cluster.put(others[0], "a", "2"), "a write with another leader")
        finally:
            os.kill(cluster.programs[old].pid, signal.SIGCONT)
        for _ in range(20):
            assert cluster.value(old, "a") in ("2", None), "an answer from before the pause"
            assert cluster.value(old, "a", "consistent") in ("2", None)
        cluster.until(lambda: cluster.value(old, "a") == "2", "the paused server to follow")


def test_a_server_joins_without_a_vote_is_promoted_and_a_leader_that_leaves_hands_over(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3, AUTOPILOT).running() as cluster:
        cluster.start(4, expect=0)
        cluster.until(lambda: cluster.peers(1).get("s4") is True, "a vote for the newcomer")

        def told() -> str:
            return "".join(program.log() for program in cluster.programs.values())

        cluster.until(lambda: "raft.peer.promoted" in told(), "the leader to tell of it")
        assert "raft.peer.added" in told()
        leader = cluster.leader()
        left = cluster.programs[leader]
        began = time.monotonic()
        done = subprocess.run(
            [program_of("lictor"), "leave", f"-http-addr={cluster.address(leader)}:8500"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "Graceful leave complete\n"), done.stderr
        assert left.process.wait(10) == 0
        assert time.monotonic() - began < 10
        cluster.kill(leader)
        assert cluster.put(next(iter(cluster.programs)), "after", "1")
        cluster.until(lambda: len(cluster.peers(cluster.leader())) == 3, "three servers")
        assert f"s{leader}" not in cluster.peers(cluster.leader())


def test_a_dead_server_is_cleaned_up_and_its_empty_place_can_be_taken(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3, AUTOPILOT).running() as cluster:
        dead = next(number for number in (1, 2, 3) if number != cluster.leader())
        cluster.kill(dead)
        cluster.start(4, expect=0, joins=[number for number in (1, 2, 3) if number != dead])
        alive = cluster.leader()
        cluster.until(
            lambda: cluster.peers(alive) == {f"s{number}": True for number in (1, 2, 3, 4) if number != dead},
            "three voters without the dead one",
        )
        assert cluster.put(4, "a", "1")


def test_a_server_told_to_stop_says_goodbye_with_consuls_exit_code_and_catches_up_later(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3).running() as cluster:
        follower = next(number for number in (1, 2, 3) if number != cluster.leader())
        assert cluster.stop(follower) == 1
        assert cluster.put(cluster.leader(), "a", "1")
        cluster.start(follower)
        cluster.until(lambda: cluster.value(follower, "a", "stale") == "1", "what it missed")


def material(directory: Path) -> dict[str, object]:
    """The settings of a server with a certificate of a CA in this directory."""
    authority = Authority(directory)
    pair = authority.server()
    return {"ca_file": authority.ca_file, "cert_file": pair.cert_file, "key_file": pair.key_file}


def test_servers_with_certificates_talk_over_tls_alone(tmp_path: Path) -> None:
    settings = {
        **material(tmp_path / "own"),
        "verify_incoming": True,
        "verify_outgoing": True,
        "verify_server_hostname": True,
    }
    cluster = ServerCluster(tmp_path, 3, settings)
    with cluster.running():
        assert cluster.put(2, "a", "1")
        assert cluster.value(3, "a") == "1"
        cluster.settings = {**cluster.settings, **material(tmp_path / "stranger")}
        cluster.start(4, expect=0)
        cluster.until(lambda: "cannot be trusted" in cluster.programs[4].log(), "a refusal")
        assert "s4" not in cluster.peers(1)


def test_joining_at_start_fails_when_nobody_answers(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    done = subprocess.run(
        [
            program_of("lictor"),
            "agent",
            "-server",
            f"-data-dir={tmp_path / 'd'}",
            f"-bind={cluster.address(1)}",
            f"-client={cluster.address(1)}",
            f"-join={cluster.address(9)}",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert f"no server answered at {cluster.address(9)}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_newcomer_whom_the_log_cannot_serve_any_more_gets_a_snapshot_of_a_real_server(tmp_path: Path) -> None:
    value = "v" * 400_000  # what a server keeps of its log in memory has a bound in bytes
    with ServerCluster(tmp_path, 1).running() as cluster:
        for number in range(100):
            assert cluster.put(1, f"k{number}", f"{number} {value}")
        cluster.start(2, expect=0, joins=(1,))
        cluster.until(lambda: cluster.value(2, "k99", "stale") == f"99 {value}", "the newcomer to have all")
        assert "raft.install.finished" in cluster.programs[2].log()
        assert cluster.value(2, "k0", "stale") == f"0 {value}"
        assert cluster.put(2, "after", "1")
        cluster.until(lambda: cluster.value(2, "after", "stale") == "1", "the log to go on behind the snapshot")
        cluster.kill(2)
        cluster.start(2, expect=0, joins=(1,))
        cluster.until(lambda: cluster.value(2, "after", "stale") == "1", "everything to be there again")
