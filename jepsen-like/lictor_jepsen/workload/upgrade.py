"""The workload of upgrades: servers change from a former version to this one, one by one, under load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import CHANGES, Finding, judge
from lictor_jepsen.checker.upgraded import judge_upgrade
from lictor_jepsen.clients.upgrade import UpgradeClient
from lictor_jepsen.op import Invocation, Mode, Op
from lictor_jepsen.workload.base import OPS_PER_KEY, Client, Needs, Place, Turn, Workload
from lictor_jepsen.workload.kv import Append, Register

__all__ = ["Upgrade"]

_UPGRADES: Final = "upgrades"
_EVERY: Final = 20
"""Between two upgrades the first thread does so much as the others: versions are mixed for a while."""


class Upgrade(Workload):
    """The first thread upgrades one after another; all write, append and read."""

    name = "upgrade"
    alone = "ends every server and agent and starts another version"
    about = "servers, then agents, change from a former version to this one, one by one, under registers and lists"
    changes = CHANGES
    needs = Needs(nodes=3, products=("lictor",), former=True)

    def key(self, thread: int, number: int, threads: int) -> str:
        """A register and a list in turn."""
        kind = ("register", "append")[number // OPS_PER_KEY % 2]
        return f"{kind}-{super().key(thread, number, threads)}"

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Of the first thread an upgrade now and then."""
        if turn.thread == 0 and turn.number % _EVERY == _EVERY - 1:
            return Invocation("upgrade", _UPGRADES)
        return (_APPEND if turn.key.startswith("append") else _REGISTER).invocation(rng, turn)

    def client(self, place: Place) -> Client:
        """Asks one; upgrades all."""
        return UpgradeClient(place.url, place.cluster)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Every key in both strict modes: all that the former version took is there."""
        others = [key for key in keys if key != _UPGRADES]
        return [Invocation("read", key, mode=mode) for key in others for mode in (Mode.DEFAULT, Mode.CONSISTENT)]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """The keys as those of any register and list; then the upgrade."""
        return {**judge([op for op in history if op.key != _UPGRADES]), **judge_upgrade(history)}


_REGISTER: Final = Register()
_APPEND: Final = Append()
