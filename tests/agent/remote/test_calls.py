"""What is asked again after which failure, and what the caller is told in the end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from lictor_agent.remote.allowance import Allowance
from lictor_agent.remote.calls import RemoteCalls
from lictor_agent.remote.link import ServerLink
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import (
    LictorError,
    NoLeaderError,
    OutcomeUnknownError,
    OverloadedError,
    PeerError,
    RateLimitedError,
    RepetitionForgottenError,
    RequestError,
    UnknownDatacenterError,
    UnreachableError,
)
from lictor_server import RpcPool
from tests.agent.remote.registries import settings
from tests.server.conftest import Log

ADDRESS = "192.0.2.1:8300"


class Scripted:
    """Answers calls one after the other as a test says; the last answer is given for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Log, *answers: LictorError | bytes) -> None:
        self.asked: list[bytes] = []
        self.others: list[bool] = []
        """Whether another server is in use after each refusal."""
        self._answers = list(answers)
        pool = RpcPool(rng=SeededRng(1))
        link = ServerLink(settings(), pool, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
        self.pool = pool
        monkeypatch.setattr(pool, "call", self._call)
        monkeypatch.setattr(link, "server", self._server)
        monkeypatch.setattr(link, "left", self._left)
        self.allowance = Allowance(math.inf, 1, SystemClock())
        self.calls = RemoteCalls(
            link, pool, hold_s=0.3, clock=SystemClock(), rng=SeededRng(1), allowance=self.allowance
        )

    async def _server(self, hold_s: float) -> str:
        return ADDRESS

    async def _left(self, server: str) -> bool:
        return self.others.pop(0) if self.others else False

    async def _call(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        self.asked.append(payload)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, LictorError):
            raise answer
        return answer


Script = Callable[..., Scripted]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, log: Log) -> Script:
    return lambda *answers: Scripted(monkeypatch, log, *answers)


def told(again: bool) -> bytes:
    return b"again" if again else b"first"


async def test_what_may_have_been_done_is_marked_when_it_is_sent_again(script: Script) -> None:
    made = script(UnreachableError("away"), PeerError("lost"), b"done")
    assert await made.calls.ask("write", told, changes=True) == b"done"
    assert made.asked == [b"first", b"first", b"again"]


async def test_what_cannot_be_repeated_is_not_when_nobody_knows(script: Script) -> None:
    made = script(UnreachableError("away"), PeerError("lost"), b"done")
    with pytest.raises(OutcomeUnknownError, match="look before asking again"):
        await made.calls.ask("remove_peer", told, repeatable=False)
    assert made.asked == [b"first", b"first"]


@pytest.mark.parametrize(
    "error",
    [RequestError("wrong"), OverloadedError("full"), UnknownDatacenterError(), RepetitionForgottenError("late")],
    ids=lambda error: type(error).__name__,
)
async def test_what_will_not_pass_is_told_at_once(script: Script, error: LictorError) -> None:
    made = script(error)
    with pytest.raises(type(error)):
        await made.calls.ask("write", told, changes=True)
    assert made.asked == [b"first"]


async def test_after_the_hold_the_caller_is_told_whether_anything_may_have_been_done(script: Script) -> None:
    with pytest.raises(NoLeaderError, match="no server answers: lost"):
        await script(PeerError("lost")).calls.ask("read", told)
    with pytest.raises(OutcomeUnknownError):
        await script(PeerError("lost")).calls.ask("write", told, changes=True)
    with pytest.raises(NoLeaderError):
        await script(UnreachableError("away")).calls.ask("write", told, changes=True)
    made = script(NoLeaderError())
    with pytest.raises(NoLeaderError, match="No cluster leader"):
        await made.calls.ask("write", told, changes=True)
    assert len(made.asked) > 1


async def test_a_server_without_a_leader_is_not_waited_for_when_another_has_one(script: Script) -> None:
    made = script(NoLeaderError(), NoLeaderError(), b"done")
    made.others = [True, True]
    assert await made.calls.ask("read", told) == b"done"


async def test_what_is_sent_once_is_not_sent_again_after_a_server_read_it_though_another_server_is_in_use(
    script: Script,
) -> None:
    made = script(UnreachableError("away"), NoLeaderError("No cluster leader"), b"done")
    made.others = [True]
    with pytest.raises(NoLeaderError):
        await made.calls.ask("renew", told, repeatable=False, once=True)
    assert len(made.asked) == 2, "the first server never saw it"
    assert made.others == [], "the next attempt asks another server"


async def test_who_waits_for_a_change_goes_on_waiting_however_many_servers_are_lost_meanwhile(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a rolling restart: each server held the question for longer than another one is waited for."""
    made = script(PeerError("lost"), PeerError("lost"), UnreachableError("away"), PeerError("lost"), b"changed")
    ask = made._call  # pyright: ignore[reportPrivateUsage]

    async def slow(address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        await asyncio.sleep(0.4)
        return await ask(address, method, payload, timeout_s=timeout_s)

    monkeypatch.setattr(made.pool, "call", slow)
    assert await made.calls.ask("read", told, answer_s=lambda: 60.0) == b"changed"


async def test_who_waits_no_more_is_told_in_the_end_however_slowly_servers_are_lost(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = script(PeerError("it did not answer"))
    ask = made._call  # pyright: ignore[reportPrivateUsage]

    async def slow(address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        await asyncio.sleep(0.4)
        return await ask(address, method, payload, timeout_s=timeout_s)

    monkeypatch.setattr(made.pool, "call", slow)
    with pytest.raises(NoLeaderError, match="no server answers"):
        await made.calls.ask("read", told)
    assert len(made.asked) == 2


async def test_a_server_that_goes_on_saying_that_nobody_leads_is_believed_after_the_hold(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = script(NoLeaderError())
    ask = made._call  # pyright: ignore[reportPrivateUsage]

    async def slow(address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        await asyncio.sleep(0.4)
        return await ask(address, method, payload, timeout_s=timeout_s)

    monkeypatch.setattr(made.pool, "call", slow)
    with pytest.raises(NoLeaderError):
        await made.calls.ask("read", told)
    assert len(made.asked) == 1


async def test_one_request_too_many_is_not_sent_and_the_lease_is_renewed_all_the_same(script: Script) -> None:
    made = script(b"done")
    made.allowance.follow(0.001, 1)
    assert await made.calls.ask("read", told) == b"done"
    with pytest.raises(RateLimitedError, match="RPC rate limit exceeded") as refused:
        await made.calls.ask("read", told)
    assert refused.value.retry_after_s == 60
    assert await made.calls.ask("renew", told) == b"done"
    assert len(made.asked) == 2
    assert made.allowance.exceeded == 1
