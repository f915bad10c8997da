"""Membership by leases: who is alive, because it said so not long ago (architecture, decision 7).

A pure table: the caller brings the time, and acts on what the table says. Renewals are not in the log; only what
follows from them (a node that failed, a node that left) is written to the catalog, by the leader.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import msgspec

from lictor_core.errors import OverloadedError, RequestError
from lictor_core.records import Member, MemberStatus

__all__ = ["RENEWALS_PER_LEASE", "LeaseTable"]

RENEWALS_PER_LEASE: Final = 3
"""An agent renews this often in the time of one lease, so that two renewals may get lost."""


@dataclasses.dataclass(slots=True)
class _Lease:
    member: Member
    until: float
    """Alive: when the lease ends. Failed or left: when the member is forgotten."""


class LeaseTable:
    """The members by name, case not counting. Times are seconds of one monotonic clock."""

    def __init__(self, *, lease_s: float, reap_s: float, members_max: int) -> None:
        self._lease_s = lease_s
        self._reap_s = reap_s
        self._members_max = members_max
        self._leases: dict[str, _Lease] = {}

    def renew(self, member: Member, now: float) -> float:
        """Take or renew a lease; the seconds until it should be renewed again.

        Raises `RequestError` while a living member with another id has the name, `OverloadedError` when the table is
        full.
        """
        key = member.name.lower()
        held = self._leases.get(key)
        if held is None and len(self._leases) >= self._members_max:
            raise OverloadedError(f"there are already {self._members_max} members: raise members_max on the servers")
        if held is not None and _alive(held) and _id(held.member) != _id(member):
            raise RequestError(
                f"the name {member.name!r} belongs to the living agent {_id(held.member)} at {held.member.addr}: "
                "give this agent another node name, or, if that one is no more, wait until its lease has ended"
            )
        return self.take(member, now)

    def take(self, member: Member, now: float) -> float:
        """As `renew`, for whose name it surely is, the leader itself: nobody and no bound stands against it."""
        alive = msgspec.structs.replace(member, status=MemberStatus.ALIVE)
        self._leases[member.name.lower()] = _Lease(alive, now + self._lease_s)
        return self._lease_s / RENEWALS_PER_LEASE

    def extend(self, by_s: float) -> None:
        """Let every lease of a living member end later: for so long nobody could renew here."""
        for held in self._leases.values():
            if _alive(held):
                held.until += by_s

    def assume(self, member: Member, now: float, *, alive: bool) -> None:
        """Take over what others knew of a member: one full lease if it was alive, else it failed just now."""
        held = _Lease(msgspec.structs.replace(member, status=MemberStatus.ALIVE), now + self._lease_s)
        self._leases[member.name.lower()] = held
        if not alive:
            self._mark(held, MemberStatus.FAILED, now)

    def clear(self) -> None:
        """Forget everybody: another server keeps the leases now."""
        self._leases.clear()

    def leave(self, name: str, now: float) -> Member | None:
        """The member left on purpose; None when it is not known."""
        held = self._leases.get(name.lower())
        return None if held is None else self._mark(held, MemberStatus.LEFT, now)

    def expire(self, now: float) -> list[Member]:
        """Mark those whose lease ended as failed, and return them; forget those that failed or left long ago."""
        failed: list[Member] = []
        for key, held in list(self._leases.items()):
            if held.until > now:
                continue
            if _alive(held):
                failed.append(self._mark(held, MemberStatus.FAILED, now))
            else:
                del self._leases[key]
        return failed

    def next_event(self) -> float | None:
        """When `expire` next has something to do; None when nobody is known."""
        return min((held.until for held in self._leases.values()), default=None)

    def members(self) -> list[Member]:
        """Everybody who is known, by name."""
        return [self._leases[key].member for key in sorted(self._leases)]

    def known(self, name: str) -> bool:
        """Whether a member has this name, alive or not."""
        return name.lower() in self._leases

    def alive(self, name: str) -> bool:
        """Whether a member has this name and its lease has not ended."""
        held = self._leases.get(name.lower())
        return held is not None and _alive(held)

    def _mark(self, held: _Lease, status: MemberStatus, now: float) -> Member:
        held.member = msgspec.structs.replace(held.member, status=status)
        held.until = now + self._reap_s
        return held.member


def _alive(held: _Lease) -> bool:
    return held.member.status is MemberStatus.ALIVE


def _id(member: Member) -> str:
    return member.tags.get("id", "").lower()
