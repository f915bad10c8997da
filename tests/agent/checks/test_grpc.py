"""gRPC checks against a real gRPC server (grpclib), and against what is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from grpclib import GRPCError, Status
from grpclib.const import Cardinality, Handler
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpclib.server import Server, Stream
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded

from lictor_agent.checks.tls import CheckTls
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING
from tests.agent.checks.asking import SelfSigned, Talk, asked, self_signed, speaking
from tests.support.ports import free_port

_UNHEALTHY = "gRPC application didn't report service healthy"
_METHOD = "/grpc.health.v1.Health/Check"

Call = Stream[HealthCheckRequest, HealthCheckResponse]


class _Health:
    """The health service: what it is asked for says how it answers."""

    async def check(self, stream: Call) -> None:
        request = await stream.recv_message()
        assert request is not None
        match request.service:
            case "" | "ok" | "a/b":
                await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.SERVING))
            case "down":
                await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING))
            case "unknown":
                await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.UNKNOWN))
            case "odd":
                await stream.send_message(
                    HealthCheckResponse(status=cast("HealthCheckResponse.ServingStatus.ValueType", 99_999))
                )
            case "slow":
                await asyncio.sleep(60)
            case name:
                raise GRPCError(Status.NOT_FOUND, f"unknown service: {name}")

    def __mapping__(self) -> dict[str, Handler]:
        return {_METHOD: Handler(self.check, Cardinality.UNARY_UNARY, HealthCheckRequest, HealthCheckResponse)}


class _Nothing:
    def __mapping__(self) -> dict[str, Handler]:
        return {}


@asynccontextmanager
async def _serving(service: _Health | _Nothing, tls: SelfSigned | None = None) -> AsyncGenerator[str]:
    server = Server([service])
    port = free_port()
    await server.start("127.0.0.1", port, ssl=None if tls is None else tls.context)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.close()
        await server.wait_closed()


async def test_a_server_that_serves_passes() -> None:
    async with _serving(_Health()) as address:
        for named in (address, f"{address}/", f"{address}/ok", f"{address}/a/b"):
            result = await asked(CheckDefinition(grpc=named))
            assert (result.status, result.output) == (PASSING, f"gRPC check {named}: success")


@pytest.mark.parametrize("service", ["down", "unknown", "odd"])
async def test_everything_but_serving_is_critical(service: str) -> None:
    async with _serving(_Health()) as address:
        result = await asked(CheckDefinition(grpc=f"{address}/{service}"))
    assert (result.status, result.output) == (CRITICAL, _UNHEALTHY)


async def test_an_unknown_service_is_critical_with_its_reason() -> None:
    async with _serving(_Health()) as address:
        result = await asked(CheckDefinition(grpc=f"{address}/nobody, 100 %"))
    assert result.output == "rpc error: code = NotFound desc = unknown service: nobody, 100 %"


async def test_a_server_without_the_health_service_is_critical() -> None:
    async with _serving(_Nothing()) as address:
        result = await asked(CheckDefinition(grpc=address))
    assert (result.status, result.output) == (
        CRITICAL,
        "rpc error: code = Unimplemented desc = Method not found",
    )


async def test_no_answer_in_time_is_critical() -> None:
    async with _serving(_Health()) as address:
        result = await asked(CheckDefinition(grpc=f"{address}/slow", timeout_s=0.2))
    assert result.output == "rpc error: code = DeadlineExceeded desc = context deadline exceeded"


async def test_tls_is_verified_unless_that_is_skipped(tmp_path: Path) -> None:
    tls = self_signed(tmp_path, ("h2",))
    failed = (
        'rpc error: code = Unavailable desc = connection error: desc = "transport: authentication handshake failed: '
    )
    async with _serving(_Health(), tls) as address:
        definition = CheckDefinition(grpc=address, grpc_use_tls=True)
        verified = await asked(definition)
        assert verified.output == failed + 'x509: certificate signed by unknown authority"'
        assert (await asked(definition, material=CheckTls(ca_file=tls.file))).status == PASSING
        skipped = CheckDefinition(grpc=address, grpc_use_tls=True, tls_skip_verify=True)
        assert (await asked(skipped)).status == PASSING
        assert (await asked(CheckDefinition(grpc=address, timeout_s=5))).status == CRITICAL
    async with _serving(_Health()) as address:
        plain = await asked(CheckDefinition(grpc=address, grpc_use_tls=True, tls_skip_verify=True))
        assert plain.output == failed + 'tls: first record does not look like a TLS handshake"'


async def test_nobody_listening_is_critical_with_its_reason() -> None:
    address = f"127.0.0.1:{free_port()}"
    begin = "rpc error: code = Unavailable desc = connection error: desc = "
    refused = await asked(CheckDefinition(grpc=address))
    reason = f"dial tcp {address}: connect: connection refused"
    assert refused.output == f'{begin}"transport: Error while dialing {reason}"'
    no_port = await asked(CheckDefinition(grpc="127.0.0.1"))
    reason = "dial tcp: address 127.0.0.1: missing port in address"
    assert no_port.output == f'{begin}"transport: Error while dialing {reason}"'


async def _http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)


@pytest.mark.parametrize("talk", [_http1, _hang_up])
async def test_what_speaks_no_http2_is_critical(talk: Talk) -> None:
    async with speaking(talk) as address:
        result = await asked(CheckDefinition(grpc=address, timeout_s=10))
    assert result.status == CRITICAL
    assert result.output.startswith("rpc error: code = Unavailable desc = ")


async def test_a_name_longer_than_a_frame_is_critical_and_no_crash() -> None:
    async with _serving(_Health()) as address:
        result = await asked(CheckDefinition(grpc=f"{address}/{'x' * 70_000}"))
    assert (result.status, result.output[:30]) == (CRITICAL, "rpc error: code = Internal des")


async def _serve_with_an_odd_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that is well, and whose answer has a header that is no UTF-8 (RFC 9110 section 5.5 has room for it)."""
    state = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    state.initiate_connection()
    ended = False
    while not ended and (data := await reader.read(65_536)):
        ended = any(isinstance(event, StreamEnded) for event in state.receive_data(data))
        writer.write(state.data_to_send())
    state.send_headers(1, [(b":status", b"200"), (b"content-type", b"application/grpc"), (b"x-server", b"caf\xe9")])
    state.send_data(1, b"\0\0\0\0\2\x08\x01")
    state.send_headers(1, [(b"grpc-status", b"0")], end_stream=True)
    writer.write(state.data_to_send())
    await reader.read(1)


async def test_a_header_that_is_no_utf8_says_nothing_of_health() -> None:
    async with speaking(_serve_with_an_odd_header) as address:
        result = await asked(CheckDefinition(grpc=address))
    assert (result.status, result.output) == (PASSING, f"gRPC check {address}: success")
