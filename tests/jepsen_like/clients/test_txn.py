"""Transactions, carried out by a real agent; and what becomes of one that is not answered as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lictor_jepsen.clients.txn import TxnClient
from lictor_jepsen.op import Invocation, Kind, Mode, Outcome, Value
from tests.jepsen_like.misbehaving import serving
from tests.support.agents import Product, dev_agent


@pytest.mark.slow
@pytest.mark.parametrize("product", ["lictor", pytest.param("consul", marks=pytest.mark.needs("consul"))])
async def test_transactions_do_to_a_real_agent_what_they_say(product: Product, tmp_path: Path) -> None:
    with dev_agent(product, tmp_path) as agent:
        url = f"http://{agent.http_address}"
        client, other = TxnClient(url), TxnClient(url)

        async def did(f: str, *micro: Value, mode: Mode = Mode.NONE) -> Value:
            outcome = await client.invoke(Invocation(f, "g", micro, mode))
            assert outcome.kind is Kind.OK, outcome
            return outcome.value

        nothing = (("r", "x", ()), ("r", "y", ()))
        assert await did("look", ("r", "x", None), ("r", "y", None), mode=Mode.DEFAULT) == nothing
        assert await did("guarded", ("r", "x", None), ("append", "y", 1), ("r", "y", None)) == (
            *(("r", "x", ()), ("append", "y", 1)),
            ("r", "y", (1,)),
        )
        assert await did("guarded", ("r", "y", None), ("append", "x", 2), ("append", "x", 3)) == (
            *(("r", "y", (1,)), ("append", "x", 2)),
            ("append", "x", 3),
        )
        assert await did("whole", ("r", "x", None), ("append", "x", 4), ("r", "x", None), ("r", "z", None)) == (
            *(("r", "x", (2, 3)), ("append", "x", 4)),
            *(("r", "x", (2, 3, 4)), ("r", "z", ())),
        )
        for mode in (Mode.DEFAULT, Mode.CONSISTENT, Mode.STALE):
            looked = await other.invoke(Invocation("look", "g", (("r", "y", None), ("r", "x", None)), mode))
            assert looked.value == (("r", "y", (1,)), ("r", "x", (2, 3, 4)))


@asynccontextmanager
async def _answering(*answers: tuple[int, str]) -> AsyncGenerator[tuple[TxnClient, list[str]]]:
    """A client of a server that gives these answers in order, the last one again and again; and what it was asked."""
    asked: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, body = answers[min(len(asked), len(answers) - 1)]
        asked.append(head.split(" HTTP")[0])
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()

    async with serving(handle) as url:
        yield TxnClient(url), asked


APPEND = Invocation("whole", "g", (("append", "x", 1),))
DONE = '{"Results": [{"KV": {"Key": "jepsen/g/x", "ModifyIndex": 7, "Value": null}}], "Errors": null}'


async def test_what_is_rolled_back_is_tried_anew_and_then_surely_failed() -> None:
    async with _answering(*[(404, ""), (409, "{}")] * 3) as (client, asked):
        outcome = await client.invoke(APPEND)
    assert outcome == Outcome(Kind.FAIL, error="somebody else was faster 3 times")
    assert len(asked) == 6

    async with _answering((404, ""), (409, "{}"), (404, ""), (200, DONE)) as (client, asked):
        assert await client.invoke(APPEND) == Outcome(Kind.OK, (("append", "x", 1),))
    assert asked == ["GET /v1/kv/jepsen/g/x", "PUT /v1/txn?"] * 2


@pytest.mark.parametrize(
    "body", ["{}", "[", '{"Results": []}', DONE.replace("g/x", "g/y"), DONE.replace("[{", '[{"KV": {}}, {')]
)
async def test_of_a_change_that_is_answered_in_another_shape_nobody_knows(body: str) -> None:
    async with _answering((404, ""), (200, body)) as (client, _):
        assert (await client.invoke(APPEND)).kind is Kind.INFO


async def test_a_change_that_was_not_sent_for_want_of_a_read_failed() -> None:
    async with _answering((500, "broken")) as (client, asked):
        outcome = await client.invoke(APPEND)
    assert (outcome.kind, len(asked)) == (Kind.FAIL, 1)


async def test_a_look_without_an_answer_fails() -> None:
    for answer in ((500, "broken"), (409, "{}"), (200, "{")):
        async with _answering(answer) as (client, _):
            outcome = await client.invoke(Invocation("look", "g", (("r", "x", None),), Mode.STALE))
        assert outcome.kind is Kind.FAIL


async def test_an_operation_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no client knows"):
        await TxnClient("http://127.0.0.1:1").invoke(Invocation("whole", "g", (("set", "x", 1),)))
