"""What must hold in every run, looked at while it runs.

The first violation of each kind is enough, so a set of sentences is kept, not a count.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from lictor_core.codec import decode_proposal, pack
from lictor_server.raft.log import LogEntry
from lictor_server.state import Store, apply_proposal
from lictor_server.state.snapshot import restore, state_hash, take

__all__ = ["Invariants", "Kept"]

_REGULAR: Final = 0
_TOLERANCE_S: Final = 1e-6
"""Of clocks that count in floats."""


class Kept:
    """One voter's state, and a hash over all it applied and what that came to, in order."""

    def __init__(self, entries: Iterable[LogEntry] = ()) -> None:
        """The state that `entries` give."""
        self.index = 0
        self.hash = b""
        self.store = Store("dc1")
        for command, index, _ in entries:
            if command[0] == _REGULAR:
                self.take(index, command[1:])

    def take(self, index: int, payload: bytes) -> None:
        """Apply one proposal."""
        outcome, _ = apply_proposal(self.store, index, decode_proposal(payload))
        self.index = index
        self.hash = hashlib.blake2b(self.hash + b"%d:" % index + payload + pack(outcome), digest_size=8).digest()

    def saved(self) -> Kept:
        """The same after a snapshot: its state went through bytes."""
        self.store = restore(take(self.store))
        return self


class Invariants:
    """The judge of one run."""

    def __init__(self, true_time: Callable[[], float]) -> None:
        self._true_time = true_time
        self._floors: list[tuple[float, int]] = []
        """Since when what was visible."""
        self._leaders: dict[int, str] = {}
        self._applied: dict[int, bytes] = {}
        self._hashes: dict[int, bytes] = {}
        self._index_of: dict[bytes, int] = {}
        self._refused: set[bytes] = set()
        self.acknowledged: dict[bytes, int] = {}
        self.read_floor = 0
        self.reads = 0
        self.lease_reads = 0
        self.stale_reads = 0
        self.violations: dict[str, str] = {}

    def report(self, kind: str, detail: str) -> None:
        """Note a violation; the first of its kind stays."""
        self.violations.setdefault(kind, detail)

    def led(self, node: str, term: int, log: Callable[[], Sequence[LogEntry]]) -> None:
        """`node` says it leads `term`. Raft paper, figure 3: election safety, leader completeness."""
        if term in self._leaders:
            if self._leaders[term] != node:
                self.report("election safety", f"{self._leaders[term]} and {node} both lead term {term}")
            return
        newest = term > max(self._leaders, default=0)
        self._leaders[term] = node
        if newest:
            held = {index: command[1:] for command, index, _ in log()}
            for index, payload in self._applied.items():
                if held.get(index) != payload:
                    self.report("leader completeness", f"{node} leads term {term} without the committed entry {index}")
                    return

    def applied(self, node: str, kept: Kept, index: int, payload: bytes) -> None:
        """`node` applies. State machine safety, in order, once."""
        if index <= kept.index:
            self.report("index monotonic", f"{node} applies {index} after {kept.index}")
        kept.take(index, payload)
        if self._applied.setdefault(index, payload) != payload:
            self.report("state machine safety", f"{node} applies another command at {index}")
        if self._hashes.setdefault(index, kept.hash) != kept.hash:
            self.report("state machine safety", f"{node} has another state at {index}")
        if self._index_of.setdefault(payload, index) != index:
            self.report("applied once", f"{payload!r} is applied at {self._index_of[payload]} and {index}")
        if payload in self._refused:
            self.report("refused for sure", f"{payload!r} was refused and is applied at {index}")

    def installed(self, node: str, kept: Kept, state: Kept) -> None:
        """`node` takes over the state of a leader's snapshot: one that others had, and none before its own."""
        if state.index < kept.index:
            self.report("index monotonic", f"{node} goes back from {kept.index} to {state.index} by a snapshot")
        if state.index and self._hashes.get(state.index) != state.hash:
            self.report("state machine safety", f"{node} installs a state at {state.index} that nobody had")
        kept.index, kept.hash, kept.store = state.index, state.hash, state.store

    def refused(self, payload: bytes) -> None:
        """A submitter was told that `payload` is surely not applied."""
        self._refused.add(payload)
        if payload in self._index_of:
            self.report("refused for sure", f"{payload!r} was refused and is applied at {self._index_of[payload]}")

    def acknowledge(
        self, index: int, payload: bytes, sets: Iterable[frozenset[str]], disks: Mapping[str, Sequence[LogEntry]]
    ) -> None:
        """A submitter was told that `payload` is applied at `index`: it must be on a majority's disks by now.

        `sets` are the voters by which it can have been committed: those at its index, and those of later sets.
        """
        self.acknowledged[payload] = index
        self._seen(index)
        holding = {node for node, disk in disks.items() if len(disk) >= index and disk[index - 1][0][1:] == payload}
        if not any(2 * len(voters & holding) > len(voters) for voters in sets):
            self.report("acknowledged means durable", f"{payload!r} at {index} is on the disks of {sorted(holding)}")

    def read(self, node: str, applied_index: int, floor: int, *, by_lease: bool) -> None:
        """A read that began when `floor` was visible is answered from the state at `applied_index`."""
        self.reads += not by_lease
        self.lease_reads += by_lease
        if applied_index < floor:
            how = "by its lease " if by_lease else ""
            self.report("reads never stale", f"{node} answers {how}from {applied_index} after {floor} was visible")
        self._seen(applied_index)

    def stale_read(self, node: str, applied_index: int, current_at: float) -> None:
        """A server answers from the state at `applied_index`, and says that it was current at this true time."""
        self.stale_reads += 1
        position = bisect_right(self._floors, (current_at - _TOLERANCE_S, -1))
        floor = self._floors[position - 1][1] if position else 0
        if applied_index < floor:
            ago_s = self._true_time() - current_at
            self.report("no state older than it says", f"{node} has {applied_index}, {floor} was visible {ago_s} s ago")

    def _seen(self, index: int) -> None:
        """Somebody was told of the state at `index`."""
        if index > self.read_floor:
            self.read_floor = index
            self._floors.append((self._true_time(), index))

    def logs_match(self, logs: Mapping[str, Sequence[LogEntry]]) -> None:
        """Raft paper, figure 3, log matching: one entry alike means all before it alike. Logs begin at index 1."""
        names = list(logs)
        for number, a in enumerate(names):
            for b in names[number + 1 :]:
                if not _match(logs[a], logs[b]):
                    self.report("log matching", f"the logs of {a} and {b} agree after they differ")

    def healed(self, states: Mapping[str, Kept], logs: Mapping[str, Sequence[LogEntry]]) -> None:
        """All faults have ended and time was given: everybody agrees, and nothing acknowledged is missing."""
        if len({(kept.index, kept.hash) for kept in states.values()}) != 1:
            self.report("nobody stuck", f"{ {node: kept.index for node, kept in states.items()} } after healing")
        elif len({state_hash(kept.store) for kept in states.values()}) != 1:
            self.report("state machine safety", f"the states of {sorted(states)} differ after the same log")
        for node, log in logs.items():
            for payload, index in self.acknowledged.items():
                if len(log) < index or log[index - 1][0][1:] != payload:
                    self.report("acknowledged is kept", f"{node} lacks {payload!r}, acknowledged at {index}")
                    break


def _match(a: Sequence[LogEntry], b: Sequence[LogEntry]) -> bool:
    position = min(len(a), len(b))
    while position and a[position - 1][2] != b[position - 1][2]:
        position -= 1
    return list(a[:position]) == list(b[:position])
