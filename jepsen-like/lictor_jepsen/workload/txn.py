"""Transactions: lists under several keys that are read and appended to in one piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import Finding
from lictor_jepsen.checker.txn import CHANGES, judge_transactions
from lictor_jepsen.clients.txn import TxnClient
from lictor_jepsen.op import Invocation, Mode, Op, Value
from lictor_jepsen.workload.base import Client, Place, Turn, Workload
from lictor_jepsen.workload.kv import read_mode

__all__ = ["Transactions"]

KEYS: Final = ("x", "y", "z")
"""The lists of a group; a transaction is about one or more of one group."""
_APPENDS_MAX: Final = 8
"""More appends than a transaction ever has."""


class Transactions(Workload):
    """Read lists and append to them.

    `look` reads two or three lists in one transaction. `guarded` reads before, and appends in a transaction that does
    nothing unless all that was read is still so. `whole` reads and appends in one transaction.
    """

    name = "txn"
    about = "read several lists and append to them, in transactions"
    alone = ""
    changes = CHANGES

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Micro-operations on one to three keys."""
        f = rng.choice(("guarded", "whole", "look"))
        if f == "look":
            return Invocation(f, turn.key, _look(rng.sample(KEYS, rng.choice((2, 3)))), read_mode(rng))
        fresh = iter(range(turn.fresh * _APPENDS_MAX, (turn.fresh + 1) * _APPENDS_MAX))
        keys = rng.sample(KEYS, rng.choice((1, 2, 2, 3)))
        micro: list[Value] = []
        for place, key in enumerate(keys):
            appends = rng.choice((1, 1, 1, 2)) if place == 0 or rng.random() < 0.5 else 0
            if not appends or rng.random() < 0.6:
                micro.append(("r", key, None))
            micro += [("append", key, next(fresh)) for _ in range(appends)]
            if appends and rng.random() < 0.2:
                micro.append(("r", key, None))
        return Invocation(f, turn.key, tuple(micro))

    def client(self, place: Place) -> Client:
        """Asks over `/v1/txn`."""
        return TxnClient(place.url, prefix=place.cluster.prefix)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Look at all lists, in both strict modes."""
        modes = (Mode.DEFAULT, Mode.CONSISTENT)
        return [Invocation("look", key, _look(KEYS), mode) for key in keys for mode in modes]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """Strict serializability."""
        return judge_transactions(history)


def _look(keys: Sequence[str]) -> Value:
    return tuple(("r", key, None) for key in keys)
