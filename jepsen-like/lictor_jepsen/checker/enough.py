"""Was enough asked and answered to judge a run at all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lictor_jepsen.checker.verdict import Finding, Problem, Verdict
from lictor_jepsen.history import Call
from lictor_jepsen.op import Kind

__all__ = ["ENOUGH", "enough"]

ENOUGH: Final = 10
"""Fewer calls of one sort that went well than this say nothing about the system under test."""


def enough(groups: Mapping[str, Sequence[Call]]) -> Finding:
    """Whether enough of every group of calls went well; unknown with what is lacking if not."""
    well = {name: sum(call.kind is Kind.OK for call in group) for name, group in groups.items()}
    lacking = [
        Problem(f"only {well[name]} of {len(group)} {name} went well: too few to judge")
        for name, group in groups.items()
        if well[name] < ENOUGH
    ]
    return Finding(Verdict.UNKNOWN if lacking else Verdict.VALID, sum(well.values()), tuple(lacking))
