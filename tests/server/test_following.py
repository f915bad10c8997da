"""Whom a server follows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lictor_server.cluster import ServerCard
from lictor_server.following import Following
from tests.server.conftest import Log
from tests.support.conditions import eventually


class Picture:
    """Who leads, as this server knows; and how often it missed a leader."""

    def __init__(self, log: Log) -> None:
        self.leader: ServerCard | None = None
        self.missed = 0
        self.following = Following(
            "id-1",
            leader=lambda: self.leader,
            term=lambda: 7,
            voters=lambda: ["n1", "n2"],
            hold_s=0.02,
            on_missed=self._miss,
            log=log.logger,
        )

    def led_by(self, name: str) -> None:
        """Another leader, of whom the server is told."""
        self.leader = ServerCard(id=f"id-{name[1:]}", name=name, address="127.0.0.1:1", datacenter="dc1")
        self.following.look()

    def led_by_nobody(self) -> None:
        """No leader."""
        self.leader = None
        self.following.look()

    def _miss(self) -> None:
        self.missed += 1


@pytest.fixture
async def picture(log: Log) -> AsyncIterator[Picture]:
    made = Picture(log)
    yield made
    made.following.stop()


async def test_another_leader_is_told_once(picture: Picture, log: Log) -> None:
    picture.led_by("n2")
    picture.led_by("n2")
    picture.led_by("n3")
    assert [(one["leader"], one["term"]) for one in log.named("raft.leader.followed")] == [("n2", 7), ("n3", 7)]


async def test_a_server_does_not_follow_itself(picture: Picture, log: Log) -> None:
    picture.led_by("n1")
    assert log.named("raft.leader.followed") == []


async def test_a_leader_that_is_back_is_told_again(picture: Picture, log: Log) -> None:
    picture.led_by("n2")
    picture.led_by_nobody()
    picture.led_by("n2")
    assert len(log.named("raft.leader.followed")) == 2


async def test_who_is_led_by_nobody_for_long_misses_a_leader_once(picture: Picture, log: Log) -> None:
    picture.led_by_nobody()
    picture.led_by_nobody()
    await eventually(lambda: picture.missed == 1, what="the leader is missed")
    assert log.named("raft.leader.missed")[0]["voters"] == ["n1", "n2"]
    assert len(log.named("raft.leader.missed")) == 1


async def test_a_leader_that_comes_in_time_is_not_missed(picture: Picture, log: Log) -> None:
    picture.led_by_nobody()
    picture.led_by("n2")
    later = Picture(log)
    later.led_by_nobody()
    await eventually(lambda: later.missed == 1, what="as much time is over")
    later.following.stop()
    assert picture.missed == 0
