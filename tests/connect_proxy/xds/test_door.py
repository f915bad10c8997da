"""Bounds on the connections to a gRPC server, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from lictor_connect_proxy.xds.door import Door
from tests.connect_proxy.authority import Authority
from tests.server.conftest import Log, made_log
from tests.support.conditions import eventually

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo(asyncio.Protocol):
    """Says again what it hears; is in use once it heard `use`."""

    def __init__(self) -> None:
        self.in_use = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self.in_use = data == b"use"
        self._transport.write(data)


@dataclass
class Opened:
    door: Door[Echo]
    port: int
    log: Log
    streams: list[Streams] = field(default_factory=list[Streams])

    async def connect(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Streams:
        made = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0), ssl=tls)
        self.streams.append(made)
        return made


@asynccontextmanager
async def opened(
    *,
    tls: ssl.SSLContext | None = None,
    connections_max: int = 100,
    per_client_max: int = 100,
    unused_s_max: float = 60.0,
    is_own: Callable[[str], bool] = lambda host: False,
) -> AsyncGenerator[Opened]:
    log = made_log()
    door = Door(
        Echo,
        lambda echo: echo.in_use,
        log.logger,
        connections_max=connections_max,
        per_client_max=per_client_max,
        handshake_s_max=0.5,
        unused_s_max=unused_s_max,
        is_own=is_own,
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)
        door.open(listening, tls)
        made = Opened(door, listening.getsockname()[1], log)
        try:
            yield made
        finally:
            await door.close()
            for _, writer in made.streams:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()


async def speaks(streams: Streams, word: bytes = b"hello") -> bool:
    reader, writer = streams
    try:
        writer.write(word)
        async with asyncio.timeout(30):
            return await reader.readexactly(len(word)) == word
    except (OSError, asyncio.IncompleteReadError):
        return False


async def test_one_address_does_not_take_the_places_of_others() -> None:
    async with opened(per_client_max=2) as one:
        greedy = [await one.connect() for _ in range(2)]
        assert [await speaks(each) for each in greedy] == [True, True]
        assert not await speaks(await one.connect())
        assert await speaks(await one.connect("127.0.0.2"))
        assert await speaks(greedy[0])
        assert one.log.named("grpc.connection.refused")[0]["reason"] == "this address has 2 connections open already"
        greedy[1][1].close()
        await eventually(lambda: len(one.door) == 2, what="room for another one")
        assert await speaks(await one.connect())


async def test_clients_of_this_machine_count_together_only() -> None:
    async with opened(per_client_max=1, connections_max=3, is_own=lambda host: True) as one:
        assert [await speaks(await one.connect()) for _ in range(4)] == [True, True, True, False]


async def test_a_connection_that_is_not_used_is_closed_and_one_that_is_stays() -> None:
    async with opened(unused_s_max=0.3) as one:
        used, trickling = await one.connect(), await one.connect()
        assert await speaks(used, b"use")
        loop = asyncio.get_running_loop()
        ends = loop.time() + 10
        while await speaks(trickling, b"x"):
            assert loop.time() < ends
            assert await speaks(used, b"use")
            await asyncio.sleep(0.05)
        assert await speaks(used, b"use")


async def test_who_does_not_finish_tls_is_cut_off_while_others_are_served(tmp_path: Path) -> None:
    authority = Authority()
    leaf = authority.leaf("web")
    pair = tmp_path / "pair.pem"
    pair.write_text(leaf.certificate_pem + leaf.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    async with opened(tls=context) as one:
        silent, trickling = await one.connect(), await one.connect()
        loop = asyncio.get_running_loop()
        began = loop.time()
        secured = await one.connect(tls=authority.anonymous())
        with contextlib.suppress(ConnectionError):
            for byte in b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + bytes(200):
                trickling[1].write(bytes([byte]))
                await trickling[1].drain()
                assert await speaks(secured)
                if trickling[0].at_eof():
                    break
                await asyncio.sleep(0.05)
        assert loop.time() - began < 8  # all of it would take ten seconds
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                assert await silent[0].read() == b""
        assert await speaks(secured)
        await eventually(lambda: len(one.door) == 1, what="their places are free")
