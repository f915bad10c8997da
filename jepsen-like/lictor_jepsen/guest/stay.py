"""What is to be run as a guest, and in which words that is told before it is done. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

import msgspec

from lictor_jepsen.guest.commands import Commanded, filled_in
from lictor_jepsen.guest.file import ClusterFile
from lictor_jepsen.instances import outside_node
from lictor_jepsen.interpreter import RECOVERY_S_MAX
from lictor_jepsen.nemesis import Spell, schedule
from lictor_jepsen.workload import WORKLOADS, Made, Workload

__all__ = ["Stay", "script"]

_REGISTERS: Final = frozenset({Made.NODES, Made.SERVICES})


class Stay(NamedTuple):
    """What to run."""

    cluster: ClusterFile
    workload: str
    faults: tuple[str, ...]
    """Names of the file's faults."""
    seconds: float
    seed: int
    ops_per_s: float
    stamp: str
    """Sets this run apart from all others in the names of all that it makes: letters, digits and hyphens.

    None may be the beginning of another one."""
    patience_s: float = RECOVERY_S_MAX
    """How long everybody may take to serve, before and after; and what was made, to be gone in the end."""
    threads_per_node: int = 2
    """Clients of each server, or of each agent where there are some."""

    @property
    def name(self) -> str:
        """For the folder and the keys."""
        return f"{self.cluster.name}-{self.workload}-{self.seed}-{self.stamp}"

    @property
    def prefix(self) -> str:
        """Below which all keys stand; the name of all sessions."""
        return f"jepsen/{self.name}/"

    @property
    def mark(self) -> str:
        """What the names of all services begin with. In small letters, since DNS knows no others."""
        return f"jepsen-{self.stamp.lower()}-"

    @property
    def work(self) -> Workload:
        """The workload as it is in this cluster. Raises `NoGuestError`."""
        return WORKLOADS[self.workload].as_guest(self.cluster.house)

    @property
    def makes(self) -> frozenset[Made]:
        """What is made there. Keys always: by them it is told whether everybody serves."""
        return self.work.makes | {Made.KEYS}

    @property
    def key_mark(self) -> str:
        """What the workload's keys begin with: the mark, where they are names of services."""
        return self.mark if self.makes & _REGISTERS else ""

    @property
    def spells(self) -> list[Spell]:
        """When which fault is."""
        return schedule(self.faults, self.seconds, self.seed)

    @property
    def settings(self) -> dict[str, object]:
        """For the files of the run; without the addresses that hold the token."""
        return {
            "cluster": self.cluster.name,
            "servers": [node.name for node in self.cluster.servers],
            "agents": [node.name for node in self.cluster.agents],
            "workload": self.workload,
            "faults": self.faults,
            "seconds": self.seconds,
            "seed": self.seed,
            "ops_per_s": self.ops_per_s,
            "patience_s": self.patience_s,
            "threads_per_node": self.threads_per_node,
            "prefix": self.prefix,
            "mark": self.key_mark,
            "house": msgspec.structs.asdict(self.cluster.house),
        }


def script(stay: Stay) -> list[str]:
    """What would be done, in lines."""
    asked = ", ".join(node.name for node in stay.cluster.asked)
    lines = [
        f"asks {asked}: {stay.workload}, {stay.ops_per_s:g} operations a second for {stay.seconds:g} s",
        *(f"  {line}" for line in _written(stay, asked)),
        "  all of that is taken away at the end",
    ]
    faults = {one.name: Commanded(one, stay.cluster) for one in stay.cluster.faults}
    for spell in stay.spells:
        fault = faults[spell.fault]
        node, seed = fault.victim(Random(spell.seed))
        for moment, words in ((spell.begins_s, fault.command.begin), (spell.ends_s, fault.command.end)):
            lines.append(f"{moment:6.1f} s {spell.fault}: {' '.join(filled_in(words, node, seed))}")
    if not stay.spells:
        lines.append("no faults")
    return lines


def _written(stay: Stay, asked: str) -> Iterator[str]:
    told = {
        Made.KEYS: f"writes keys below {stay.prefix}",
        Made.SESSIONS: f"makes sessions named {stay.prefix} at {asked}",
        Made.NODES: f"registers nodes {outside_node(stay.mark)}... with services {stay.mark}... in the catalog",
        Made.SERVICES: f"registers services {stay.mark}... at the agents {asked}",
    }
    yield from (told[made] for made in Made if made in stay.makes)
    if stay.work.needs.dns:
        places = (stay.cluster.dns[node.name] for node in stay.cluster.asked)
        yield f"asks DNS at {', '.join(f'{address}:{port}' for address, port in places)}"
