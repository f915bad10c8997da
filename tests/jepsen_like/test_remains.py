"""What ended processes and logs tell of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_jepsen.checker import Verdict
from lictor_jepsen.db import Cluster, lictor
from lictor_jepsen.disk import Folders
from lictor_jepsen.net import Loopback
from lictor_jepsen.remains import logs, processes, terms

TRACE = """
Traceback (most recent call last):
  File "x.py", line 1, in apply
{}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(lictor(), Loopback(2), Folders(tmp_path / "data"), tmp_path)


def test_logs_without_traces_are_valid(cluster: Cluster) -> None:
    cluster.log_path(cluster.nodes[0]).write_text("all is well\n")
    assert logs(["kill-one"], cluster).verdict is Verdict.VALID


@pytest.mark.parametrize("line", [TRACE.format("KeyError: 1"), "panic: runtime error\n"])
def test_a_trace_in_a_log_is_invalid_and_told_with_its_place(cluster: Cluster, line: str) -> None:
    cluster.log_path(cluster.nodes[1]).write_text(line)
    found = logs(["memory-short"], cluster)
    assert found.verdict is Verdict.INVALID
    assert found.problems[0].text.startswith("n2.log:")


def test_a_trace_for_want_of_memory_is_allowed_while_memory_is_short_and_not_otherwise(cluster: Cluster) -> None:
    cluster.log_path(cluster.nodes[0]).write_text(TRACE.format("MemoryError"))
    assert logs(["memory-short"], cluster).verdict is Verdict.VALID
    assert logs(["kill-one", "disk-full"], cluster).verdict is Verdict.INVALID


def test_a_process_may_end_by_itself_only_when_a_fault_allows_it_and_its_log_says_why(cluster: Cluster) -> None:
    log = cluster.log_path(cluster.nodes[0])
    log.write_text("OSError: [Errno 28] No space left on device\n")
    assert processes(["disk-full"], cluster).verdict is Verdict.VALID
    cluster.deaths.append("n1 ended by itself with exit code 1")
    assert processes(["disk-full"], cluster).verdict is Verdict.VALID
    assert processes(["kill-one"], cluster).verdict is Verdict.INVALID
    log.write_text("nothing\n")
    assert processes(["disk-full"], cluster).verdict is Verdict.INVALID


def _said(cluster: Cluster, number: int, *events: str) -> None:
    lines = (f"2026-11-22T10:23:49.038228Z [INFO ] raft.leader.{event}\n" for event in events)
    cluster.log_path(cluster.nodes[number]).write_text("".join(lines))


def test_a_term_with_one_leader_is_valid_whoever_tells_of_it(cluster: Cluster) -> None:
    _said(cluster, 0, "elected: room=server term=1", "lost: room=server term=1")
    _said(
        cluster,
        1,
        "followed: room=server leader=n1 address=10.0.0.1:8300 term=1",
        "elected: room=server term=2",
        "followed: room=server leader=n1 address=10.0.0.1:8300 term=3",
    )
    found = terms(cluster)
    assert (found.verdict, found.judged) == (Verdict.VALID, 3)


def test_two_leaders_of_a_term_are_told_with_who_said_so(cluster: Cluster) -> None:
    _said(cluster, 0, "elected: room=server term=4")
    _said(cluster, 1, "followed: room=server leader=n3 address=10.0.0.3:8300 term=4")
    found = terms(cluster)
    assert found.verdict is Verdict.INVALID
    assert found.problems[0].text == "term 4 has 2 leaders: n1 (n1.log:1), n3 (n2.log:1)"


def test_logs_that_tell_of_no_leader_judge_nothing(cluster: Cluster) -> None:
    _said(cluster, 0, "lost: room=server term=1")
    assert terms(cluster).judged == 0
