"""A context that stands for another one at a listener that keeps what it was given."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from lictor_agent.relay_context import RelayContext
from tests.server.certificates import Authority, Pair


def context(pair: Pair) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pair.cert_file, pair.key_file)
    return made


async def test_connections_stay_and_new_ones_see_the_new_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    relay = RelayContext(context(authority.server("one")))

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    trusting = ssl.create_default_context(cafile=authority.ca_file)
    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=relay) as server:
        port = server.sockets[0].getsockname()[1]

        async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting, server_hostname="server.dc1.consul"
            )
            peer = writer.get_extra_info("ssl_object")
            assert isinstance(peer, ssl.SSLObject)
            return reader, writer, peer.getpeercert(binary_form=True) or b""

        reader, writer, first = await dial()
        relay.current = context(authority.server("two"))
        _, other, second = await dial()
        assert first != second
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"
        for one in (writer, other):
            one.close()
            await one.wait_closed()
