"""Whom leadership goes to when nobody is named."""

from __future__ import annotations

from lictor_server.raft.flow import Progress
from lictor_server.raft.transfer import best_target


def test_the_furthest_log_then_the_latest_answer_is_best() -> None:
    voters = {"a": Progress(7, 0.1), "b": Progress(9, 0.5), "c": Progress(9, 0.2)}
    assert best_target(voters) == "c"


def test_nobody_is_best_of_nobody() -> None:
    assert best_target({}) is None
