"""The leader's office: its duties and its answers, put together. Every server has one; it rests where another leads."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial

from structlog.typing import FilteringBoundLogger

from lictor_core.autopilot import RaftServers
from lictor_core.clock import Clock, Rng
from lictor_core.commands import ConfigSet
from lictor_core.records import Member
from lictor_server.acl.calling import CallJudge
from lictor_server.acl.desk import AclDesk
from lictor_server.acl.means import Means
from lictor_server.acl.reaping import TokenReaper
from lictor_server.acl.resolver import Resolver
from lictor_server.acl.writing import WriteJudge
from lictor_server.endpoints.authority import Authority
from lictor_server.endpoints.autopilot import checked_autopilot
from lictor_server.endpoints.cluster_time import ClusterTime
from lictor_server.endpoints.token_providers import check_providers
from lictor_server.endpoints.writes import Writes
from lictor_server.figures import ServerFigures
from lictor_server.leader.authority_keeper import AuthorityKeeper
from lictor_server.leader.first_entries import FirstEntries
from lictor_server.leader.loop import LeaderLoop
from lictor_server.leader.membership import Membership
from lictor_server.leader.sessions import SessionKeeper
from lictor_server.leader.side import LeaderSide
from lictor_server.leases import MemberTable, NoteKind
from lictor_server.replica import Replica
from lictor_server.settings import ServerSettings
from lictor_server.state import Store

__all__ = ["Office"]


class Office:
    """What this server does while it leads. `side` is what others may ask of it; all belongs to one event loop."""

    def __init__(
        self,
        settings: ServerSettings,
        store: Store,
        replica: Replica,
        figures: ServerFigures,
        *,
        resolver: Resolver,
        own_member: Callable[[], Member],
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        """`own_member` is this server as a member."""
        driver = replica.driver
        self._clock = clock
        self._time = ClusterTime(clock, lambda: store.time_ms)
        writes = Writes(
            driver,
            clock,
            settings.datacenter,
            time=self._time,
            session_ttl_min_s=settings.session_ttl_min_s,
            figures=figures,
            judge=partial(check_providers, store),
            permissions=WriteJudge(store, resolver),
            check_known=replica.check_known,
        )
        self._sessions = SessionKeeper(
            store,
            propose=writes.propose,
            leads=lambda: driver.leads,
            ttl_factor=settings.session_ttl_factor,
            clock=clock,
            log=log,
            figures=figures,
        )
        self._members = MemberTable(
            server=settings.node_id,
            server_name=settings.node_name,
            lease_s=settings.lease_s,
            grace_s=settings.grace_s,
            reap_s=settings.reap_s,
            members_max=settings.members_max,
        )
        self._authority = Authority(
            store,
            writes.propose,
            clock=clock,
            rng=rng,
            log=log,
            provider=settings.ca_provider,
            config=settings.ca_config,
            domains=settings.domains,
            csr_per_second_max=settings.csr_per_second_max,
        )
        self._authority_keeper = AuthorityKeeper(self._authority.tend, leads=lambda: driver.leads, log=log)
        self._membership = Membership(
            replica.core,
            node_id=settings.node_id,
            settings=settings.raft.checked(),
            first=checked_autopilot(settings.autopilot),
            table=store.autopilot,
            lease_s=settings.lease_s,
            leads=lambda: driver.leads,
            kick=driver.kick,
            members=self._members.servers,
            vouched=self._members.vouched_servers,
            forget=self._forget_member,
            propose=writes.propose,
            clock=clock,
            log=log,
        )
        self._first_entries = FirstEntries(
            settings.first_entries, store, writes.propose, leads=lambda: driver.leads, clock=clock, log=log
        )
        self._acl = AclDesk(
            Means(
                store=store,
                settings=settings.acl,
                resolver=resolver,
                propose=writes.propose,
                clock=clock,
                rng=rng,
                log=log,
                data_dir=settings.data_dir,
            )
        )
        self._reaper = TokenReaper(store, writes.propose, leads=lambda: driver.leads, clock=clock, log=log)
        self._loop = LeaderLoop(
            catalog=store.catalog,
            members=self._members,
            own_member=own_member,
            ended=lambda: replica.ended,
            propose=writes.propose,
            prepare=self._prepare,
            open_to_requests=driver.open_to_requests,
            led_term=lambda: driver.led_term,
            reconcile_s=settings.reconcile_s,
            clock=clock,
            log=log,
            figures=figures,
        )
        self.side = LeaderSide(
            driver,
            writes,
            self._authority,
            self._members,
            self._membership,
            self._sessions,
            CallJudge(store, resolver),
            self._acl,
            on_members=self.note_members,
            clock=clock,
            log=log,
            figures=figures,
        )

    @property
    def counted_sessions(self) -> int:
        """Sessions that end here unless they are renewed: 0 where another server leads."""
        return len(self._sessions)

    @property
    def told(self) -> Mapping[NoteKind, int]:
        """How often each has happened to members while this server led."""
        return self._loop.told

    def jobs(self) -> dict[str, Callable[[], Coroutine[None, None, None]]]:
        """What runs while the server does, by name."""
        return {
            "acl-tokens": self._reaper.run,
            "authority": self._authority_keeper.run,
            "leader": self._loop.run,
            "membership": self._membership.run,
            "sessions": self._sessions.run,
            "first-entries": self._first_entries.run,
        }

    def servers(self) -> RaftServers:
        """The servers that keep the log together, as this server's own log has them."""
        return self._membership.servers()

    async def hand_over(self) -> None:
        """Let another voter lead, where this server does."""
        await self._membership.hand_over()

    def note_leadership(self, leads: bool) -> None:
        """This server leads now, or leads no more."""
        self._sessions.forget()
        if leads:
            self._loop.begin_anew()  # also when the lead was lost and had again before its duties noticed
        self.note_members()

    def note_members(self) -> None:
        """Something may have changed about the members."""
        self._loop.poke()
        self._membership.poke()

    def note_ended(self) -> None:
        """The process of another server has ended, or is back."""
        self._loop.poke()

    def note_sessions(self, sessions: list[str]) -> None:
        """These sessions came or went."""
        self._sessions.note(sessions)

    def follow_entries(self, entries: Sequence[ConfigSet]) -> None:
        """The configuration brings along these entries now."""
        self._first_entries.follow(entries)

    def note_restored(self) -> None:
        """All state was replaced."""
        self._loop.begin_anew()

    async def _prepare(self) -> None:
        self._time.begin()
        self._sessions.begin_anew()
        await self._authority.initialise()
        self._authority_keeper.poke()
        await self._acl.prepare()
        await self._membership.prepare()
        await self._first_entries.write()

    def _forget_member(self, name: str) -> None:
        if self._members.leave(name, self._clock.monotonic()) is not None:
            self._loop.poke()
