"""The driver on a real event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lictor_core.errors import CatchingUpError, NoLeaderError, OutcomeUnknownError, OverloadedError
from lictor_server.raft import Driver, RaftCore, RaftSettings
from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.wire import LoneWire
from tests.server.conftest import Log
from tests.server.replicas import Replicas
from tests.support.conditions import eventually
from tests.support.peers import peers


class Driven:
    """A driver with what it told."""

    def __init__(self, settings: RaftSettings, *, leads: bool = True, log: MemoryLog | None = None) -> None:
        self.applied: list[bytes] = []
        self.leadership: list[bool] = []
        self.leaders: list[str | None] = []
        self.failures: list[BaseException] = []
        log = MemoryLog() if log is None else log
        core = RaftCore("n1", None, settings=settings, log=log, wire=LoneWire(), apply=self.apply)
        if leads:
            core.found(peers("n1"))
        self.driver = Driver(
            core,
            settings,
            on_leadership=self.leadership.append,
            on_leader=self.leaders.append,
            on_failure=self.failures.append,
        )

    def apply(self, index: int, payload: bytes) -> object:
        if payload == b"broken":
            raise ValueError("apply must not raise")
        self.applied.append(payload)
        return index


@pytest.fixture
async def driven() -> AsyncIterator[Driven]:
    made = Driven(RaftSettings(hold_s=0.2))
    made.driver.start()
    await until_leading(made)
    made.driver.open_to_requests()
    yield made
    made.driver.stop()


async def until_leading(driven: Driven) -> None:
    await eventually(lambda: driven.driver.leads, what="leadership")


async def test_lone_server_leads_within_a_few_passes_of_the_loop() -> None:
    driven = Driven(RaftSettings())
    driven.driver.start()
    started = asyncio.get_running_loop().time()
    await until_leading(driven)
    assert asyncio.get_running_loop().time() - started < 0.3
    driven.driver.stop()
    assert driven.leadership == [True]


async def test_write_is_applied_and_answered(driven: Driven) -> None:
    index = await driven.driver.propose(b"x")
    assert driven.applied == [b"x"]
    assert index == driven.driver.core.applied_index


class Stuck(MemoryLog):
    """A log whose disk takes as long as it is told to."""

    stuck = False

    @property
    def is_durable(self) -> bool:
        return not self.stuck


async def test_a_write_without_an_outcome_is_unknown_after_its_time_and_others_go_on() -> None:
    log = Stuck()
    made = Driven(RaftSettings(write_timeout_s=0.1), log=log)
    made.driver.start()
    await until_leading(made)
    log.stuck = True
    writes = [asyncio.ensure_future(made.driver.propose(b"%d" % number)) for number in range(2)]
    done, _ = await asyncio.wait(writes, timeout=5)
    assert [type(one.exception()) for one in done] == [OutcomeUnknownError] * 2
    log.stuck = False
    await made.driver.propose(b"later")
    assert made.applied[-1] == b"later"
    made.driver.stop()


async def test_concurrent_writes_are_applied_in_the_order_of_submission(driven: Driven) -> None:
    await asyncio.gather(*(driven.driver.propose(b"%d" % number) for number in range(500)))
    assert driven.applied == [b"%d" % number for number in range(500)]


async def test_a_write_waits_for_no_timer(driven: Driven) -> None:
    loop = asyncio.get_running_loop()
    best = 1.0
    for _ in range(20):
        started = loop.time()
        await driven.driver.propose(b"x")
        best = min(best, loop.time() - started)
    assert best < RaftSettings().tick_s / 4


async def test_requests_wait_until_the_leader_lets_them_in() -> None:
    driven = Driven(RaftSettings())
    driven.driver.start()
    await until_leading(driven)
    waiting = asyncio.ensure_future(driven.driver.ready())
    await asyncio.wait([waiting], timeout=0.05)
    assert not waiting.done()
    driven.driver.open_to_requests()
    await asyncio.wait_for(waiting, 30)
    driven.driver.stop()


async def test_waiting_to_be_let_in_ends() -> None:
    driven = Driven(RaftSettings(hold_s=0.05))
    with pytest.raises(NoLeaderError):
        await driven.driver.ready()
    driven.driver.start()
    await until_leading(driven)
    with pytest.raises(CatchingUpError, match="retry in a second"):
        await driven.driver.ready()
    driven.driver.stop()


async def test_a_server_that_does_not_lead_says_so_at_once() -> None:
    driven = Driven(RaftSettings(hold_s=30.0), leads=False)
    driven.driver.start()
    async with asyncio.timeout(30):
        for asked in (driven.driver.ready(), driven.driver.read_index(strict=False), driven.driver.propose(b"x")):
            with pytest.raises(NoLeaderError):
                await asked
    driven.driver.stop()


@pytest.mark.parametrize("strict", [False, True])
async def test_the_state_is_as_far_as_the_read_index_when_it_is_told(driven: Driven, strict: bool) -> None:
    await driven.driver.propose(b"x")
    index = await driven.driver.read_index(strict=strict)
    assert driven.driver.core.applied_index == index
    assert driven.applied == [b"x"]


async def test_whoever_waits_for_an_index_goes_on_when_it_is_applied(driven: Driven) -> None:
    index = driven.driver.core.applied_index
    await driven.driver.applied(index)
    waiting = asyncio.ensure_future(driven.driver.applied(index + 2))
    await driven.driver.propose(b"1")
    assert not waiting.done()
    await driven.driver.propose(b"2")
    await asyncio.wait_for(waiting, 30)


async def test_an_index_that_does_not_come_is_told_with_how_far_the_server_is(driven: Driven) -> None:
    index = driven.driver.core.applied_index
    with pytest.raises(CatchingUpError, match=f"applied entry {index} of the log and needs {index + 5}"):
        await driven.driver.applied(index + 5)


async def test_who_leads_is_told_once(driven: Driven) -> None:
    await driven.driver.propose(b"x")
    assert driven.leaders == ["n1"]


async def test_stopping_leaves_the_outcome_of_waiting_writes_unknown(driven: Driven) -> None:
    writes = [asyncio.ensure_future(driven.driver.propose(b"x")) for _ in range(3)]
    await asyncio.sleep(0)
    driven.driver.stop()
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [OutcomeUnknownError] * 3
    assert driven.applied == []


async def test_a_lone_leader_serves_strict_reads_by_itself_once_it_is_open_and_not_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driven = Driven(RaftSettings())
    driven.driver.start()
    await until_leading(driven)
    assert driven.driver.can_serve == driven.driver.can_serve_strictly == driven.driver.is_open
    driven.driver.open_to_requests()
    await driven.driver.propose(b"x")
    assert driven.driver.can_serve
    assert driven.driver.can_serve_strictly
    with monkeypatch.context() as patched:
        patched.setattr(type(driven.driver.core), "has_peers", property(lambda _: True))
        assert driven.driver.can_serve
        assert not driven.driver.can_serve_strictly, "the others have to confirm that it leads still"
    driven.driver.stop()
    assert not driven.driver.can_serve
    assert not driven.driver.can_serve_strictly


async def test_stopped_driver_refuses(driven: Driven) -> None:
    driven.driver.stop()
    driven.driver.stop()
    with pytest.raises(NoLeaderError):
        await driven.driver.propose(b"x")
    with pytest.raises(NoLeaderError):
        await driven.driver.ready()


async def test_exception_in_apply_ends_the_driver_and_is_told(driven: Driven) -> None:
    with pytest.raises(OutcomeUnknownError):
        await driven.driver.propose(b"broken")
    assert [str(failure) for failure in driven.failures] == ["apply must not raise"]
    assert not driven.driver.can_serve


async def test_writes_over_the_bound_are_refused_and_the_others_applied() -> None:
    driven = Driven(RaftSettings(queue_max=10))
    driven.driver.start()
    await until_leading(driven)
    results = await asyncio.gather(*(driven.driver.propose(b"x") for _ in range(15)), return_exceptions=True)
    driven.driver.stop()
    assert sum(isinstance(result, OverloadedError) for result in results) == 5
    assert len(driven.applied) == 10


async def test_cancelled_write_harms_nobody(driven: Driven) -> None:
    write = asyncio.ensure_future(driven.driver.propose(b"cancelled"))
    await asyncio.sleep(0)
    write.cancel()
    await asyncio.gather(write, return_exceptions=True)
    await driven.driver.propose(b"next")
    assert driven.applied == [b"cancelled", b"next"]
    assert driven.failures == []


async def test_when_the_log_fails_what_is_in_it_is_unknown_and_what_is_not_is_refused(driven: Driven) -> None:
    loop = asyncio.get_running_loop()
    write = loop.create_task(driven.driver.propose(b"queued"))
    while not write.done():
        await asyncio.sleep(0)
        driven.driver.fail(OSError("no disk"))
    with pytest.raises(NoLeaderError):
        await write
    assert [str(error) for error in driven.failures] == ["no disk"]
    with pytest.raises(NoLeaderError):
        await driven.driver.propose(b"later")


async def test_a_deposed_leader_lets_its_writers_go_before_their_time_is_up(tmp_path: Path, log: Log) -> None:
    replicas = Replicas(tmp_path, RaftSettings(write_timeout_s=600.0))
    three = peers("n1", "n2", "n3")
    for name in ("n1", "n2", "n3"):
        replicas.start(name, log, peer_set=three if name == "n1" else None)
    leader = await replicas.leader()
    replicas.cut = {leader.name}
    write = asyncio.ensure_future(leader.driver.propose(b"cut off"))
    with pytest.raises(OutcomeUnknownError):
        await asyncio.wait_for(write, 30)
    assert not leader.core.is_leader
    await replicas.stop_all()
