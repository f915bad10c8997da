"""Leaf certificates: asked for once, renewed in time, renewed for a new root."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lictor_agent import certs
from lictor_agent.certs import IDLE_S_MAX, LeafKeeper
from lictor_core.clock import SeededRng
from lictor_core.errors import CatchingUpError, NoLeaderError, OverloadedError, RequestError
from lictor_core.queries import CARootsQuery, Query
from lictor_core.records import CARoots
from lictor_core.registry import IssuedLeaf, LeafRequest, Reading, ReadOptions
from tests.agent.harness import quiet_log, running_server
from tests.support.clock import ManualClock

T = TypeVar("T")
HOUR_S = 3600.0
LIFE_S = 72 * HOUR_S


class Signer:
    """Signs nothing, but numbers what it would have signed."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.signed = 0
        self.root_id = "r1"
        self.away = False
        self.refuses = False
        self.asked: list[LeafRequest] = []
        self.busy = 0
        """How many requests are yet to be told that others come first."""
        self.trust_domain = "x.consul"
        self.ahead_s = 0.0
        """By how much the servers' clock is ahead of the agent's."""

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[CARoots]:
        assert isinstance(query, CARootsQuery)
        return Reading(
            value=CARoots(active_root_id=self.root_id, trust_domain=self.trust_domain, roots=[]), index=1, stamp=1
        )

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        if self.refuses:
            raise RequestError("no such names")
        if self.away:
            raise NoLeaderError
        if self.busy:
            self.busy -= 1
            raise OverloadedError("others come first")
        await asyncio.sleep(0)
        self.signed += 1
        self.asked.append(request)
        now = self._clock.now() + self.ahead_s
        return IssuedLeaf(
            serial_number=f"{self.signed:02x}",
            certificate="",
            service=request.service,
            uri="",
            valid_after=now,
            valid_before=now + LIFE_S,
            root_id=self.root_id,
            index=10,
        )


def names_in(request: LeafRequest) -> list[str]:
    """The DNS names that a request asks for."""
    names = x509.load_pem_x509_csr(request.csr.encode()).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return names.value.get_values_for_type(x509.DNSName)


class Bench:
    """A keeper whose time the test moves."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.signer = Signer(self.clock)
        log, self.logged = quiet_log()
        self.keeper = LeafKeeper(self.signer, "dc1", self.clock, SeededRng(1), log)  # type: ignore[arg-type]  # all it uses

    async def after(self, seconds: float) -> int:
        """How many leaves were signed by then."""
        self.clock.advance(seconds)
        await self.keeper.renew_due()
        return self.signer.signed


async def test_a_leaf_is_signed_once_and_kept() -> None:
    bench = Bench()
    leaves = await asyncio.gather(*(bench.keeper.leaf("web", 0, 0) for _ in range(5)))
    assert (bench.signer.signed, len({leaf.private_key for leaf in leaves})) == (1, 1)
    await bench.keeper.leaf("db", 0, 0)
    assert bench.signer.signed == 2


@pytest.mark.parametrize("seed", range(5))
async def test_it_is_renewed_between_half_and_two_thirds_of_its_life(seed: int) -> None:
    bench = Bench()
    log, _ = quiet_log()
    bench.keeper = LeafKeeper(bench.signer, "dc1", bench.clock, SeededRng(seed), log)  # type: ignore[arg-type]  # all it uses
    first = await bench.keeper.leaf("web", 0, 0)
    assert await bench.after(LIFE_S * 0.499) == 1
    assert await bench.after(LIFE_S * (2 / 3 - 0.499)) == 2
    second = await bench.keeper.leaf("web", 0, 0)
    assert second.modify_index > first.modify_index
    assert second.private_key != first.private_key


async def test_a_waiter_gets_the_renewed_leaf() -> None:
    bench = Bench()
    first = await bench.keeper.leaf("web", 0, 0)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bench.keeper.leaf("web", first.modify_index, 60))
        await asyncio.sleep(0)
        await bench.after(LIFE_S * 0.66)
    assert waiting.result().modify_index > first.modify_index


async def test_a_waiter_whose_time_is_over_gets_what_there_is() -> None:
    bench = Bench()
    first = await bench.keeper.leaf("web", 0, 0)
    assert await bench.keeper.leaf("web", first.modify_index, 0.05) is first
    assert await bench.keeper.leaf("web", first.modify_index - 1, 60) is first


async def test_a_failed_renewal_keeps_the_leaf_and_is_tried_again() -> None:
    bench = Bench()
    first = await bench.keeper.leaf("web", 0, 0)
    bench.signer.away = True
    assert await bench.after(LIFE_S * 0.66) == 1
    assert await bench.keeper.leaf("web", 0, 0) is first
    assert [one["event"] for one in bench.logged.entries].count("agent.leaf.renewal_failed") == 1
    bench.signer.away = False
    assert await bench.after(1.0) == 2


async def test_a_leaf_that_ended_is_not_given_out() -> None:
    bench = Bench()
    await bench.keeper.leaf("web", 0, 0)
    bench.signer.away = True
    bench.clock.advance(LIFE_S)
    with pytest.raises(NoLeaderError):
        await bench.keeper.leaf("web", 0, 0)
    bench.signer.away = False
    assert (await bench.keeper.leaf("web", 0, 0)).serial_number == "02"


async def test_a_clock_that_is_ahead_by_more_than_the_life_of_a_leaf_has_one_signed_a_minute_and_no_more() -> None:
    bench = Bench()
    await bench.keeper.leaf("web", 0, 0)
    bench.clock.jump(LIFE_S * 2)
    bench.signer.ahead_s = -LIFE_S * 2
    assert await bench.after(0) == 2, "by the clock here it ended"
    for _ in range(10):
        assert (await bench.keeper.leaf("web", 0, 0)).serial_number == "02", "a newer one would be as old"
        assert await bench.after(1) == 2
    assert await bench.after(50) == 3
    bench.clock.jump(-LIFE_S * 2)
    bench.signer.ahead_s = 0
    assert await bench.after(LIFE_S * 0.49) == 3, "the clock is right again, and so is the leaf"


async def test_a_new_root_is_followed_though_the_clocks_disagree() -> None:
    bench = Bench()
    bench.signer.ahead_s = -LIFE_S * 2
    await bench.keeper.leaf("web", 0, 0)
    bench.signer.root_id = "r2"
    bench.keeper.root_changed("r2", 2.0)
    assert await bench.after(2) == 2


async def test_a_clock_that_was_set_back_does_not_put_a_renewal_off() -> None:
    bench = Bench()
    await bench.keeper.leaf("web", 0, 0)
    bench.clock.jump(-LIFE_S)
    bench.signer.ahead_s = LIFE_S
    assert await bench.after(LIFE_S * 0.49) == 1
    assert await bench.after(LIFE_S * 0.17) == 2


async def test_a_new_root_renews_what_another_signed_within_the_spread() -> None:
    bench = Bench()
    await bench.keeper.leaf("old", 0, 0)
    bench.signer.root_id = "r2"
    await bench.keeper.leaf("new", 0, 0)
    bench.keeper.root_changed("r2", 10.0)
    assert await bench.after(10.0) == 3
    assert (await bench.keeper.leaf("old", 0, 0)).root_id == "r2"


async def test_a_leaf_that_nobody_asks_for_is_forgotten() -> None:
    bench = Bench()
    await bench.keeper.leaf("web", 0, 0)
    assert await bench.after(IDLE_S_MAX + 1) == 1
    await bench.keeper.leaf("web", 0, 0)
    assert bench.signer.signed == 2


async def test_the_leaf_that_nobody_asked_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certs, "LEAVES_MAX", 2)
    bench = Bench()
    for name in ("a", "b", "a", "c", "a"):
        bench.clock.advance(1)
        await bench.keeper.leaf(name, 0, 0)
    assert bench.signer.signed == 3


async def test_leaves_in_use_make_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certs, "LEAVES_MAX", 1)
    bench = Bench()
    first = await bench.keeper.leaf("a", 0, 0)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bench.keeper.leaf("a", first.modify_index, 60))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="1 leaf certificates are in use"):
            await bench.keeper.leaf("b", 0, 0)
        waiting.cancel()
    await bench.keeper.leaf("b", 0, 0)


async def test_a_leaf_that_makes_room_while_others_are_renewed_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certs, "LEAVES_MAX", 2)
    bench = Bench()
    for name in ("a", "b"):
        await bench.keeper.leaf(name, 0, 0)
    bench.clock.advance(IDLE_S_MAX / 2)
    await bench.keeper.leaf("a", 0, 0)
    bench.clock.advance(IDLE_S_MAX / 2 + 1)
    async with asyncio.TaskGroup() as group:
        group.create_task(bench.keeper.renew_due())
        group.create_task(bench.keeper.leaf("c", 0, 0))


async def test_a_leaf_needs_a_name() -> None:
    with pytest.raises(RequestError, match="URI must be either service or agent"):
        await Bench().keeper.leaf("", 0, 0)


async def test_a_private_key_is_not_shown() -> None:
    leaf = await Bench().keeper.leaf("web", 0, 0)
    assert "PRIVATE KEY" in leaf.private_key
    assert "PRIVATE KEY" not in repr(leaf)


async def test_a_real_server_signs_and_a_new_root_is_followed() -> None:
    async with running_server() as (server, log, _), asyncio.TaskGroup() as group:
        clock = ManualClock()
        keeper = LeafKeeper(server, "dc1", clock, SeededRng(1), log)
        first = await keeper.leaf("web", 0, 0)
        certificate = x509.load_pem_x509_certificate(first.certificate.encode())
        key = load_pem_private_key(first.private_key.encode(), None)
        assert certificate.public_key() == key.public_key()
        task = group.create_task(keeper.run())
        await asyncio.sleep(0.05)
        waiting = group.create_task(keeper.leaf("web", first.modify_index, 10))
        await asyncio.sleep(0)
        await server.configure_ca("consul", {"PrivateKeyType": "ec", "PrivateKeyBits": 384})
        async with asyncio.timeout(30):
            while not waiting.done():
                clock.advance(1)
                await keeper.renew_due()
                await asyncio.sleep(0.01)
        assert waiting.result().root_id != first.root_id
        task.cancel()


async def test_first_leaf_is_asked_for_again_while_the_servers_sign_for_others() -> None:
    bench = Bench()
    bench.signer.busy = 2
    leaf = await bench.keeper.leaf("web", 0, 0)
    assert (leaf.serial_number, bench.signer.busy) == ("01", 0)


async def test_servers_that_sign_for_others_for_ever_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certs, "_TURN_S_MAX", 0.0)
    monkeypatch.setattr(certs, "_TURN_S_MIN", 0.0)
    bench = Bench()
    bench.signer.busy = 1000
    with pytest.raises(OverloadedError):
        await bench.keeper.leaf("web", 0, 0)
    assert bench.signer.busy == 1000 - certs._FIRST_TRIES_MAX  # pyright: ignore[reportPrivateUsage]  # the bound itself


async def test_life_of_the_leaf_that_ends_first_is_told() -> None:
    bench = Bench()
    assert bench.keeper.least_left_s() is None
    await bench.keeper.leaf("web", 0, 0)
    bench.clock.advance(HOUR_S)
    await bench.keeper.leaf("db", 0, 0)
    assert bench.keeper.least_left_s() == LIFE_S - HOUR_S


async def test_no_leaf_is_asked_for_before_there_is_a_root() -> None:
    bench = Bench()
    bench.signer.trust_domain = ""
    with pytest.raises(CatchingUpError, match="no root yet"):
        await bench.keeper.leaf("web", 0, 0)
    assert bench.signer.signed == 0


async def test_a_leaf_with_names_is_another_than_the_plain_one() -> None:
    bench = Bench()
    plain, named = await bench.keeper.leaf("edge", 0, 0), await bench.keeper.leaf("edge", 0, 0, dns_names=("a.test",))
    assert bench.signer.signed == 2
    assert named is await bench.keeper.leaf("edge", 0, 0, dns_names=("a.test",)) is not plain
    assert [names_in(one) for one in bench.signer.asked] == [[], ["a.test"]]


async def test_a_leaf_whose_names_are_refused_by_now_is_forgotten_when_nobody_waits_for_it() -> None:
    bench = Bench()
    await bench.keeper.leaf("edge", 0, 0, dns_names=("a.test",))
    bench.signer.refuses = True
    await bench.after(LIFE_S * 0.7)
    assert bench.keeper.least_left_s() is None
