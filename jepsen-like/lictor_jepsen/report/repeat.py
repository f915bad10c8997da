"""What the settings in the results of a run say: how it is made again, and by how many clients. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

__all__ = ["clients", "repeat"]

_OWN: Final = {"lictor": ("lictor",), "consul": ("consul",)}
"""What a product is started with when nobody said otherwise; only the name of the file counts."""


class _Program(msgspec.Struct):
    name: str
    command: Sequence[str]


class _Settings(msgspec.Struct):
    program: _Program
    nodes: int
    agents: int
    workload: str
    faults: Sequence[str]
    seconds: float
    seed: int
    net: str
    ops_per_s: float
    threads_per_node: int = 2
    overlap: int = 1


def clients(settings: Mapping[str, object]) -> int:
    """How many clients a run had. Raises `ValueError` when the settings do not tell."""
    plan = msgspec.convert(settings, _Settings)
    return (plan.agents or plan.nodes) * plan.threads_per_node


def repeat(settings: Mapping[str, object]) -> str:
    """A line for a shell; empty when the settings are not those of a run that this version makes."""
    try:
        plan = msgspec.convert(settings, _Settings)
    except msgspec.ValidationError:
        return ""
    own = tuple(part.rpartition("/")[2] for part in plan.program.command) == _OWN.get(plan.program.name)
    flags = [
        *(("--db", plan.program.name) if plan.program.name != "lictor" else ()),
        *(() if own else ("--program", shlex.join(plan.program.command))),
        *("--workload", plan.workload, "--nemesis", ",".join(plan.faults) or "none"),
        *("--nodes", str(plan.nodes)),
        *(("--agents", str(plan.agents)) if plan.agents else ()),
        *("--net", plan.net, "--seconds", f"{plan.seconds:g}", "--rate", f"{plan.ops_per_s:g}"),
        *(("--overlap", str(plan.overlap)) if plan.overlap != 1 else ()),
        *("--seed", str(plan.seed)),
    ]
    return shlex.join(["lictor", "torture", "run", *flags])
