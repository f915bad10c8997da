"""The targets of checks tell how far apart they were asked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time

import pytest

from lictor_bench import check_latency, checks
from lictor_bench.check_targets import Gaps, target_address
from lictor_bench.dev_agents import lictor_agent
from tests.support.ports import free_port


def test_every_target_has_an_address_of_its_own() -> None:
    assert len({target_address(number) for number in range(5_000)}) == 5_000


def test_targets_tell_how_far_apart_they_were_asked() -> None:
    port = free_port()
    command = [sys.executable, "-m", "lictor_bench.check_targets", str(port), "2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            process.stdin.write(b"\n")
            assert process.stdout.readline() == b"begun\n"
            began = time.monotonic()
            for _ in range(2):
                with socket.create_connection((target_address(0), port), timeout=10) as one:
                    one.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    assert one.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
            elapsed_s = time.monotonic() - began
            process.stdin.write(b"\n")
            gaps = Gaps(**json.loads(process.stdout.readline()))
        finally:
            process.kill()
    assert gaps.silent == 1
    assert len(gaps.seconds) == 1
    assert 0 <= gaps.seconds[0] <= elapsed_s + 0.001  # told in whole milliseconds


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_checks_of_an_agent_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", 4)
    monkeypatch.setattr(checks, "INTERVAL_S", 1.0)
    monkeypatch.setattr(checks, "_SETTLE_S", 2.0)
    monkeypatch.setattr(checks, "_MEASURE_S", 4.0)
    with lictor_agent() as agent:
        figures = checks.measure(agent)
    assert figures.silent == 0
    assert figures.cores > 0
    assert 0.5 < figures.worst_s < 4.0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_service_that_was_killed_is_gone_within_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_latency, "PHASES", (0.5,))
    with lictor_agent() as agent:
        median, longest = check_latency.measure([agent], 1.0)
    assert 0.3 < median.ours == longest.ours < 5.0
