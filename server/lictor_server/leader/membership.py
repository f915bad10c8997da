"""Who keeps the log together: the leader's loop that carries out autopilot's plans, and what operators ask for.

One change is in flight at a time, and is waited for. Everything here is the leader's local work: on another server the
methods raise `NoLeaderError`, and whoever calls forwards to the leader.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.autopilot import AutopilotConfiguration, AutopilotHealth, RaftServers
from lictor_core.clock import Clock
from lictor_core.commands import AutopilotSet, Command, Outcome
from lictor_core.errors import LictorError, NoLeaderError, NotFoundError, OutcomeUnknownError, RequestError
from lictor_core.peers import PeerSet, RaftServer
from lictor_core.records import Member, MemberStatus
from lictor_server.leader import autopilot
from lictor_server.leader.autopilot import Action, Contact, Picture, Standing
from lictor_server.poke import Poke
from lictor_server.raft.flow import Progress
from lictor_server.raft.outcome import Done, Reason, error_of
from lictor_server.raft.settings import RaftSettings
from lictor_server.state.autopilot import AutopilotTable

__all__ = ["BARRED_S", "INTERVAL_S", "Membership", "PeerCore"]

INTERVAL_S: Final = 2.0
"""How often the leader looks at the servers; Consul's pace. While one waits for its vote it looks when that is due."""
BARRED_S: Final = 60.0
"""How long a living server that an operator took out stays out: what Consul's leader takes to find it again."""


class PeerCore(Protocol):
    """What this module needs of the consensus core."""

    @property
    def is_leader(self) -> bool:
        """Whether this server leads."""
        ...

    @property
    def leader(self) -> str | None:
        """The id of the last known leader."""
        ...

    @property
    def term(self) -> int:
        """The current term."""
        ...

    @property
    def last_index(self) -> int:
        """The last entry in the log."""
        ...

    @property
    def peer_set(self) -> PeerSet:
        """The peers in effect."""
        ...

    @property
    def peers_committed(self) -> bool:
        """Whether no change of them is in flight."""
        ...

    def progress(self) -> Mapping[str, Progress]:
        """Of every other server in the set, on a leader."""
        ...

    def change_peers(self, peer_set: PeerSet, done: Done) -> None:
        """Put another set into the log."""
        ...

    def transfer(self, target: str | None, done: Done) -> None:
        """Hand the lead over; the best voter is chosen for None."""
        ...


class Membership:
    """The peer set as its leader keeps it. All methods belong to the event loop."""

    def __init__(
        self,
        core: PeerCore,
        *,
        node_id: str,
        settings: RaftSettings,
        first: AutopilotConfiguration,
        table: AutopilotTable,
        lease_s: float,
        leads: Callable[[], bool],
        kick: Callable[[], None],
        members: Callable[[], Sequence[Member]],
        vouched: Callable[[], Collection[str]],
        forget: Callable[[str], None],
        propose: Callable[[Command], Awaitable[Outcome]],
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        """`vouched` are the ids of members that were heard of in this reign.

        `leads` tells whether this server leads and knows all that was committed; `kick` has the core pumped.

        `first` are the settings that the first leader stores in `table`. `forget` ends the membership of a server, by
        name, that was taken out for being dead.
        """
        self._core = core
        self._node_id = node_id
        self._settings = settings
        self._lease_s = lease_s
        self._leads = leads
        self._members = members
        self._vouched = vouched
        self._first = first
        self._table = table
        self._kick = kick
        self._propose = propose
        self._forget = forget
        self._clock = clock
        self._log = log
        self._poke = Poke()
        self._changing = asyncio.Lock()
        self._reign = 0
        self._leads_since = 0.0
        self._standings: dict[str, Standing] = {}
        self._missing_since: dict[str, float] = {}
        self._barred_until: dict[str, float] = {}
        self._due_in_s = INTERVAL_S

    # The loop.

    async def prepare(self) -> None:
        """Store the first settings, unless there are some: called by the leader before any request."""
        if self._table.configuration is None:
            await self._propose(AutopilotSet(config=self._first, cas=0))

    def poke(self) -> None:
        """Something happened (leadership, a member came or left): look now."""
        self._poke.poke()

    async def run(self) -> None:
        """Look after the servers for as long as the task lives."""
        while True:
            changed = False
            self._due_in_s = INTERVAL_S
            if self._leads():
                try:
                    changed = await self.step()
                except LictorError as error:
                    self._log.warning("raft.peer.not_changed", code=error.code, reason=str(error))
            if not changed:
                await self._poke.rest(min(INTERVAL_S, self._due_in_s))

    async def step(self) -> bool:
        """Carry out what autopilot plans next; whether there was anything. Raises `LictorError`."""
        async with self._changing:
            picture = self._look()
            self._due_in_s = autopilot.due_in_s(picture)
            if not self._core.peers_committed:
                return False
            plan = autopilot.plan(picture)
            if plan.peers is None or plan.server is None:
                return False
            await self._change(plan.peers)
        self._note(plan.action, plan.server, plan.reason)
        member = picture.members.get(plan.server.id)
        if plan.action is Action.REMOVE and member is not None and member.status is MemberStatus.FAILED:
            self._forget(member.name)
        return True

    # What operators ask for.

    def servers(self) -> RaftServers:
        """The peers as this server's log has them."""
        return RaftServers(peers=self._core.peer_set, leader=self._core.leader or "")

    def health(self) -> AutopilotHealth:
        """How the servers do. Raises `NoLeaderError` where this server does not lead."""
        picture = self._look()
        ago = self._clock.now() - picture.now
        moments = {id: _moment(ago + one.since) for id, one in self._standings.items()}
        return autopilot.health(picture, moments)

    async def remove(self, id_or_address: str) -> None:
        """Take a server out. Raises `NotFoundError` for one that is not among the peers, and `RequestError` when what
        stays could not go on; `NoLeaderError` where this server does not lead."""
        async with self._changing:
            picture = self._look()
            server = _named(picture.peers, id_or_address)
            others = tuple(one for one in picture.peers.servers if one.id != server.id)
            rest = msgspec.structs.replace(picture.peers, servers=others)
            if not rest.voters:
                raise RequestError(f"{server.name!r} is the only voter: without it there would be no cluster")
            if not autopilot.is_safe(picture, rest):
                answering = sum(picture.answers(id) for id in rest.voters)
                raise RequestError(
                    f"without {server.name!r} there would be {len(rest.voters)} voters, of which {answering} answer: "
                    "that is no majority; remove those that do not answer first"
                )
            self._barred_until[server.id] = self._clock.monotonic() + BARRED_S
            await self._change(rest)
        self._note(Action.REMOVE, server, "an operator asked for it")

    async def transfer(self, id: str = "") -> None:
        """Hand the lead to the voter `id`, or to the best one; returns once another is sure to take over.

        Raises `NotFoundError` for an unknown server, `RequestError` for one without a vote or when there is none, and
        `NoLeaderError` where this server does not lead.
        """
        async with self._changing:
            peers = self._look().peers
            if id:
                server = _named(peers, id)
                if not server.voter:
                    raise RequestError(f"{server.name!r} has no vote, so it cannot lead: name a voter")
                if server.id == self._node_id:
                    return
                id = server.id
            elif peers.voters == frozenset({self._node_id}):
                raise RequestError("this server is the only voter: there is nobody to hand the lead to")
            await self._done(lambda done: self._core.transfer(id or None, done), self._settings.election_max_s * 2)

    async def hand_over(self) -> None:
        """Hand the lead over before this server leaves, if it leads and somebody else may; never raises.

        A leader that went without it would leave the others to find out by its silence.
        """
        if not self._leads() or self._core.peer_set.voters == frozenset({self._node_id}):
            return
        try:
            await self.transfer()
        except LictorError as error:
            self._log.warning("raft.leader.not_handed_over", code=error.code, reason=str(error))

    # What both need.

    def _look(self) -> Picture:
        """What is to be seen now; how long each server stands as it does is kept from one look to the next."""
        if not self._leads():
            raise NoLeaderError
        now = self._clock.monotonic()
        if self._reign != self._core.term:
            self._reign, self._leads_since = self._core.term, now
            self._standings, self._missing_since, self._barred_until = {}, {}, {}
        members = autopilot.server_members(self._members())
        peers = self._core.peer_set
        self._missing_since = {
            server.id: self._missing_since.get(server.id, now) for server in peers.servers if server.id not in members
        }
        self._barred_until = {id: until for id, until in self._barred_until.items() if until > now}
        picture = Picture(
            peers=peers,
            leader_id=self._node_id,
            term=self._core.term,
            last_index=self._core.last_index,
            members=members,
            vouched=self._vouched(),
            contacts={id: _contact(one) for id, one in self._core.progress().items()},
            standings=self._standings,
            settings=self._table.shown(),
            now=now,
            leads_since=self._leads_since,
            lease_s=self._lease_s,
            answers_s=self._settings.leader_fallback_s,
            heartbeat_s=self._settings.heartbeat_s,
            missing_since=self._missing_since,
            barred_until=self._barred_until,
        )
        self._standings = autopilot.standings(picture)
        return dataclasses.replace(picture, standings=self._standings)

    async def _change(self, peers: PeerSet) -> None:
        await self._done(lambda done: self._core.change_peers(peers, done), self._settings.write_timeout_s)

    async def _done(self, begin: Callable[[Done], None], wait_s: float) -> None:
        """Wait for what `begin` begins. Raises the error for its reason; a time-out leaves it unknown."""
        ended: asyncio.Future[tuple[object, Reason]] = asyncio.get_running_loop().create_future()

        def done(result: object, reason: Reason) -> None:
            if not ended.done():
                ended.set_result((result, reason))

        begin(done)
        self._kick()
        try:
            async with asyncio.timeout(wait_s):
                result, reason = await ended
        except TimeoutError:
            raise OutcomeUnknownError(
                f"the change of the servers was not confirmed within {wait_s:g} s: look at them before trying again"
            ) from None
        if reason != Reason.SUCCESS:
            raise _refused(result, reason)

    def _note(self, action: Action, server: RaftServer, reason: str) -> None:
        log, who, where = self._log, server.name, server.address
        match action:
            case Action.ADD:
                log.info("raft.peer.added", peer=who, peer_id=server.id, address=where, reason=reason)
            case Action.PROMOTE:
                log.info("raft.peer.promoted", peer=who, peer_id=server.id, address=where, reason=reason)
            case Action.MOVE:
                log.info("raft.peer.moved", peer=who, peer_id=server.id, address=where, reason=reason)
            case Action.REMOVE:
                log.warning("raft.peer.removed", peer=who, peer_id=server.id, address=where, reason=reason)
            case Action.NONE:
                pass


def _contact(progress: Progress) -> Contact:
    """A server that has said nothing yet in this reign counts as silent, not as having answered when it began."""
    return Contact(progress.match_index, progress.silent_s if progress.match_index else None)


def _refused(result: object, reason: Reason) -> LictorError:
    kind = error_of(reason)
    return type(kind)(result) if isinstance(result, str) else kind


def _moment(now: float) -> str:
    return datetime.datetime.fromtimestamp(round(now), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _named(peers: PeerSet, id_or_address: str) -> RaftServer:
    for server in peers.servers:
        if id_or_address.lower() == server.id or id_or_address == server.address:
            return server
    raise NotFoundError(
        # Programs look for Consul's words: address "..." was not found in the Raft configuration.
        f'id or address "{id_or_address}" was not found in the Raft configuration: '
        "`lictor operator raft list-peers` shows them"
    )
