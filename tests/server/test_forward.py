"""Requests find the leader, and are repeated only when that is harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import (
    ClusterError,
    LictorError,
    NoLeaderError,
    OutcomeUnknownError,
    OverloadedError,
    PeerError,
    RepetitionForgottenError,
    RequestError,
)
from lictor_server.forward import Forwarder

Answer = Callable[[bytes], bytes]


class Cluster:
    """Who leads, and what the servers answer, in order; the last answer goes on for ever."""

    def __init__(self) -> None:
        self.is_leader = False
        self.address = "leader:8300"
        self.answers: list[bytes | LictorError] = [b"done"]
        self.calls: list[tuple[str, str, bytes]] = []
        self.silent: set[str] = set()
        self.is_asked = asyncio.Event()

    def leader_address(self) -> str:
        return self.address

    async def wait_for_ever(self) -> None:
        self.is_asked.set()
        await asyncio.Event().wait()

    async def call(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        self.calls.append((address, method, payload))
        if address in self.silent:
            await self.wait_for_ever()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, LictorError):
            raise answer
        return answer


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def forwarder(cluster: Cluster, hold_s: float = 5.0) -> Forwarder:
    return Forwarder(cluster, cluster, hold_s=hold_s, timeout_s=1.0, clock=SystemClock(), rng=SeededRng(1))


async def ask(forward: Forwarder, *, repeatable: bool = True, local: LictorError | None = None) -> bytes:
    async def here(again: bool) -> bytes:
        if local is not None:
            raise local
        return b"here"

    return await forward.to_leader(
        "write", lambda again: b"again" if again else b"first", here, lambda data: data, repeatable=repeatable
    )


async def test_the_leader_carries_out_what_it_is_asked(cluster: Cluster) -> None:
    cluster.is_leader = True
    assert await ask(forwarder(cluster)) == b"here"
    assert cluster.calls == []


async def test_another_server_asks_the_leader(cluster: Cluster) -> None:
    assert await ask(forwarder(cluster)) == b"done"
    assert cluster.calls == [("leader:8300", "leader.write", b"first")]


async def test_what_surely_was_not_done_is_tried_again_as_a_first_attempt(cluster: Cluster) -> None:
    cluster.answers = [NoLeaderError(), b"done"]
    assert await ask(forwarder(cluster), repeatable=False) == b"done"
    assert [payload for _, _, payload in cluster.calls] == [b"first", b"first"]


@pytest.mark.parametrize("error", [OutcomeUnknownError("?"), PeerError("lost")])
async def test_what_may_have_been_done_is_repeated_as_a_repetition(cluster: Cluster, error: LictorError) -> None:
    cluster.answers = [error, NoLeaderError(), b"done"]
    assert await ask(forwarder(cluster)) == b"done"
    assert [payload for _, _, payload in cluster.calls] == [b"first", b"again", b"again"]


async def test_what_may_have_been_done_and_cannot_be_told_apart_is_not_repeated(cluster: Cluster) -> None:
    cluster.answers = [OutcomeUnknownError("?")]
    with pytest.raises(OutcomeUnknownError):
        await ask(forwarder(cluster), repeatable=False)
    assert len(cluster.calls) == 1


@pytest.mark.parametrize("error", [RequestError("wrong"), OverloadedError("full"), RepetitionForgottenError("late")])
async def test_an_answer_that_time_does_not_change_is_the_answer(cluster: Cluster, error: LictorError) -> None:
    cluster.answers = [error]
    with pytest.raises(type(error)):
        await ask(forwarder(cluster))
    assert len(cluster.calls) == 1


async def test_a_request_is_held_until_there_is_a_leader(cluster: Cluster) -> None:
    cluster.address = ""
    forward = forwarder(cluster)
    asked = asyncio.ensure_future(ask(forward))
    await asyncio.sleep(0)
    cluster.address = "new:8300"
    forward.leader_changed()
    assert await asyncio.wait_for(asked, 30) == b"done"


async def test_without_a_leader_the_request_surely_was_not_done(cluster: Cluster) -> None:
    cluster.address = ""
    with pytest.raises(NoLeaderError):
        await ask(forwarder(cluster, hold_s=0.05))


async def test_giving_up_after_an_unknown_attempt_tells_that_it_is_unknown(cluster: Cluster) -> None:
    cluster.answers = [PeerError("lost"), NoLeaderError()]
    with pytest.raises(OutcomeUnknownError, match="may or may not have been carried out"):
        await ask(forwarder(cluster, hold_s=0.1))


async def test_a_leader_that_loses_its_office_hands_the_request_on(cluster: Cluster) -> None:
    cluster.is_leader = True
    forward = forwarder(cluster)

    async def loses(again: bool) -> bytes:
        cluster.is_leader = False
        raise ClusterError("lost it")

    assert await forward.to_leader("write", lambda again: b"%d" % again, loses, bytes, repeatable=True) == b"done"
    assert cluster.calls[0][2] == b"1"


async def test_a_server_that_stops_holds_nobody(cluster: Cluster) -> None:
    cluster.address = ""
    forward = forwarder(cluster, hold_s=600.0)
    asked = asyncio.ensure_future(ask(forward))
    await asyncio.sleep(0)
    forward.stop()
    with pytest.raises(NoLeaderError):
        await asyncio.wait_for(asked, 30)


async def test_nobody_waits_for_a_leader_that_another_one_has_taken_over_from(cluster: Cluster) -> None:
    cluster.silent = {"leader:8300"}
    forward = forwarder(cluster)
    asked = asyncio.ensure_future(ask(forward))
    await cluster.is_asked.wait()
    forward.leader_changed()
    await asyncio.sleep(0)
    assert len(cluster.calls) == 1, "it still leads"
    cluster.address = "new:8300"
    forward.leader_changed()
    assert await asyncio.wait_for(asked, 30) == b"done"
    assert cluster.calls[-1] == ("new:8300", "leader.write", b"again")


async def test_what_cannot_be_repeated_waits_for_the_server_that_was_asked(cluster: Cluster) -> None:
    cluster.silent = {"leader:8300"}
    forward = forwarder(cluster)
    asked = asyncio.ensure_future(ask(forward, repeatable=False))
    await cluster.is_asked.wait()
    cluster.address = "new:8300"
    forward.leader_changed()
    await asyncio.sleep(0)
    assert not asked.done()
    asked.cancel()


async def test_a_caller_that_gives_up_is_cancelled(cluster: Cluster) -> None:
    cluster.silent = {"leader:8300"}
    forward = forwarder(cluster)
    asked = asyncio.ensure_future(ask(forward))
    await cluster.is_asked.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    cluster.address = "new:8300"
    forward.leader_changed()
