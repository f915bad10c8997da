"""Both tables of the leases with one clock between them, without a network."""

from __future__ import annotations

from lictor_core.membership import Renewal
from lictor_core.records import MemberStatus
from lictor_server.leases import KeptLeases, MemberTable, Note, NoteKind, Standing
from lictor_server.leases.kept import Settled
from tests.server.build import member
from tests.support.clock import ManualClock

__all__ = ["GRACE_S", "LEASE_S", "A", "B", "Tables"]

A, B = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
LEASE_S = 9.0
GRACE_S = 2.0
REAP_S = 100_000.0


class Tables:
    """One leader, `s1`, and servers that tell it what they keep."""

    def __init__(self, *, members_max: int = 100) -> None:
        self.clock = ManualClock()
        self.members_max = members_max
        self.table = self.new_leader("s1")
        self.servers: dict[str, KeptLeases] = {}
        self.notes: list[Note] = []
        for name in ("s1", "s2", "s3"):
            self.restart(name)
        self.tell_all()

    def new_leader(self, name: str) -> MemberTable:
        table = MemberTable(
            server=name,
            server_name=name,
            lease_s=LEASE_S,
            grace_s=GRACE_S,
            reap_s=REAP_S,
            members_max=self.members_max,
        )
        table.begin(member(name, id=name, role="consul"), self.now, self.clock.now())
        return table

    def restart(self, name: str) -> None:
        self.servers[name] = KeptLeases(
            server=name,
            server_name=name,
            epoch=f"{name}-{self.now}",
            lease_s=LEASE_S,
            grace_s=GRACE_S,
            leases_max=self.members_max,
        )

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    def renew(
        self, at: str, counter: int, name: str = "a1", id: str = A, *, link: object = None, last: str = ""
    ) -> Standing:
        renewal = Renewal(member=member(name, id=id), counter=counter, server=last or at)
        return self.servers[at].renew(renewal, self.now, connection=link)

    def tell(self, at: str) -> list[Settled]:
        """Everything that a server has to say; which claims are settled by it."""
        server, settled = self.servers[at], list[Settled]()
        while True:
            server.expire(self.now, self.clock.now())
            digest = server.digest()
            answer = self.table.apply(digest, self.now, self.clock.now())
            settled += server.settle(digest, answer)
            if not server.has_news:
                return settled

    def tell_all(self) -> None:
        for name in self.servers:
            self.tell(name)

    def wait(self, seconds: float, *, silent: tuple[str, ...] = ()) -> None:
        """Time goes by, while all servers but `silent` tell what they have."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            for name in self.servers:
                if name not in silent:
                    self.tell(name)
            self.table.expire(self.now, self.clock.now())
            self.notes += self.table.take_notes()

    def statuses(self) -> dict[str, MemberStatus]:
        return {one.name: one.status for one in self.table.members() if one.name != "s1"}

    def status(self, name: str = "a1") -> MemberStatus | None:
        return self.statuses().get(name)

    def cause(self, name: str = "a1") -> str:
        found = self.table.member(name)
        return "" if found is None else found.cause

    def noted(self) -> list[NoteKind]:
        self.notes += self.table.take_notes()
        return [note.kind for note in self.notes]
