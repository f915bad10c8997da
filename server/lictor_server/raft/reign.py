"""What a leader knows in its term: how far each server is, what reads wait for, its lease. Pure.

It is made when leadership begins and thrown away when it ends, so nothing of one term is counted in another.
"""

from __future__ import annotations

from collections.abc import Iterator

from lictor_server.raft.answers import Answers
from lictor_server.raft.flow import Flow, Progress
from lictor_server.raft.lease import Lease
from lictor_server.raft.members import Members, agreed
from lictor_server.raft.outcome import Reason
from lictor_server.raft.readindex import ReadRounds
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.transfer import Transfer

__all__ = ["Reign"]


class Reign:
    """One leadership."""

    def __init__(self, term: int, members: Members, settings: RaftSettings, last_index: int, now: float) -> None:
        self.term = term
        self.reads = ReadRounds()
        self.lease = Lease(settings.election_min_s)
        self.answers = Answers()
        self.transfer: Transfer | None = None
        self.flows: dict[str, Flow] = {}
        """Of everybody who is sent the log: the others of the set, and for a moment those whom it removed."""
        self._leaving: dict[str, float] = {}
        self._answered_at: dict[str, float] = {}
        self._members = members
        self._settings = settings
        self.adopt(last_index, now)

    def adopt(self, last_index: int, now: float) -> None:
        """Another peer set is in effect; whom it removed shall still receive it, unless they are silent."""
        others = self._members.others
        removed = [id for id in self.flows if id not in others and id not in self._leaving]
        for id in self._leaving:
            if id not in others:
                del self.flows[id]
        self._leaving = dict.fromkeys(removed, now + self._settings.leader_fallback_s)
        for id in others:
            if id not in self.flows:
                self.flows[id] = Flow(last_index, self._settings.window_max)
                self._answered_at[id] = now
        self._answered_at = {id: self._answered_at[id] for id in self.flows}
        self.answers.keep(self.flows)

    def _counts_self(self) -> bool:
        """Whether the leader is one of the voters; it is not while it is being removed."""
        return self._members.is_voter

    def answered(self, id: str, now: float) -> None:
        """A server of `flows` has answered."""
        self._answered_at[id] = now

    def live(self, now: float) -> Iterator[tuple[str, int]]:
        """Those who answered lately, with the last entry that each surely has; 0 when it has not said yet."""
        for id, flow in self.flows.items():
            if now - self._answered_at[id] < self._settings.connection_timeout_s:
                yield id, flow.match_index

    def dismiss(self, now: float) -> None:
        """Send nothing more to those removed who know it by now, or had their time."""
        for id, until in list(self._leaving.items()):
            if now >= until or self.flows[id].match_index >= self._members.latest.index:
                del self._leaving[id], self.flows[id], self._answered_at[id]

    def agreed_index(self, own_index: int) -> int:
        """The last entry that a majority of the voters has on disk; `own_index` is where the leader's own disk is."""
        flows = self.flows
        return agreed(
            own_index if self._counts_self() else None,
            [flows[id].match_index for id in self._members.other_voters],
        )

    def majority_heard_at(self, now: float) -> float:
        """The last time by which a majority of the voters had answered."""
        return agreed(
            now if self._counts_self() else None, [self._answered_at[id] for id in self._members.other_voters]
        )

    def heard(self, id: str, seq: int) -> None:
        """A voter has answered a message that carried `seq`."""
        self.reads.answered(id, seq)
        self.lease.confirmed(self.confirmed_round())

    def confirmed_round(self) -> int:
        """The last round of reads that a majority of the voters has answered."""
        return self.reads.confirmed(self._members.other_voters, counts_self=self._counts_self())

    def lease_holds(self, now: float) -> bool:
        """Whether nobody else can lead at `now`."""
        return self._members.is_lone or self.lease.holds(now)

    def led_at(self, now: float) -> float | None:
        """The last moment up to `now` before which nobody else can have committed anything; None for never."""
        return now if self._members.is_lone else self.lease.led_at(now)

    def vouch(self, seq: int, now: float, *, knows_commits: bool) -> None:
        """Messages with `seq` leave; what `answers` vouches for goes with them.

        Unless the leader knows what its predecessors committed, it vouches for nothing.
        """
        if not knows_commits:
            self.answers.may_lead(seq, 0)
        elif self.lease_holds(now):
            self.answers.leads(seq)
        else:
            self.answers.may_lead(seq, self.confirmed_round())

    def progress(self, now: float) -> dict[str, Progress]:
        """How far each other server of the set is."""
        return {
            id: Progress(self.flows[id].match_index, max(now - self._answered_at[id], 0.0))
            for id in self._members.others
        }

    def end(self, *, succeeded: bool) -> None:
        """Leadership ended; `succeeded`: another term has begun."""
        self.reads.end()
        transfer, self.transfer = self.transfer, None
        if transfer is not None:
            if succeeded:
                transfer.done(None, Reason.SUCCESS)
            else:
                transfer.done("leadership was lost before it could be handed over", Reason.UNKNOWN_OUTCOME)
