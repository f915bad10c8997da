"""Connections through a mesh, against applications that behave in all ways."""

from __future__ import annotations

import asyncio

import pytest

from lictor_jepsen.mesh import Broken, Line, proxy_of
from tests.jepsen_like.misbehaving import serving
from tests.support.ports import free_port


async def _open(url: str) -> Line:
    host, _, port = url.rpartition("/")[2].rpartition(":")
    return await Line.open((host, int(port)))


def test_a_proxy_is_named_as_registrations_of_sidecars_are() -> None:
    assert proxy_of("db") == "db-sidecar-proxy"


async def test_nobody_there_is_a_broken_line() -> None:
    with pytest.raises(Broken):
        await Line.open(("127.0.0.1", free_port()))


async def test_an_application_that_only_says_who_it_is_was_reached() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"db\n")
        await writer.drain()
        await reader.read()

    async with serving(greet) as url:
        line = await _open(url)
        assert await line.talk(0.2) == "db"
        with pytest.raises(TimeoutError):
            await line.talk(0.1)
        line.close()


async def test_an_end_without_a_byte_is_a_broken_line() -> None:
    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()

    async with serving(end) as url:
        line = await _open(url)
        with pytest.raises(Broken):
            await line.talk()
        line.close()


async def test_bytes_that_nobody_sent_are_told() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"db\n99\n")
        await writer.drain()

    async with serving(babble) as url:
        line = await _open(url)
        assert await line.talk() == "db, which sent b'99\\n'"
        line.close()
