"""A server that was stopped says of what it still has how old it is, whatever waited for it in its sockets."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import time
from collections import deque
from pathlib import Path

import pytest

from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow
STOP_S = 3.0
WAITING = 48
"""Requests that wait for the stopped server."""
ASKED_MAX = 100
"""More are asked once it goes on."""


class Asked:
    """One stale read of the key, asked at `at`."""

    def __init__(self, address: str) -> None:
        self.at = time.monotonic()
        self._connection = http.client.HTTPConnection(address, 8500, timeout=15)
        self._connection.request("GET", "/v1/kv/a?stale")

    def answered(self) -> tuple[int, float]:
        """The value, and how old it may be by its own word, in seconds."""
        try:
            answer = self._connection.getresponse()
            row = json.loads(answer.read())[0]
            return int(base64.b64decode(row["Value"])), int(answer.headers["X-Consul-LastContact"]) / 1000
        finally:
            self._connection.close()


def test_a_heartbeat_that_waited_does_not_make_a_stopped_server_fresh(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3).running() as cluster:
        leader = cluster.leader()
        follower = next(number for number in (1, 2, 3) if number != leader)
        written: list[tuple[float, int]] = []

        def write() -> None:
            value = len(written) + 1
            assert cluster.put(leader, "a", str(value))
            written.append((time.monotonic(), value))

        write()
        cluster.until(lambda: cluster.value(follower, "a", "stale") == "1", "the first write")
        os.kill(cluster.programs[follower].pid, signal.SIGSTOP)
        try:
            until = time.monotonic() + STOP_S
            while time.monotonic() < until:
                write()
            asked = deque(Asked(cluster.address(follower)) for _ in range(WAITING))
        finally:
            went_on = time.monotonic()
            os.kill(cluster.programs[follower].pid, signal.SIGCONT)
        old: list[str] = []
        for number in range(ASKED_MAX):
            if number >= WAITING:
                write()
                asked.append(Asked(cluster.address(follower)))
            one = asked.popleft()
            value, age_s = one.answered()
            current_at = max(one.at, went_on) - age_s
            known = max((known for at, known in written if at < current_at), default=0)
            if value < known:
                old.append(f"{value}, said to be {age_s} s old, though {known} was acknowledged before that")
        assert old == []
