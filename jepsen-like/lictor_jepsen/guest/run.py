"""One run as a guest: clients ask, the owner's commands break and mend, checkers judge, and all keys are deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Folders
from lictor_jepsen.generator import Generator
from lictor_jepsen.guest.commands import Commanded, filled_in
from lictor_jepsen.guest.file import ClusterFile
from lictor_jepsen.http import request, trust
from lictor_jepsen.interpreter import RECOVERY_S_MAX, Interpreter, Pace, Recorder, serving
from lictor_jepsen.nemesis import Spell, Surroundings, schedule
from lictor_jepsen.net import Loopback, NetError, Node
from lictor_jepsen.op import Op
from lictor_jepsen.report import page
from lictor_jepsen.run import concluded, leader, steps_of
from lictor_jepsen.store import Results, RunFolder, plan_to_json, to_json
from lictor_jepsen.workload import WORKLOADS

__all__ = ["THREADS_PER_NODE", "Stay", "perform", "script"]

THREADS_PER_NODE: Final = 2
"""Clients of each server, or of each agent where there are some."""
_DELETE_S_MAX: Final = 10.0


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
    """Sets this run apart from all others in the names of its keys."""

    @property
    def name(self) -> str:
        """For the folder and the keys."""
        return f"{self.cluster.name}-{self.workload}-{self.seed}-{self.stamp}"

    @property
    def prefix(self) -> str:
        """Below which all keys stand."""
        return f"jepsen/{self.name}/"

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
            "prefix": self.prefix,
        }


class _Elsewhere(Loopback):
    """A network that is none of ours: as on loopback, nothing is built, cut or shaped."""

    lacks_cuts = "the links of this cluster are its owner's"

    def __init__(self, nodes: Sequence[Node], agents: Sequence[Node]) -> None:
        super().__init__(0)
        self.nodes = nodes
        self.agents = agents

    def within(self, node: Node) -> list[str]:
        raise NetError(f"{node.name} is its owner's: nothing is started there")

    async def place(self, name: str = "") -> Node:
        raise NetError(f"no place is made for {name or 'another server'}: the servers are their owner's")


class _Hosts(Cluster):
    """The cluster of the file. Nothing of it is started, so nothing of it can be signalled either."""

    def __init__(self, file: ClusterFile, folder: Path, prefix: str) -> None:
        program = Program("cluster", (), (), clock_can_jump=False)
        super().__init__(program, _Elsewhere(file.servers, file.agents), Folders(folder), folder)
        self.prefix = prefix
        self._urls = file.urls

    def url(self, node: Node) -> str:
        return self._urls[node.name]


def script(stay: Stay) -> list[str]:
    """What would be done, in lines."""
    asked = stay.cluster.agents or stay.cluster.servers
    lines = [
        f"asks {', '.join(node.name for node in asked)}: {stay.workload}, {stay.ops_per_s:g} operations a second "
        f"for {stay.seconds:g} s, keys below {stay.prefix}, which are deleted at the end",
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


async def perform(
    stay: Stay, store: Path, monotonic: Callable[[], float] = time.monotonic
) -> tuple[RunFolder, Results]:
    """Run it and keep it. Whatever happens, faults that began are ended and the run's keys are deleted."""
    folder = RunFolder(store / f"{stay.stamp}-{stay.cluster.name}-{stay.workload}-{stay.seed}")
    folder.path.mkdir(parents=True)
    folder.plan.write_text(plan_to_json(stay.settings))
    if stay.cluster.tls is not None:
        trust(stay.cluster.tls)
    cluster = _Hosts(stay.cluster, folder.path, stay.prefix)
    commanded = {one.name: Commanded(one, stay.cluster) for one in stay.cluster.faults if one.name in stay.faults}
    around = Surroundings(cluster, Folders(folder.path), lambda: leader(cluster))
    workload = WORKLOADS[stay.workload]
    generator = Generator(workload, stay.seed, len(cluster.asked) * THREADS_PER_NODE)
    history: Sequence[Op] = ()
    troubles: list[str] = []
    founded_s = recovered_s = None
    try:
        founded_s = await serving(cluster, monotonic)
        if founded_s is not None:
            with folder.history.open("w") as file:
                recorder = Recorder(file, monotonic)
                history = recorder.history
                faults = {name: one.fault for name, one in commanded.items()}
                interpreter = Interpreter(around, generator, Pace(stay.seconds, stay.ops_per_s), recorder, faults)
                troubles = interpreter.troubles
                recovered_s = await interpreter.perform(stay.spells)
    finally:
        troubles = [*troubles, *await _tidied(stay, list(commanded.values()))]
    results = _results(stay, history, troubles, founded_s, recovered_s)
    folder.results.write_text(to_json(results))
    folder.timeline.write_text(page(stay.name, history, results, generator.threads))
    return folder, results


async def _tidied(stay: Stay, commanded: Sequence[Commanded]) -> list[str]:
    """End what was begun and delete what was written; what of that failed."""
    left: list[str] = []
    for one in commanded:
        try:
            await one.end()
        except OSError as error:
            left.append(f"{one.command.name} could not be ended: {error}")
    said: list[str] = []
    for node in stay.cluster.agents or stay.cluster.servers:
        try:
            url = f"{stay.cluster.urls[node.name]}/v1/kv/{stay.prefix}?recurse"
            answer = await request("DELETE", url, timeout_s=_DELETE_S_MAX)
        except OSError as error:
            said.append(f"{node.name}: {error}")
            continue
        if answer.status == 200:
            return left
        said.append(f"{node.name}: {answer.status} {answer.text.strip()}")
    return [*left, f"the keys below {stay.prefix} could not be deleted: {'; '.join(said)}"]


def _results(
    stay: Stay,
    history: Sequence[Op],
    troubles: Sequence[str],
    founded_s: float | None,
    recovered_s: float | None,
) -> Results:
    findings = {
        "recovery": _recovery(founded_s, recovered_s),
        "faults": _faults(stay, troubles, len(steps_of(history)) // 2),
    }
    return concluded(WORKLOADS[stay.workload], history, findings, stay.settings, recovered_s)


def _recovery(founded_s: float | None, recovered_s: float | None) -> Finding:
    """A cluster that did not serve before anything was done to it says nothing about faults."""
    if founded_s is None:
        text = f"not everybody took a write and both strict reads within {RECOVERY_S_MAX:.0f} s, before any fault"
        return Finding(Verdict.UNKNOWN, 0, (Problem(text),))
    if recovered_s is None:
        return Finding(Verdict.INVALID, 1, (Problem(f"not everybody served again within {RECOVERY_S_MAX:.0f} s"),))
    return Finding(Verdict.VALID, 1)


def _faults(stay: Stay, troubles: Sequence[str], done: int) -> Finding:
    problems = [*map(Problem, troubles)]
    if stay.faults and not done:
        problems.append(Problem("no fault happened: the run was too short"))
    return Finding(Verdict.UNKNOWN if problems else Verdict.VALID, done, tuple(problems))
