"""The client of sessions against a real agent, and against none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lictor_jepsen.checker.lives import GONE, GOT, REFUSED, part
from lictor_jepsen.clients.kv import KVClient
from lictor_jepsen.clients.session import SessionClient
from lictor_jepsen.op import Invocation, Kind, Mode, Outcome, Value
from tests.support.agents import Product, dev_agent, put_consul_on_path
from tests.support.ports import free_port

put_consul_on_path()


class Caller:
    """One session after another, by number."""

    def __init__(self, url: str, who: int) -> None:
        self.client = SessionClient(url)
        self.who = who

    async def do(self, f: str, key: str = "sessions-k", *more: Value) -> Outcome:
        return await self.client.invoke(Invocation(f, key, (self.who, *more)))

    async def open(self, behavior: str = "release", checks: str = "none") -> Outcome:
        return await self.do("open", "sessions-k", 10_000, 0, behavior, checks)


@pytest.mark.slow
async def test_a_guest_says_whose_its_sessions_and_keys_are(tmp_path: Path) -> None:
    with dev_agent("lictor", tmp_path) as agent:
        url = f"http://{agent.http_address}"
        locker = KVClient(url, prefix="jepsen/me/", owner="jepsen/me/")
        assert (await locker.invoke(Invocation("acquire", "lock-1", 1))).value == 1
        guest = SessionClient(url, prefix="jepsen/me/", owner="jepsen/me/")
        opened = (1, 10_000, 0, "release", "none")
        assert (await guest.invoke(Invocation("open", "k", opened))).kind is Kind.OK
        assert (await guest.invoke(Invocation("acquire", "k", (1,)))).kind is Kind.OK
        sessions = json.loads((await guest.ask("GET", "/v1/session/list")).text)
        keys = json.loads((await guest.ask("GET", "/v1/kv/?keys")).text)
    assert {one["Name"] for one in sessions} == {"jepsen/me/"}
    assert {one["TTL"] for one in sessions} == {"24h", "10000ms"}, "none stays for ever"
    assert keys == ["jepsen/me/k", "jepsen/me/lock-1"]


@pytest.mark.slow
@pytest.mark.needs("consul")
@pytest.mark.parametrize("product", ["lictor", "consul"])
async def test_operations_do_to_a_real_agent_what_they_say(product: Product, tmp_path: Path) -> None:
    with dev_agent(product, tmp_path) as agent:
        url = f"http://{agent.http_address}"
        one, other, third = (Caller(url, who) for who in (1, 2, 3))
        for caller in (one, other, third):
            assert (await caller.open()).value == (caller.who, 10_000, 0, "release", "none")

        first = await one.do("acquire")
        assert isinstance(first.value, tuple)
        assert first.value[:2] == (1, GOT)
        created = part(first.value, 2)
        assert part(first.value, 3) == 1
        assert (await other.do("acquire")).value == (2, REFUSED, 0, 0)
        assert (await one.do("guard")).value == (1, created, 1)
        read = await one.client.invoke(Invocation("read", "sessions-k", mode=Mode.CONSISTENT))
        assert read.value == (1, created, 1)
        assert read.x_index is not None
        assert (await other.do("release")).value == (2, False)
        assert (await one.do("release")).value == (1, True)
        assert (await one.do("guard")).value == (1, 0, 0)
        assert (await other.do("acquire")).value == (2, GOT, created, 2)

        assert (await other.do("renew")).value == (2, True)
        assert (await other.do("destroy")).value == (2,)
        assert (await other.do("renew")).value == (2, False)
        assert (await other.do("acquire")).value == (2, GONE, 0, 0)
        assert (await one.client.invoke(Invocation("read", "sessions-k"))).value == (0, created, 2)

        fourth = Caller(url, 4)
        assert (await fourth.open("delete", "node")).kind is Kind.OK
        assert [(await caller.do("enter", "room", 2)).value for caller in (one, third, fourth)] == [
            *((1, GOT), (3, GOT), (4, REFUSED))
        ]
        assert (await third.do("enter", "room", 2)).value == (3, GOT), "it is inside"
        assert (await third.do("leave", "room")).value == (3, True)
        assert (await third.do("leave", "room")).value == (3, False)
        assert (await fourth.do("enter", "room", 2)).value == (4, GOT)
        await fourth.do("destroy")
        assert (await third.do("enter", "room", 2)).value == (3, GOT), "who is gone is not inside"


async def test_without_a_session_nothing_is_done() -> None:
    caller = Caller(f"http://127.0.0.1:{free_port()}", 1)
    assert (await caller.open()).kind is Kind.FAIL
    assert (await caller.do("acquire")).kind is Kind.FAIL
    assert (await caller.do("stall", "sessions-k", 1)).kind is Kind.FAIL
