from __future__ import annotations

import asyncio

import pytest

from lictor_core.errors import OverloadedError
from lictor_server.endpoints import signing_limits
from lictor_server.endpoints.signing_limits import SigningLimits


async def test_so_many_a_second_get_a_turn() -> None:
    limits = SigningLimits(per_second=2, at_once_max=0)
    for now in (10.0, 10.0, 11.0):
        async with limits.turn(now):
            pass
    async with limits.turn(11.0):
        pass
    with pytest.raises(OverloadedError, match="CSRMaxPerSecond"):
        async with limits.turn(11.0):
            pass


async def test_nothing_is_bounded_by_zeros() -> None:
    limits = SigningLimits(per_second=0, at_once_max=0)
    for _ in range(1000):
        async with limits.turn(0.0):
            pass


async def test_rate_goes_before_the_number_at_once() -> None:
    limits = SigningLimits(per_second=100, at_once_max=1)
    async with limits.turn(0.0), limits.turn(0.0):
        pass


async def test_who_finds_no_place_waits_for_one() -> None:
    limits = SigningLimits(per_second=0, at_once_max=1)
    order: list[str] = []

    async def sign(name: str) -> None:
        async with limits.turn(0.0):
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(sign("a"), sign("b"))
    assert order == ["a begins", "a ends", "b begins", "b ends"]


async def test_who_waits_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_limits, "WAIT_S_MAX", 0.01)
    limits = SigningLimits(per_second=0, at_once_max=1)
    async with limits.turn(0.0):
        with pytest.raises(OverloadedError, match="CSRMaxConcurrent"):
            async with limits.turn(0.0):
                pass
    async with limits.turn(0.0):
        pass


async def test_those_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_limits, "WAITING_MAX", 0)
    limits = SigningLimits(per_second=0, at_once_max=1)
    with pytest.raises(OverloadedError, match="wait for a certificate"):
        async with limits.turn(0.0):
            pass
