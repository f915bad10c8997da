"""This server's copy of the log, and all that keeps it equal with the others': core, driver, links, introductions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.addresses import join_host_port
from lictor_core.clock import Clock, Rng
from lictor_core.commands import Command
from lictor_core.peers import PeerSet
from lictor_core.protocol import check_all_know, wanted
from lictor_server.cluster import Directory, Meeting, MeetingSettings, ServerCard
from lictor_server.cluster.founding import founding_set
from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.raft import Driver, RaftCore
from lictor_server.raft.core import Apply
from lictor_server.raft.hello import LinkIdentity
from lictor_server.raft.log import Log
from lictor_server.raft.transport import LinkEvents, PeerLinks
from lictor_server.rpc.client import RpcPool
from lictor_server.settings import ServerSettings
from lictor_server.tls import Tls

__all__ = ["Replica"]

_ANY: Final = ("0.0.0.0", "::")


class Replica:
    """One server among those of its cluster. All methods belong to one event loop."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        peer_set: PeerSet | None,
        raft_log: Log,
        apply: Apply,
        tls: Tls,
        keyed: Keyed = UNKEYED,
        on_leadership: Callable[[bool], None],
        on_leader: Callable[[], None],
        on_ended: Callable[[], None],
        on_failure: Callable[[BaseException], None],
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        """`peer_set` is the one that the snapshot ends with. `on_leader`: who leads may have changed. `on_ended`: the
        process of another server has ended, or is back."""
        self._settings = settings
        self._port = settings.server_port
        self._on_leader = on_leader
        self._on_ended = on_ended
        self._clock = clock
        self._ended: dict[str, float] = {}
        self._rng = rng
        self._log = log
        self._peers_changed = asyncio.Event()
        source = "" if settings.bind_address in _ANY else settings.bind_address
        self.links = PeerLinks(
            LinkEvents(
                on_connected=self._note_connected,
                on_disconnected=lambda id: self.core.disconnected(id),
                on_ended=self._note_ended,
                on_message=lambda id, message: self.driver.receive(id, message),
                on_caller=lambda id, name, address: self._note_news(),
            ),
            rng=rng,
            log=log,
            tls=tls,
            keyed=keyed,
            source=source,
        )
        self.pool = RpcPool(rng=rng, tls=tls, keyed=keyed, source=source)
        self.core = RaftCore(
            settings.node_id,
            peer_set,
            settings=settings.raft,
            log=raft_log,
            wire=self.links,
            apply=apply,
            on_peers=self._note_peers,
        )
        self.driver = Driver(
            self.core,
            settings.raft,
            on_leadership=on_leadership,
            on_leader=self._note_leader,
            on_failure=on_failure,
        )
        self.directory = Directory(settings.node_id, self.address)
        self.meeting = Meeting(
            MeetingSettings(
                retry_join=settings.retry_join,
                retry_interval_s=settings.retry_interval_s,
                retry_max=settings.retry_max,
                may_be_joined=bool(settings.data_dir) or settings.bootstrap_expect != 1,
                join_port=settings.join_port if settings.join_port > 0 else settings.server_port,
            ),
            own_card=self.card,
            peer_set=lambda: self.core.peer_set,
            leader_card=self.leader_card,
            found=self._found,
            on_news=self._note_news,
            directory=self.directory,
            calls=self.pool,
            clock=clock,
            rng=rng,
            log=log,
        )

    def start(self, port: int) -> None:
        """Begin to talk to others, who reach this server at `port`."""
        self._port = port
        self.directory.move(self.address)
        self._introduce()
        self._redial()
        founds_alone = self._settings.bootstrap_expect == 1 and not self._settings.retry_join
        # Data from before there were sets is a cluster of its own. Its log must meet no other: indexes and terms of the
        # two may be equal where entries are not.
        if self.core.has_led_alone or (self.core.is_blank and founds_alone):
            self.core.found(founding_set(self._rng.uuid4(), (self.card(),)))
        self.driver.start()

    async def stop(self) -> None:
        """End at once."""
        self.driver.stop()
        await self.links.stop()
        await self.pool.stop()

    @property
    def address(self) -> str:
        """Where others reach this server."""
        return join_host_port(self._settings.advertise_address, self._port)

    def card(self) -> ServerCard:
        """This server, in its own words."""
        return ServerCard(
            id=self._settings.node_id,
            name=self._settings.node_name,
            address=self.address,
            datacenter=self._settings.datacenter,
            cluster_id=self.core.peer_set.cluster_id,
            expect=self._settings.bootstrap_expect if self.core.is_blank else 0,
        )

    def check_known(self, command: Command) -> None:
        """Raise `MixedVersionsError` for a command in a form that not every server of the log said it can read."""
        newer = wanted(command)
        if newer is not None:
            servers = self.core.peer_set.servers
            check_all_know(newer, [(server.name, self.links.spoken(server.id)) for server in servers])

    # Where the leader is.

    @property
    def is_leader(self) -> bool:
        """Whether this server believes it leads."""
        return self.core.is_leader

    def leader_card(self) -> ServerCard | None:
        """Who leads; None when nobody is known to."""
        leader = self.core.leader
        if leader is None:
            return None
        if leader == self._settings.node_id:
            return self.card()
        known = self.directory.card(leader)
        if known is not None:
            return known
        server = self.core.peer_set.server(leader)
        if server is None:
            return None
        return ServerCard(
            id=leader,
            name=server.name,
            address=server.address,
            datacenter=self._settings.datacenter,
            cluster_id=self.core.peer_set.cluster_id,
        )

    def leader_address(self) -> str:
        """Where the leader is reached; by the word of another server while none was heard here. Empty: nowhere."""
        card = self.leader_card() or self.meeting.leader_hint
        return "" if card is None or card.id == self._settings.node_id else card.address

    @property
    def ended(self) -> Mapping[str, float]:
        """The servers, by id, whose process has ended as it seems, and when (monotonic) that was seen first."""
        return self._ended

    async def removed(self) -> None:
        """Return when this server is no voter any more."""
        while self.core.is_voter:
            self._peers_changed.clear()
            await self._peers_changed.wait()

    # What happens inside.

    def _found(self, peer_set: PeerSet) -> None:
        self.core.found(peer_set)
        self.driver.kick()

    def _introduce(self) -> None:
        """Tell the others who this is: what it belongs to may have changed."""
        self.links.introduce(
            LinkIdentity(
                self._settings.datacenter,
                self._settings.node_id,
                self._settings.node_name,
                self.address,
                self.meeting.cluster_id,
            )
        )

    def _redial(self) -> None:
        self.links.set_peers(self.directory.addresses(self.core.peer_set))

    def _note_connected(self, id: str) -> None:
        self.core.connected(id)
        if self._ended.pop(id, None) is not None:
            self._on_ended()

    def _note_ended(self, id: str) -> None:
        if id not in self._ended:
            self._ended[id] = self._clock.monotonic()
            self._on_ended()

    def _note_peers(self, peer_set: PeerSet) -> None:
        self._log.info(
            "raft.peers.changed",
            index=peer_set.index,
            voters=[server.name for server in peer_set.servers if server.voter],
            others=[server.name for server in peer_set.servers if not server.voter],
        )
        self._peers_changed.set()
        self._ended = {id: at for id, at in self._ended.items() if peer_set.server(id) is not None}
        self._introduce()
        self._redial()

    def _note_news(self) -> None:
        self._introduce()
        self._redial()
        self._on_leader()

    def _note_leader(self, leader: str | None) -> None:
        self._on_leader()
        self.meeting.poke()
