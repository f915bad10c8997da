"""A wall clock that jumps, and a process that is stopped for a while: no lease, check or lead is lost by it."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.altered_agent import alterations, command
from tests.support.conditions import wait_until
from tests.support.lone_server import LoneServer
from tests.support.processes import Program

TTL_S = 3.0
LEASE_S = 2.0
HOUR_S = 3600.0
NEVER = ("raft.leader.lost", "member.lease.expired", "agent.lease.lost", "leader.duty.failed", "Traceback")


def status_of(server: LoneServer, check: str) -> str:
    """The status of a check of this node, as the catalog has it."""
    _, body, _ = server.get("/v1/health/node/judge")
    return next((row["Status"] for row in json.loads(body) if row["CheckID"] == check), "")


@contextmanager
def kept_passing(server: LoneServer, check: str) -> Generator[None]:
    """Somebody says twice within each TTL that all is well, while the block runs."""
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(TTL_S / 4):
            server.request("PUT", f"/v1/agent/check/pass/{check}")

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def register_ttl(server: LoneServer, check: str) -> None:
    body = json.dumps({"Name": check, "ID": check, "TTL": f"{TTL_S:g}s", "Status": "passing"})
    assert server.request("PUT", "/v1/agent/check/register", body)[0] == 200


def hold(condition: Callable[[], bool], *, for_s: float, what: str) -> None:
    """Fail unless `condition` holds all the time."""
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        assert condition(), what
        time.sleep(0.05)


def check_nothing_happened(program: Program) -> None:
    assert [event for event in NEVER if event in program.log()] == []
    assert program.log().count("raft.leader.elected") == 1


@pytest.mark.slow
def test_a_wall_clock_that_jumps_changes_no_lead_no_lease_and_no_ttl(tmp_path: Path) -> None:
    server = LoneServer(tmp_path)
    offset = tmp_path / "offset"
    offset.write_text("0")
    altered = alterations(server={"lease_s": LEASE_S}, clock_file=offset)
    with server.agent(kill=False, command=command(), environment=altered) as program:
        register_ttl(server, "kept")
        register_ttl(server, "left")
        wait_until(lambda: status_of(server, "left") == "passing", within_s=10, what="the checks")
        leader = server.get("/v1/status/leader")[1]
        with kept_passing(server, "kept"):
            for jump_s in (48 * HOUR_S, -48 * HOUR_S, 0.0):
                offset.write_text(str(jump_s))
                hold(
                    lambda: status_of(server, "kept") == status_of(server, "serfHealth") == "passing",
                    for_s=LEASE_S * 1.2,
                    what=f"the node and its check pass after the clock jumped to {jump_s:+} s",
                )
                assert server.get("/v1/status/leader")[1] == leader
                assert server.request("PUT", "/v1/kv/a", str(jump_s))[:2] == (200, "true")
            assert status_of(server, "left") == "critical", "a TTL that nobody kept ends, whatever the clock says"
        check_nothing_happened(program)


@pytest.mark.slow
def test_a_clock_set_back_does_not_keep_a_silent_check_alive(tmp_path: Path) -> None:
    server = LoneServer(tmp_path)
    offset = tmp_path / "offset"
    offset.write_text("0")
    with server.agent(kill=False, command=command(), environment=alterations(clock_file=offset)):
        register_ttl(server, "left")
        wait_until(lambda: status_of(server, "left") == "passing", within_s=10, what="the check")
        offset.write_text(str(-HOUR_S))
        wait_until(lambda: status_of(server, "left") == "critical", within_s=TTL_S * 3, what="the end of the TTL")


@pytest.mark.slow
def test_a_server_that_was_stopped_for_longer_than_its_lease_serves_on_and_fails_nobody(tmp_path: Path) -> None:
    server = LoneServer(tmp_path)
    altered = alterations(server={"lease_s": LEASE_S})
    with server.agent(kill=False, command=command(), environment=altered) as program:
        wait_until(lambda: status_of(server, "serfHealth") == "passing", within_s=10, what="the node")
        before = server.get("/v1/health/node/judge")[2]
        assert server.request("PUT", "/v1/kv/a", "1")[:2] == (200, "true")
        for _ in range(2):
            program.process.send_signal(signal.SIGSTOP)
            time.sleep(LEASE_S * 2)
            program.process.send_signal(signal.SIGCONT)
            assert server.get("/v1/kv/a?raw")[:2] == (200, "1")
            assert server.request("PUT", "/v1/kv/a", "1")[:2] == (200, "true")
            hold(
                lambda: status_of(server, "serfHealth") == "passing",
                for_s=LEASE_S,
                what="the node of the server itself passes",
            )
        assert server.get("/v1/health/node/judge")[2] == before, "and its check never changed"
        check_nothing_happened(program)
        assert program.log().count("leader.pause.noticed") == 2
