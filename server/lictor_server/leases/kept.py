"""The leases of the agents that renew at this server, and what the leader must still be told of them.

A pure table: the caller brings the time and carries the digests. Times are seconds of one monotonic clock; `wall` is
what people read. All leases are equally long, so the ones that end first stand first: no pass looks at all of them.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from lictor_core.errors import OverloadedError, RequestError
from lictor_core.membership import Renewal
from lictor_core.records import Member
from lictor_server.leases import causes
from lictor_server.leases.digest import ROWS_MAX, Answer, Digest, Refusal, Row, RowState

__all__ = [
    "COUNTER_MAX",
    "RENEWALS_PER_LEASE",
    "KeptLeases",
    "Settled",
    "Standing",
    "id_taken",
    "member_id",
    "name_taken",
]

COUNTER_MAX: Final = 2**62
"""The highest counter of a renewal: the leader still counts on from it, and tells it, in 64 bits."""
RENEWALS_PER_LEASE: Final = 3
"""An agent renews this often in the time of one lease, so that two renewals may get lost."""


class Standing(enum.Enum):
    """What a renewal came to."""

    GRANTED = enum.auto()
    CLAIMED = enum.auto()
    """The leader does not know of it yet, and may refuse."""
    OUTDATED = enum.auto()
    """It carries a counter that was passed: `seen` tells which."""


@dataclass(slots=True)
class _Lease:
    member: Member
    counter: int
    until: float
    connection: object | None
    confirmed: bool = False
    going: bool = False
    """It said that it goes to another server: this one does not vouch for it anew."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A claim that the leader has judged: granted unless there is a refusal. `name` is in small letters."""

    name: str
    refusal: Refusal | None = None


class KeptLeases:
    """Leases by the holder's name, case not counting."""

    def __init__(
        self,
        *,
        server: str,
        server_name: str,
        epoch: str,
        lease_s: float,
        grace_s: float,
        leases_max: int,
    ) -> None:
        """`epoch` is new for each life of the process. A closed connection ends a lease after `grace_s`."""
        self.server = server
        self._server_name = server_name
        self._epoch = epoch
        self._lease_s = lease_s
        self._grace_s = grace_s
        self._leases_max = leases_max
        self._leases: dict[str, _Lease] = {}
        self._open: OrderedDict[str, None] = OrderedDict()
        """Names by the end of their lease, the first to end first; those with a closed connection are in the other."""
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._on: dict[object, set[str]] = {}
        """Which leases each connection holds."""
        self._news: dict[str, Row | None] = {}
        """What the leader was not told yet; None for a lease as it stands."""
        self._number = 0
        self._confirmed = 0
        self._whole_due = True
        self._telling_all = False

    def __len__(self) -> int:
        return len(self._leases)

    @property
    def renew_s(self) -> float:
        """The seconds after which a lease should be renewed."""
        return self._lease_s / RENEWALS_PER_LEASE

    @property
    def has_news(self) -> bool:
        """Whether there is something that the leader should be told soon."""
        return bool(self._news) or self._whole_due

    def seen(self, name: str) -> int:
        """The counter of the last renewal under a name; 0 for an unknown one."""
        held = self._leases.get(name.lower())
        return 0 if held is None else held.counter

    # Agents.

    def holds(self, name: str, connection: object) -> bool:
        """Whether the lease of `name` hangs on this connection."""
        held = self._leases.get(name.lower())
        return held is not None and held.connection is connection

    def renew(self, renewal: Renewal, now: float, *, connection: object | None = None) -> Standing:
        """Take or renew a lease. It hangs on `connection`, when there is one.

        Raises `RequestError` while a living one with another id has the name, or for a counter that is none, and
        `OverloadedError` when all are taken.
        """
        if not 0 < renewal.counter <= COUNTER_MAX:
            raise RequestError(
                f"{renewal.member.name[:64]!r} renews with counter {renewal.counter}: it is not from 1 to {COUNTER_MAX}"
            )
        member, name = renewal.member, renewal.member.name.lower()
        held = self._leases.get(name)
        if held is not None and member_id(held.member) != member_id(member):
            if name in self._open:
                raise name_taken(member, held.member)
            held = None  # whose connection is closed while another asks for its name is gone
            self._drop(name)
        if held is None:
            if len(self._leases) >= self._leases_max:
                raise OverloadedError(
                    f"this server keeps {self._leases_max} leases already: raise members_max on the servers"
                )
            held = self._leases[name] = _Lease(member, renewal.counter, now, None)
            self._news[name] = None
        elif renewal.counter <= held.counter:
            return Standing.OUTDATED
        elif not held.confirmed or member != held.member or renewal.server != self.server:
            self._news[name] = None  # it changed, or another server may vouch for it meanwhile
        held.member, held.counter, held.until, held.going = member, renewal.counter, now + self._lease_s, False
        self._hang(name, held, connection)
        self._closed.pop(name, None)
        self._open[name] = None
        self._open.move_to_end(name)
        return Standing.GRANTED if held.confirmed else Standing.CLAIMED

    def close(self, connection: object, now: float, *, lives_on: bool = False) -> None:
        """The connection is closed: what hangs on it has a short time to come back.

        With `lives_on` it was closed on purpose, by one that goes elsewhere: it was heard just now, and has a lease.
        """
        for name in self._on.pop(connection, ()):
            held = self._leases[name]
            held.connection = None
            if lives_on:
                held.until, held.going = now + self._lease_s, True
                self._open.move_to_end(name)
            else:
                held.until = now + self._grace_s
                del self._open[name]
                self._closed[name] = None

    def leave(self, name: str) -> bool:
        """The holder left on purpose; False when it holds no lease here."""
        held = self._leases.get(name.lower())
        if held is None:
            return False
        self._drop(name.lower())
        self._news[name.lower()] = _ended(held, RowState.LEFT)
        return True

    # Time.

    def expire(self, now: float, wall: float) -> list[Row]:
        """End the leases whose time is over; what the leader will be told of them."""
        ended: list[Row] = []
        for names, closed in ((self._open, False), (self._closed, True)):
            while names and (held := self._leases[next(iter(names))]).until <= now:
                name = next(iter(names))
                over_at = wall - (now - held.until)
                if closed:
                    cause = causes.connection_closed(self._server_name, over_at - self._grace_s, self._grace_s, wall)
                else:
                    cause = causes.nothing_heard(self._server_name, over_at - self._lease_s, self._lease_s, wall)
                self._drop(name)
                self._news[name] = _ended(held, RowState.FAILED, cause)
                ended.append(_ended(held, RowState.FAILED, cause))
        return ended

    def extend(self, by_s: float) -> None:
        """Every lease ends later: for so long nobody could renew here."""
        for held in self._leases.values():
            held.until += by_s

    def next_end(self) -> float | None:
        """When `expire` next has something to do."""
        return min(
            (self._leases[next(iter(names))].until for names in (self._open, self._closed) if names), default=None
        )

    # The leader.

    def digest(self) -> Digest:
        """What the leader is to be told next; it is `settle`d or `lost` before another one is made."""
        begins, self._whole_due = self._whole_due, False
        if begins:
            self._telling_all = True
            self._news = dict.fromkeys(self._leases) | self._news
        rows: list[Row] = []
        while self._news and len(rows) < ROWS_MAX:
            name = next(iter(self._news))
            row = self._news.pop(name)
            held = self._leases.get(name)
            if row is None and held is not None:
                state = RowState.ALIVE if name in self._open and not held.going else RowState.CLOSED
                row = Row(held.member.name, member_id(held.member), held.counter, state, held.member)
            if row is not None:
                rows.append(row)
        self._number += 1
        return Digest(
            server=self.server,
            server_name=self._server_name,
            epoch=self._epoch,
            number=self._number,
            confirmed=self._confirmed,
            begins=begins,
            complete=not self._news,
            rows=rows,
        )

    def settle(self, digest: Digest, answer: Answer) -> list[Settled]:
        """The leader has judged `digest`; which claims are decided by that."""
        if answer.whole:
            self._put_back(digest)
            self._whole_due = True
            return []
        self._confirmed = digest.number
        self._telling_all = self._telling_all and not digest.complete
        refused = {refusal.name.lower(): refusal for refusal in answer.refusals}
        settled: list[Settled] = []
        for row in digest.rows:
            name = row.name.lower()
            held = self._leases.get(name)
            if row.state is not RowState.ALIVE or held is None or member_id(held.member) != row.id:
                continue
            refusal = refused.get(name)
            if refusal is None:
                held.confirmed = True
            elif held.counter > refusal.seen > 0:
                self._news.setdefault(name, None)  # it was heard again since, and that counts
                continue
            else:
                self._drop(name)
            settled.append(Settled(name, refusal))
        for moved in answer.moved:
            held = self._leases.get(moved.name.lower())
            if held is None or member_id(held.member) != moved.id:
                continue
            if held.counter > moved.seen:
                self._news.setdefault(moved.name.lower(), None)
            else:
                self._drop(moved.name.lower())
        return settled

    def lost(self, digest: Digest) -> None:
        """Nobody knows what became of `digest`: all of it is told again."""
        self._put_back(digest)
        self._whole_due = self._whole_due or self._telling_all

    # What both need.

    def _put_back(self, digest: Digest) -> None:
        for row in digest.rows:
            self._news.setdefault(row.name.lower(), row if row.member is None else None)

    def _hang(self, name: str, held: _Lease, connection: object | None) -> None:
        if held.connection is connection:
            return
        self._unhang(name, held)
        held.connection = connection
        if connection is not None:
            self._on.setdefault(connection, set()).add(name)

    def _unhang(self, name: str, held: _Lease) -> None:
        if held.connection is None:
            return
        names = self._on[held.connection]
        names.discard(name)
        if not names:
            del self._on[held.connection]
        held.connection = None

    def _drop(self, name: str) -> None:
        held = self._leases.pop(name)
        self._unhang(name, held)
        self._open.pop(name, None)
        self._closed.pop(name, None)
        self._news.pop(name, None)


def member_id(member: Member) -> str:
    """The id that a member says it has, in small letters."""
    return member.tags.get("id", "").lower()


def name_taken(member: Member, holder: Member) -> RequestError:
    """Why a member cannot have its name."""
    return RequestError(
        f"the name {member.name!r} belongs to the living agent {member_id(holder)} at {holder.addr}: "
        "give this agent another node name, or, if that one is no more, wait until its lease has ended"
    )


def id_taken(holder: Member) -> RequestError:
    """Why a member cannot have its node id."""
    return RequestError(
        f"the node id {member_id(holder)} belongs to the living agent {holder.name!r} at {holder.addr}: if this is "
        "another agent, remove the file node-id of its data directory, which is a copy; if it was renamed, wait until "
        "the lease under its former name has ended"
    )


def _ended(held: _Lease, state: RowState, cause: str = "") -> Row:
    return Row(held.member.name, member_id(held.member), held.counter, state, None, cause)
