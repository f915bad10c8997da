"""The server's door: the one class by which other rooms use a server in their process. Here its parts meet.

It has over 500 lines because it is core's `Registry` as one class, a method for each thing that can be asked.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.acl.granted import Grants
from lictor_core.acl.requests import AclAnswer, AclOrder, AclRequest
from lictor_core.archive import ArchiveServer
from lictor_core.autopilot import AutopilotHealth, RaftServers
from lictor_core.clock import Clock, Rng
from lictor_core.commands import Command, ConfigSet, Outcome, ReadMode
from lictor_core.coordinates import NodeCoordinate, Position
from lictor_core.errors import LictorError, NoLeaderError, PermissionDeniedError, StorageError
from lictor_core.feed import FeedRequest, Tick
from lictor_core.membership import LeaseGrant, Renewal
from lictor_core.metrics import Meter
from lictor_core.proxy_status import ProxyPolicy, ProxyTidings
from lictor_core.queries import Query
from lictor_core.records import JsonObject, Member, Session
from lictor_core.registry import (
    CatalogView,
    Confirmation,
    IssuedLeaf,
    LeaderStatus,
    LeafRequest,
    Pause,
    Reading,
    ReadOptions,
    SavedState,
)
from lictor_core.sealed_ring import KeyTidings
from lictor_server import ca
from lictor_server.acl.calling import CallJudge
from lictor_server.acl.freshly import FreshGrants
from lictor_server.acl.reading import ReadJudge
from lictor_server.acl.resolver import Resolver
from lictor_server.agent_certificates import AgentCertificates
from lictor_server.backups import Backups
from lictor_server.bulletins import Bulletins
from lictor_server.coordinates import ServerCoordinates
from lictor_server.endpoints.blocking import BlockedQueries
from lictor_server.endpoints.reads import Reads, check_datacenter
from lictor_server.exchange import SnapshotExchange
from lictor_server.figures import ServerFigures
from lictor_server.following import Following
from lictor_server.forward import Forwarder
from lictor_server.freshness import Freshness
from lictor_server.judged_view import JudgedView
from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.keyrings import ServerKeyrings
from lictor_server.leader import remembered_members, server_member
from lictor_server.leader.office import Office
from lictor_server.leases import KeptLeases
from lictor_server.machine import Machine
from lictor_server.measuring import measure
from lictor_server.ports import Ports
from lictor_server.proxies import ServerProxies
from lictor_server.raft.memory_log import MemoryLog
from lictor_server.replica import Replica
from lictor_server.request_limits import RequestLimits, RequestRates
from lictor_server.rpc import Methods
from lictor_server.rpc.agent_methods import agent_methods, agent_streams
from lictor_server.rpc.feed_streams import feed_streams
from lictor_server.rpc.keyring_methods import keyring_methods, keyring_server_methods
from lictor_server.rpc.leader_methods import leader_methods
from lictor_server.rpc.named_methods import named_methods
from lictor_server.rpc.server_methods import server_methods
from lictor_server.settings import ServerSettings
from lictor_server.state import Store, Watches
from lictor_server.storage import Storage
from lictor_server.streams import Publishers, Ticks
from lictor_server.tls import Tls, load_tls
from lictor_server.to_leader import ToLeader
from lictor_server.transfers import Transfers
from lictor_server.view import StoreView
from lictor_server.vouching import Vouching

__all__ = ["Server"]

T = TypeVar("T")


class Server:
    """One server of the registry: a `Registry` (core), and what an agent in the same process needs besides.

    All methods belong to the event loop on which `start` ran.
    """

    def __init__(
        self,
        settings: ServerSettings,
        *,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        meter: Meter | None = None,
        keyed: Keyed = UNKEYED,
    ) -> None:
        """Reads the data directory, when there is one: its locks are held until `stop`. Its figures go to `meter`.

        `keyed` is what the beginning of each connection must prove, whether it is dialed or comes in.

        Raises `RequestError` for settings that cannot work, and `StorageError` for a directory that cannot be used.
        """
        raft = settings.raft.checked()
        ca.check_settings(settings.ca_provider, settings.ca_config)  # wrong ones are told at the start, not by a loop
        self._settings = settings
        self._clock = clock
        figures = ServerFigures(Meter(clock) if meter is None else meter, clock)
        self._log: FilteringBoundLogger = log.bind(room="server", node=settings.node_name)
        self.tls = Tls() if settings.tls is None else load_tls(settings.tls, now=clock.now())
        """What its connections show and demand; it may take another one at any time."""
        for warning in self.tls.warnings:
            self._log.warning("tls.certificate.doubted", reason=warning)
        self._storage = None
        if settings.data_dir:
            self._storage = Storage(Path(settings.data_dir), settings.datacenter, raft, rng=rng, log=self._log)
        self._store = Store(settings.datacenter) if self._storage is None else self._storage.store
        self._watches = Watches()
        self._replica = Replica(
            settings,
            peer_set=None if self._storage is None else self._storage.peer_set,
            raft_log=MemoryLog() if self._storage is None else self._storage.wal,
            apply=Machine(
                self._store, self._watches, self._note_restored, lambda ids: self._office.note_sessions(ids), figures
            ).apply,
            tls=self.tls,
            keyed=keyed,
            on_leadership=self._note_leadership,
            on_leader=self._note_leader,
            on_ended=lambda: self._office.note_ended(),
            on_failure=self._note_failure,
            clock=clock,
            rng=rng,
            log=self._log,
        )
        self._driver = self._replica.driver
        self._snapshots = None
        if self._storage is not None:
            self._snapshots = SnapshotExchange(
                self._store, self._watches, self._driver, self._storage, raft, figures, clock=clock, log=self._log
            )
        self._resolver = Resolver(self._store, settings.acl, clock)
        self._office = Office(
            settings,
            self._store,
            self._replica,
            figures,
            resolver=self._resolver,
            own_member=self.member,
            clock=clock,
            rng=rng,
            log=self._log,
        )
        self._forward = Forwarder(
            self._replica,
            self._replica.pool,
            hold_s=raft.hold_s,
            timeout_s=raft.write_timeout_s,
            clock=clock,
            rng=rng,
        )
        self._to_leader = ToLeader(
            self._office.side, self._forward, applied_index=lambda: self._replica.core.applied_index, rng=rng
        )
        self._vouching = Vouching(
            KeptLeases(
                server=settings.node_id,
                server_name=settings.node_name,
                epoch=rng.uuid4(),
                lease_s=settings.lease_s,
                grace_s=settings.grace_s,
                leases_max=settings.members_max,
            ),
            self._to_leader.vouch,
            self._to_leader.leave,
            lease_s=settings.lease_s,
            clock=clock,
            log=self._log,
        )
        self._backups = Backups(
            self._store,
            self._to_leader.restore_step,
            directory=settings.data_dir,
            clock=clock,
            rng=rng,
            log=self._log,
        )
        self._coordinates = ServerCoordinates(
            settings.coordinates,
            node_name=settings.node_name,
            is_known=lambda name: self._store.catalog.node(name) is not None,
            servers=lambda: self._replica.directory.addresses(self._replica.core.peer_set),
            pool=self._replica.pool,
            write=self._to_leader.place,
            clock=clock,
            rng=rng,
            log=self._log,
        )
        self._proxies = ServerProxies(
            lambda: self._replica.directory.addresses(self._replica.core.peer_set),
            self._replica.pool,
            clock,
            self._log,
        )
        self._keyrings = ServerKeyrings(
            lambda: self._replica.directory.addresses(self._replica.core.peer_set),
            self._replica.pool,
            clock,
            self._log,
        )
        self._freshness = Freshness(self._driver, self._to_leader.read_index, hold_s=raft.hold_s, figures=figures)
        self._grants = FreshGrants(self._resolver, self._freshness)
        self._blocked = BlockedQueries(self._store, self._watches, rng, blocked_max=settings.blocked_queries_max)
        lists_keys = settings.acl.enable_key_list_policy
        self._permissions = CallJudge(self._store, self._resolver)
        self._read_judge = (
            ReadJudge(self._store, self._resolver, lists_keys=lists_keys) if settings.acl.enabled else None
        )
        self._reads = Reads(self._store, self._freshness, self._blocked, figures.reads, judge=self._read_judge)
        view = StoreView(self._store, lambda: self._freshness.age_s)
        self._judged_view = JudgedView(view, self._store, self._resolver, clock) if settings.acl.enabled else None
        self._view: CatalogView = self._judged_view or view
        self._publishers = Publishers(
            self._store, self._watches, self._cluster, clock, fresh=self._freshness.fed, judge=self._read_judge
        )
        self._taken = RequestLimits(settings.request_rates, clock=clock, meter=figures.meter, log=self._log)
        self._ticks = Ticks(self._tick)
        self._bulletins = Bulletins(self._replica, settings, rng=rng)
        self._agent_certificates = AgentCertificates(self, self.tls, settings.datacenter, self._log)
        self._methods = methods = Methods(
            self,
            self._agent_certificates.methods()
            | agent_methods(self._bulletins, self._to_leader, self._reads, self.proxies, self._taken)
            | keyring_methods(self._keyrings),
            for_servers=leader_methods(self._office.side)
            | server_methods(self._replica.meeting, self._proxies)
            | keyring_server_methods(self._keyrings),
            visited=named_methods(
                self,
                self._vouching,
                self._proxies,
                self._keyrings,
                lambda: self._replica.core.peer_set.servers,
            )
            | Transfers(self, directory=settings.data_dir, may_restore=self._may_restore).methods(),
            streams=agent_streams(self._bulletins) | feed_streams(self),
        )
        self._ports = Ports(
            methods, settings, raft=self._replica.links.accept, tls=self.tls, keyed=keyed, log=self._log
        )
        measure(figures, self._replica.core, self._office, self._ports, methods, self._blocked, self._storage)
        self._following = Following(
            settings.node_id,
            leader=self._replica.leader_card,
            term=lambda: self._replica.core.term,
            voters=lambda: [server.name for server in self._replica.core.peer_set.servers if server.voter],
            hold_s=raft.hold_s,
            on_missed=self._blocked.send_home,
            log=self._log,
        )
        self._duties: list[asyncio.Task[None]] = []
        self._failure: asyncio.Future[None] | None = None

    # Life.

    async def start(self) -> None:
        """Begin to serve; returns before there is a leader, for whom requests wait a moment.

        Raises `OSError` when the server port cannot be had, `ClusterError` when no server of `start_join` answers.
        """
        loop = asyncio.get_running_loop()
        await self._ports.start()
        self._failure = loop.create_future()
        if self._storage is not None:
            self._storage.wal.start(on_durable=self._note_durable, on_failure=self._driver.fail)
        self._replica.start(self.server_port)
        # The room's tasks of its own; `stop` ends them, and `failed` tells of their end.
        for name, job in self._jobs().items():
            task = loop.create_task(job(), name=f"server-{name}")
            task.add_done_callback(self._note_duties_done)
            self._duties.append(task)
        if self._settings.start_join:
            await self._replica.meeting.join(self._settings.start_join)

    def follow_entries(self, entries: Sequence[ConfigSet]) -> None:
        """The configuration brings along these entries now: a leader writes those that are missing."""
        self._office.follow_entries(entries)

    def bound_clients(self, per_client_max: int) -> None:
        """Take at most so many connections of one address from now on, 0 for any number."""
        self._ports.bound_clients(per_client_max)

    def follow_rates(self, rates: RequestRates) -> None:
        """Take so many requests a second from now on."""
        self._taken.follow(rates)

    async def stop(self) -> None:
        """Stop at once. Blocked queries and waiting writes end with an error; called twice it does nothing."""
        duties, self._duties = self._duties, []
        self._following.stop()
        await self._ports.stop()
        self._forward.stop()
        self._freshness.stop()
        self._ticks.close()
        self._publishers.close()
        await self._replica.stop()
        await self._backups.stop()
        self._blocked.send_home()
        for task in duties:
            task.cancel()
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
        self._taken.check_read()
        return await self._reads.read(query, options)

    async def write(self, command: Command, *, token: str = "") -> Outcome:
        """Put a client's command through the log; an intention must carry its id, a new one a new UUID."""
        self._taken.check_write()
        return await self._to_leader.write(command, token)

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf with the active root."""
        self._taken.check_write()
        return await self._to_leader.sign_leaf(request)

    async def configure_ca(self, provider: str, config: JsonObject, *, forced: bool = False, token: str = "") -> None:
        """Change the CA's settings; another key makes a new root."""
        self._taken.check_write()
        await self._to_leader.configure_ca(provider, config, forced, token)

    async def leader_status(self) -> LeaderStatus:
        """Who leads now, as far as this server knows."""
        core = self._replica.core
        leader = self._replica.leader_card()
        addresses = self._replica.directory.addresses(core.peer_set) | {self._settings.node_id: self._replica.address}
        return LeaderStatus(
            address="" if leader is None else leader.address,
            is_self=core.is_leader,
            peers=tuple(addresses[server.id] for server in core.peer_set.servers if server.voter),
            peer_set=core.peer_set,
            term=core.term,
            applied_index=core.applied_index,
            commit_index=core.commit_index,
            last_index=core.last_index,
            last_contact_s=core.last_contact_s,
            snapshot_index=0 if self._storage is None else self._storage.wal.snapshot_index,
        )

    async def members(self) -> list[Member]:
        """The agents of the cluster, by name; while nobody leads, at once, as the catalog here remembers them."""
        if self._replica.leader_card() is not None:
            try:
                return await self._to_leader.members()
            except NoLeaderError:
                pass
        if not self._duties:
            raise NoLeaderError("this server is stopping")
        return remembered_members(self._store.catalog, self.member())

    async def renew(self, renewal: Renewal) -> LeaseGrant:
        """Take or renew a lease. For the agent in this process, known by name and id, the server speaks itself."""
        member, own = renewal.member, self.member()
        if (member.name.lower(), member.tags.get("id")) == (own.name.lower(), own.tags["id"]):
            renewal = msgspec.structs.replace(renewal, member=own)
        return await self._vouching.renew(renewal)

    async def renew_session(self, session_id: str, *, token: str = "") -> Session | None:
        """Begin the TTL of a session anew, at the leader; None when there is no such session any more."""
        self._taken.check_write()
        return await self._to_leader.renew_session(session_id, token)

    async def resolve_token(self, secret: str) -> Grants:
        """What the token of `secret` comes to."""
        return await self._grants.of(secret)

    async def acl(self, order: AclOrder, *, token: str = "") -> AclAnswer:
        """Change access control, at the leader."""
        return await self._to_leader.acl(AclRequest(order=order, token=token))

    async def leave(self, name: str) -> None:
        """Give up the lease of `name`: it left on purpose, and its registrations go with it.

        A leader that leaves lets another voter lead first; a voter that leaves stays until it is no voter any more,
        since the others may need its voice for that.
        """
        leaves_itself = name.lower() == self._settings.node_name.lower() and self._replica.core.has_peers
        if leaves_itself:
            await self._office.hand_over()
        await self._vouching.leave(name)
        if leaves_itself:
            await self._replica.removed()

    async def join(self, addresses: tuple[str, ...]) -> int:
        """Introduce this server to those at `addresses`."""
        return await self._replica.meeting.join(addresses)

    async def force_leave(self, name: str, *, prune: bool = False, token: str = "") -> None:
        """Declare a member that failed gone."""
        await self._to_leader.force_leave(name, prune=prune, token=token)

    async def raft_servers(self, *, stale: bool = False) -> RaftServers:
        """The servers that keep the log together; `stale` as this server's own log has them."""
        return self._office.servers() if stale else await self._to_leader.raft_servers()

    async def remove_peer(self, id_or_address: str, *, token: str = "") -> None:
        """Take a server out of those that keep the log."""
        await self._to_leader.remove_peer(id_or_address, token)

    async def transfer_leader(self, id: str = "", *, token: str = "") -> None:
        """Hand the lead to another voter."""
        await self._to_leader.transfer_leader(id, token)

    async def autopilot_health(self) -> AutopilotHealth:
        """How the servers do, as the leader sees it."""
        return await self._to_leader.autopilot_health()

    async def position(self) -> Position:
        """Where this server stands in the network."""
        return self._coordinates.position()

    async def place(self, update: NodeCoordinate, *, token: str = "") -> None:
        """Take a report of where a node stands, to be written with others."""
        await self._current()
        self._permissions.require("place", token, update.node)
        self._coordinates.take(update)

    async def tell_proxies(self, tidings: ProxyTidings) -> None:
        """Note which policies the proxies of the agent in this process run."""
        self._proxies.note(tidings)

    async def tell_keys(self, tidings: KeyTidings) -> None:
        """Note which keys the agent in this process knows."""
        self._keyrings.note(tidings)

    async def keys(self) -> list[KeyTidings]:
        """Which keys the agents know, as they told this server and the others."""
        return await self._keyrings.all()

    async def proxies(self, service: str, *, token: str = "") -> list[ProxyPolicy]:
        """Which policies the proxies of a service run, as agents told this server and the others."""
        await self._current()
        return self._permissions.proxies_seen(token, await self._proxies.all(service))

    async def save_state(self, options: ReadOptions) -> SavedState:
        """Save the state of this server, once it is as fresh as `options` ask."""
        self._taken.check_read()
        check_datacenter(options.datacenter, self._store.datacenter)
        contact = await self._freshness.reached(options.mode)
        self._permissions.require("save_state", options.token)
        core = self._replica.core
        servers = [
            ArchiveServer(suffrage=0 if one.voter else 1, id=one.id, address=one.address)
            for one in core.peer_set.servers
        ]
        saved = await self._backups.save(term=core.term, servers=servers)
        return dataclasses.replace(saved, last_contact_ms=contact.last_ms, known_leader=contact.known_leader)

    async def restore_state(self, archive: BinaryIO, *, datacenter: str = "", token: str = "") -> None:
        """Put the state in `archive`, which is closed here, in place of the current one."""
        try:
            self._taken.check_write()
            check_datacenter(datacenter, self._store.datacenter)
            await self._may_restore(token)
        except LictorError:
            archive.close()
            raise
        await self._backups.restore(archive)

    # `FeedSource`.

    def feed(self, request: FeedRequest) -> AsyncGenerator[bytes]:
        """The answer to a query and its changes, for a view."""
        self._taken.check_read()
        return self._publishers.follow(cast("Query[object]", request.query), request.after, request.token)

    def ticks(self) -> AsyncGenerator[bytes]:
        """How fresh this server is, now and about once a second."""
        return self._ticks.follow()

    # For an agent in the same process.

    @property
    def server_port(self) -> int:
        """The port of this server's RPC."""
        return self._ports.server

    def member(self) -> Member:
        """This server as a member of the cluster."""
        return server_member(self._settings, self.server_port)

    def view(self) -> CatalogView:
        """The catalog in memory, for DNS and whoever must not wait."""
        return self._view

    def use_view_token(self, token: str) -> None:
        """Have `view` show what the holder of this token sees; without access control it shows everything."""
        if self._judged_view is not None:
            self._judged_view.use_token(token)

    def reading_stamp(self, query: Query[T], token: str = "") -> int:
        """The stamp that a reading of `query` with `token` would have now: equal stamps mean equal answers.

        One that no answer has where it may not be read.
        """
        if self._read_judge is None:
            return self._store.stamp(query.topics())
        return self._read_judge.stamp(cast("Query[object]", query), token)

    def lasts(self, token: str) -> bool:
        """Whether this token is there and never expires: what it comes to only changes with the state."""
        try:
            return self._resolver.caller(token).expires_at_s is None
        except PermissionDeniedError:
            return False

    async def pause(self, query: Query[object], options: ReadOptions) -> Pause | None:
        """What `read` would wait for with these `options`, None when it would not wait; raises as it does.

        Who waits for that and then reads without waiting sees what `read` would have given, and holds less meanwhile.
        """
        return await self._reads.pause(query, options)

    async def confirm(
        self, queries: Sequence[Query[object]], mode: ReadMode, tokens: Sequence[str] = ()
    ) -> Confirmation | None:
        """What readings of `queries` in this mode would be known by, once this server is as fresh as that; None when
        it cannot be now. `tokens` as in `Reads.stamps`. Raises nothing of `LictorError`."""
        try:
            return await self._reads.stamps(queries, mode, tokens)
        except LictorError:
            return None

    def index_at_once(self, mode: ReadMode) -> int | None:
        """The index of the state from which `read` would answer at once; None where it would not.

        Equal indexes are one state, so a kept answer that held at this index holds; at another one its stamp tells.
        """
        return self._store.index if self._freshness.at_once(mode) else None

    # What happens inside.

    async def _may_restore(self, token: str) -> None:
        await self._current()
        self._permissions.require("restore_finish", token)

    async def _current(self) -> None:
        """Wait until tokens here are what they are at the leader; without access control nothing hangs on that."""
        if self._resolver.enabled:
            await self._freshness.reached(ReadMode.DEFAULT)

    def _jobs(self) -> dict[str, Callable[[], Coroutine[None, None, None]]]:
        believing = {"agent-certificates": self._agent_certificates.run} if self.tls.for_agents is not None else {}
        return {
            **believing,
            **self._office.jobs(),
            "meeting": self._replica.meeting.run,
            "vouching": self._vouching.run,
            "coordinates-measure": self._coordinates.measure,
            "coordinates-write": self._coordinates.write,
            "bulletins": self._bulletins.run,
        }

    def _cluster(self) -> str:
        return self._replica.core.peer_set.cluster_id

    def _tick(self) -> Tick:
        contact = self._freshness.contact()
        return Tick(self._cluster(), self._store.index, contact.last_ms, contact.known_leader)

    def _note_durable(self) -> None:
        assert self._snapshots is not None, "only a log on disk tells of durability"
        self._driver.log_synced()
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
        self._office.note_leadership(leads)
        if leads:
            self._log.info("raft.leader.elected", term=self._replica.core.term)
        else:
            self._log.warning("raft.leader.lost", term=self._replica.core.term)
        self._note_leader()

    def _note_leader(self) -> None:
        self._forward.leader_changed()
        self._bulletins.poke()
        self._following.look()

    def _note_restored(self, former: Store) -> None:
        self._office.note_restored()
        self._backups.dismantle(former)

    def _note_failure(self, error: BaseException) -> None:
        self._log.critical("raft.core.failed", reason=repr(error))
        self._give_up(error)

    def _note_duties_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.critical("server.duty.failed", duty=task.get_name(), reason=repr(error))
            self._driver.stop()  # a leader that cannot do its duties must not answer as one
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        self._forward.stop()
        self._blocked.send_home()
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)
