"""Servers that have a server port and links, and nothing behind them, for tests."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from lictor_core.clock import SeededRng
from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.raft.framing import encode_message, framed
from lictor_server.raft.hello import Answer, AnswerReader, Hello, LinkIdentity, greeting_bytes
from lictor_server.raft.transport import LinkEvents, PeerLinks
from lictor_server.raft.wire import Message
from lictor_server.rpc import Methods, RpcListener
from lictor_server.rpc.visitor import Visitor
from lictor_server.tls import PLAIN, Tls
from tests.server.conftest import Log, made_log
from tests.support.conditions import eventually

__all__ = ["Caller", "Echo", "End", "called", "hello_to", "running", "taken", "uuid_of"]


class Echo(Methods):
    """Answers each call with its payload; `wait` waits until it is cancelled.

    The stream `items` gives as many numbers as its payload says; 0 gives none, and does not end.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.cancelled = 0
        self.visitors: list[Visitor] = []

    def serves_servers(self, method: str) -> bool:
        """Nothing here is for servers alone."""
        return False

    def stream(self, method: str, payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes] | None:
        """See the class."""
        return self._items(payload) if method == "items" else None

    async def _items(self, payload: bytes) -> AsyncGenerator[bytes]:
        self.calls.append("items")
        try:
            for number in range(int(payload)):
                yield b"%d" % number
            if payload == b"0":
                await asyncio.Event().wait()
        finally:
            self.cancelled += 1

    async def call(self, method: str, payload: bytes, visitor: Visitor) -> bytes:
        """See the class."""
        self.calls.append(method)
        self.visitors.append(visitor)
        if method == "wait":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return payload


@dataclasses.dataclass
class End:
    """One server's links, and what they told."""

    id: str
    links: PeerLinks
    listener: RpcListener
    log: Log
    methods: Echo
    connected: list[str] = dataclasses.field(default_factory=list[str])
    disconnected: list[str] = dataclasses.field(default_factory=list[str])
    ended: list[str] = dataclasses.field(default_factory=list[str])
    heard: list[tuple[str, Message]] = dataclasses.field(default_factory=list[tuple[str, Message]])
    callers: list[tuple[str, str, str]] = dataclasses.field(default_factory=list[tuple[str, str, str]])
    strangers: list[tuple[str, str, str]] = dataclasses.field(default_factory=list[tuple[str, str, str]])
    on_message: Callable[[str, Message], None] = lambda id, message: None
    on_caller: Callable[[], None] = lambda: None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.port}"

    def identity(self, *, datacenter: str = "dc1", cluster_id: str = "") -> LinkIdentity:
        return LinkIdentity(datacenter, self.id, f"name-{self.id[:8]}", self.address, cluster_id)

    def peers(self, *others: End) -> None:
        self.links.set_peers({other.id: other.address for other in others})

    async def until_connected(self, *others: End) -> None:
        await eventually(lambda: self.links.connected >= {other.id for other in others}, what="a connection")


@asynccontextmanager
async def running(
    number: int,
    *,
    tls: Tls = PLAIN,
    keyed: Keyed = UNKEYED,
    cluster_id: str = "",
    datacenter: str = "dc1",
    seed: int = 0,
    port: int = 0,
) -> AsyncGenerator[End]:
    """A server with the id `uuid_of(number)`."""
    log, methods = made_log(), Echo()

    def take(id: str, message: Message) -> None:
        end.heard.append((id, message))
        end.on_message(id, message)

    def note_caller(id: str, name: str, address: str) -> None:
        end.callers.append((id, name, address))
        end.on_caller()

    events = LinkEvents(
        on_connected=lambda id: end.connected.append(id),
        on_disconnected=lambda id: end.disconnected.append(id),
        on_ended=lambda id: end.ended.append(id),
        on_message=take,
        on_caller=note_caller,
        on_stranger=lambda expected, found, address: end.strangers.append((expected, found, address)),
    )
    links = PeerLinks(events, rng=SeededRng(seed or number), log=log.logger, tls=tls, keyed=keyed, hello_timeout_s=1.0)
    listener = RpcListener(
        methods,
        address="127.0.0.1",
        port=port,
        connections_max=64,
        in_flight_max=64,
        log=log.logger,
        tls=tls,
        keyed=keyed,
        raft=links.accept,
    )
    end = End(uuid_of(number), links, listener, log, methods)
    await listener.start()
    links.introduce(end.identity(datacenter=datacenter, cluster_id=cluster_id))
    try:
        yield end
    finally:
        await listener.stop()
        await links.stop()


def uuid_of(number: int) -> str:
    """The id of the server with this number."""
    return f"5c1e2f30-0000-4000-8000-{number:012d}"


class Caller:
    """A server's dialing end played by a test, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> Answer:
        """What the other end says to the hello."""
        async with asyncio.timeout(30):
            length = await self.reader.readexactly(4)
            found = AnswerReader().feed(length + await self.reader.readexactly(int.from_bytes(length, "big")))
        assert found is not None
        return found

    def send(self, message: Message) -> None:
        """Send one message."""
        self.writer.write(framed(encode_message(message)))

    async def until_closed(self) -> None:
        """Return when the other end has closed; fails after five seconds."""
        async with asyncio.timeout(30):
            with suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass

    def close(self) -> None:
        """Close at once."""
        self.writer.transport.abort()


def hello_to(end: End, number: int = 9, **fields: str | bool) -> Hello:
    """The hello of server `number`, with what a test wants to be otherwise."""
    hello = Hello(
        datacenter="dc1",
        cluster_id="",
        id=uuid_of(number),
        name=f"n{number}",
        address="",
        expects=end.id,
        incarnation=f"process {number}",
    )
    return msgspec.structs.replace(hello, **fields)


async def called(end: End, said: bytes) -> Caller:
    """A connection to `end` on which `said` was said."""
    caller = Caller(*await asyncio.open_connection("127.0.0.1", end.listener.port))
    caller.writer.write(said)
    return caller


async def taken(end: End, number: int = 9, **fields: str | bool) -> Caller:
    """A connection that `end` took, of server `number`."""
    caller = await called(end, greeting_bytes(hello_to(end, number, **fields)))
    answer = await caller.answer()
    assert answer.code == "", answer.message
    return caller
