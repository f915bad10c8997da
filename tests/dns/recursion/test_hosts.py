"""Addresses of host names outside our zone: how long they hold, who asks for them, how many are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import dns.message
import dns.rrset
import pytest

from lictor_core.errors import OverloadedError
from lictor_core.registry import ColdViewError
from lictor_dns.answer import Address, RecordType
from lictor_dns.names import Labels
from lictor_dns.recursion.hosts import HostNames
from lictor_dns.recursion.reply import Reply
from tests.dns.asking import name
from tests.support.clock import ManualClock

HOST = name("host.example.com")


class Rig:
    """Host names whose recursors say what the test says: records by type, None for silence."""

    def __init__(self, *, hosts_max: int = 8) -> None:
        self.says: dict[str, tuple[int, tuple[str, ...]] | None] = {"A": (60, ("203.0.113.7",)), "AAAA": (60, ())}
        self.clock = ManualClock()
        self.asked: list[str] = []
        self.is_full = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.hosts = HostNames(self._ask, self._spawn, self.clock, hosts_max=hosts_max)

    async def _ask(self, tail: bytes, wire: bytes) -> Reply | None:
        message = dns.message.from_wire(b"\0\0" + tail)
        assert tail.endswith(wire)
        kind = message.question[0].to_text().split()[-1]
        self.asked.append(f"{message.question[0].name} {kind}")
        await self.gate.wait()
        said = self.says[kind]
        if said is None:
            return None
        reply = dns.message.make_response(message)
        ttl, addresses = said
        reply.answer += [dns.rrset.from_text(message.question[0].name, ttl, "IN", kind, one) for one in addresses]
        return Reply(reply.to_wire(), 0, is_truncated=False)

    def _spawn(self, job: Coroutine[None, None, None], task_name: str) -> None:
        if self.is_full:
            job.close()
            raise OverloadedError("too many")
        task = asyncio.get_running_loop().create_task(job, name=task_name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def known(self, wanted: int = RecordType.A, host: Labels = HOST) -> list[str] | None:
        """What is known; None when it has to be asked for."""
        try:
            records = self.hosts.addresses(host, wanted)
        except ColdViewError:
            return None
        return [str(one.data.ip) for one in records if isinstance(one.data, Address)]

    async def bring(self, wanted: int = RecordType.A, host: Labels = HOST) -> list[str] | None:
        """Ask for it, and what is known then."""
        told = self.begin(wanted, host)
        assert await told
        return self.known(wanted, host)

    def begin(self, wanted: int = RecordType.A, host: Labels = HOST) -> asyncio.Future[bool]:
        """Begin to ask; what comes is whether it is there."""
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        with pytest.raises(ColdViewError) as cold:
            self.hosts.addresses(host, wanted)
        cold.value.bring(told.set_result)
        return told


async def test_what_is_asked_for_once_is_known_for_its_time_to_live() -> None:
    rig = Rig()
    assert rig.known() is None
    assert await rig.bring() == ["203.0.113.7"]
    rig.clock.advance(59)
    assert rig.known() == ["203.0.113.7"]
    rig.clock.advance(1)
    assert rig.known() is None
    assert rig.asked == ["host.example.com. A"]


@pytest.mark.parametrize(("ttl_s", "kept_s"), [(0, 1), (86_400, 300)])
async def test_no_answer_is_kept_for_less_than_a_second_or_more_than_five_minutes(ttl_s: int, kept_s: int) -> None:
    rig = Rig()
    rig.says["A"] = (ttl_s, ("203.0.113.7",))
    await rig.bring()
    rig.clock.advance(kept_s - 0.5)
    assert rig.known() is not None
    rig.clock.advance(0.5)
    assert rig.known() is None


@pytest.mark.parametrize(
    ("wanted", "asked", "found"),
    [
        (RecordType.A, ["A"], ["203.0.113.7"]),
        (RecordType.AAAA, ["AAAA"], ["2001:db8::7"]),
        (RecordType.SRV, ["A", "AAAA"], ["203.0.113.7", "2001:db8::7"]),
        (RecordType.ANY, ["A", "AAAA"], ["203.0.113.7", "2001:db8::7"]),
    ],
)
async def test_what_the_client_wants_is_asked_for(wanted: int, asked: list[str], found: list[str]) -> None:
    rig = Rig()
    rig.says["AAAA"] = (60, ("2001:db8::7",))
    assert await rig.bring(wanted) == found
    assert rig.asked == [f"host.example.com. {kind}" for kind in asked]


async def test_case_does_not_count() -> None:
    rig = Rig()
    await rig.bring()
    assert rig.known(host=name("HOST.example.COM")) == ["203.0.113.7"]


async def test_however_many_ask_it_is_asked_for_once() -> None:
    rig = Rig()
    rig.gate.clear()
    waiting = [rig.begin() for _ in range(5)]
    await asyncio.sleep(0)
    rig.gate.set()
    assert await asyncio.gather(*waiting) == [True] * 5
    assert rig.asked == ["host.example.com. A"]


@pytest.mark.parametrize("said", [None, (60, ())])
async def test_that_there_is_nothing_is_known_for_some_seconds(said: tuple[int, tuple[str, ...]] | None) -> None:
    rig = Rig()
    rig.says["A"] = said
    assert await rig.bring() == []
    rig.clock.advance(4)
    assert rig.known() == []
    rig.clock.advance(1)
    assert rig.known() is None


async def test_what_was_known_is_given_on_while_nobody_can_say_better() -> None:
    rig = Rig()
    await rig.bring()
    rig.clock.advance(60)
    rig.says["A"] = None
    assert await rig.bring() == ["203.0.113.7"]
    rig.clock.advance(5)
    rig.says["A"] = (60, ("203.0.113.8",))
    assert await rig.bring() == ["203.0.113.8"]


async def test_what_was_known_is_not_given_on_for_days() -> None:
    rig = Rig()
    await rig.bring()
    rig.clock.advance(3 * 86_400)
    rig.says["A"] = None
    assert await rig.bring() == []


async def test_what_is_said_not_to_be_there_any_more_is_not_given_on() -> None:
    rig = Rig()
    await rig.bring()
    rig.clock.advance(60)
    rig.says["A"] = (60, ())
    assert await rig.bring() == []


async def test_a_full_store_forgets_the_oldest() -> None:
    rig = Rig(hosts_max=3)
    hosts = [name(f"h{number}.example.com") for number in range(4)]
    for host in hosts:
        await rig.bring(host=host)
    assert len(rig.hosts) == 3
    assert [rig.known(host=host) is None for host in hosts] == [True, False, False, False]


async def test_a_store_full_of_names_that_are_asked_for_takes_no_more() -> None:
    rig = Rig(hosts_max=2)
    rig.gate.clear()
    waiting = [rig.begin(host=name(f"h{number}.example.com")) for number in range(2)]
    with pytest.raises(OverloadedError):
        _ = rig.begin()
    rig.gate.set()
    await asyncio.gather(*waiting)


async def test_when_nobody_more_can_be_asked_the_next_one_may_try_again() -> None:
    rig = Rig()
    rig.is_full = True
    with pytest.raises(OverloadedError):
        _ = rig.begin()
    rig.is_full = False
    assert await rig.bring() == ["203.0.113.7"]


async def test_what_is_forgotten_is_asked_for_again_and_who_waits_is_told() -> None:
    rig = Rig()
    rig.gate.clear()
    waiting = rig.begin()
    await asyncio.sleep(0)
    rig.hosts.forget()
    rig.gate.set()
    assert await waiting
    assert rig.known() is None
