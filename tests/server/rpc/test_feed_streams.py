"""The streams of views over a real connection."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from lictor_core.calls import FEED, TICKS
from lictor_core.clock import SeededRng
from lictor_core.codec import pack
from lictor_core.commands import KVSet
from lictor_core.errors import RequestError
from lictor_core.feed import FeedRequest, decode_tick
from lictor_core.queries import KeyQuery
from lictor_core.records import KVEntry
from lictor_core.view import View
from lictor_server import RpcPool, Server


async def test_a_view_follows_a_server_over_its_port(server: Server) -> None:
    pool, address = RpcPool(rng=SeededRng(1)), f"127.0.0.1:{server.server_port}"
    view: View[KVEntry | None] = View(KeyQuery(key="k"))
    async with asyncio.timeout(20):
        await server.write(KVSet(key="k", value=b"1"))
        async with aclosing(pool.stream(address, FEED, pack(FeedRequest(query=KeyQuery(key="k"))))) as items:
            view.apply(await anext(items))
            await server.write(KVSet(key="k", value=b"2"))
            view.apply(await anext(items))
        assert view.value is not None
        assert view.value.value == b"2"
        async with aclosing(pool.stream(address, TICKS, b"")) as ticks:
            assert decode_tick(await anext(ticks)).known_leader
        await pool.stop()


async def test_a_request_that_is_none_is_refused(server: Server) -> None:
    pool, address = RpcPool(rng=SeededRng(1)), f"127.0.0.1:{server.server_port}"
    with pytest.raises(RequestError):
        async with asyncio.timeout(20):
            await anext(pool.stream(address, FEED, b"\xc0"))
    await pool.stop()
