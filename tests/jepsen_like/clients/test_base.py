"""What all clients have in common: how what became of a request is told."""

from __future__ import annotations

import asyncio

from lictor_jepsen.clients.base import HTTPClient, leader_of, surely_undone
from lictor_jepsen.op import Invocation, Kind, Outcome
from tests.jepsen_like.misbehaving import serving
from tests.support.ports import free_port

WRITE = Invocation("write", "x", 5)
READ = Invocation("read", "x")


class Plain(HTTPClient):
    """One request, whatever is asked."""

    async def do(self, asked: Invocation) -> Outcome:
        await self.ask("PUT", "/")
        return Outcome(Kind.OK, asked.value)


async def test_a_write_that_is_not_answered_is_unknown_and_a_read_failed() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up

    async with serving(silent) as url:
        client = Plain(url, timeout_s=0.1)
        assert (await client.invoke(WRITE)).kind is Kind.INFO
        assert (await client.invoke(READ)).kind is Kind.FAIL


async def test_a_connection_that_breaks_before_the_answer_leaves_a_write_unknown_and_is_not_used_again() -> None:
    requests = 0

    async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")

    async with serving(breaking) as url:
        client = Plain(url)
        assert (await client.invoke(WRITE)).kind is Kind.INFO
    assert requests == 1


async def test_who_does_not_answer_knows_no_leader() -> None:
    assert await leader_of(f"http://127.0.0.1:{free_port()}", 1.0) == ""


def test_only_errors_that_are_definite_in_the_table_say_that_nothing_was_done() -> None:
    assert surely_undone(429, "")
    assert surely_undone(413, "")
    assert surely_undone(500, "No cluster leader")
    assert not surely_undone(500, "")
    assert not surely_undone(599, "")
