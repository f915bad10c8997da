"""Watches: the rules, and both clients by them."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from lictor.api.asynchronous import AsyncClient
from lictor.api.blocking import Client
from lictor.api.calls import agent, catalog, kv
from lictor.api.errors import AgentError, ApiError, TimedOutError, UnreachableError
from lictor.api.messages import Answer, Call, Options
from lictor.api.settings import Settings, parse_address
from lictor.api.watching import News, Watching, WatchSettings
from lictor_core.clock import SeededRng, SystemClock
from tests.client.fake_agent import FakeAgent, Reply, Seen, fake_agent

T = TypeVar("T")

PATIENT_S = 30.0


def watching(settings: WatchSettings | None = None) -> Watching[list[str]]:
    return Watching(kv.keys("a/"), settings or WatchSettings(), SeededRng(1))


def answer(index: int, *value: str, hash: str = "") -> Answer[list[str]]:
    return Answer(value=list(value), index=index, known_leader=True, last_contact_ms=0, hash=hash)


def news_of(watch: Watching[list[str]], *answers: Answer[list[str]]) -> list[News[list[str]] | None]:
    return [watch.answered(one, place * 100.0)[0] for place, one in enumerate(answers)]


def test_each_change_is_news_once() -> None:
    found = news_of(watching(), answer(5, "x"), answer(5, "x"), answer(6, "y"), answer(9, "y"))
    assert found == [(5, ["x"]), None, (6, ["y"]), None]


def test_an_index_that_moves_alone_is_news_where_asked_for() -> None:
    watch = watching(WatchSettings(repeats=True))
    assert news_of(watch, answer(5, "x"), answer(5, "x"), answer(9, "x")) == [(5, ["x"]), None, (9, ["x"])]


def test_what_nobody_has_is_news_at_first() -> None:
    assert news_of(watching(), answer(5), answer(6)) == [(5, []), None]


def test_the_next_call_waits_for_what_comes_after_the_last_answer() -> None:
    watch = watching(WatchSettings(wait_s=5000))
    assert watch.next_call().request.target() == "/v1/kv/a/?keys="
    news_of(watch, answer(5, "x"))
    asked = watch.next_call().request
    assert asked.target() == "/v1/kv/a/?keys=&index=5&wait=10m0s"
    assert asked.waits_s > 600


def test_an_index_that_goes_backwards_starts_anew_and_repeats_nothing() -> None:
    watch = watching()
    assert news_of(watch, answer(50, "x"), answer(3, "y")) == [(50, ["x"]), (3, ["y"])]
    assert watch.next_call().request.target() == "/v1/kv/a/?keys="
    assert news_of(watch, answer(3, "y"), answer(4, "z")) == [None, (4, ["z"])]


def test_a_failure_starts_anew_and_repeats_nothing() -> None:
    watch = watching()
    news_of(watch, answer(50, "x"))
    watch.failed(TimedOutError("gone"))
    assert watch.next_call().request.target() == "/v1/kv/a/?keys="
    assert news_of(watch, answer(7, "x")) == [None]


def test_a_hash_is_waited_for_where_there_is_no_index() -> None:
    watch = watching()
    news_of(watch, answer(0, "x", hash="abc"))
    assert watch.next_call().request.target() == "/v1/kv/a/?keys=&hash=abc&wait=1m0s"
    watch.failed(TimedOutError("gone"))
    assert "hash" not in watch.next_call().request.target()


def test_options_of_the_call_stay_except_what_it_waits_for() -> None:
    call = kv.keys("a/", options=Options(stale=True, index=3, wait_s=1))
    watch = Watching(call, WatchSettings(), SeededRng(1))
    assert watch.next_call().request.target() == "/v1/kv/a/?keys=&stale="


def test_a_refusal_that_will_not_change_ends_the_watch() -> None:
    with pytest.raises(AgentError):
        watching().failed(AgentError(403, "denied"))


def test_failures_are_told_and_bounded() -> None:
    told: list[tuple[ApiError, float]] = []
    watch = watching(WatchSettings(failures_max=2, on_failure=lambda error, pause_s: told.append((error, pause_s))))
    error = UnreachableError("127.0.0.1:1", "refused")
    pauses = [watch.failed(error), watch.failed(error)]
    assert told == [(error, pauses[0]), (error, pauses[1])]
    with pytest.raises(UnreachableError):
        watch.failed(error)


def test_an_agent_that_asks_for_a_pause_gets_it() -> None:
    assert watching().failed(AgentError(429, "busy", 17.0)) == 17.0


# the clients


def take(kind: str, settings: Settings, call: Call[T], count: int) -> list[News[T]]:
    """The first `count` news of a watch by a client of this kind."""
    if kind == "blocking":
        with Client(settings, rng=SeededRng(1)) as client:
            return list(itertools.islice(client.watch(call), count))

    async def taken() -> list[News[T]]:
        news: list[News[T]] = []
        async with AsyncClient(settings, rng=SeededRng(1)) as client:
            async for one in client.watch(call):
                news.append(one)
                if len(news) == count:
                    break
        return news

    return asyncio.run(taken())


@pytest.fixture(params=["blocking", "asyncio"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def reaching(fake: FakeAgent, watching: WatchSettings | None = None) -> Settings:
    return Settings(endpoint=parse_address(fake.address), timeout_s=10.0, watching=watching)


def indexed(*indexes: int) -> Callable[[Seen], Reply]:
    """Answers with these indexes, each with another value, then with the last one again and again."""
    coming = itertools.chain(indexes, itertools.repeat(indexes[-1]))

    def reply(_: Seen) -> Reply:
        index = next(coming)
        late_s = 0.05 if index == indexes[-1] else 0.0
        return Reply(body=b'["%d"]' % index, headers={"X-Consul-Index": str(index)}, after_s=late_s)

    return reply


def test_a_watch_yields_index_and_value_for_each_change(kind: str) -> None:
    with fake_agent(indexed(5, 5, 7, 2, 3)) as fake:
        found = take(kind, reaching(fake), kv.keys("a"), 4)
    assert found == [(5, ["5"]), (7, ["7"]), (2, ["2"]), (3, ["3"])]
    assert [one.target for one in fake.seen[:3]] == [
        "/v1/kv/a?keys=",
        "/v1/kv/a?keys=&index=5&wait=1m0s",
        "/v1/kv/a?keys=&index=5&wait=1m0s",
    ]


def test_a_watch_outlives_an_agent_that_fails(kind: str) -> None:
    told: list[ApiError] = []
    replies = iter(
        [
            Reply(body=b'["1"]', headers={"X-Consul-Index": "9"}),
            Reply(500, b"rpc error"),
            Reply(body=b'["1"]', headers={"X-Consul-Index": "2"}),
            Reply(body=b'["2"]', headers={"X-Consul-Index": "3"}),
        ]
    )
    with fake_agent(lambda _: next(replies)) as fake:
        settings = reaching(fake, WatchSettings(on_failure=lambda error, _: told.append(error)))
        found = take(kind, settings, kv.keys("a"), 2)
    assert found == [(9, ["1"]), (3, ["2"])]
    assert [error.status for error in told] == [500]
    assert "index" not in fake.seen[2].target


def test_a_watch_ends_with_what_will_not_change(kind: str) -> None:
    with fake_agent(lambda _: Reply(403, b"no")) as fake, pytest.raises(AgentError):
        take(kind, reaching(fake), catalog.nodes(), 1)


def test_a_watch_ends_at_once_when_it_is_cancelled() -> None:
    async def cancelled(settings: Settings) -> float:
        clock = SystemClock()
        async with AsyncClient(settings) as client:
            watch = client.watch(catalog.nodes())
            await anext(watch)
            waiting = asyncio.ensure_future(anext(watch))
            await asyncio.sleep(0.1)
            begun = clock.monotonic()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return clock.monotonic() - begun

    held = threading.Event()

    def reply(seen: Seen) -> Reply:
        if "index" in seen.target:
            held.wait(PATIENT_S)
        return Reply(body=b"[]", headers={"X-Consul-Index": "5"})

    with fake_agent(reply) as fake:
        try:
            assert asyncio.run(cancelled(reaching(fake))) < 5
        finally:
            held.set()


def test_a_watch_of_a_real_agent_wakes_at_a_change(kind: str, live_settings: Settings) -> None:
    key = f"watched-{kind}"
    with Client(live_settings) as writer:
        writer.kv.put(key, b"0")
        change = threading.Timer(0.5, lambda: writer.kv.put(key, b"1"))
        change.start()
        first, second = take(kind, live_settings, kv.get(key), 2)
        change.join()
    assert [entry and entry.value for _, entry in (first, second)] == [b"0", b"1"]
    assert second.as_of > first.as_of


def test_an_instance_of_a_real_agent_is_followed_by_its_hash(live_settings: Settings) -> None:
    name = "hashed"
    with Client(live_settings) as writer, Client(live_settings) as watcher:
        writer.send(agent.register_service({"Name": name, "Port": 80}))
        watch = watcher.agent.service.watch(name)
        assert next(watch).value is not None
        writer.send(agent.register_service({"Name": name, "Port": 81}))
        later = next(watch).value
        assert later is not None
        assert later.port == 81
        writer.send(agent.deregister_service(name))
