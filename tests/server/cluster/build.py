"""Cards, and meetings that call one another without sockets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import msgspec
import structlog
from structlog.testing import LogCapture

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import pack, unpack
from lictor_core.errors import PeerError
from lictor_core.peers import PeerSet
from lictor_server.cluster import Directory, Meeting, MeetingSettings, Promise, ServerCard
from lictor_server.cluster.meeting import INTRODUCE, PROMISE

__all__ = ["Network", "Node", "card"]


def card(number: int, *, expect: int = 3, cluster_id: str = "", datacenter: str = "dc1", port: int = 0) -> ServerCard:
    return ServerCard(
        id=f"id-{number}",
        name=f"s{number}",
        address=f"127.0.0.1:{port or 8300 + number}",
        datacenter=datacenter,
        cluster_id=cluster_id,
        expect=expect,
    )


class Network:
    """Delivers calls to the meeting at an address; an address that is cut answers nobody."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.cut: set[str] = set()
        self.calls = 0

    def called_more_often_than(self, calls: int) -> bool:
        return self.calls > calls

    async def call(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        self.calls += 1
        node = self.nodes.get(address)
        if node is None or address in self.cut:
            raise PeerError(f"nobody answers at {address}")
        if method == INTRODUCE:
            return pack(node.meeting.introduced(unpack(payload, ServerCard)))
        assert method == PROMISE
        node.meeting.promised(unpack(payload, Promise))
        return pack(None)


@dataclasses.dataclass
class Node:
    """One server that meets others, and what it came to."""

    network: Network
    card: ServerCard
    settings: MeetingSettings = dataclasses.field(default_factory=MeetingSettings)

    def __post_init__(self) -> None:
        self.peer_set = PeerSet()
        self.leader: ServerCard | None = None
        self.news = 0
        self.log = LogCapture()
        self.directory = Directory(self.card.id, self.card.address)
        self.meeting = Meeting(
            self.settings,
            own_card=self.own_card,
            peer_set=lambda: self.peer_set,
            leader_card=lambda: self.leader,
            found=self.found,
            on_news=self.note_news,
            directory=self.directory,
            calls=self.network,
            clock=SystemClock(),
            rng=SeededRng(int(self.card.id.removeprefix("id-"))),
            log=structlog.wrap_logger(None, processors=[self.log]),
        )
        self.network.nodes[self.card.address] = self

    def own_card(self) -> ServerCard:
        return msgspec.structs.replace(self.card, cluster_id=self.peer_set.cluster_id)

    def found(self, peer_set: PeerSet) -> None:
        assert not self.peer_set.cluster_id, "a server founds once"
        self.peer_set = peer_set

    def note_news(self) -> None:
        self.news += 1

    def events(self, name: str) -> int:
        return sum(entry["event"] == name for entry in self.log.entries)

    def told(self, name: str) -> Mapping[str, object]:
        """What the last event of this name said."""
        return next(entry for entry in reversed(self.log.entries) if entry["event"] == name)
