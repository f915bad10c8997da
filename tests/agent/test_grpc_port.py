"""The reserved gRPC port."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from lictor_agent.grpc_port import GrpcPort
from lictor_core.errors import ConfigurationError
from tests.agent.harness import quiet_log
from tests.support.conditions import eventually


async def test_a_connection_is_closed_with_one_event() -> None:
    log, logged = quiet_log()
    grpc = GrpcPort([("127.0.0.1", 0)], log)
    await grpc.start()
    reader, writer = await asyncio.open_connection(*grpc.bound[0])
    with contextlib.suppress(ConnectionResetError):  # the other way of seeing a connection closed at once
        assert await reader.read() == b""
    await eventually(lambda: [one["event"] for one in logged.entries] == ["grpc.connection.refused"], what="one event")
    writer.close()
    grpc.close()


async def test_a_port_in_use_is_named_with_the_next_step() -> None:
    log, _ = quiet_log()
    holder = GrpcPort([("127.0.0.1", 0)], log)
    await holder.start()
    address = holder.bound[0]
    second = GrpcPort([("127.0.0.1", 0), address], log)
    with pytest.raises(ConfigurationError, match=rf"gRPC on 127\.0\.0\.1:{address[1]}: .*-grpc-port"):
        await second.start()
    assert second.bound == []
    holder.close()
