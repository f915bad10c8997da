"""The guards of the core, and how to take each away: a guard whose absence nobody notices is untested or useless."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Final, cast
from unittest.mock import patch

from pysyncobj.node import Node

from lictor_server.raft import acks, append, core, lease, prevote
from lictor_server.raft.core import RaftCore
from lictor_server.raft.evidence import Evidence
from lictor_server.raft.flow import Flow
from lictor_server.raft.lease import Lease
from lictor_server.raft.log import Log
from lictor_server.raft.members import Members
from lictor_server.raft.messages import Append, Reply
from lictor_server.raft.prevote import Votes
from lictor_server.raft.readindex import ReadRounds
from lictor_server.raft.reign import Reign
from tests.simulation import disk

__all__ = ["ABLATIONS", "Ablation"]


@dataclasses.dataclass(frozen=True)
class Ablation:
    """`owner.name` does the harmful thing instead."""

    owner: object
    name: str
    instead: object

    @contextmanager
    def applied(self) -> Generator[None, None, None]:
        """While inside, the guard is gone."""
        with patch.object(self.owner, self.name, self.instead):
            yield


def _whole_log(log: Log, append: Append) -> int:
    return log[-1][1]


def _cut_always(log: Log, entries: Iterable[object]) -> int:
    return 0


def _next_is_what_was_verified(flow: Flow, index: int) -> None:
    flow.match_index = max(flow.match_index, index)
    flow.next_index = index + 1


def _whoever_answers(server: RaftCore, node: object, term: int) -> Reign | None:
    return cast("Reign | None", vars(server)["_reign"])


def _commit_index_alone(server: RaftCore) -> int:
    return server.commit_index


def _say_nothing(server: RaftCore, node: object) -> None:
    return None


def _always(*_: object, **__: object) -> bool:
    return True


def _never(*_: object, **__: object) -> bool:
    return False


def _every_round(rounds: ReadRounds, voters: Iterable[str], *, counts_self: bool) -> int:
    return 1_000_000


def _leaders_word(leader_commit_index: int, verified: int) -> int:
    return leader_commit_index


def _own_last_entry(server: RaftCore) -> int:
    return server.last_index


def _no_problem(before: object, after: object) -> None:
    return None


def _each_message(votes: Votes, node_id: str, term: int) -> int:
    vars(votes)["count"] = vars(votes).get("count", 0) + 1
    return cast("int", vars(votes)["count"])


def _voters_alone(members: Members, commit_index: int) -> bool:
    return members.is_voter


def _nothing(*_: object) -> None:
    return None


def _once_confirmed(granted: Lease, now: float) -> bool:
    return vars(granted)["_since"] is not None


_heard = Evidence.heard
_said_before = Evidence.said
_vouch = Reign.vouch


def _as_received(own: Evidence, term: int, seq: int, answered: int | None, commit_index: int, now: float) -> None:
    _heard(own, term, seq, None, commit_index, now)


def _at_once(own: Evidence, commit_index: int, at: float) -> None:
    own.led(at)


def _each_answer(own: Evidence, seq: int, now: float) -> None:
    vars(own)["_last_seq"] = min(vars(own)["_last_seq"], seq - 1)
    _said_before(own, seq, now)


def _whoever_leads(reign: Reign, seq: int, now: float, *, knows_commits: bool) -> None:
    reign.answers.leads(seq)


def _as_if_it_knew(reign: Reign, seq: int, now: float, *, knows_commits: bool) -> None:
    _vouch(reign, seq, now, knows_commits=True)


def _until_now(granted: Lease, now: float) -> float:
    return now


_yes = property(_always)


def _committed_alone(server: RaftCore, last_index: int, term: int) -> bool:
    return last_index <= server.commit_index


def _follow_and_commit(server: RaftCore, node: Node, term: int, reply: Reply | None = None) -> None:
    log = vars(server)["_own_log"]
    message = Append(term, log[-1][1], log[-1][2], (), log[-1][1], 0).message()
    super(RaftCore, server)._SyncObj__onMessageReceived(node, message)


ABLATIONS: Final = {
    "a snapshot that the log covers leaves it alone": Ablation(RaftCore, "covers", _committed_alone),
    "a piece of a snapshot commits nothing": Ablation(RaftCore, "_follow", _follow_and_commit),
    "a start empties a log that does not fit an installed snapshot": Ablation(disk, "fits", _always),
    "answers to an earlier term are not counted": Ablation(RaftCore, "_reign_that_asked", _whoever_answers),
    "entries that are there are skipped": Ablation(append, "first_unlike", _cut_always),
    "what is proven is acknowledged, not the whole log": Ablation(append, "proven", _whole_log),
    "the commit index is capped at what is proven": Ablation(append, "committed_up_to", _leaders_word),
    "replies wait for the disk": Ablation(acks, "may_leave", _always),
    "held replies of an earlier term are dropped": Ablation(acks, "is_current", _always),
    "a leader counts only what is on its own disk": Ablation(RaftCore, "_own_match", _own_last_entry),
    "an election is asked for first": Ablation(RaftCore, "_must_ask_first", _never),
    "nobody grants a pre-vote who hears a leader": Ablation(prevote, "would_vote", _always),
    "one vote a voter and term": Ablation(Votes, "add", _each_message),
    "a stale leader is told": Ablation(RaftCore, "_answer_stale", _say_nothing),
    "an old refusal is no news": Ablation(Flow, "is_news", _always),
    "the next index never goes back on success": Ablation(Flow, "verified", _next_is_what_was_verified),
    "a read waits for its round": Ablation(ReadRounds, "confirmed", _every_round),
    "a read waits for the leader's no-op": Ablation(RaftCore, "_index_to_read_at", _commit_index_alone),
    "one change of the peers at a time": Ablation(RaftCore, "peers_committed", _yes),
    "a change of the peers waits for the leader's no-op": Ablation(RaftCore, "_may_change", _always),
    "two sets differ by one voter": Ablation(core, "change_problem", _no_problem),
    "a set that is cut off is in effect no more": Ablation(Members, "truncate", _never),
    "a leader that is no voter does not count itself": Ablation(Reign, "_counts_self", _always),
    "who is no voter does not count": Ablation(RaftCore, "_counts", _always),
    "only a voter stands for election": Ablation(RaftCore, "_may_stand", _always),
    "who is being removed may still stand": Ablation(Members, "may_stand", _voters_alone),
    "a leader that is no voter resigns": Ablation(RaftCore, "_resign", _nothing),
    "who hears a leader votes for nobody else": Ablation(RaftCore, "_heard_lately", _never),
    "a restarted voter waits before it votes": Ablation(RaftCore, "_started_lately", _never),
    "the lease ends with a transfer": Ablation(Lease, "forfeit", _nothing),
    "the lease is shorter than what voters keep": Ablation(lease, "LEASE_SHARE", 1.0),
    "the lease is looked up by the clock": Ablation(Lease, "holds", _once_confirmed),
    "a message that waited is no news of now": Ablation(Evidence, "heard", _as_received),
    "a state is as fresh as what it has applied": Ablation(Evidence, "_claim", _at_once),
    "an answer of a former process is not one's own": Ablation(Evidence, "said", _each_answer),
    "a leader vouches while it surely leads": Ablation(Reign, "vouch", _whoever_leads),
    "a leader that does not know what is committed vouches for nothing": Ablation(Reign, "vouch", _as_if_it_knew),
    "a leader is as fresh as its lease": Ablation(Lease, "led_at", _until_now),
}
