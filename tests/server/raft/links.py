"""Servers that have a server port and links, and nothing behind them, for tests."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from lictor_core.clock import SeededRng
from lictor_server.raft.hello import LinkIdentity
from lictor_server.raft.transport import LinkEvents, PeerLinks
from lictor_server.raft.wire import Message
from lictor_server.rpc import Methods, RpcListener
from lictor_server.tls import PLAIN, Tls
from tests.server.conftest import Log, made_log
from tests.support.conditions import eventually

__all__ = ["Echo", "End", "running", "uuid_of"]


class Echo(Methods):
    """Answers each call with its payload; `wait` waits until it is cancelled."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.cancelled = 0

    async def call(self, method: str, payload: bytes) -> bytes:
        """See the class."""
        self.calls.append(method)
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
    heard: list[tuple[str, Message]] = dataclasses.field(default_factory=list[tuple[str, Message]])
    callers: list[tuple[str, str, str]] = dataclasses.field(default_factory=list[tuple[str, str, str]])
    strangers: list[tuple[str, str, str]] = dataclasses.field(default_factory=list[tuple[str, str, str]])
    on_message: Callable[[str, Message], None] = lambda id, message: None

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
    number: int, *, tls: Tls = PLAIN, cluster_id: str = "", datacenter: str = "dc1", seed: int = 0, port: int = 0
) -> AsyncGenerator[End]:
    """A server with the id `uuid_of(number)`."""
    log, methods = made_log(), Echo()

    def take(id: str, message: Message) -> None:
        end.heard.append((id, message))
        end.on_message(id, message)

    events = LinkEvents(
        on_connected=lambda id: end.connected.append(id),
        on_disconnected=lambda id: end.disconnected.append(id),
        on_message=take,
        on_caller=lambda id, name, address: end.callers.append((id, name, address)),
        on_stranger=lambda expected, found, address: end.strangers.append((expected, found, address)),
    )
    links = PeerLinks(events, rng=SeededRng(seed or number), log=log.logger, tls=tls, hello_timeout_s=1.0)
    listener = RpcListener(
        methods,
        address="127.0.0.1",
        port=port,
        connections_max=64,
        in_flight_max=64,
        log=log.logger,
        tls=tls,
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
