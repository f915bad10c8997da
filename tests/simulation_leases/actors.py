"""Servers and agents of the simulated cluster. They behave as `vouching` and the agent's lease and link do."""

from __future__ import annotations

import dataclasses

from lictor_core.membership import Renewal
from lictor_server.leases import KeptLeases, MemberTable
from tests.server.build import member

__all__ = ["ANSWER_S", "GRACE_S", "LEASE_S", "Agent", "Connection", "Server", "Tables"]

LEASE_S = 10.0
GRACE_S = 2.0
ANSWER_S = 2.5
"""An agent leaves a server that owes an answer for so long."""


@dataclasses.dataclass(frozen=True)
class Tables:
    """The tables of a run; tests put others in their place."""

    kept: type[KeptLeases] = KeptLeases
    members: type[MemberTable] = MemberTable
    grace_s: float = GRACE_S
    extends: bool = True
    """Whether a pause of a process is noticed."""


class Connection:
    """One connection of an agent; a server knows it until it hears of its end."""


@dataclasses.dataclass
class Server:
    """One server, by its number; `life` counts its processes."""

    number: int
    leases: KeptLeases
    life: int = 1
    up: bool = True
    paused_at: float | None = None
    goes_on_at: float = 0.0
    cut_off: bool = False
    """The other servers and it do not hear one another; its agents reach it."""
    telling: bool = False
    """A digest is on its way."""
    told_at: float = 0.0
    ready_at: float = 0.0
    """When it last had an answer of the leader."""
    counter: int = 0
    """Of the agent in its own process."""
    renewed_at: float = -LEASE_S

    @property
    def name(self) -> str:
        return f"s{self.number}"

    @property
    def runs(self) -> bool:
        return self.up and self.paused_at is None

    def renew_own(self, now: float) -> None:
        """The agent in its process renews, too."""
        if now >= self.renewed_at + LEASE_S / 3:
            self.renewed_at = now
            self.counter = max(self.counter, self.leases.seen(self.name)) + 1
            one = member(self.name, id=self.name, role="consul")
            self.leases.renew(Renewal(member=one, counter=self.counter, server=self.name), now)


@dataclasses.dataclass
class Agent:
    """One agent; `life` counts its processes."""

    number: int
    life: int = 1
    up: bool = True
    paused: bool = False
    left: bool = False
    was_far: bool = False
    """It left by another server than the one that kept its lease: a leader that is lost before it could tell takes
    its leaving along."""
    reign_left: int = 0
    well_since: float | None = None
    """Since when nothing was wrong with it and the servers granted its lease; None while something is."""
    ill_since: float | None = None
    counter: int = 0
    granted_by: str = ""
    server: Server | None = None
    server_life: int = 0
    connection: Connection | None = None
    asked: int = 0
    """Numbers its questions: an answer to another one than the last is none."""
    waits: bool = False

    @property
    def runs(self) -> bool:
        return self.up and not self.paused and not self.left

    @property
    def name(self) -> str:
        return f"a{self.number}"

    def renewal(self) -> Renewal:
        self.counter += 1
        one = member(self.name, id=f"id-{self.number}")
        return Renewal(member=one, counter=self.counter, server=self.granted_by)
