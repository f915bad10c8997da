"""Where Envoys ask: ports and a Unix socket, and nothing imported before the first one comes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import LogCapture

from lictor_agent.grpc_port import GrpcPort
from lictor_connect_proxy.xds.server_grpclib import XdsServer
from lictor_core.errors import ConfigurationError
from tests.agent.harness import quiet_log
from tests.support.conditions import eventually


def missing() -> XdsServer:
    raise ConfigurationError("grpclib is not installed: install lictor[xds]")


def mode_of(path: Path) -> int:
    """Its permissions; 0 of what is not there."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0


@asynccontextmanager
async def listening(*addresses: tuple[str, int], data_dir: str = "") -> AsyncGenerator[tuple[GrpcPort, LogCapture]]:
    log, logged = quiet_log()
    grpc = GrpcPort(addresses, log, make_server=missing, data_dir=data_dir)
    await grpc.start()
    try:
        yield grpc, logged
    finally:
        await grpc.close()


async def test_without_the_extra_whoever_comes_is_turned_away_with_the_reason() -> None:
    async with listening(("127.0.0.1", 0)) as (grpc, logged):
        for count in (1, 2):
            with socket.create_connection(grpc.bound[0], timeout=10) as client:
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                assert await asyncio.wait_for(loop.sock_recv(client, 1), 10) == b""
            await eventually(lambda: len(logged.entries) == count, what="one event for each")  # noqa: B023 waited for at once
        assert {one["event"] for one in logged.entries} == {"grpc.connection.refused"}
        assert "lictor[xds]" in logged.entries[0]["reason"]


async def test_a_port_in_use_is_named_with_the_next_step() -> None:
    log, _ = quiet_log()
    async with listening(("127.0.0.1", 0)) as (holder, _):
        address = holder.bound[0]
        second = GrpcPort([("127.0.0.1", 0), address], log, make_server=missing)
        with pytest.raises(ConfigurationError, match=rf"gRPC on 127\.0\.0\.1:{address[1]}: .*-grpc-port"):
            await second.start()
        assert second.bound == []


async def test_the_socket_in_the_data_directory_is_for_this_user_alone(tmp_path: Path) -> None:
    async with listening(data_dir=str(tmp_path)) as (grpc, _):
        path = Path(grpc.offer().socket)
        assert path == tmp_path / "xds" / "envoy.sock"
        assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)
    assert mode_of(path) == 0


async def test_without_a_data_directory_the_socket_is_in_one_of_its_own() -> None:
    async with listening() as (grpc, _):
        path = Path(grpc.offer().socket)
        assert mode_of(path.parent) == 0o700
    assert mode_of(path.parent) == 0


async def test_a_data_directory_whose_name_is_too_long_for_a_socket_is_no_reason_to_have_none(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    async with listening(data_dir=str(long)) as (grpc, _):
        assert len(grpc.offer().socket) <= 107


async def test_a_socket_that_cannot_be_had_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "xds").write_text("in the way")
    async with listening(("127.0.0.1", 0), data_dir=str(tmp_path)) as (grpc, logged):
        assert grpc.offer().socket == ""
        assert len(grpc.offer().addresses) == 1
        assert [one["event"] for one in logged.entries] == ["grpc.socket.missing"]


async def test_it_is_told_whether_ports_speak_tls() -> None:
    log, _ = quiet_log()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    grpc = GrpcPort([("127.0.0.1", 0)], log, make_server=missing, tls=lambda: context)
    await grpc.start()
    assert grpc.offer().is_secure
    await grpc.close()
    assert grpc.offer().addresses == ()


async def test_a_reload_renews_what_handshakes_show_where_there_are_any() -> None:
    log, _ = quiet_log()
    read: list[str] = []

    def fresh() -> ssl.SSLContext:
        read.append("")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    for first, reads in ((fresh, 2), (lambda: None, 0)):
        read.clear()
        grpc = GrpcPort([("127.0.0.1", 0)], log, make_server=missing, tls=first)
        await grpc.start()
        grpc.renewal(fresh)()
        await grpc.close()
        assert len(read) == reads
