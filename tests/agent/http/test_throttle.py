"""Rate limits of requests, by address and by token, over real sockets."""

from __future__ import annotations

import asyncio
import math

import aiohttp
import pytest

from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.throttle import NAMES_MAX, ClientRates, Throttle, client_name
from lictor_core.errors import RateLimitedError
from lictor_core.metrics import Meter
from tests.agent.http.live import Live, Reply, live_agent
from tests.server.conftest import Log, made_log
from tests.support.clock import ManualClock

SLOW = 0.001
"""So many a second that no second one comes while a test runs."""


def throttle(rates: ClientRates, clock: ManualClock, log: Log) -> Throttle:
    return Throttle(rates, clock, Meter(clock), log.logger)


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:0:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no:address", "no:address"),
    ],
)
def test_address_counts_by_what_one_client_has(client: str, name: str) -> None:
    assert client_name(client) == name


def test_nothing_is_counted_unless_asked_for() -> None:
    made = throttle(ClientRates(), ManualClock(), made_log())
    assert not made.is_on
    for _ in range(1000):
        made.check("192.0.2.1", "secret")


def test_refusal_says_what_is_allowed_and_when_to_come_again_in_whole_seconds() -> None:
    made = throttle(ClientRates(per_client=0.4), ManualClock(), made_log())
    made.check("192.0.2.1", "")
    with pytest.raises(RateLimitedError, match=r"limits\.http_rate_per_client") as refused:
        made.check("192.0.2.1", "")
    assert refused.value.retry_after_s == 3  # two and a half, rounded up


def test_client_on_a_unix_socket_is_not_counted() -> None:
    made = throttle(ClientRates(per_client=SLOW), ManualClock(), made_log())
    for _ in range(10):
        made.check("", "")


def test_a_flood_is_told_once_a_second_with_how_many_were_refused() -> None:
    log, clock = made_log(), ManualClock()
    made = throttle(ClientRates(per_client=SLOW), clock, log)
    made.check("192.0.2.1", "")
    for _ in range(100):
        with pytest.raises(RateLimitedError):
            made.check("192.0.2.1", "")
    assert [one["refused"] for one in log.named("http.requests.limited")] == [1]
    clock.advance(1.0)
    with pytest.raises(RateLimitedError):
        made.check("192.0.2.1", "")
    assert [one["refused"] for one in log.named("http.requests.limited")] == [1, 100]


def test_names_are_bounded_and_secrets_are_not_among_them() -> None:
    made = throttle(ClientRates(per_client=1, per_token=1), ManualClock(), made_log())
    for number in range(NAMES_MAX + 10):
        made.check(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"planted-{number}")
    clients, tokens = made._clients, made._tokens  # pyright: ignore[reportPrivateUsage]  # a bound nobody else sees
    assert (len(clients), len(tokens)) == (NAMES_MAX, NAMES_MAX)
    assert "planted" not in repr(tokens._buckets)  # pyright: ignore[reportPrivateUsage]


async def from_address(live: Live, host: str) -> Reply:
    connector = aiohttp.TCPConnector(local_addr=(host, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"http://127.0.0.1:{live.port}/v1/kv/a?raw") as answer,
    ):
        return Reply(answer.status, dict(answer.headers), await answer.read())


async def test_address_that_asks_too_much_gets_429_also_hot_and_others_are_served() -> None:
    async with live_agent(HttpSettings(rates=ClientRates(per_client=SLOW, burst_per_client=5))) as live:
        await live.put("/v1/kv/a", b"1")
        answers = [await live.get("/v1/kv/a?raw") for _ in range(8)]
        assert [answer.status for answer in answers] == [200] * 4 + [429] * 4
        assert answers[-1].headers["Retry-After"] == "1000"
        assert "127.0.0.1, may send 0.001 requests a second" in answers[-1].text
        assert (await from_address(live, "127.0.0.2")).status == 200
        assert live.http.throttle.is_on
        [told] = live.events("http.requests.limited")
        assert (told["client"], told["bound"]) == ("127.0.0.1", "address")
        live.http.meter.turn()
        counted = {series.name: total for series, total in live.http.meter.counters.items()}
        assert "http.limited" in counted
    assert math.isclose(counted["http.limited"].sum, 4)


async def test_hot_answers_stay_hot_while_addresses_are_counted() -> None:
    async with live_agent(HttpSettings(rates=ClientRates(per_client=1000, burst_per_client=1000))) as live:
        await live.put("/v1/kv/a", b"1")
        for _ in range(5):
            assert (await live.get("/v1/kv/a?raw")).status == 200
        gauges = {gauge.name: gauge.value for gauge in await live.http.gauges()}
        assert gauges["http.answered_hot"] > 0


async def test_token_that_asks_too_much_gets_429_however_it_is_sent() -> None:
    async with live_agent(HttpSettings(rates=ClientRates(per_token=SLOW, burst_per_token=3))) as live:
        ways = [
            await live.ask("GET", "/v1/kv/a", headers={"X-Consul-Token": "one"}),
            await live.get("/v1/kv/a?token=one"),
            await live.ask("GET", "/v1/kv/a", headers={"Authorization": "Bearer one"}),
            await live.get("/v1/kv/a?token=%6fne"),
        ]
        assert [answer.status for answer in ways] == [404, 404, 404, 429]
        assert "one," not in ways[-1].text
        assert (await live.get("/v1/kv/a?token=two")).status == 404
        assert (await live.get("/v1/kv/a")).status == 404


async def test_blocking_query_counts_once() -> None:
    async with live_agent(HttpSettings(rates=ClientRates(per_client=SLOW, burst_per_client=3))) as live:
        written = await live.put("/v1/kv/a", b"1")
        assert written.status == 200
        index = (await live.get("/v1/kv/a")).index
        waiting = asyncio.ensure_future(live.get(f"/v1/kv/a?index={index}&wait=50ms"))
        assert (await waiting).status == 200
        assert (await live.get("/v1/kv/a")).status == 429


async def test_reload_turns_limits_on_and_off() -> None:
    async with live_agent() as live:
        live.http.follow(HttpSettings(rates=ClientRates(per_client=SLOW)))
        assert [(await live.get("/v1/kv/a")).status for _ in range(2)] == [404, 429]
        live.http.follow(HttpSettings())
        assert (await live.get("/v1/kv/a")).status == 404
