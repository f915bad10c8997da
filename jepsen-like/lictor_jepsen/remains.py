"""What is looked at when a run is over: which processes ended by themselves, and what stands in the logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.db import Cluster
from lictor_jepsen.nemesis import FAULTS
from lictor_jepsen.net import Node

__all__ = ["logs", "processes", "terms"]

_LOG_TROUBLE: Final = re.compile(r"Traceback \(most recent call last\)|^panic: |AssertionError|exc_info=")
_TRACE_LINES_MAX: Final = 200
"""How far behind its first line the end of a traceback is looked for; those of groups are long."""
_LEADER: Final = re.compile(r"raft\.leader\.(?:elected|followed): .*?(?:leader=(\S+) .*?)?\bterm=(\d+)")
"""Who leads which term, by the word of itself or of one that follows it."""
_TOLD_MAX: Final = 20
"""How many lines of the logs are told."""


def processes(faults: Sequence[str], cluster: Cluster) -> Finding:
    """A process that ends by itself is wrong, unless a fault allows it and its log says why."""
    reasons = [FAULTS[name].may_end for name in faults if FAULTS[name].may_end]
    wrong: list[str] = []
    for death in cluster.deaths:
        path = cluster.logs / f"{death.split()[0]}.log"
        log = path.read_text(errors="replace") if path.exists() else ""
        if not any(re.search(reason, log) for reason in reasons):
            wrong.append(f"{death}, and its log does not say that a fault made it" if reasons else death)
    problems = tuple(map(Problem, wrong))
    return Finding(Verdict.INVALID if wrong else Verdict.VALID, len(cluster.everybody), problems)


def logs(faults: Sequence[str], cluster: Cluster) -> Finding:
    """Lines in the servers' logs that tell of a bug. A traceback that ends in what a fault makes is none."""
    allowed = [FAULTS[name].may_end for name in faults if FAULTS[name].may_trace]
    found: list[str] = []
    for node in cluster.ever:
        lines = _lines(cluster, node)
        for number, line in enumerate(lines, 1):
            if _LOG_TROUBLE.search(line) is None:
                continue
            behind = "\n".join(lines[number - 1 : number + _TRACE_LINES_MAX])
            if not any(re.search(reason, behind) for reason in allowed):
                found.append(f"{node.name}.log:{number}: {line}")
    return Finding(
        Verdict.INVALID if found else Verdict.VALID, len(cluster.everybody), tuple(map(Problem, found[:_TOLD_MAX]))
    )


def terms(cluster: Cluster) -> Finding:
    """No term has two leaders, by what servers wrote into their logs when they led or began to follow somebody.

    That holds whether or not a client saw what came of it. Judged are the terms that were told of.
    """
    leaders: dict[int, dict[str, str]] = {}
    for node in cluster.ever:
        for number, line in enumerate(_lines(cluster, node), 1):
            if told := _LEADER.search(line):
                leader, term = told[1] or node.name, int(told[2])
                leaders.setdefault(term, {}).setdefault(leader, f"{node.name}.log:{number}")
    found = [
        f"term {term} has {len(said)} leaders: {', '.join(f'{name} ({place})' for name, place in said.items())}"
        for term, said in sorted(leaders.items())
        if len(said) > 1
    ]
    return Finding(Verdict.INVALID if found else Verdict.VALID, len(leaders), tuple(map(Problem, found[:_TOLD_MAX])))


def _lines(cluster: Cluster, node: Node) -> list[str]:
    path = cluster.log_path(node)
    return path.read_text(errors="replace").splitlines() if path.exists() else []
