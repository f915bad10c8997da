"""Listening sockets."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import cast

import pytest

from lictor_agent.http.hot import HotConnection
from lictor_agent.http.listening import TcpAddress, UnixAddress, listen
from lictor_core.errors import ConfigurationError


async def test_addresses_are_shown_as_people_write_them() -> None:
    assert [str(one) for one in (TcpAddress("127.0.0.1", 1), TcpAddress("::1", 2), UnixAddress("/run/x"))] == [
        "127.0.0.1:1",
        "[::1]:2",
        "unix:///run/x",
    ]


class Greeting(asyncio.Protocol):
    """Says hello and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(b"hello")
        transport.close()


def greet() -> HotConnection:
    return cast("HotConnection", Greeting())


async def test_tcp_and_unix_sockets_are_listened_on(tmp_path: Path) -> None:
    path = str(tmp_path / "http.sock")
    servers = await listen([TcpAddress("127.0.0.1", 0), UnixAddress(path)], greet)
    port = servers[0].sockets[0].getsockname()[1]
    for reader, writer in (await asyncio.open_unix_connection(path), await asyncio.open_connection("127.0.0.1", port)):
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()
    for server in servers:
        server.close()
    assert os.listdir(tmp_path) == []


async def test_when_one_address_cannot_be_had_none_is_kept() -> None:
    (holder,) = await listen([TcpAddress("127.0.0.1", 0)], greet)
    port = holder.sockets[0].getsockname()[1]
    with pytest.raises(ConfigurationError, match=f"{port}: it is in use by another program"):
        await listen([TcpAddress("127.0.0.1", 0), TcpAddress("127.0.0.1", port)], greet)
    holder.close()


async def test_an_address_of_another_machine_is_named_with_the_next_step() -> None:
    with pytest.raises(ConfigurationError, match=r"does not have that address.*-client"):
        await listen([TcpAddress("192.0.2.1", 0)], greet)


async def test_a_unix_socket_that_cannot_be_had_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"HTTP on unix://.*notes.txt: .*is no socket"):
        await listen([UnixAddress(str(path))], greet)
    assert path.read_text(encoding="utf-8") == "mine"
    with pytest.raises(ConfigurationError, match="No such file"):
        await listen([UnixAddress(str(tmp_path / "none" / "http.sock"))], greet)
