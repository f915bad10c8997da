"""Tables with one planted mistake each: what a run must catch."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.records import Member
from lictor_server.leases import Answer, Digest, KeptLeases, MemberTable
from lictor_server.leases.kept import Settled
from tests.simulation_leases.actors import Tables

__all__ = ["CANARIES"]


class Forgetful(KeptLeases):
    """What was lost on the way is not told again."""

    def lost(self, digest: Digest) -> None:
        """Think no more of it."""


class Obstinate(KeptLeases):
    """It tells a new leader only what changes from then on."""

    def settle(self, digest: Digest, answer: Answer) -> list[Settled]:
        """Take a refusal to follow for a yes."""
        return super().settle(digest, msgspec.structs.replace(answer, whole=False))


class Credulous(MemberTable):
    """It believes whoever speaks last, whichever server the agent renewed at later."""

    def apply(self, digest: Digest, now: float, wall: float) -> Answer:
        """Take every row for the newest word, from whoever vouches."""
        rows = [msgspec.structs.replace(row, counter=row.counter + 2**41) for row in digest.rows]
        for row in rows:
            held = self._members.get(row.name.lower())
            if held is not None:
                held.voucher, held.counter = digest.server, 0
        return super().apply(msgspec.structs.replace(digest, rows=rows), now, wall)


class Ungracious(MemberTable):
    """A new leader gives nobody a lease: who is not vouched for at once has failed."""

    def assume(self, member: Member, now: float, wall: float, *, alive: bool) -> None:
        """Plan the end for now."""
        super().assume(member, now, wall, alive=alive)
        if alive:
            self._agenda.plan(member.name.lower(), now)


class Deaf(MemberTable):
    """It does not notice that a server is silent."""

    def _look_at_server(self, id: str, now: float, wall: float) -> None:
        """Look away."""
        self._reign.silences.plan(id, now + 1000)


class Hasty(MemberTable):
    """The agents of a server that is silent for a moment have failed."""

    def expire(self, now: float, wall: float) -> None:
        """Wait for a server no longer than for a heartbeat and a half."""
        for id, server in list(self._reign.servers.items()):
            if id != self._server and now > server.heard_at + self._lease_s / 6:
                server.heard_at = now - self._lease_s
                self._reign.silences.plan(id, now)
        super().expire(now, wall)


class Hurried(MemberTable):
    """Early in a reign it does not wait for the servers that were not heard yet."""

    def _has_heard_all(self, now: float) -> bool:
        """Be content with whom it has heard."""
        return True


class Suspicious(MemberTable):
    """A server whose connection was lost has failed, heard or not."""

    def _look_at_ended(self, id: str, now: float, wall: float) -> None:
        """Forget that it was heard."""
        if server := self._reign.servers.get(id):
            server.heard_at = 0.0
        super()._look_at_ended(id, now, wall)


CANARIES: Final = {
    "nothing is told again": (Tables(kept=Forgetful), "the dead are found"),
    "a new leader is not told all": (Tables(kept=Obstinate), "the well are not failed"),
    "the last to speak is believed": (Tables(members=Credulous), "the well are not failed"),
    "a new leader grants no lease": (Tables(members=Ungracious), "the well are not failed"),
    "a silent server is not noticed": (Tables(members=Deaf), "the dead are found"),
    "a server is given no time": (Tables(members=Hasty), "the well are not failed"),
    "a new leader does not hear all": (Tables(members=Hurried), "the well are not failed"),
    "a closed connection has no grace": (Tables(grace_s=0.0), "the well are not failed"),
    "a lost connection is an end": (Tables(members=Suspicious), "the well are not failed"),
    "a pause of a process is not noticed": (Tables(extends=False), "the well are not failed"),
}
"""Each mistake, and the rule that it breaks."""
