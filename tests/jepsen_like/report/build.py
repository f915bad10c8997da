"""A small run to show: what clients did, one fault, one problem."""

from __future__ import annotations

from collections.abc import Sequence

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.op import NEMESIS, Kind, Op
from lictor_jepsen.outage import Outage
from lictor_jepsen.store import Results
from tests.jepsen_like.build import lines

SETTINGS: dict[str, object] = {
    "program": {"name": "lictor", "command": ["/somewhere/bin/lictor"], "flags": [], "clock_can_jump": True},
    "nodes": 3,
    "workload": "register",
    "faults": ["kill-one"],
    "seconds": 9.0,
    "seed": 7,
    "net": "loopback",
    "threads_per_node": 1,
    "ops_per_s": 100.0,
    "agents": 0,
}
RESULTS = Results(
    Verdict.INVALID,
    SETTINGS,
    {
        "default": Finding(Verdict.INVALID, 3, (Problem("lost <1>", (5, 6)), Problem("of no call"))),
        "enough": Finding(Verdict.UNKNOWN, 3, (Problem("only 3"),)),
    },
    {"write": {"ok": 1, "fail": 0, "info": 1}, "read default": {"ok": 1, "fail": 0, "info": 0}},
    ("1.0 s kill-one: killed n1",),
    {"disk-full": "no small disks"},
    4.2,
    (Outage("kill-one", "killed n1", 1.0, 0.77, 2.0, 0.9),),
    ("n2 ended by itself",),
)
HISTORY = [
    *lines("0 invoke write 1", "0 ok write 1", "1 invoke write 2", "1 info write 2", "4 invoke read -", "4 ok read 1"),
    Op(6.0, NEMESIS, Kind.INFO, "kill-one", value="killed n1"),
    Op(9.0, NEMESIS, Kind.INFO, "kill-one", value="started n1"),
]


def long(calls: int) -> Sequence[Op]:
    """A history of many calls, a millisecond each."""
    return lines(*(text for number in range(calls) for text in (f"0 invoke write {number}", f"0 ok write {number}")))
