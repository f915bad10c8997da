"""The workload of snapshots: all state is saved and restored while clients write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import CHANGES, Finding
from lictor_jepsen.checker.restored import SNAPSHOTS, judge_snapshots
from lictor_jepsen.clients.snapshot import Gate, SnapshotClient
from lictor_jepsen.db import Cluster
from lictor_jepsen.op import Invocation, Mode, Op
from lictor_jepsen.workload.base import OPS_PER_KEY, Client, Needs, Place, Turn, Workload
from lictor_jepsen.workload.kv import Register

__all__ = ["Snapshot"]

_KEYS: Final = 4
"""How many keys a thread works on at a time: a torn snapshot shows between keys."""
_WAITS: Final = 10
"""After how many looks at a key the first thread takes its next step."""


class Snapshot(Workload):
    """The first thread saves and restores, and reads in between; the others write and read registers."""

    name = "snapshot"
    alone = "restores snapshots over all data"
    about = "all state is saved and restored under a load of registers; sessions and locks come back with it"
    changes = CHANGES
    needs = Needs(products=("lictor",))

    def __init__(self) -> None:
        self._gate = Gate()

    async def prepare(self, cluster: Cluster) -> None:
        """A gate for the run: it belongs to its loop."""
        del cluster
        self._gate = Gate()

    def key(self, thread: int, number: int, threads: int) -> str:
        """Some keys at a time, that all threads share."""
        del thread, threads
        return f"snapshot-{number // (OPS_PER_KEY * 2)}-{number % _KEYS}"

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Of the first thread a step and then some reads, of the others half writes and half reads."""
        if turn.thread:
            return _REGISTER.invocation(rng, turn)
        if turn.number % _WAITS:
            return Invocation("read", turn.key, mode=rng.choice((Mode.DEFAULT, Mode.CONSISTENT)))
        round_, place = divmod(turn.number // _WAITS, len(_ROUND))
        step, snapshot = _ROUND[place]
        number = round_ * len(_ROUND) + snapshot
        match step:
            case "save":
                return Invocation("save", SNAPSHOTS, number)
            case "restore" | "restore-loaded":
                return Invocation("restore", SNAPSHOTS, (number, step == "restore"))
            case _:
                return Invocation(step, SNAPSHOTS)

    def client(self, place: Place) -> Client:
        """Asks a server, or an agent."""
        return SnapshotClient(place.url, self._gate)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Read every key in both strict modes."""
        others = [key for key in keys if key != SNAPSHOTS]
        return [Invocation("read", key, mode=mode) for key in others for mode in (Mode.DEFAULT, Mode.CONSISTENT)]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """Keys with what saves and restores are to them; then snapshots."""
        return judge_snapshots(history)


_REGISTER: Final = Register()
_ROUND: Final = (
    ("drop", 0),
    ("hold", 0),
    ("save", 1),
    ("drop", 0),
    ("restore", 1),
    ("save", 2),
    ("restore", 2),
    ("restore-loaded", 1),
    ("drop", 0),
    ("restore-loaded", 2),
    ("save", 3),
    ("restore", 3),
)
"""What the first thread does, each with the snapshot that it is about. A restore under load comes after one that was
alone, by which it is known what that snapshot holds."""
