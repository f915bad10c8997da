"""Who asks most at an agent."""

from __future__ import annotations

from lictor_agent.http.talkers import NAMES_MAX, SHOWN_MAX, WINDOW_S, Talkers
from tests.agent.http.live import Live, live_agent
from tests.support.clock import ManualClock
from tests.support.conditions import eventually


def shown(talkers: Talkers) -> dict[str, float]:
    return {dict(gauge.labels)["client"]: gauge.value for gauge in talkers.clients()}


async def accessor_of(secret: str) -> str:
    return {"one": "accessor-one", "two": "accessor-two"}.get(secret, "")


async def test_the_last_whole_window_is_shown_as_requests_a_second() -> None:
    clock = ManualClock()
    talkers = Talkers(clock)
    for _ in range(20):
        talkers.note("192.0.2.1", "one")
    talkers.note("", "two", 5)
    talkers.note("192.0.2.1", "unknown", 10)
    assert shown(talkers) == {}
    clock.advance(WINDOW_S)
    talkers.turn()
    assert shown(talkers) == {"192.0.2.1": 3.0, "unix": 0.5}
    tokens = {gauge.labels: gauge.value for gauge in await talkers.tokens(accessor_of)}
    assert tokens == {(("accessor", "accessor-one"),): 2.0, (("accessor", "accessor-two"),): 0.5}
    clock.advance(WINDOW_S)
    talkers.turn()
    assert shown(talkers) == {}


def test_many_names_take_bounded_room_and_few_are_shown() -> None:
    clock = ManualClock()
    talkers = Talkers(clock)
    for number in range(NAMES_MAX + 100):
        talkers.note(f"client-{number}", "", number + 1)
    assert len(talkers._clients) == NAMES_MAX  # pyright: ignore[reportPrivateUsage]  # a bound nobody else sees
    clock.advance(WINDOW_S)
    talkers.turn()
    assert next(iter(shown(talkers))) == f"client-{NAMES_MAX - 1}"
    assert len(shown(talkers)) == SHOWN_MAX


def counted(live: Live) -> int:
    talkers = live.http.talkers  # the window may be over while this goes on
    windows = (talkers._clients, talkers._last_clients)  # pyright: ignore[reportPrivateUsage]
    return sum(sum(window.values()) for window in windows)


async def test_hot_answers_count_too() -> None:
    async with live_agent() as live:
        await live.put("/v1/kv/a", b"1")
        for _ in range(30):
            assert (await live.get("/v1/kv/a?raw")).status == 200
        gauges = {gauge.name: gauge.value for gauge in await live.http.gauges()}
        assert gauges["http.answered_hot"] > 0
        await eventually(lambda: counted(live) == 31, what="all are counted, once")
        await live.get("/v1/kv/a?raw")
        await eventually(lambda: counted(live) == 32, what="and the next one")
