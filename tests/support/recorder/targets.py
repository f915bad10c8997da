"""What checks of a scenario ask: servers that answer as their path or service says, each on a port of its own.

`$target_port` speaks HTTP, `$grpc_target_port` gRPC; `$tls_target_port` HTTP over TLS that nobody vouches for,
`$silent_target_port` takes connections and says nothing, and on `$closed_target_port` nobody listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

from grpclib import GRPCError, Status
from grpclib.const import Cardinality, Handler
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpclib.server import Server, Stream

from tests.agent.checks.asking import self_signed
from tests.support.ports import free_port

__all__ = ["checked_targets"]

_NAMES: Final = ("target", "grpc_target", "tls_target", "silent_target", "closed_target")
_ANSWERS: Final[Mapping[str, bytes]] = {
    "/ok": b"200 OK\r\nContent-Length: 4\r\n\r\nfine",
    "/no-content": b"204 No Content\r\n\r\n",
    "/too-many": b"429 Too Many Requests\r\nContent-Length: 4\r\n\r\nwait",
    "/gone": b"404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
    "/broken": b"500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "/own-reason": b"299 Odd Reason\r\nContent-Length: 0\r\n\r\n",
    "/no-reason": b"298 \r\nContent-Length: 0\r\n\r\n",
    "/not-modified": b"304 Not Modified\r\n\r\n",
    "/redirect": b"302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n",
    "/redirect-all": b"307 Temporary Redirect\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n",
    "/redirect-nowhere": b"302 Found\r\nContent-Length: 0\r\n\r\n",
    "/redirect-ftp": b"302 Found\r\nLocation: ftp://localhost/x\r\nContent-Length: 0\r\n\r\n",
    "/redirect-loop": b"302 Found\r\nLocation: /redirect-loop\r\nContent-Length: 0\r\n\r\n",
    "/interim": b"103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate",
    "/cut": b"200 OK\r\nContent-Length: 1000\r\n\r\nbegun",
    "/long": b"200 OK\r\nContent-Length: 9003\r\n\r\n" + 9000 * b"a" + b"end",
    "/chunked": b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
}
_ZIPPED: Final = gzip.compress(b"read me", mtime=0)
_METHOD: Final = "/grpc.health.v1.Health/Check"


@contextlib.contextmanager
def checked_targets(directory: Path) -> Generator[dict[str, int]]:
    """The ports of the servers by name, while the block runs; certificates are written to `directory`."""
    ports = {name: free_port() for name in _NAMES}
    command = [sys.executable, "-m", __name__, str(directory), *map(str, ports.values())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"the targets of checks did not start; they ended with {process.wait(10)}")
            yield ports
        finally:
            process.kill()


async def _serve(directory: Path, ports: Mapping[str, int]) -> None:
    await Server([_Health()]).start("127.0.0.1", ports["grpc_target"])
    tls = self_signed(directory).context
    async with (
        await asyncio.start_server(_http, "127.0.0.1", ports["target"]),
        await asyncio.start_server(_http, "127.0.0.1", ports["tls_target"], ssl=tls),
        await asyncio.start_server(_silent, "127.0.0.1", ports["silent_target"]),
    ):
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started it is gone


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = [line for line in head.split("\r\n") if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(length[0].partition(":")[2])) if length else b""
        writer.write(await _answer(head, body))
        await writer.drain()
    writer.close()


async def _answer(head: str, body: bytes) -> bytes:
    first, *lines = head.rstrip().split("\r\n")
    path = first.split(" ")[1].partition("?")[0]
    match path:
        case "/echo":
            said = "; ".join([first, *sorted(lines, key=str.lower), body.decode()]).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)
        case "/zipped":
            return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (
                len(_ZIPPED),
                _ZIPPED,
            )
        case "/silent":
            await asyncio.sleep(60)
            return b""
        case "/closed":
            return b""
        case _:
            return b"HTTP/1.1 " + _ANSWERS.get(path, _ANSWERS["/gone"])


class _Health:
    """The gRPC health service: what it is asked for says how it answers."""

    async def check(self, stream: Stream[HealthCheckRequest, HealthCheckResponse]) -> None:
        request = await stream.recv_message()
        match "" if request is None else request.service:
            case "" | "serving":
                await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.SERVING))
            case "down":
                await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING))
            case "unsure":
                await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.UNKNOWN))
            case "silent":
                await asyncio.sleep(60)
            case "forbidden":
                raise GRPCError(Status.PERMISSION_DENIED, "not for you")
            case name:
                raise GRPCError(Status.NOT_FOUND, f"unknown service {name}")

    def __mapping__(self) -> dict[str, Handler]:
        return {_METHOD: Handler(self.check, Cardinality.UNARY_UNARY, HealthCheckRequest, HealthCheckResponse)}


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), dict(zip(_NAMES, map(int, sys.argv[2:]), strict=True))))
