"""The server's door: the one class by which other rooms use a server in their process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO, TypeVar

from structlog.typing import FilteringBoundLogger

from lictor_core.addresses import join_host_port
from lictor_core.autopilot import AutopilotHealth, RaftServers
from lictor_core.clock import Clock, Rng
from lictor_core.commands import Command, Outcome
from lictor_core.errors import StorageError
from lictor_core.peers import PeerSet, RaftServer
from lictor_core.queries import Query
from lictor_core.records import JsonObject, Member
from lictor_core.registry import CatalogView, IssuedLeaf, LeaderStatus, LeafRequest, Reading, ReadOptions, SavedState
from lictor_server import ca
from lictor_server.backups import Backups
from lictor_server.endpoints.authority import Authority
from lictor_server.endpoints.autopilot import checked_autopilot
from lictor_server.endpoints.blocking import BlockedQueries
from lictor_server.endpoints.reads import Reads, check_datacenter
from lictor_server.endpoints.writes import Writes
from lictor_server.exchange import SnapshotExchange
from lictor_server.leader import LeaderLoop, Membership, check_member, server_member
from lictor_server.leases import LeaseTable
from lictor_server.machine import Machine
from lictor_server.raft import Driver, RaftCore
from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.wire import LoneWire
from lictor_server.rpc import Methods, RpcListener
from lictor_server.settings import ServerSettings
from lictor_server.state import Store, Watches
from lictor_server.storage import Storage
from lictor_server.tls import PLAIN, load_tls
from lictor_server.view import StoreView

__all__ = ["Server"]

T = TypeVar("T")


class Server:
    """One server of the registry: a `Registry` (core), and what an agent in the same process needs besides.

    All methods belong to the event loop on which `start` ran.
    """

    def __init__(self, settings: ServerSettings, *, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> None:
        """Reads the data directory, when there is one: its locks are held until `stop`.

        Raises `RequestError` for settings that cannot work, and `StorageError` for a directory that cannot be used.
        """
        raft = settings.raft.checked()
        ca.read_settings(settings.ca_provider, settings.ca_config)  # wrong ones are told at the start, not by a loop
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._log: FilteringBoundLogger = log.bind(room="server", node=settings.node_name)
        self._tls = PLAIN if settings.tls is None else load_tls(settings.tls, now=clock.now())
        for warning in self._tls.warnings:
            self._log.warning("tls.certificate.doubted", reason=warning)
        self._storage = None
        if settings.data_dir:
            self._storage = Storage(Path(settings.data_dir), settings.datacenter, raft, rng=rng, log=self._log)
        self._store = Store(settings.datacenter) if self._storage is None else self._storage.store
        self._watches = Watches()
        self._view = StoreView(self._store)
        core = RaftCore(
            settings.node_id,
            None if self._storage is None else self._storage.peer_set,
            settings=raft,
            log=MemoryLog() if self._storage is None else self._storage.wal,
            wire=LoneWire(),
            apply=Machine(self._store, self._watches, self._note_restored).apply,
        )
        self._driver = Driver(core, raft, on_leadership=self._note_leadership, on_failure=self._note_failure)
        self._snapshots = None
        if self._storage is not None:
            self._snapshots = SnapshotExchange(
                self._store, self._watches, self._driver, self._storage, raft, clock=clock, log=self._log
            )
        self._writes = Writes(self._driver, clock, settings.datacenter)
        self._backups = Backups(
            self._store, self._writes.propose, directory=settings.data_dir, clock=clock, rng=rng, log=self._log
        )
        self._blocked = BlockedQueries(self._store, self._watches, rng, blocked_max=settings.blocked_queries_max)
        self._reads = Reads(self._store, self._driver, self._blocked)
        self._leases = LeaseTable(lease_s=settings.lease_s, reap_s=settings.reap_s, members_max=settings.members_max)
        self._authority = Authority(
            self._store,
            self._writes.propose,
            clock=clock,
            rng=rng,
            log=self._log,
            provider=settings.ca_provider,
            config=settings.ca_config,
            csr_per_second_max=settings.csr_per_second_max,
        )
        self._membership = Membership(
            core,
            node_id=settings.node_id,
            settings=raft,
            first=checked_autopilot(settings.autopilot),
            table=self._store.autopilot,
            lease_s=settings.lease_s,
            leads=lambda: self._driver.leads,
            kick=self._driver.kick,
            members=self._leases.members,
            forget=self._forget_member,
            propose=self._writes.propose,
            clock=clock,
            log=self._log,
        )
        self._leader = LeaderLoop(
            catalog=self._store.catalog,
            leases=self._leases,
            own_member=self.member,
            propose=self._writes.propose,
            prepare=self._prepare,
            open_to_requests=self._driver.open_to_requests,
            leads=lambda: self._driver.leads,
            reconcile_s=settings.reconcile_s,
            clock=clock,
            log=self._log,
        )
        self._listener = RpcListener(
            Methods(self),
            address=settings.bind_address,
            port=settings.server_port,
            connections_max=settings.rpc_connections_max,
            in_flight_max=settings.rpc_in_flight_max,
            log=self._log,
            tls=self._tls,
        )
        self._duties: list[asyncio.Task[None]] = []
        self._failure: asyncio.Future[None] | None = None

    # Life.

    async def start(self) -> None:
        """Begin to serve; returns before there is a leader, for whom requests wait a moment.

        Raises `OSError` when the server port cannot be had; nothing was started then.
        """
        loop = asyncio.get_running_loop()
        await self._listener.start()
        self._failure = loop.create_future()
        if self._storage is not None:
            self._storage.wal.start(on_durable=self._note_durable, on_failure=self._driver.fail)
        core = self._driver.core
        if core.is_blank:
            core.found(self._alone())
        self._driver.start()
        # The room's own tasks; `stop` ends them, and `failed` tells of their end.
        self._duties = [
            loop.create_task(self._leader.run(), name="server-leader"),
            loop.create_task(self._membership.run(), name="server-membership"),
        ]
        for duty in self._duties:
            duty.add_done_callback(self._note_duties_done)

    async def stop(self) -> None:
        """Stop at once. Blocked queries and waiting writes end with an error; called twice it does nothing."""
        duties, self._duties = self._duties, []
        await self._listener.stop()
        self._driver.stop()
        await self._backups.stop()
        self._blocked.send_home()
        for duty in duties:
            duty.cancel()
        if duties:
            await asyncio.wait(duties)
        if self._failure is not None and not self._failure.cancel() and not self._failure.cancelled():
            self._failure.exception()  # whoever wanted to know has asked `failed`: it is no news for the log any more
        await self._close_storage()

    async def failed(self) -> None:
        """Wait until the server cannot go on, and raise why; ends quietly when it is stopped."""
        assert self._failure is not None, "start comes first"
        await asyncio.wait([self._failure])
        if not self._failure.cancelled():
            self._failure.result()

    # `Registry`.

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        """Answer `query`, waiting as `options` say."""
        return await self._reads.read(query, options)

    async def write(self, command: Command, *, token: str = "") -> Outcome:
        """Put a client's command through the log; an intention must carry its id, a new one a new UUID."""
        return await self._writes.write(command)

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf with the active root."""
        await self._driver.ready()
        return await self._authority.sign(request)

    async def configure_ca(self, provider: str, config: JsonObject, *, token: str = "") -> None:
        """Change the CA's settings; another key makes a new root."""
        await self._driver.ready()
        await self._authority.configure(provider, config)

    async def leader_status(self) -> LeaderStatus:
        """Who leads now."""
        core = self._driver.core
        own = join_host_port(self._settings.advertise_address, self.server_port)
        leads = core.is_leader
        return LeaderStatus(
            address=own if leads else "",
            is_self=leads,
            peers=(own,),
            term=core.term,
            applied_index=core.applied_index,
            commit_index=core.commit_index,
        )

    async def members(self) -> list[Member]:
        """The agents of the cluster, by name."""
        await self._driver.ready()
        return self._leases.members()

    async def renew(self, member: Member) -> float:
        """Take or renew a lease. For the agent in this process, known by name and id, the server speaks itself."""
        await self._driver.ready()
        own = self.member()
        if (member.name.lower(), member.tags.get("id")) == (own.name.lower(), own.tags["id"]):
            member = own
        else:
            check_member(member)
        news = not self._leases.alive(member.name)
        renew_s = self._leases.renew(member, self._clock.monotonic())
        if news:
            self._log.info("member.lease.granted", member=member.name, address=member.addr)
            self._leader.poke()
            self._membership.poke()
        return renew_s

    async def leave(self, name: str) -> None:
        """Give up the lease of `name`: it left on purpose, and its registrations go with it."""
        await self._driver.ready()
        if self._leases.leave(name, self._clock.monotonic()) is not None:
            self._log.info("member.lease.given_up", member=name)
            self._leader.poke()
            self._membership.poke()

    async def raft_servers(self, *, stale: bool = False) -> RaftServers:
        """The servers that keep the log together; `stale` as this server's own log has them."""
        if not stale:
            await self._driver.ready()
        return self._membership.servers()

    async def remove_peer(self, id_or_address: str) -> None:
        """Take a server out of those that keep the log."""
        await self._driver.ready()
        await self._membership.remove(id_or_address)

    async def transfer_leader(self, id: str = "") -> None:
        """Hand the lead to another voter."""
        await self._driver.ready()
        await self._membership.transfer(id)

    async def autopilot_health(self) -> AutopilotHealth:
        """How the servers do, as this leader sees it."""
        await self._driver.ready()
        return self._membership.health()

    async def save_state(self, options: ReadOptions) -> SavedState:
        """Save the state of this server."""
        check_datacenter(options.datacenter, self._store.datacenter)
        await self._driver.ready()
        return await self._backups.save(term=self._driver.core.term)

    async def restore_state(self, archive: BinaryIO, *, datacenter: str = "", token: str = "") -> None:
        """Put the state in `archive`, which is closed here, in place of the current one."""
        try:
            check_datacenter(datacenter, self._store.datacenter)
            await self._driver.ready()
        except BaseException:
            archive.close()
            raise
        await self._backups.restore(archive)

    # For an agent in the same process.

    @property
    def server_port(self) -> int:
        """The port of this server's RPC."""
        return self._listener.port

    def member(self) -> Member:
        """This server as a member of the cluster."""
        return server_member(self._settings, self.server_port)

    def view(self) -> CatalogView:
        """The catalog in memory, for DNS and whoever must not wait."""
        return self._view

    def reading_stamp(self, query: Query[T]) -> int:
        """The stamp that a reading of `query` would have now: equal stamps mean equal answers."""
        return self._store.stamp(query.topics())

    @property
    def can_answer(self) -> bool:
        """Whether `read` would answer at once, so that a cached answer with the same stamp may be used instead."""
        return self._driver.can_serve

    # What happens inside.

    def _alone(self) -> PeerSet:
        """A cluster of this server and nobody else."""
        own = RaftServer(
            id=self._settings.node_id,
            name=self._settings.node_name,
            address=join_host_port(self._settings.advertise_address, self.server_port),
        )
        return PeerSet(cluster_id=self._rng.uuid4(), servers=(own,))

    async def _prepare(self) -> None:
        await self._authority.initialise()
        await self._membership.prepare()

    def _forget_member(self, name: str) -> None:
        if self._leases.leave(name, self._clock.monotonic()) is not None:
            self._leader.poke()

    def _note_durable(self) -> None:
        assert self._snapshots is not None, "only a log on disk tells of durability"
        self._driver.kick()
        self._snapshots.consider()

    async def _close_storage(self) -> None:
        storage, self._storage = self._storage, None
        if storage is None or self._snapshots is None:
            return
        await self._snapshots.stop()
        try:
            await storage.close()
        except StorageError as error:
            self._log.error("raft.log.not_closed", reason=str(error))

    def _note_leadership(self, leads: bool) -> None:
        core = self._driver.core
        if leads:
            self._log.info("raft.leader.elected", term=core.term)
        else:
            self._log.warning("raft.leader.lost", term=core.term)
            self._blocked.send_home()
        self._leader.poke()
        self._membership.poke()

    def _note_restored(self, former: Store) -> None:
        self._leader.begin_anew()
        self._backups.dismantle(former)

    def _note_failure(self, error: BaseException) -> None:
        self._log.critical("raft.core.failed", reason=repr(error))
        self._give_up(error)

    def _note_duties_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.critical("leader.loop.failed", reason=repr(error))
            self._driver.stop()  # a leader that cannot do its duties must not answer as one
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        self._blocked.send_home()
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)
