"""The members as the leader knows them: for each, which server vouches for it, and why it is not alive.

A pure table: the caller brings the time, and acts on what the table says. Times are seconds of one monotonic clock;
`wall` is what people read. A member that a server vouches for costs nothing here until that server says otherwise or
falls silent. One that nobody vouches for, as after a change of the leader, has one full lease to appear somewhere.

It has more than 500 lines since all of its rules read and change the same few entries.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from lictor_core.durations import parse_duration
from lictor_core.errors import OverloadedError, RequestError
from lictor_core.membership import RECONNECT_TAG, SERVER_ROLE, spread_s
from lictor_core.records import Member, MemberStatus
from lictor_server.leases import causes
from lictor_server.leases.agenda import Agenda
from lictor_server.leases.digest import HEARTBEATS_PER_LEASE, Answer, Digest, Refusal, Row, RowState
from lictor_server.leases.flapping import Flaps
from lictor_server.leases.kept import id_taken, member_id, name_taken

__all__ = ["REAP_S_MIN", "MemberTable", "Note", "NoteKind"]

REAP_S_MIN: Final = 60.0
"""Whatever an agent wishes, it is remembered so long."""
LEAP: Final = 2**40
"""Above all that a server may have heard of an agent since it told the leader: what was heard before counts no more.

A new process of an agent may begin below its former one, whose server may still keep a lease: it goes on above that.
"""
SERVERS_MAX: Final = 64
"""Servers that vouch at once; one more is not heard until one of them has fallen silent."""


class NoteKind(enum.Enum):
    """What happened to a member, for the log."""

    CAME = enum.auto()
    FAILED = enum.auto()
    FLAPPED = enum.auto()
    LEFT = enum.auto()
    FORGOTTEN = enum.auto()


@dataclass(frozen=True, slots=True)
class Note:
    """One event of a member's life, with why."""

    kind: NoteKind
    member: Member
    cause: str = ""


@dataclass(slots=True)
class _Held:
    member: Member
    counter: int = 0
    voucher: str = ""
    """The id of the server that vouches for it; empty for one that nobody vouches for."""
    told: int = 0
    """In which telling of everything the voucher named it last."""
    damped: bool = False
    """It is back, and not believed yet."""
    flaps: Flaps = field(default_factory=Flaps)
    suspicion: str = ""
    """What a server said against it while others had not been heard."""
    unwanted_until: float = 0.0
    """Somebody forced it out before it was seen to be gone: if it fails until then, it has left."""
    unwanted_for_good: bool = False
    """It is to be forgotten as well."""


@dataclass(slots=True)
class _Server:
    name: str
    epoch: str
    number: int
    heard_at: float
    heard_wall: float
    telling: int = 0
    moved: list[Refusal] = field(default_factory=list[Refusal])
    """What it is to be told of leases that are others' now."""
    complete: bool = False


@dataclass(slots=True)
class _Reign:
    since: float = 0.0
    since_wall: float = 0.0
    servers: dict[str, _Server] = field(default_factory=dict[str, _Server])
    silences: Agenda = field(default_factory=Agenda)
    """When to look whether a server, by id, has been silent for a lease."""
    ended: Mapping[str, float] = field(default_factory=dict[str, float])
    endings: Agenda = field(default_factory=Agenda)
    """When to look whether a server, by id, that was seen to end was heard again."""
    tellings: int = 0
    doubts: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Members that have failed unless a server, by id, says otherwise when it is heard next."""


class MemberTable:
    """The members by name, case not counting."""

    def __init__(
        self, *, server: str, server_name: str, lease_s: float, grace_s: float, reap_s: float, members_max: int
    ) -> None:
        """`server` and `server_name` are those of the server that this table is on; `grace_s` is for servers what it is
        for agents whose connection closed, but long enough for two heartbeats."""
        self._server = server
        self._server_name = server_name
        self._lease_s = lease_s
        self._grace_s = max(grace_s, 2 * lease_s / HEARTBEATS_PER_LEASE)
        self._recent_s = 1.5 * lease_s / HEARTBEATS_PER_LEASE
        """A server that runs was heard not longer ago."""
        self._reap_s = reap_s
        self._members_max = members_max
        self._members: dict[str, _Held] = {}
        self._name_of: dict[str, str] = {}
        """By node id the name of whom it belongs to: of the living one, if there is any."""
        self._server_names: set[str] = set()
        """Members with the role of a server."""
        self._gone: dict[str, None] = {}
        """Members that left, those first that did so longest ago: they make room for others."""
        self._own = ""
        self._agenda = Agenda()
        self._reign = _Reign()
        self._changed: set[str] = set()
        self._notes: list[Note] = []

    # The reign.

    def begin(self, own: Member, now: float, wall: float) -> None:
        """This server leads: all that are known have a lease from when the last may look for a server. `own` is alive.

        Servers are heard anew: who vouched for somebody before may be lost.
        """
        self._reign = _Reign(now, wall)
        for name, held in self._members.items():
            self._set_adrift(name, held, now + self._lease_s + spread_s(len(self._members)), now)
        self.take(own)

    def take(self, member: Member) -> None:
        """The leader itself, for whose name it surely is: nobody and no bound stands against it."""
        self._own = name = member.name.lower()
        held = self._members.get(name)
        if held is None or held.member != member:
            self._put(name, _Held(member, 0 if held is None else held.counter, self._server))
        else:
            held.voucher = self._server
        self._agenda.cancel(name)

    def assume(self, member: Member, now: float, wall: float, *, alive: bool) -> None:
        """Take over what the catalog knew of a member: one full lease if it was alive, else it failed when it says.

        Not of one whose id a living member has under another name: it was renamed.
        """
        name = member.name.lower()
        if self._namesake(name, member_id(member)) is not None:
            return
        status = MemberStatus.ALIVE if alive else MemberStatus.FAILED
        held = _Held(msgspec.structs.replace(member, status=status))
        self._put(name, held)
        if alive:
            self._agenda.plan(name, now + self._lease_s)
        else:
            failed_at = causes.failed_at(member.cause)
            gone_s = 0.0 if failed_at is None else max(wall - failed_at, 0.0)
            self._agenda.plan(name, now + max(self._reap_after(member) - gone_s, self._lease_s))

    def clear(self) -> None:
        """Forget everybody: another server leads now."""
        self._members.clear()
        self._name_of.clear()
        self._gone.clear()
        self._server_names.clear()
        self._agenda.clear()
        self._changed.clear()
        self._notes.clear()
        self._reign = _Reign()

    def extend(self, by_s: float) -> None:
        """The leader did not run for so long: it could hear nobody."""
        self._agenda.shift(by_s)
        self._reign.silences.shift(by_s)
        self._reign.endings.shift(by_s)
        self._reign.since += by_s
        for server in self._reign.servers.values():
            server.heard_at += by_s

    # Servers.

    def apply(self, digest: Digest, now: float, wall: float) -> Answer:
        """Take in what a server says."""
        reign = self._reign
        server = reign.servers.get(digest.server)
        if server is not None and server.epoch == digest.epoch and digest.number < server.number:
            return Answer(whole=True)  # it was overtaken; nobody waits for the answer
        if digest.begins:
            if server is None and len(reign.servers) >= SERVERS_MAX:
                return Answer(whole=True)
            reign.tellings += 1
            server = _Server(digest.server_name, digest.epoch, digest.number, now, wall, reign.tellings)
            reign.servers[digest.server] = server
        elif server is None or server.epoch != digest.epoch or server.number < digest.confirmed:
            return Answer(whole=True)
        server.number, server.heard_at, server.heard_wall, server.name = digest.number, now, wall, digest.server_name
        if digest.server != self._server and reign.silences.moment(digest.server) is None:
            reign.silences.plan(digest.server, now + self._lease_s)
        refusals = [refusal for row in digest.rows if (refusal := self._judge(row, digest.server, server, now, wall))]
        if digest.complete:
            if not server.complete:
                server.complete = True
                self._sweep(digest.server, server, now)
            self._resolve(digest.server, now)
        moved, server.moved = server.moved, []
        return Answer(refusals=refusals, moved=moved)

    def see_ended(self, ended: Mapping[str, float]) -> None:
        """The processes of these servers, by id, were seen to end at those moments; of no others.

        One that is not heard again has failed. Its agents have the time of a lease to appear at another server.
        """
        reign = self._reign
        for id in reign.ended.keys() - ended.keys():
            reign.endings.cancel(id)
        for id, at in ended.items():
            if reign.ended.get(id) != at:
                reign.endings.plan(id, max(at + self._grace_s, reign.since + self._recent_s))
        reign.ended = dict(ended)

    def _judge(self, row: Row, voucher: str, server: _Server, now: float, wall: float) -> Refusal | None:
        if row.state is RowState.ALIVE and row.member is not None:
            return self._vouched(row, row.member, voucher, server, now, wall)
        held = self._members.get(row.name.lower())
        if held is None or member_id(held.member) != row.id or row.counter < held.counter:
            return None
        if row.state is RowState.CLOSED:
            if held.voucher in ("", voucher):  # who has it elsewhere, has it by a later connection
                held.counter, held.told = row.counter, server.telling
                held.voucher = voucher if self._lives(held) else ""
                if held.member.status is MemberStatus.ALIVE:
                    self._agenda.cancel(row.name.lower())
        elif row.state is RowState.LEFT:
            self.leave(row.name, now)
        elif held.voucher == voucher and row.name.lower() != self._own:
            self._doubted(row.name.lower(), held, row.cause, now)
        elif not held.voucher:
            held.suspicion = row.cause
        return None

    def _vouched(
        self, row: Row, member: Member, voucher: str, server: _Server, now: float, wall: float
    ) -> Refusal | None:
        name = row.name.lower()
        if (other := self._namesake(name, row.id)) is not None:
            return _refusal(row, id_taken(other.member))
        held = self._members.get(name)
        if held is not None and member_id(held.member) != row.id:
            if name == self._own or (self._lives(held) and held.voucher != voucher):
                return _refusal(row, name_taken(member, held.member))
            self._move(held, voucher, held.counter + LEAP)
            held = None
        elif held is not None and row.counter <= held.counter and held.voucher != voucher:
            return Refusal(row.name, row.id, held.counter + LEAP)
        elif held is None and not self._has_room():
            full = f"there are already {self._members_max} members: raise members_max on the servers"
            return _refusal(row, OverloadedError(full))
        if name == self._own:
            assert held is not None, "the leader has taken its own name"
            held.counter = row.counter
            return None
        if held is None:
            held = _Held(msgspec.structs.replace(member, status=MemberStatus.ALIVE, cause=""))
            self._put(name, held)
            self._note(NoteKind.CAME, held)
        self._move(held, voucher, row.counter)
        held.counter, held.voucher, held.told, held.suspicion = row.counter, voucher, server.telling, ""
        held.unwanted_until = 0.0  # it says that it lives
        if held.member.status is MemberStatus.ALIVE:
            self._agenda.cancel(name)
            self._say(name, held, member)
        else:
            self._returned(name, held, member, now, wall)
        return None

    def _returned(self, name: str, held: _Held, member: Member, now: float, wall: float) -> None:
        """It lives again: believed at once, or once it has stayed for a while when it fails again and again."""
        hold_s = held.flaps.hold_s(now)
        if hold_s <= 0:
            held.damped = False
            self._agenda.cancel(name)
            self._say(name, held, member)
            self._note(NoteKind.CAME, held)
        elif not held.damped:
            held.damped = True
            self._agenda.plan(name, now + hold_s)
            cause = causes.damped(held.flaps.penalty_at(now), wall + hold_s)
            self._say(name, held, member, MemberStatus.FAILED, cause)
            self._note(NoteKind.FLAPPED, held)
        else:
            self._say(name, held, member, MemberStatus.FAILED, held.member.cause)

    def _doubted(self, name: str, held: _Held, cause: str, now: float) -> None:
        """Its server lost it. Another one may have it, which was not heard of late, or not at all early in a reign."""
        held.suspicion = cause
        recently = now - self._recent_s
        servers = self._reign.servers
        if not self._has_heard_all(now):
            self._set_adrift(name, held, self._reign.since + self._lease_s, now)
        elif late := [id for id, one in servers.items() if id != held.voucher and one.heard_at < recently]:
            self._reign.doubts.setdefault(late[0], set()).add(name)
        else:
            self._fail(name, held, cause, now)

    def _resolve(self, id: str, now: float) -> None:
        """A server is heard, or silent for good: those who are found nowhere have failed."""
        for name in sorted(self._reign.doubts.pop(id, ())):
            held = self._members.get(name)
            if held is not None and held.suspicion and held.voucher:
                self._doubted(name, held, held.suspicion, now)

    def _has_heard_all(self, now: float) -> bool:
        if now >= self._reign.since + self._lease_s:
            return True
        told = {id for id, server in self._reign.servers.items() if server.complete}
        return all(
            member_id(self._members[name].member) in told
            for name in self._server_names
            if self._members[name].member.status is MemberStatus.ALIVE
        )

    def _sweep(self, voucher: str, server: _Server, now: float) -> None:
        """Those whom a server does not name any more in all that it has to say: who knows what it lost."""
        for name, held in self._members.items():
            if held.voucher == voucher and held.told != server.telling and name != self._own:
                self._set_adrift(name, held, now + self._lease_s, now)

    # Time.

    def expire(self, now: float, wall: float) -> None:
        """Do what is due: fail those whose time is over, believe those who stayed, forget those long gone."""
        while (id := self._reign.silences.due(now)) is not None:
            self._look_at_server(id, now, wall)
        while (id := self._reign.endings.due(now)) is not None:
            self._look_at_ended(id, now, wall)
        while (key := self._agenda.due(now)) is not None:
            held = self._members[key]
            if held.member.status is MemberStatus.ALIVE:
                reign = self._reign
                cause = held.suspicion or causes.nobody_vouches(
                    self._server_name, reign.since_wall, self._lease_s, wall
                )
                self._fail(key, held, cause, now)
            elif held.damped:
                held.damped = False
                self._say(key, held, held.member)
                self._note(NoteKind.CAME, held)
            elif held.unwanted_until:
                self._force_out(key, held, now, wall, prune=held.unwanted_for_good)
            else:
                self._note(NoteKind.FORGOTTEN, held)
                self._forget(key)

    def _look_at_server(self, id: str, now: float, wall: float) -> None:
        server = self._reign.servers[id]
        if server.heard_at + self._lease_s > now:
            self._reign.silences.plan(id, server.heard_at + self._lease_s)
            return
        lost = {
            name: held
            for name, held in self._members.items()
            if held.voucher == id and name != self._own and self._lives(held)
        }
        moved_at = server.heard_at + self._lease_s + spread_s(len(lost))
        if moved_at > now:
            self._reign.silences.plan(id, moved_at)
            return
        del self._reign.servers[id]  # it has to tell everything when it is back
        cause = causes.server_silent(
            self._server_name, server.name, server.heard_wall, round(now - server.heard_at, 1), wall
        )
        for name, held in lost.items():
            self._fail(name, held, cause, now)
        self._resolve(id, now)

    def _look_at_ended(self, id: str, now: float, wall: float) -> None:
        server, name = self._reign.servers.get(id), self._name_of.get(id, "")
        if server is not None and server.heard_at >= now - self._recent_s:
            return  # only its connection for the log was lost
        if name not in self._server_names or name == self._own or not self._lives(self._members[name]):
            return
        if server is not None:
            server.epoch = ""  # it has to tell everything when it is back
        since_s = now - self._reign.ended[id]
        self._fail(
            name, self._members[name], causes.server_ended(self._server_name, wall - since_s, since_s, wall), now
        )

    def next_event(self) -> float | None:
        """When `expire` next has something to do; None when nothing is planned."""
        moments = (self._agenda.next(), self._reign.silences.next(), self._reign.endings.next())
        return min((moment for moment in moments if moment is not None), default=None)

    # Operators.

    def leave(self, name: str, now: float) -> Member | None:
        """The member left on purpose; None when it is not known."""
        held = self._members.get(name.lower())
        if held is None:
            return None
        if held.member.status is not MemberStatus.LEFT:
            held.counter += LEAP
            self._move(held, "", held.counter)
            held.voucher, held.damped, held.unwanted_until = "", False, 0.0
            self._say(name.lower(), held, held.member, MemberStatus.LEFT)
            self._agenda.plan(name.lower(), now + self._reap_after(held.member))
            self._note(NoteKind.LEFT, held)
        return held.member

    def force_leave(self, name: str, now: float, wall: float, *, prune: bool) -> bool:
        """A failed member is declared gone, with `prune` forgotten too; a living one stays, as in Consul, where it says
        that it lives, and is gone as soon as it turns out to be dead already. False when nobody has the name."""
        held = self._members.get(name.lower())
        if held is None:
            return False
        if self._lives(held):
            held.unwanted_until, held.unwanted_for_good = now + 1.25 * self._lease_s, prune
            return True
        self._force_out(name.lower(), held, now, wall, prune=prune)
        return True

    def _force_out(self, name: str, held: _Held, now: float, wall: float, *, prune: bool) -> None:
        if held.member.status is not MemberStatus.LEFT:
            self.leave(name, now)
            self._say(name, held, held.member, MemberStatus.LEFT, causes.forced_out(self._server_name, wall))
        if prune:
            self._note(NoteKind.FORGOTTEN, held)
            self._forget(name)

    # What is known.

    def members(self) -> list[Member]:
        """Everybody who is known, by name."""
        return [self._members[name].member for name in sorted(self._members)]

    def servers(self) -> list[Member]:
        """The servers among them, by name."""
        return [self._members[name].member for name in sorted(self._server_names)]

    def vouched_servers(self) -> frozenset[str]:
        """The ids of the servers whom somebody has vouched for in this reign: they are not only believed in."""
        return frozenset(
            member_id(self._members[name].member) for name in self._server_names if self._members[name].voucher
        )

    def member(self, name: str) -> Member | None:
        """Whoever has this name, alive or not."""
        held = self._members.get(name.lower())
        return None if held is None else held.member

    def take_changed(self) -> set[str]:
        """The names, in small letters, of whom something changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def take_notes(self) -> list[Note]:
        """What happened since the last call."""
        notes, self._notes = self._notes, []
        return notes

    # What all need.

    def _lives(self, held: _Held) -> bool:
        return held.member.status is MemberStatus.ALIVE or held.damped

    def _set_adrift(self, name: str, held: _Held, until: float, now: float) -> None:
        """Nobody vouches for it: it has until then to appear somewhere. One that is held back is failed as it is."""
        held.voucher = ""
        if held.damped:
            held.damped = False
            self._plan_end(name, held, now)
        elif held.member.status is MemberStatus.ALIVE:
            self._agenda.plan(name, until)

    def _fail(self, name: str, held: _Held, cause: str, now: float) -> None:
        was_shown = held.member.status is MemberStatus.ALIVE
        held.voucher, held.damped, held.suspicion = "", False, ""
        held.flaps = held.flaps.failed(now)
        self._say(name, held, held.member, MemberStatus.FAILED, cause)
        self._plan_end(name, held, now)
        if was_shown:
            self._note(NoteKind.FAILED, held)

    def _plan_end(self, name: str, held: _Held, now: float) -> None:
        """When a failed member is forgotten, or at once forced out, as somebody wished."""
        if now >= held.unwanted_until:
            held.unwanted_until = 0.0
        self._agenda.plan(name, now if held.unwanted_until else now + self._reap_after(held.member))

    def _say(
        self, name: str, held: _Held, member: Member, status: MemberStatus = MemberStatus.ALIVE, cause: str = ""
    ) -> None:
        told = msgspec.structs.replace(member, status=status, cause=cause)
        if told != held.member:
            held.member = told
            self._put(name, held)

    def _namesake(self, name: str, id: str) -> _Held | None:
        """The living member of another name that has this id, as of a copied data directory; no two of them may live,
        since the catalog has one node for an id."""
        other = self._members.get(self._name_of.get(id, name)) if id else None
        if other is None or other.member.name.lower() == name or not self._lives(other):
            return None
        return other

    def _put(self, name: str, held: _Held) -> None:
        former = self._members.get(name)
        if former is not None:
            self._unname(name, former)
        self._members[name] = held
        if self._lives(held) or member_id(held.member) not in self._name_of:
            self._name_of[member_id(held.member)] = name
        self._changed.add(name)
        if held.member.status is MemberStatus.LEFT:
            self._gone[name] = None
        else:
            self._gone.pop(name, None)
        if held.member.tags.get("role") == SERVER_ROLE:
            self._server_names.add(name)
        else:
            self._server_names.discard(name)

    def _move(self, held: _Held, voucher: str, seen: int) -> None:
        """Another server than before vouches for it, or nobody does: the former one is told."""
        server = self._reign.servers.get(held.voucher)
        if server is not None and held.voucher != voucher and len(server.moved) < self._members_max:
            server.moved.append(Refusal(held.member.name, member_id(held.member), seen))

    def _has_room(self) -> bool:
        """Whether one more may come in; at the bound one that left is forgotten for it: the catalog has none of it."""
        if len(self._members) >= self._members_max and self._gone:
            self._forget(next(iter(self._gone)))
        return len(self._members) < self._members_max

    def _unname(self, name: str, held: _Held) -> None:
        if self._name_of.get(member_id(held.member)) == name:
            del self._name_of[member_id(held.member)]

    def _forget(self, name: str) -> None:
        self._unname(name, self._members.pop(name))
        self._gone.pop(name, None)
        self._server_names.discard(name)
        self._agenda.cancel(name)
        self._changed.add(name)

    def _note(self, kind: NoteKind, held: _Held) -> None:
        self._notes.append(Note(kind, held.member, held.member.cause))

    def _reap_after(self, member: Member) -> float:
        """For how long it is remembered: as it wishes itself, else as the servers are set."""
        wish = member.tags.get(RECONNECT_TAG)
        if wish is None:
            return self._reap_s
        try:
            return max(parse_duration(wish), REAP_S_MIN)
        except RequestError:
            return self._reap_s


def _refusal(row: Row, error: RequestError | OverloadedError) -> Refusal:
    return Refusal(row.name, row.id, 0, error.code, str(error))
