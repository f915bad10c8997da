"""One run as a guest: a rehearsal, then clients ask, the owner's commands break and mend, checkers judge.

Whatever happens, an interrupt as well: what was begun is ended, what was made is taken away, and results are written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import NamedTuple

from lictor_jepsen.checker import Finding, Problem, Verdict, combined
from lictor_jepsen.disk import Folders
from lictor_jepsen.generator import Generator
from lictor_jepsen.guest.commands import Commanded
from lictor_jepsen.guest.hosts import Hosts
from lictor_jepsen.guest.rehearsal import rehearse
from lictor_jepsen.guest.stay import Stay
from lictor_jepsen.guest.traces import LATE_S, Traces, in_doubt
from lictor_jepsen.http import trust
from lictor_jepsen.interpreter import Interpreter, Pace, Recorder, serving
from lictor_jepsen.nemesis import Surroundings
from lictor_jepsen.op import Op
from lictor_jepsen.report import page
from lictor_jepsen.run import concluded, leader, steps_of
from lictor_jepsen.store import Results, RunFolder, plan_to_json, to_json

__all__ = ["Visit", "perform"]


class Visit(NamedTuple):
    """What came of a run."""

    folder: RunFolder
    results: Results
    is_interrupted: bool
    """Whether somebody ended it before its time. What was seen until then is judged; it is never `valid`."""


async def perform(stay: Stay, store: Path, monotonic: Callable[[], float] = time.monotonic) -> Visit:
    """Run it and keep it. To be cancelled is to be interrupted: all is ended and taken away, and this returns."""
    folder = RunFolder(store / f"{stay.stamp}-{stay.cluster.name}-{stay.workload}-{stay.seed}")
    folder.path.mkdir(parents=True)
    folder.plan.write_text(plan_to_json(stay.settings))
    if stay.cluster.tls is not None:
        trust(stay.cluster.tls)
    run = _Run(stay, folder, monotonic)
    is_interrupted = False
    try:
        await run.perform()
    except asyncio.CancelledError:
        is_interrupted = True
    finally:
        late = await _to_its_end(run.tidy(is_interrupted))
    results = run.results(is_interrupted=is_interrupted or late)
    folder.results.write_text(to_json(results))
    folder.timeline.write_text(page(stay.name, run.history, results, run.generator.threads))
    return Visit(folder, results, is_interrupted or late)


async def _to_its_end(work: Coroutine[object, object, None]) -> bool:
    """Do it though this task be cancelled meanwhile; whether it was, then or before."""
    doing = asyncio.ensure_future(work)
    this = asyncio.current_task()
    assert this is not None, "a coroutine runs in a task"
    is_interrupted = this.cancelling() > 0
    while this.cancelling():
        this.uncancel()
    while not doing.done():
        try:
            await asyncio.shield(doing)
        except asyncio.CancelledError:
            is_interrupted = True
            this.uncancel()
    doing.result()
    return is_interrupted


class _Run:
    """The parts of one run, and what came of each."""

    def __init__(self, stay: Stay, folder: RunFolder, monotonic: Callable[[], float]) -> None:
        self._stay = stay
        self._folder = folder
        self._monotonic = monotonic
        self._cluster = Hosts(stay.cluster, folder.path, stay.prefix)
        faults = [one for one in stay.cluster.faults if one.name in stay.faults]
        self._commanded = {one.name: Commanded(one, stay.cluster) for one in faults}
        self._traces = Traces(stay, monotonic)
        threads = len(self._cluster.asked) * stay.threads_per_node
        self.generator = Generator(stay.work, stay.seed, threads, stay.key_mark)
        self.history: Sequence[Op] = ()
        self._access: Finding | None = None
        self._founded_s: float | None = None
        self._recovered_s: float | None = None
        self._troubles: list[str] = []
        self._left: list[str] = []

    async def perform(self) -> None:
        """All up to the last reads."""
        self._access = await rehearse(self._stay, self._traces, self._monotonic)
        if self._access.verdict is not Verdict.VALID:
            return
        self._traces.made |= self._stay.makes
        self._founded_s = await serving(self._cluster, self._monotonic, self._stay.patience_s)
        if self._founded_s is None:
            return
        around = Surroundings(self._cluster, Folders(self._folder.path), lambda: leader(self._cluster))
        faults = {name: one.fault for name, one in self._commanded.items()}
        pace = Pace(self._stay.seconds, self._stay.ops_per_s, self._stay.patience_s)
        with self._folder.history.open("w") as file:
            recorder = Recorder(file, self._monotonic)
            self.history = recorder.history
            interpreter = Interpreter(around, self.generator, pace, recorder, faults)
            self._troubles = interpreter.troubles
            self._recovered_s = await interpreter.perform(self._stay.spells)

    async def tidy(self, was_interrupted: bool) -> None:
        """End what was begun, and take away what was made: once more later when a write may yet take place."""
        for one in self._commanded.values():
            try:
                await one.end()
            except OSError as error:
                self._left.append(f"{one.command.name} could not be ended: {error}")
        left = await self._traces.remove()
        if was_interrupted or in_doubt(self.history):
            await asyncio.sleep(LATE_S)
            left = await self._traces.remove()
        self._left += left

    def results(self, *, is_interrupted: bool) -> Results:
        """What came of it."""
        stay = self._stay
        findings = {"faults": self._faults(), "left": _unknown_if(self._left, len(self._traces.made))}
        if is_interrupted:
            findings["interrupted"] = _unknown_if(["somebody ended the run before its time"], 0)
        if self._access is not None:
            findings["access"] = self._access
            if self._access.verdict is not Verdict.VALID:  # nothing was asked: there is nothing to be judged
                verdict = combined(found.verdict for found in findings.values())
                return Results(verdict, stay.settings, findings, {}, (), {}, None)
            if not is_interrupted:
                findings["recovery"] = self._recovery()
        return concluded(stay.work, self.history, findings, stay.settings, self._recovered_s)

    def _recovery(self) -> Finding:
        """A cluster that did not serve before anything was done to it says nothing about faults."""
        within = f"within {self._stay.patience_s:g} s"
        if self._founded_s is None:
            return _unknown_if([f"not everybody took a write and both strict reads {within}, before any fault"], 0)
        if self._recovered_s is None:
            return Finding(Verdict.INVALID, 1, (Problem(f"not everybody served again {within}"),))
        return Finding(Verdict.VALID, 1)

    def _faults(self) -> Finding:
        done = len(steps_of(self.history)) // 2
        none = ["no fault happened: the run was too short"] if self._stay.faults and self.history and not done else []
        return _unknown_if([*self._troubles, *none], done)


def _unknown_if(problems: Sequence[str], judged: int) -> Finding:
    return Finding(Verdict.UNKNOWN if problems else Verdict.VALID, judged, tuple(map(Problem, problems)))
