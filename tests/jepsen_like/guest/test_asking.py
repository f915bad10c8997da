"""Requests that are tried until they go well, and the answer that ends that at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from lictor_jepsen.clients.base import Refused
from lictor_jepsen.guest.asking import DeniedError, ask, keep_trying
from tests.jepsen_like.misbehaving import Handler, serving


def _answering(*answers: tuple[int, str]) -> tuple[Handler, list[int]]:
    """Answers one after the other, the last one for ever; and how often one came."""
    given: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status, text = answers[min(len(given), len(answers) - 1)]
        given.append(status)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        await writer.drain()

    return answer, given


async def test_what_goes_wrong_is_tried_again_until_it_goes_well() -> None:
    handler, given = _answering((500, "No cluster leader"), (404, ""), (200, "true"))
    async with serving(handler) as url:

        async def step() -> None:
            await ask("PUT", url)

        await keep_trying(step, time.monotonic() + 60, time.monotonic)
    assert given == [500, 404, 200]


async def test_who_is_denied_hears_it_at_once_in_the_words_of_the_cluster() -> None:
    handler, given = _answering((403, "Permission denied: token with AccessorID 'x' lacks permission 'key:write'"))
    async with serving(handler) as url:

        async def step() -> None:
            await ask("PUT", url)

        with pytest.raises(DeniedError, match="403 Permission denied: token with AccessorID 'x' lacks"):
            await keep_trying(step, time.monotonic() + 60, time.monotonic)
    assert given == [403]


async def test_when_time_is_up_the_last_reason_is_told() -> None:
    handler, _ = _answering((500, "No cluster leader"))
    async with serving(handler) as url:

        async def step() -> None:
            await ask("PUT", url)

        with pytest.raises(Refused, match="500 No cluster leader"):
            await keep_trying(step, time.monotonic(), time.monotonic)


async def test_what_may_lack_may_be_absent() -> None:
    handler, _ = _answering((404, ""))
    async with serving(handler) as url:
        assert (await ask("GET", url, may_lack=True)).status == 404
        with pytest.raises(Refused):
            await ask("GET", url)
