"""Whether all servers are voters as themselves, by what servers say that answer as a test wants."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import pytest

from lictor_jepsen.whole import is_whole
from tests.jepsen_like.misbehaving import Handler, serving


def _answering(node_id: str, voters: str, learners: str = "") -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        rows = [{"ID": one, "Voter": one in voters} for one in voters + learners]
        tree = {"Config": {"NodeID": node_id}} if path.endswith("/self") else {"Servers": rows}
        body = json.dumps(tree).encode() if voters else b""
        status = b"200 OK" if voters else b"500 No"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()

    return handle


@pytest.mark.parametrize(
    ("servers", "whole"),
    [
        ([("a", "ab", ""), ("b", "ab", "")], True),
        ([("a", "ab", ""), ("b", "", "")], False),  # one does not answer
        ([("a", "ab", ""), ("c", "ab", "")], False),  # one is not whom they know
        ([("a", "a", "b"), ("b", "a", "b")], False),  # one does not vote yet
        ([("a", "abc", ""), ("b", "abc", "")], False),  # they count on one that is gone
        ([("a", "ab", ""), ("b", "abc", "")], False),  # one has not heard the news
    ],
)
async def test_servers_are_whole_when_just_they_vote_and_all_know_it(
    servers: list[tuple[str, str, str]], whole: bool
) -> None:
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(_answering(*one))) for one in servers]
        assert await is_whole(urls) is whole


async def test_servers_that_cannot_be_reached_are_not_whole() -> None:
    assert not await is_whole(["http://127.0.0.1:1"])
