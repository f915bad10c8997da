"""What a server takes of all together, at its door and over the wire."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import pytest

from lictor_core.calls import PROPOSE, STAMPS, Proposed, StampsRequest
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import encode_proposal, pack
from lictor_core.commands import KVSet, Proposal, ReadMode
from lictor_core.errors import OverloadedError, RateLimitedError
from lictor_core.feed import FeedRequest
from lictor_core.metrics import Meter
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import RequestRates, RpcPool, Server
from lictor_server.request_limits import OFF, RequestLimits
from tests.server.conftest import SETTINGS, Log, made_log
from tests.support.clock import ManualClock

SLOW = 0.001
"""So many a second that no second one comes while a test runs."""


def limits(rates: RequestRates, clock: ManualClock, log: Log) -> RequestLimits:
    return RequestLimits(rates, clock=clock, meter=Meter(clock), log=log.logger)


def test_reads_and_writes_are_counted_apart_and_come_again() -> None:
    clock = ManualClock()
    made = limits(RequestRates(mode="enforcing", read_rate=2, write_rate=0.5), clock, made_log())
    made.check_read()
    made.check_read()
    made.check_write()
    with pytest.raises(RateLimitedError, match=r"takes 2 reads a second \(limits\.request_limits\.read_rate\)"):
        made.check_read()
    with pytest.raises(RateLimitedError) as refused:
        made.check_write()
    assert refused.value.retry_after_s == 2
    clock.advance(2.0)
    made.check_read()
    made.check_write()


@pytest.mark.parametrize("mode", ["disabled", "permissive"])
def test_only_the_mode_enforcing_refuses_and_permissive_tells_of_it(mode: str) -> None:
    log, clock = made_log(), ManualClock()
    made = limits(RequestRates(mode=mode, read_rate=1), clock, log)
    for _ in range(10):
        made.check_read()
    clock.advance(0.0)
    assert len(log.named("rpc.requests.limited")) == (mode == "permissive")


def test_a_rate_that_is_not_given_bounds_nothing() -> None:
    made = limits(RequestRates(mode="enforcing", read_rate=1), ManualClock(), made_log())
    for _ in range(1000):
        made.check_write()


@pytest.fixture
async def pool() -> AsyncIterator[RpcPool]:
    made = RpcPool(rng=SeededRng(3))
    yield made
    await made.stop()


async def test_who_asks_in_the_process_and_over_the_wire_share_what_there_is(log: Log, pool: RpcPool) -> None:
    rates = RequestRates(mode="enforcing", read_rate=SLOW, write_rate=SLOW)
    server = Server(
        dataclasses.replace(SETTINGS, request_rates=rates), clock=SystemClock(), rng=SeededRng(1), log=log.logger
    )
    await server.start()
    address = f"127.0.0.1:{server.server_port}"
    try:
        await server.write(KVSet(key="a", value=b"1"))
        await server.read(KeyQuery(key="a"), ReadOptions())
        with pytest.raises(RateLimitedError):
            await server.write(KVSet(key="a", value=b"2"))
        with pytest.raises(RateLimitedError):
            server.feed(FeedRequest(query=KeyQuery(key="a")))
        proposal = encode_proposal(Proposal(b"x" * 16, 0, False, KVSet(key="a", value=b"3")))
        stamps = StampsRequest(queries=(KeyQuery(key="a"),), mode=ReadMode.DEFAULT)
        for method, payload in ((PROPOSE, pack(Proposed(proposal=proposal, token=""))), (STAMPS, pack(stamps))):
            with pytest.raises(OverloadedError, match="rate limit exceeded"):
                await pool.call(address, method, payload, timeout_s=5.0)
        assert await pool.call(address, "members", b"", timeout_s=5.0), "who keeps the cluster together is not counted"
        server.follow_rates(OFF)
        reading = await server.read(KeyQuery(key="a"), ReadOptions())
        assert reading.value is not None
        assert reading.value.value == b"1"
    finally:
        await server.stop()
