"""A data plane that really listens, an application behind it, and clients: for tests over real sockets and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator

import msgspec
import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict, FilteringBoundLogger

from lictor_connect_proxy.driver.driver import ProxyDriver
from lictor_connect_proxy.snapshot import (
    Endpoint,
    ProxySnapshot,
    PublicListener,
    UpstreamKey,
    UpstreamListener,
)
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.intentions import Rule
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import policy
from tests.support.conditions import eventually
from tests.support.ports import free_port

BANNER = b"220 ready\n"


class Events:
    """The log events of a test, as they were written."""

    def __init__(self) -> None:
        self._capture = LogCapture()
        wrapper = structlog.make_filtering_bound_logger(10)
        self.log: FilteringBoundLogger = structlog.wrap_logger(
            structlog.PrintLogger(), processors=[self._capture], wrapper_class=wrapper
        )

    def named(self, name: str) -> list[EventDict]:
        """All events of that name."""
        return [event for event in self._capture.entries if event["event"] == name]

    def names(self) -> list[str]:
        """The names of all events, in order."""
        return [str(event["event"]) for event in self._capture.entries]


class Application:
    """Greets, echoes, and says farewell when the other side has finished; counts what reaches it."""

    def __init__(self, greeting: bytes = BANNER) -> None:
        self.port = free_port()
        self.accepted = 0
        self.finished = 0
        self.broken = 0
        self._greeting = greeting
        self._writers: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def running(self, path: str = "") -> AsyncGenerator[Application]:
        """On its port, or at a Unix socket."""
        if path:
            server = await asyncio.start_unix_server(self._serve, path)
        else:
            server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await eventually(lambda: not self._writers, what="the application has let go of its connections")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(writer)
        try:
            writer.write(self._greeting)
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            self.finished += 1
            writer.write(b"bye\n")
            writer.write_eof()
        except (OSError, RuntimeError):
            # uvloop answers a write to a broken connection with RuntimeError.
            self.broken += 1
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._writers.discard(writer)


def public_snapshot(
    authority: Authority, application: Application, *rules: Rule, default_allow: bool = True, service: str = "db"
) -> ProxySnapshot:
    """A service with a public listener on a free port in front of `application`."""
    return ProxySnapshot(
        service=service,
        leaf=authority.leaf(service),
        roots=authority.roots(),
        policy=policy(*rules),
        default_allow=default_allow,
        public=PublicListener(
            bind_address="127.0.0.1",
            bind_port=free_port(),
            application_host="127.0.0.1",
            application_port=application.port,
        ),
    )


def upstream_snapshot(authority: Authority, *ports: int, service: str = "web", to: str = "db") -> ProxySnapshot:
    """A service with an upstream on a free local port, whose instances listen on `ports` of 127.0.0.1."""
    upstream = UpstreamListener(service=to, bind_port=free_port(), connect_timeout_s=5.0)
    return ProxySnapshot(
        service=service,
        leaf=authority.leaf(service),
        roots=authority.roots(),
        policy=policy(),
        default_allow=True,
        upstreams=(upstream,),
        endpoints={upstream.key: tuple(Endpoint("127.0.0.1", port, f"node/{port}") for port in ports)},
    )


def moved_to(snapshot: ProxySnapshot, *ports: int) -> ProxySnapshot:
    """The same with other instances of its one upstream."""
    key: UpstreamKey = snapshot.upstreams[0].key
    endpoints = {key: tuple(Endpoint("127.0.0.1", port, f"node/{port}") for port in ports)}
    return msgspec.structs.replace(snapshot, endpoints=endpoints)


def public_port(snapshot: ProxySnapshot) -> int:
    assert snapshot.public is not None
    return snapshot.public.bind_port


@contextlib.asynccontextmanager
async def running(
    snapshot: ProxySnapshot, events: Events | None = None, *, listens: bool = True
) -> AsyncGenerator[ProxyDriver]:
    """A driver that serves `snapshot` while the block runs; entered when all its listeners accept."""
    driver = ProxyDriver(snapshot.service, SystemClock(), SeededRng(1), (events or Events()).log)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(driver.run(stop))
        driver.apply(snapshot)
        expected = (len(snapshot.upstreams) + (snapshot.public is not None)) if listens else 0
        try:
            await eventually(lambda: len(driver.listening()) == expected, what="the listeners accept")
            yield driver
        finally:
            stop.set()


@contextlib.asynccontextmanager
async def connected(
    port: int, context: ssl.SSLContext | None = None
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of 127.0.0.1, over TLS with a context."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="db" if context else None
    )
    try:
        yield reader, writer
    finally:
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Cut a client's connection and wait until it is gone."""
    writer.transport.abort()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()


async def all_bytes(reader: asyncio.StreamReader) -> bytes:
    """What arrives until the other side ends or breaks, within 30 s; raises `TimeoutError` after them."""
    received = bytearray()
    async with asyncio.timeout(30):  # outside: its error is an OSError too
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await reader.read(65536):
                received += data
    return bytes(received)
