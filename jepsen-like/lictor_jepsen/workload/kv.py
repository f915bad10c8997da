"""The workloads of the KV store: a register, compare-and-set, lists, sets, and locks without a time to live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from lictor_jepsen.checker import CHANGES, Finding, judge
from lictor_jepsen.clients.kv import KVClient
from lictor_jepsen.op import Invocation, Mode, Op, Value
from lictor_jepsen.workload.base import Client, Made, Place, Turn, Workload

__all__ = ["Append", "CompareAndSet", "GrowSet", "Lock", "Register", "read_mode"]


class _KVWorkload(Workload):
    """Keys that each are a register, a list, a set or a lock, and are judged one by one."""

    changes = CHANGES
    alone = ""

    def client(self, place: Place) -> Client:
        """Asks over `/v1/kv`."""
        return KVClient(place.url, prefix=place.cluster.prefix, owner=place.cluster.owner)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Read every key in both strict modes."""
        return [Invocation("read", key, mode=mode) for key in keys for mode in (Mode.DEFAULT, Mode.CONSISTENT)]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """By what changes a key."""
        return judge(history)


class _ChangeOrRead(_KVWorkload):
    """One kind of change, and reads."""

    change: str
    share: float = 0.5
    """Of changes among all operations."""

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """A change with a number of its own, or a read."""
        return Invocation(self.change, turn.key, turn.fresh) if rng.random() < self.share else _read(rng, turn)


class Register(_ChangeOrRead):
    """Write, read."""

    name = "register"
    about = "write and read a value"
    change = "write"


class CompareAndSet(_KVWorkload):
    """Compare-and-set by `ModifyIndex`, write, read."""

    name = "cas"
    about = "write and read a value, and set it where it still is what it was"

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """A compare-and-set starts from what the thread saw last."""
        chance = rng.random()
        old = turn.seen.get(turn.key)
        if chance < 0.4 and (old is None or isinstance(old, int)):
            return Invocation("cas", turn.key, (old, turn.fresh))
        return Invocation("write", turn.key, turn.fresh) if chance < 0.5 else _read(rng, turn)

    def saw(self, value: Value) -> Value:
        """Of an old and a new value the new one."""
        return value[-1] if isinstance(value, tuple) and value else value


class Append(_ChangeOrRead):
    """Append to a list by compare-and-set, read it."""

    name = "append"
    about = "append to a list by compare-and-set, and read it"
    change = "append"


class GrowSet(_ChangeOrRead):
    """Add to a set, read all of it."""

    name = "set"
    about = "add to a set, a key for each member, and read all of it"
    change = "add"
    share = 0.6


class Lock(_KVWorkload):
    """Acquire, release, read who has it."""

    name = "lock"
    about = "take a lock, give it back, read who has it, with sessions that nothing ends"
    makes = frozenset({Made.KEYS, Made.SESSIONS})

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Give back what the thread has, as far as it knows; else try to get it."""
        if rng.random() < 0.6:
            verb = "release" if turn.seen.get(turn.key) == turn.who else "acquire"
            return Invocation(verb, turn.key, turn.who)
        return _read(rng, turn)


def read_mode(rng: Random) -> Mode:
    """Half of the reads as clients ask by default, a quarter each of the others."""
    return rng.choice((Mode.DEFAULT, Mode.DEFAULT, Mode.CONSISTENT, Mode.STALE))


def _read(rng: Random, turn: Turn) -> Invocation:
    return Invocation("read", turn.key, mode=read_mode(rng))
