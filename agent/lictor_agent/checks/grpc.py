"""gRPC checks: what a server says of itself by the gRPC health checking protocol.

Sources: grpc/grpc's `doc/health-checking.md` and `doc/PROTOCOL-HTTP2.md`; the words are those of Consul 1.8.7. A check
names `host:port`, or `host:port/service` for one service of the server.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.dialing import DialError, split_host_port, tls_failure
from lictor_agent.checks.http2 import Http2Connection, open_http2, tls_of
from lictor_agent.checks.status import Result
from lictor_agent.checks.tls import TlsContexts
from lictor_config.definitions import CheckDefinition
from lictor_core.errors import ConfigurationError
from lictor_core.records import CRITICAL, PASSING

__all__ = ["TIMEOUT_S", "check_grpc"]

TIMEOUT_S: Final = 10.0
"""How long all of it may take where the definition does not say."""
_MESSAGE_BYTES_MAX: Final = 4096
"""Of an answer; one that says how healthy something is has two."""
_METHOD: Final = "/grpc.health.v1.Health/Check"
_STREAM: Final = 1
_SERVING: Final = 1
_CODES: Final = (
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
)
"""By number, in the words of Go's library."""


class _RpcError(Exception):
    """A call that failed: the name of its code, and what is said of it."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {description}")


@dataclass
class _Answer:
    """An answer as it comes in."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    message: bytes = b""
    ended: bool = False

    def take(self, event: Event, connection: Http2Connection) -> None:
        """Take in one event. Raises `_RpcError` for one that ends the call."""
        match event:
            case ResponseReceived() | TrailersReceived():
                self.headers |= _texts(event.headers or ())
                self.ended = self.ended or event.stream_ended is not None
            case DataReceived():
                self.message += event.data or b""
                if len(self.message) > _MESSAGE_BYTES_MAX:
                    raise _RpcError("ResourceExhausted", "grpc: received message larger than max")
                connection.state.acknowledge_received_data(event.flow_controlled_length, _STREAM)
                connection.flush()
            case StreamEnded():
                self.ended = True
            case StreamReset():
                raise _RpcError("Internal", f"stream terminated by RST_STREAM with error code: {event.error_code}")
            case ConnectionTerminated():
                raise _RpcError("Unavailable", "transport is closing")
            case _:
                pass


async def check_grpc(definition: CheckDefinition, dialer: Dialer, contexts: TlsContexts) -> Result:
    """Ask the server of `definition.grpc` once."""
    address, _, service = definition.grpc.partition("/")
    timeout_s = definition.timeout_s or TIMEOUT_S
    try:
        async with asyncio.timeout(timeout_s):
            status = await _asked(definition, address, service, timeout_s, dialer, contexts)
    except _RpcError as error:
        return Result(CRITICAL, str(error))
    except TimeoutError:
        return Result(CRITICAL, str(_RpcError("DeadlineExceeded", "context deadline exceeded")))
    if status != _SERVING:
        return Result(CRITICAL, "gRPC application didn't report service healthy")
    return Result(PASSING, f"gRPC check {definition.grpc}: success")


async def _asked(
    definition: CheckDefinition, address: str, service: str, timeout_s: float, dialer: Dialer, contexts: TlsContexts
) -> int:
    """The status that the server answers with. Raises `_RpcError` and `TimeoutError`."""
    connection = await _opened(definition, address, dialer, contexts)
    answer = _Answer()
    try:
        scheme = "https" if definition.grpc_use_tls else "http"
        headers = [
            (":method", "POST"),
            (":scheme", scheme),
            (":path", _METHOD),
            (":authority", address),
            ("content-type", "application/grpc"),
            ("user-agent", "Consul Health Check"),
            ("te", "trailers"),
            ("grpc-timeout", f"{max(1, min(round(timeout_s * 1000), 99_999_999))}m"),
        ]
        connection.state.send_headers(_STREAM, headers)
        connection.state.send_data(_STREAM, _framed(_request(service)), end_stream=True)
        connection.flush()
        while not answer.ended:
            answer.take(await connection.next_event(), connection)
    except DialError as error:
        raise _RpcError("Unavailable", str(error)) from None
    except ProtocolError as error:  # what cannot be sent, such as a name longer than a frame
        raise _RpcError("Internal", f"http2: {error}") from None
    finally:
        connection.close()
    return _status(answer)


async def _opened(definition: CheckDefinition, address: str, dialer: Dialer, contexts: TlsContexts) -> Http2Connection:
    host = address
    try:
        host = split_host_port(address)[0] or "localhost"
        tls = tls_of(definition, contexts, host) if definition.grpc_use_tls else None
        return await open_http2(dialer, address, tls)
    except ssl.SSLError as error:
        failed = f"authentication handshake failed: {tls_failure(error, definition.tls_server_name or host)}"
    except ValueError as error:
        failed = f"Error while dialing dial tcp: {error}"
    except (DialError, ConfigurationError) as error:
        failed = f"Error while dialing {error}"
    raise _RpcError("Unavailable", f'connection error: desc = "transport: {failed}"')


def _status(answer: _Answer) -> int:
    http_status = answer.headers.get(":status", "")
    code = answer.headers.get("grpc-status", "")
    if code not in ("", "0"):
        name = _CODES[int(code)] if code.isascii() and code.isdigit() and int(code) < len(_CODES) else f"Code({code})"
        raise _RpcError(name, unquote(answer.headers.get("grpc-message", "")))
    if http_status != "200":
        code = "Unimplemented" if http_status == "404" else "Unknown"
        raise _RpcError(code, f"unexpected HTTP status code received from server: {http_status}")
    if not answer.headers.get("content-type", "").startswith("application/grpc"):
        raise _RpcError("Unknown", "HTTP status code 200; transport: missing content-type field")
    try:
        return _read_status(answer.message)
    except (ValueError, IndexError):
        raise _RpcError("Internal", "grpc: failed to unmarshal the received message") from None


def _texts(headers: Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in headers}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _framed(message: bytes) -> bytes:
    return struct.pack(">BI", 0, len(message)) + message


def _request(service: str) -> bytes:
    """`HealthCheckRequest`: field 1, a string, left out where it is empty (protobuf.dev, "Encoding")."""
    name = service.encode()
    return b"\x0a" + _varint(len(name)) + name if name else b""


def _read_status(framed: bytes) -> int:
    """Field 1, a number, of the `HealthCheckResponse` in a frame; 0 (unknown) where it is left out."""
    compressed, size = struct.unpack(">BI", framed[:5]) if len(framed) >= 5 else (1, 0)
    message = framed[5:]
    if compressed or size != len(message):
        raise ValueError("no plain frame")
    status, at = 0, 0
    while at < len(message):
        key, at = _read_varint(message, at)
        match key & 7:
            case 0:
                value, at = _read_varint(message, at)
                status = value if key >> 3 == 1 else status
            case 1:
                at += 8
            case 2:
                size, at = _read_varint(message, at)
                at += size
            case 5:
                at += 4
            case _:
                raise ValueError("no such wire type")
    return status


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while shift < 64:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
        shift += 7
    raise ValueError("too long a number")
