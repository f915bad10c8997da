"""Whom leadership goes to when nobody is named."""

from __future__ import annotations

import pytest

from lictor_core.errors import RequestError
from lictor_server.raft.flow import Progress
from lictor_server.raft.transfer import best_target, chosen_target


def test_the_furthest_log_then_the_latest_answer_is_best() -> None:
    voters = {"a": Progress(7, 0.1), "b": Progress(9, 0.5), "c": Progress(9, 0.2)}
    assert best_target(voters) == "c"


def test_nobody_is_best_of_nobody() -> None:
    assert best_target({}) is None


@pytest.mark.parametrize(
    ("wish", "connected", "is_under_way", "reason"),
    [
        (None, (), False, "no other voter is connected"),
        ("x", ("a",), False, "x is no other voter"),
        ("a", ("a",), True, "handed over already"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(
    wish: str | None, connected: tuple[str, ...], is_under_way: bool, reason: str
) -> None:
    with pytest.raises(RequestError, match=reason):
        chosen_target(wish, {"a": Progress(7, 0.1)}, connected, is_under_way=is_under_way)


def test_who_is_named_need_not_be_connected_just_now_and_who_is_not_must_be() -> None:
    voters = {"a": Progress(7, 0.1), "b": Progress(9, 0.5)}
    assert chosen_target("b", voters, (), is_under_way=False) == "b"
    assert chosen_target(None, voters, ("a",), is_under_way=False) == "a"
