"""The workload of members: servers come and go under load, and every write stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import CHANGES, Finding, judge
from lictor_jepsen.checker.members import STEPS, judge_members
from lictor_jepsen.clients.members import MembersClient
from lictor_jepsen.op import Invocation, Mode, Op
from lictor_jepsen.workload.base import OPS_PER_KEY, Client, Needs, Place, Turn, Workload
from lictor_jepsen.workload.kv import Append, Register

__all__ = ["Membership"]

_MEMBERS: Final = "members"
"""What the first thread works on, and where looks at the terms stand."""
_WALK: Final = (
    ("grow", 5),
    ("shrink", 3),
    ("spare", 0),
    ("grow", 5),
    ("spare", 0),
    ("replace", 0),
    ("move", 0),
    ("remove", 0),
    ("shrink", 3),
    ("spare", 0),
    ("shrink", 1),
)
"""The first steps. Each makes sense from one server on: with 1, 5, 3, 5, 4, 3 and 1 of them. One that makes none fails
at once, as growing to five where there are five. Servers are lost where there are five: when a fault hits another one,
a majority is left. Then come all, by chance."""
_STEPS: Final = (*_WALK, ("grow", 3), ("grow", 5), ("remove", 0), ("shrink", 3))


class Membership(Workload):
    """The first thread changes who the servers are; the others write, append, read, and look who leads which term.

    They ask agents, which must find the servers that came and leave those that went.
    """

    name = "membership"
    alone = "adds and removes servers, and lets them lose their data"
    about = "servers come, leave, are lost and replaced, one to five of them, under a load of registers and lists"
    changes = CHANGES
    needs = Needs(
        agents=2,
        settings={
            "autopilot": {"server_stabilization_time": "1s", "last_contact_threshold": "2s"},
            "membership": {"lease_ttl": "4s"},
        },
        products=("lictor",),
    )

    def key(self, thread: int, number: int, threads: int) -> str:
        """A register and a list in turn."""
        if thread == 0:
            return _MEMBERS
        kind = ("register", "append")[number // OPS_PER_KEY % 2]
        return f"{kind}-{super().key(thread, number, threads)}"

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Of the first thread a step, of others what is done to registers and lists, and every tenth time a look."""
        if turn.thread == 0:
            step, count = _WALK[turn.number] if turn.number < len(_WALK) else rng.choice(_STEPS)
            seed = rng.getrandbits(32)
            return Invocation(step, _MEMBERS, (count, seed) if step in ("grow", "shrink") else seed)
        if rng.random() < 0.1:
            return Invocation("look", _MEMBERS)
        return (_APPEND if turn.key.startswith("append") else _REGISTER).invocation(rng, turn)

    def client(self, place: Place) -> Client:
        """Asks an agent, and for who the servers are, all of them."""
        return MembersClient(place.url, place.cluster)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Whether the servers are those that should be, and every key in both strict modes."""
        others = [key for key in keys if key != _MEMBERS]
        reads = [Invocation("read", key, mode=mode) for key in others for mode in (Mode.DEFAULT, Mode.CONSISTENT)]
        return [Invocation("settle", _MEMBERS), *reads]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """The keys as those of any register and list; then who the servers were."""
        return {**judge([op for op in history if op.key != _MEMBERS]), **judge_members(history)}


_REGISTER: Final = Register()
_APPEND: Final = Append()
assert {step for step, _ in _STEPS} - {"spare"} <= STEPS, "every step is judged"
