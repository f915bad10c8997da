"""One run from the start of the servers to its verdict."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from lictor_jepsen import confine
from lictor_jepsen.certificates import Certificates
from lictor_jepsen.checker import Finding, Problem, Verdict, combined
from lictor_jepsen.clients.base import leader_of
from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.generator import Generator
from lictor_jepsen.interpreter import RECOVERY_S_MAX, Interpreter, Pace, Recorder, serving
from lictor_jepsen.nemesis import FAULTS, LIBC_CLOCKS, TLS, Surroundings, disks_for, members, schedule, subject
from lictor_jepsen.net import Loopback, Namespaces, Net, Node
from lictor_jepsen.op import NEMESIS, Kind, Op
from lictor_jepsen.outage import outages
from lictor_jepsen.remains import logs, processes, terms
from lictor_jepsen.report import page
from lictor_jepsen.store import Results, RunFolder, plan_to_json, to_json
from lictor_jepsen.workload import WORKLOADS, Workload

__all__ = ["Plan", "concluded", "leader", "perform", "steps_of"]

_LEADER_S_MAX: Final = 1.0


class Plan(NamedTuple):
    """What to run."""

    program: Program
    nodes: int
    """Servers."""
    workload: str
    faults: tuple[str, ...]
    """Steps: a fault each, or several that begin together, such as `kill-leader+clock-jump`."""
    seconds: float
    seed: int
    net: str
    """`netns` or `loopback`."""
    threads_per_node: int = 2
    """Of each server; of each agent where there are some, since clients ask those then."""
    ops_per_s: float = 100.0
    agents: int = 0
    """Agents that are no servers."""
    overlap: int = 1
    """How many steps of `faults` may be at the same time."""
    former: tuple[str, ...] = ()
    """What starts the former version that a workload upgrades from."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of `faults`, and those of the workload itself that are not among them."""
        asked = {fault for step in self.faults for fault in members(step)}
        return (*self.faults, *(step for step in WORKLOADS[self.workload].needs.faults if step not in asked))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The faults of all steps, each once."""
        return tuple(dict.fromkeys(fault for step in self.steps for fault in members(step)))

    @property
    def name(self) -> str:
        """For the folder: what is run, in short."""
        many = "composed" if self.overlap > 1 else "mixed"
        faults = self.faults[0] if len(self.faults) == 1 else many if self.faults else "none"
        size = f"{self.nodes}+{self.agents}" if self.agents else f"{self.nodes}"
        return f"{self.program.name}-{size}-{self.workload}-{faults}-{self.seed}"

    @property
    def settings(self) -> dict[str, object]:
        """All of it, for the files of the run."""
        return {**self._asdict(), "program": self.program._asdict()}


async def perform(
    plan: Plan, store: Path, monotonic: Callable[[], float] = time.monotonic
) -> tuple[RunFolder, Results]:
    """Run it and keep it. Raises `NetError` when the network cannot be made."""
    folder = RunFolder(store / f"{time.strftime('%Y%m%dT%H%M%S')}-{plan.name}")
    folder.path.mkdir(parents=True)
    folder.plan.write_text(plan_to_json(plan.settings))
    kind: type[Namespaces | Loopback] = Namespaces if plan.net == "netns" else Loopback
    net: Net = kind(plan.nodes, plan.agents)
    workload = WORKLOADS[plan.workload]
    disks = disks_for(plan.kinds, folder.path / "data", mounts=confine.is_confined())
    needs = workload.needs
    own = {"settings": needs.settings, "agent_settings": needs.agent_settings}
    libc_clocks = plan.program.libc_clock_can_jump and any(LIBC_CLOCKS in FAULTS[name].needs for name in plan.kinds)
    now = datetime.now(UTC)  # noqa: TID251 certificates begin by the clock of the world
    tls = any(TLS in FAULTS[name].needs for name in plan.kinds)
    certificates = Certificates(folder.path / "tls", now) if tls else None
    cluster = Cluster(plan.program, net, disks, folder.path, **own, libc_clocks=libc_clocks, certificates=certificates)
    if needs.former:
        cluster.begin_with(plan.former)
    around = Surroundings(cluster, disks, lambda: leader(cluster))
    skipped = {name: reason for name in plan.kinds if (reason := FAULTS[name].lacks(around))}
    generator = Generator(workload, plan.seed, len(cluster.asked) * plan.threads_per_node)
    spells = schedule(_makeable(plan, skipped), plan.seconds, plan.seed, plan.overlap, subject)
    history: Sequence[Op] = ()
    troubles: Sequence[str] = ()
    founded_s = recovered_s = None
    try:
        await net.make()
        await asyncio.gather(*(cluster.start(node) for node in cluster.everybody))
        founded_s = await serving(cluster, monotonic)
        if founded_s is not None:
            await workload.prepare(cluster)
            with folder.history.open("w") as file:
                recorder = Recorder(file, monotonic)
                history = recorder.history
                pace = Pace(plan.seconds, plan.ops_per_s)
                interpreter = Interpreter(around, generator, pace, recorder)
                troubles = interpreter.troubles
                recovered_s = await interpreter.perform(spells)
        if recovered_s is None:
            await cluster.confess()
    finally:
        try:
            if founded_s is not None:
                await workload.finish(cluster)
        finally:
            await cluster.stop()
    results = _results(plan, history, cluster, skipped, troubles, founded_s, recovered_s)
    await disks.close(None if results.verdict is Verdict.VALID else folder.path / "disks")
    folder.results.write_text(to_json(results))
    folder.timeline.write_text(page(plan.name, history, results, generator.threads))
    return folder, results


def _makeable(plan: Plan, skipped: Mapping[str, str]) -> list[str]:
    """The steps, without the faults that cannot be made."""
    left = ("+".join(fault for fault in members(step) if fault not in skipped) for step in plan.steps)
    return [step for step in left if step]


async def leader(cluster: Cluster) -> Node | None:
    """Who leads, by what most servers say."""

    async def ask(node: Node) -> str:
        return await leader_of(cluster.url(node), _LEADER_S_MAX)

    said = Counter(filter(None, await asyncio.gather(*(ask(node) for node in cluster.nodes))))
    address = max(said, key=lambda name: said[name], default="")
    return next((node for node in cluster.nodes if node.address == address), None)


def _results(
    plan: Plan,
    history: Sequence[Op],
    cluster: Cluster,
    skipped: Mapping[str, str],
    troubles: Sequence[str],
    founded_s: float | None,
    recovered_s: float | None,
) -> Results:
    findings = {
        "recovery": _recovery(founded_s, recovered_s),
        "faults": _faults(plan, skipped, troubles, len(steps_of(history)) // 2),
        "processes": processes(plan.kinds, cluster),
        "logs": logs(plan.kinds, cluster),
        **({"terms": told} if (told := terms(cluster)).judged else {}),
    }
    found = concluded(WORKLOADS[plan.workload], history, findings, plan.settings, recovered_s)
    return found._replace(skipped=skipped, notes=tuple(cluster.deaths))


def steps_of(history: Sequence[Op]) -> list[Op]:
    """The begins and ends of faults."""
    return [op for op in history if op.process == NEMESIS]


def concluded(
    workload: Workload,
    history: Sequence[Op],
    findings: Mapping[str, Finding],
    settings: Mapping[str, object],
    recovered_s: float | None,
) -> Results:
    """What came of a run: what the workload finds in its history, beside the `findings` of who performed it."""
    all_findings = {**workload.check(history), **findings}
    return Results(
        verdict=combined(found.verdict for found in all_findings.values()),
        settings=settings,
        findings=all_findings,
        counts=_counts(history),
        faults=tuple(f"{op.time_ms / 1000:.1f} s {op.f}: {op.value}" for op in steps_of(history)),
        skipped={},
        recovered_s=recovered_s,
        outages=tuple(outages(history, workload.changes)),
    )


def _counts(history: Iterable[Op]) -> dict[str, dict[str, int]]:
    """Of each operation of clients: how many ended `ok`, `fail`, `info`."""
    found: dict[str, dict[str, int]] = {}
    for op in history:
        if op.process != NEMESIS and op.kind is not Kind.INVOKE:
            name = f"{op.f} {op.mode}".strip()
            row = found.setdefault(name, {kind.value: 0 for kind in Kind if kind is not Kind.INVOKE})
            row[op.kind.value] += 1
    return found


def _recovery(founded_s: float | None, recovered_s: float | None) -> Finding:
    if founded_s is None:
        return Finding(
            Verdict.INVALID, 0, (Problem(f"no cluster came up within {RECOVERY_S_MAX:.0f} s: see the servers' logs"),)
        )
    if recovered_s is None:
        return Finding(Verdict.INVALID, 1, (Problem(f"not all servers served again within {RECOVERY_S_MAX:.0f} s"),))
    return Finding(Verdict.VALID, 1)


def _faults(plan: Plan, skipped: Mapping[str, str], troubles: Sequence[str], done: int) -> Finding:
    """A run whose faults did not happen proves nothing about them."""
    problems = [Problem(f"{name} was skipped: {reason}") for name, reason in skipped.items()]
    problems += map(Problem, troubles)
    if _makeable(plan, skipped) and not done:
        problems.append(Problem("no fault happened: the run was too short"))
    return Finding(Verdict.UNKNOWN if problems else Verdict.VALID, done, tuple(problems))
