"""Snapshots through a connection that breaks."""

from __future__ import annotations

import io
from typing import Protocol

import pytest

from lictor_core.codec import pack
from lictor_core.commands import KVSet
from lictor_core.errors import LictorError, OutcomeUnknownError, PeerError
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from tests.agent.remote.registries import connected, remote
from tests.server.conftest import Log

pytestmark = pytest.mark.timeout(30)


class Call(Protocol):
    """A pool's way to call."""

    async def __call__(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes: ...


class Breaking:
    """Passes calls on, but loses the answers to the first ones of a method."""

    def __init__(self, call: Call, method: str, times: int) -> None:
        self._call = call
        self._method = method
        self.left = times

    async def __call__(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        answer = await self._call(address, method, payload, timeout_s=timeout_s)
        if method == self._method and self.left:
            self.left -= 1
            raise PeerError("lost on the way")
        return answer


@pytest.mark.parametrize("method", ["save_state", "saved_part", "restore_begin", "restore_part"])
async def test_a_transfer_that_breaks_begins_again(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async with connected(log, f"127.0.0.1:{server.server_port}") as registry:
        pool = registry._pool  # pyright: ignore[reportPrivateUsage]
        breaking = Breaking(pool.call, method, 2)
        monkeypatch.setattr(pool, "call", breaking)
        await server.write(KVSet(key="a", value=b"1"))
        saved = await registry.save_state(ReadOptions())
        await server.write(KVSet(key="a", value=b"2"))
        await registry.restore_state(saved.archive)
        reading = await server.read(KeyQuery(key="a"), ReadOptions())
        assert reading.value is not None
        assert reading.value.value == b"1"
        assert breaking.left == 0
        assert saved.archive.closed


async def test_a_transfer_that_always_breaks_ends_with_the_error(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(log, f"127.0.0.1:{server.server_port}") as registry:
        pool = registry._pool  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(pool, "call", Breaking(pool.call, "saved_part", 99))
        with pytest.raises(PeerError, match="lost on the way"):
            await registry.save_state(ReadOptions())


async def test_a_restore_whose_end_is_lost_is_of_unknown_outcome(
    server: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(log, f"127.0.0.1:{server.server_port}") as registry:
        saved = await registry.save_state(ReadOptions())
        pool = registry._pool  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(pool, "call", Breaking(pool.call, "restore_finish", 1))
        with pytest.raises(OutcomeUnknownError, match="which state there is"):
            await registry.restore_state(saved.archive)


async def test_more_than_was_announced_is_not_taken(server: Server, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(log, f"127.0.0.1:{server.server_port}") as registry:
        pool = registry._pool  # pyright: ignore[reportPrivateUsage]
        call = pool.call

        async def generous(address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
            answer = await call(address, method, payload, timeout_s=timeout_s)
            return pack(bytes(10_000_000)) if method == "saved_part" else answer

        monkeypatch.setattr(pool, "call", generous)
        with pytest.raises(PeerError, match="sent 10000000 bytes of a snapshot"):
            await registry.save_state(ReadOptions())


async def test_an_archive_is_closed_whatever_becomes_of_it(log: Log) -> None:
    archive = io.BytesIO(b"x")
    async with remote(log) as registry:
        with pytest.raises(LictorError):
            await registry.restore_state(archive)
    assert archive.closed
