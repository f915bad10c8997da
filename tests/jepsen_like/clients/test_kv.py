"""A client against a real agent, and against servers that answer badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lictor_jepsen.clients.base import leader_of
from lictor_jepsen.clients.kv import KVClient
from lictor_jepsen.op import REFUSED, Invocation, Kind, Mode, Outcome
from tests.jepsen_like.misbehaving import serving
from tests.support.agents import dev_agent
from tests.support.ports import free_port

WRITE = Invocation("write", "register-1", 5)
READ = Invocation("read", "register-1", mode=Mode.DEFAULT)
APPEND = Invocation("append", "append-1", 5)
CAS = Invocation("cas", "cas-1", (None, 5))


@pytest.mark.slow
async def test_operations_do_to_a_real_agent_what_they_say(tmp_path: Path) -> None:
    with dev_agent("lictor", tmp_path) as agent:
        client = KVClient(f"http://{agent.http_address}")

        async def do(f: str, key: str, value: int | tuple[int | None, ...] | None = None) -> Outcome:
            return await client.invoke(Invocation(f, key, value, Mode.CONSISTENT if f == "read" else Mode.NONE))

        assert (await do("read", "register-1")).value is None
        assert (await do("write", "register-1", 5)).kind is Kind.OK
        read = await do("read", "register-1")
        assert read.value == 5
        assert read.x_index is not None

        assert await do("cas", "cas-1", (None, 1)) == Outcome(Kind.OK, (None, 1))
        assert (await do("cas", "cas-1", (None, 2))).kind is Kind.FAIL
        assert (await do("cas", "cas-1", (1, 2))).kind is Kind.OK
        assert (await do("read", "cas-1")).value == 2

        for number in (3, 1, 2):
            assert (await do("append", "append-1", number)).kind is Kind.OK
        assert (await do("read", "append-1")).value == (3, 1, 2)

        assert (await do("read", "set-1")).value == ()
        for number in (12, 3):
            assert (await do("add", "set-1", number)).kind is Kind.OK
        assert (await do("read", "set-1")).value == (3, 12)

        other = KVClient(f"http://{agent.http_address}")
        assert await do("acquire", "lock-1", 1) == Outcome(Kind.OK, 1)
        assert await other.invoke(Invocation("acquire", "lock-1", 2)) == Outcome(Kind.OK, REFUSED)
        assert (await do("read", "lock-1")).value == 1
        assert await other.invoke(Invocation("release", "lock-1", 2)) == Outcome(Kind.OK, REFUSED)
        assert await do("release", "lock-1", 1) == Outcome(Kind.OK, None)
        assert (await do("read", "lock-1")).value is None
        assert await other.invoke(Invocation("acquire", "lock-1", 2)) == Outcome(Kind.OK, 2)
        assert await leader_of(f"http://{agent.http_address}", 5.0) == "127.0.0.1"


@pytest.mark.parametrize("asked", [WRITE, APPEND, CAS, READ])
async def test_a_refused_connection_is_a_failure(asked: Invocation) -> None:
    client = KVClient(f"http://127.0.0.1:{free_port()}")
    assert (await client.invoke(asked)).kind is Kind.FAIL


@pytest.mark.parametrize(
    ("text", "status", "kind"),
    [
        ("No cluster leader", 500, Kind.FAIL),
        ("leadership lost while committing log", 500, Kind.INFO),
        ("slow down", 429, Kind.FAIL),
        ("no rights", 403, Kind.FAIL),
        ("from a proxy", 502, Kind.INFO),
    ],
)
async def test_an_error_is_a_failure_only_when_nothing_was_done(text: str, status: int, kind: Kind) -> None:
    async with _answering(status, text) as url:
        client = KVClient(url)
        assert (await client.invoke(WRITE)).kind is kind
        assert (await client.invoke(READ)).kind is Kind.FAIL


async def test_a_change_that_begins_with_another_request_did_nothing_when_that_failed() -> None:
    async with _answering(500, "who knows") as url:
        client = KVClient(url)
        assert (await client.invoke(Invocation("acquire", "lock-1", 1))).kind is Kind.FAIL, "there is no session yet"
        assert (await client.invoke(APPEND)).kind is Kind.FAIL
        assert (await client.invoke(CAS)).kind is Kind.FAIL


async def test_an_answer_of_another_shape_is_unknown() -> None:
    async with _answering(200, "{}") as url:
        client = KVClient(url)
        assert (await client.invoke(WRITE)).kind is Kind.INFO
        assert (await client.invoke(READ)).kind is Kind.FAIL


@asynccontextmanager
async def _answering(status: int, text: str) -> AsyncGenerator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        await writer.drain()

    async with serving(answer) as url:
        yield url
