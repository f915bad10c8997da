"""Archives on their way: who may touch them, how many there are, and when they are dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import BinaryIO, TypeVar

import pytest

from lictor_core.calls import RestoreOrder, RestorePart, SavedHead
from lictor_core.clock import SeededRng
from lictor_core.codec import pack, unpack
from lictor_core.commands import KVSet
from lictor_core.errors import BodyTooLargeError, NotFoundError, OverloadedError, RequestError
from lictor_core.limits import RESTORE_PIECE_BYTES_MAX
from lictor_core.registry import ReadOptions
from lictor_server import RpcPool, Server, transfers
from lictor_server.rpc.visitor import Visitor
from lictor_server.transfers import Transfers
from tests.support.conditions import eventually

T = TypeVar("T")
CALL_S = 10.0


@pytest.fixture
async def pool() -> AsyncIterator[RpcPool]:
    made = RpcPool(rng=SeededRng(1))
    yield made
    await made.stop()


@dataclasses.dataclass
class Door:
    """One server's methods, called by two different pools, that is by two connections."""

    server: Server
    pool: RpcPool

    async def call(self, method: str, argument: object, kind: type[T]) -> T:
        place = f"127.0.0.1:{self.server.server_port}"
        return unpack(await self.pool.call(place, method, pack(argument), timeout_s=CALL_S), kind)


async def test_what_was_saved_is_read_once_and_then_gone(server: Server, pool: RpcPool) -> None:
    await server.write(KVSet(key="a", value=SeededRng(1).bits(8 * 400_000).to_bytes(400_000, "big")))
    await server.write(KVSet(key="b", value=SeededRng(2).bits(8 * 400_000).to_bytes(400_000, "big")))
    door = Door(server, pool)
    head = await door.call("save_state", ReadOptions(), SavedHead)
    parts = list[bytes]()
    while sum(map(len, parts)) < head.size_bytes:
        parts.append(await door.call("saved_part", head.id, bytes))
    assert len(parts) == -(-head.size_bytes // RESTORE_PIECE_BYTES_MAX) > 1
    with pytest.raises(NotFoundError, match="begin again"):
        await door.call("saved_part", head.id, bytes)


async def test_an_archive_belongs_to_its_connection(server: Server, pool: RpcPool) -> None:
    id = await Door(server, pool).call("restore_begin", "", int)
    other = RpcPool(rng=SeededRng(2))
    with pytest.raises(NotFoundError):
        await Door(server, other).call("restore_part", RestorePart(id=id, data=b"x"), type(None))
    await other.stop()
    await Door(server, pool).call("restore_part", RestorePart(id=id, data=b"x"), type(None))


async def test_what_is_no_archive_is_refused_and_changes_nothing(server: Server, pool: RpcPool) -> None:
    await server.write(KVSet(key="a", value=b"1"))
    door = Door(server, pool)
    id = await door.call("restore_begin", "", int)
    await door.call("restore_part", RestorePart(id=id, data=b"no archive"), type(None))
    with pytest.raises(RequestError):
        await door.call("restore_finish", RestoreOrder(id=id), type(None))
    with pytest.raises(NotFoundError):
        await door.call("restore_finish", RestoreOrder(id=id), type(None))


async def test_archives_are_bounded_in_number_and_size(
    server: Server, pool: RpcPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "ARCHIVE_BYTES_MAX", 10)
    monkeypatch.setattr(transfers, "HELD_MAX", 2)
    door = Door(server, pool)
    first, _ = [await door.call("restore_begin", "", int) for _ in range(2)]
    with pytest.raises(OverloadedError, match="on their way"):
        await door.call("restore_begin", "", int)
    with pytest.raises(OverloadedError):
        await door.call("save_state", ReadOptions(), SavedHead)
    with pytest.raises(BodyTooLargeError):
        await door.call("restore_part", RestorePart(id=first, data=bytes(11)), type(None))
    await door.call("restore_begin", "", int)  # the one that was too large is gone


async def test_what_belongs_to_a_connection_or_to_nobody_any_more_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list[BinaryIO]()
    made = Transfers(server, directory="")
    hold = made._hold  # pyright: ignore[reportPrivateUsage]  # which files there are, nothing outside tells

    def noted(file: BinaryIO, visitor: Visitor) -> object:
        files.append(file)
        return hold(file, visitor)

    monkeypatch.setattr(made, "_hold", noted)
    begin = made.methods()["restore_begin"]
    visitor = Visitor("a:1")
    await begin(pack(""), visitor)
    monkeypatch.setattr(transfers, "IDLE_S_MAX", 0.05)
    await begin(pack(""), Visitor("b:1"))
    assert [file.closed for file in files] == [False, False]
    visitor.end()
    assert files[0].closed
    await eventually(lambda: files[1].closed, what="the end of the idle one")
