"""Which change of the peer set comes next, and how healthy each server is: pure, from what the leader sees.

The rules are those of Consul 1.8's autopilot, one change at a time:

* a living server that is none of the peers comes in without a vote;
* it gets a vote once it has been healthy for `ServerStabilizationTime`: it answers, and trails by `MaxTrailingLogs` at
  most;
* a server whose address or name changed keeps its place under the new one;
* a server that left goes; one that failed goes when `CleanupDeadServers` says so, at least `MinQuorum` voters stay, and
  those to go are a minority. One whose name another voter bears, such as a server that was lost with its data and
  set up anew, has failed as soon as it does not answer: it cannot come back.

Above all of them: while fewer than a majority answer nothing is changed, and no change is made after which those who
answer would be fewer than a majority. Whoever failed only by its lease, or only as the log's stream tells, stays.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from lictor_core.addresses import join_host_port
from lictor_core.autopilot import NEVER, NO_CONTACT, AutopilotConfiguration, AutopilotHealth, ServerHealth
from lictor_core.durations import format_duration
from lictor_core.membership import SERVER_ROLE
from lictor_core.peers import PeerSet, RaftServer
from lictor_core.records import Member, MemberStatus

__all__ = [
    "DEAD_LEASES",
    "SERVERS_MAX",
    "Action",
    "Contact",
    "Picture",
    "Plan",
    "ServerMember",
    "Standing",
    "due_in_s",
    "health",
    "is_safe",
    "plan",
    "server_members",
    "standings",
]

SERVERS_MAX: Final = 32
"""Servers that may be in the peer set; further ones wait outside."""
_GRANTED_WITHIN_S: Final = 2.0
"""A new leader first believes in whoever the catalog knows, and grants those leases a moment after its reign began."""
DEAD_LEASES: Final = 3
"""A server silent for so many leases is dead. One that is only restarted shall not lose its vote: the next one that is
restarted would then leave no majority. And waiting costs little: three voters without one need two answers, as two do.
"""
_SOON_S: Final = 0.5
"""How soon is looked again for what no clock tells, such as the first answer of a new server."""
_HEARTBEATS_MISSED: Final = 2
"""A server that answers each heartbeat may be silent for this many: a smaller threshold would find nobody healthy."""


class Action(enum.Enum):
    """What a plan does with one server."""

    NONE = "none"
    ADD = "add"
    PROMOTE = "promote"
    MOVE = "move"
    REMOVE = "remove"


class ServerMember(NamedTuple):
    """A member that is a server, or may be one; `address` is `host:port`, empty while it is not known."""

    id: str
    name: str
    address: str
    status: MemberStatus
    version: str


class Contact(NamedTuple):
    """What a server's answers say: the log that it surely has, and the seconds since the last one; None for never."""

    match_index: int
    silent_s: float | None


class Standing(NamedTuple):
    """Whether a server is healthy, and since when it is so, in seconds of the monotonic clock."""

    healthy: bool
    since: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """What the leader sees at one moment. Times are seconds of one monotonic clock; ids are node ids."""

    peers: PeerSet
    leader_id: str
    term: int
    last_index: int
    members: Mapping[str, ServerMember]
    contacts: Mapping[str, Contact]
    standings: Mapping[str, Standing]
    """Of this leader's reign."""
    settings: AutopilotConfiguration
    now: float
    leads_since: float
    lease_s: float
    """How long a new leader believes in members that it has not heard. Who is silent for `DEAD_LEASES` is dead."""
    answers_s: float
    """How long a server may be silent and still count as answering; the leader's own rule for its majority."""
    heartbeat_s: float
    vouched: Collection[str] = frozenset()
    """Members of whom some server has told in this leader's reign that it heard them."""
    missing_since: Mapping[str, float] = dataclasses.field(default_factory=dict[str, float])
    """Since when servers of the peer set are no members at all."""
    barred_until: Mapping[str, float] = dataclasses.field(default_factory=dict[str, float])
    """Servers that an operator took out, and when they may come in again."""

    def silent_s(self, id: str) -> float:
        """Seconds since this server last answered the leader, or since the leader began when it never did."""
        if id == self.leader_id:
            return 0.0
        contact = self.contacts.get(id)
        if contact is None or contact.silent_s is None:
            return self.now - self.leads_since
        return contact.silent_s

    def answers(self, id: str) -> bool:
        """Whether the server counts for the leader's majority."""
        if id == self.leader_id:
            return True
        contact = self.contacts.get(id)
        return contact is not None and contact.silent_s is not None and contact.silent_s <= self.answers_s


class Plan(NamedTuple):
    """What comes next. `peers` is the whole set after it, None when nothing is to be done."""

    action: Action
    server: RaftServer | None
    peers: PeerSet | None
    reason: str


def server_members(members: Iterable[Member]) -> dict[str, ServerMember]:
    """The members by node id. Of two with one id the living one counts, then the one whose name comes first."""
    found: dict[str, ServerMember] = {}
    for member in sorted(members, key=lambda one: (one.status is not MemberStatus.ALIVE, one.name)):
        id = member.tags.get("id", "").lower()
        if not id:
            continue
        port = member.tags.get("port", "") if member.tags.get("role") == SERVER_ROLE else ""
        found.setdefault(
            id,
            ServerMember(
                id=id,
                name=member.name,
                address=join_host_port(member.addr, int(port)) if port else "",
                status=member.status,
                version=member.tags.get("build", "").partition(":")[0],
            ),
        )
    return found


def is_safe(picture: Picture, peers: PeerSet) -> bool:
    """Whether a majority of the voters of `peers` answers now."""
    return sum(picture.answers(id) for id in peers.voters) >= _majority(peers)


def plan(picture: Picture) -> Plan:
    """The one change that comes next, or none with the reason."""
    if picture.leader_id not in picture.peers.voters:
        return _nothing("the leader is no voter any more")
    if not is_safe(picture, picture.peers):
        return _nothing("fewer than a majority of the voters answer")
    for rule in (_move, _remove_left, _promote, _remove_dead, _add):
        found = rule(picture)
        if found is not None:
            return found
    return _nothing("everything is as it should be")


def due_in_s(picture: Picture) -> float:
    """In how many seconds a server that waits may come in or get its vote; infinity when none waits.

    A leader that looks then lets nobody wait for its pace: until the vote of a new server one more server that fails
    may cost the majority.
    """
    moments = [_entry_s(picture, id) for id in picture.members if picture.peers.server(id) is None]
    moments += [_vote_s(picture, server.id) for server in picture.peers.servers if not server.voter]
    waits = (at - picture.now for at in moments)
    return min((wait if wait > 0 else _SOON_S for wait in waits), default=math.inf)


def standings(picture: Picture) -> dict[str, Standing]:
    """How each server of the peer set stands now, given how it stood in `picture.standings`."""
    found: dict[str, Standing] = {}
    for server in picture.peers.servers:
        healthy = _is_healthy(picture, server.id)
        before = picture.standings.get(server.id)
        since = before.since if before is not None and before.healthy == healthy else picture.now
        found[server.id] = Standing(healthy, since)
    return found


def health(picture: Picture, moment: Mapping[str, str]) -> AutopilotHealth:
    """What `/v1/operator/autopilot/health` shows; `moment` tells since when each server stands as it does, in text."""
    servers = [_server_health(picture, server, moment) for server in picture.peers.servers]
    voting = sum(one.healthy and one.voter for one in servers)
    return AutopilotHealth(
        healthy=bool(servers) and all(one.healthy for one in servers),
        failure_tolerance=max(0, voting - _majority(picture.peers)),
        servers=servers or None,
    )


def _nothing(reason: str) -> Plan:
    return Plan(Action.NONE, None, None, reason)


def _majority(peers: PeerSet) -> int:
    return len(peers.voters) // 2 + 1


def _with(peers: PeerSet, server: RaftServer) -> PeerSet:
    others = tuple(one for one in peers.servers if one.id != server.id)
    return msgspec.structs.replace(peers, servers=tuple(sorted((*others, server), key=lambda one: one.id)))


def _without(peers: PeerSet, id: str) -> PeerSet:
    return msgspec.structs.replace(peers, servers=tuple(one for one in peers.servers if one.id != id))


def _move(picture: Picture) -> Plan | None:
    for server in picture.peers.servers:
        member = picture.members.get(server.id)
        if member is None or member.status is not MemberStatus.ALIVE or not member.address:
            continue
        if (member.address, member.name) != (server.address, server.name):
            moved = msgspec.structs.replace(server, address=member.address, name=member.name)
            reason = f"it was {server.name!r} at {server.address}"
            return Plan(Action.MOVE, moved, _with(picture.peers, moved), reason)
    return None


def _remove_left(picture: Picture) -> Plan | None:
    for server in picture.peers.servers:
        member = picture.members.get(server.id)
        if member is not None and member.status is MemberStatus.LEFT and server.id != picture.leader_id:
            left = _without(picture.peers, server.id)
            if is_safe(picture, left):
                return Plan(Action.REMOVE, server, left, "it left")
    return None


def _promote(picture: Picture) -> Plan | None:
    for server in picture.peers.servers:
        standing = picture.standings.get(server.id)
        if server.voter or standing is None or not standing.healthy or not _is_healthy(picture, server.id):
            continue
        if picture.now - standing.since < picture.settings.stabilization_s:
            continue
        promoted = msgspec.structs.replace(server, voter=True)
        peers = _with(picture.peers, promoted)
        if is_safe(picture, peers):
            reason = f"it has been healthy for {format_duration(round(picture.now - standing.since, 3))}"
            return Plan(Action.PROMOTE, promoted, peers, reason)
    return None


def _remove_dead(picture: Picture) -> Plan | None:
    if not picture.settings.cleanup_dead_servers:
        return None
    dead = [server for server in picture.peers.servers if _is_dead(picture, server.id)]
    voters = len(picture.peers.voters)
    if 2 * sum(server.voter for server in dead) >= voters:
        return None
    for server in sorted(dead, key=lambda one: one.voter):
        left = _without(picture.peers, server.id)
        keeps_enough = not server.voter or voters - 1 >= picture.settings.min_quorum
        if keeps_enough and is_safe(picture, left):
            silent_s = format_duration(round(picture.silent_s(server.id), 3))
            return Plan(Action.REMOVE, server, left, f"it is dead: it has not answered for {silent_s}")
    return None


def _add(picture: Picture) -> Plan | None:
    if len(picture.peers.servers) >= SERVERS_MAX:
        return None
    taken = {server.address for server in picture.peers.servers if picture.answers(server.id)}
    for id in sorted(picture.members):
        member = picture.members[id]
        if member.address in taken:
            continue
        if picture.peers.server(id) is None and _entry_s(picture, id) <= picture.now:
            server = RaftServer(id=id, name=member.name, address=member.address, voter=False)
            return Plan(Action.ADD, server, _with(picture.peers, server), "it is a new server")
    return None


def _leases_known_s(picture: Picture) -> float:
    """When the leases that a new leader granted unasked have ended: who lives has renewed its own by then."""
    return picture.leads_since + picture.lease_s + _GRANTED_WITHIN_S


def _entry_s(picture: Picture, id: str) -> float:
    """When a member that is none of the peers may come in, if time alone is missing."""
    member = picture.members[id]
    if member.status is not MemberStatus.ALIVE or not member.address:
        return math.inf
    heard_s = picture.leads_since if id in picture.vouched else _leases_known_s(picture)
    return max(heard_s, picture.barred_until.get(id, heard_s))


def _vote_s(picture: Picture, id: str) -> float:
    """When a server that lives and has no vote may get one, if time alone is missing; now when it does not answer."""
    member = picture.members.get(id)
    if member is None or member.status is not MemberStatus.ALIVE:
        return math.inf
    standing = picture.standings.get(id)
    if standing is None or not standing.healthy:
        return picture.now
    return standing.since + picture.settings.stabilization_s


def _is_dead(picture: Picture, id: str) -> bool:
    """Dead by its lease and by its silence: one of them alone may be a fault of something else."""
    if id == picture.leader_id:
        return False
    if _is_succeeded(picture, id):
        return picture.silent_s(id) > picture.answers_s
    dead_s = DEAD_LEASES * picture.lease_s
    if picture.silent_s(id) < dead_s:
        return False
    member = picture.members.get(id)
    if member is None:
        return picture.now - picture.missing_since.get(id, picture.now) >= dead_s
    return member.status is MemberStatus.FAILED


def _is_succeeded(picture: Picture, id: str) -> bool:
    """Whether another voter lives under its name: that is lent to one at a time, so its own lease is over for good."""
    gone = picture.peers.server(id)
    if gone is None or id in picture.members:
        return False
    bearers = (one.id for one in picture.members.values() if (one.name, one.status) == (gone.name, MemberStatus.ALIVE))
    return any(one in picture.peers.voters for one in bearers)


def _is_healthy(picture: Picture, id: str) -> bool:
    member = picture.members.get(id)
    if member is None or member.status is not MemberStatus.ALIVE:
        return False
    if id == picture.leader_id:
        return True
    contact = picture.contacts.get(id)
    if contact is None or contact.silent_s is None:
        return False
    threshold_s = max(picture.settings.last_contact_s, _HEARTBEATS_MISSED * picture.heartbeat_s)
    trailing = picture.last_index - contact.match_index
    return contact.silent_s <= threshold_s and trailing <= picture.settings.max_trailing_logs


def _server_health(picture: Picture, server: RaftServer, moment: Mapping[str, str]) -> ServerHealth:
    member = picture.members.get(server.id)
    leads = server.id == picture.leader_id
    contact = Contact(picture.last_index, 0.0) if leads else picture.contacts.get(server.id, Contact(0, None))
    was_heard = contact.silent_s is not None
    return ServerHealth(
        id=server.id,
        name=server.name,
        address=server.address,
        serf_status="none" if member is None else member.status.name.lower(),
        version="" if member is None else member.version,
        leader=leads,
        last_contact=NO_CONTACT if contact.silent_s is None else format_duration(contact.silent_s),
        last_term=picture.term if was_heard else 0,
        last_index=contact.match_index if was_heard else 0,
        healthy=_is_healthy(picture, server.id),
        voter=server.voter,
        stable_since=moment.get(server.id, NEVER),
    )
