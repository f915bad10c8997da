"""What the interpreter records, against one real agent."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen import interpreter
from lictor_jepsen.checker import Verdict, judge
from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Folders
from lictor_jepsen.generator import Generator
from lictor_jepsen.history import read_history
from lictor_jepsen.interpreter import Interpreter, Pace, Recorder, serving
from lictor_jepsen.nemesis import FAULTS, Fault, Spell, Surroundings
from lictor_jepsen.nemesis.base import nothing_lacks
from lictor_jepsen.net import Loopback, NetError, Node
from lictor_jepsen.op import NEMESIS, Kind, Op
from lictor_jepsen.workload import WORKLOADS
from tests.support.agents import program_of
from tests.support.conditions import eventually

AGENT = Program("agent", (program_of("lictor"), "agent", "-dev", "-hcl", "ports { dns = -1 grpc = -1 }"), (), False)


class _One(Cluster):
    """One development agent on an address of its own; a kill loses all its data."""

    def _arguments(self, node: Node) -> list[str]:
        return [*self.program.command, "-bind", node.address, "-client", node.address]


def _surroundings(tmp_path: Path, agents: int = 0) -> Surroundings:
    disks = Folders(tmp_path / "data")

    async def leader() -> Node | None:
        await asyncio.sleep(0)
        return None

    return Surroundings(_One(AGENT, Loopback(1, agents), disks, tmp_path), disks, leader)


@pytest.mark.slow
async def test_a_run_is_recorded_in_memory_and_in_its_file_and_a_server_that_forgets_is_caught(tmp_path: Path) -> None:
    around = _surroundings(tmp_path)
    cluster = around.cluster
    path = tmp_path / "history.jsonl"
    try:
        await cluster.start(cluster.nodes[0])
        assert await serving(cluster, time.monotonic) is not None
        with path.open("w") as file:
            recorder = Recorder(file, time.monotonic)
            generator = Generator(WORKLOADS["set"], 7, 3)
            run = Interpreter(around, generator, Pace(4.0, 60.0), recorder)
            recovered_s = await run.perform([Spell("kill-one", 1.5, 2.0, 7)])
    finally:
        await cluster.stop()
    assert recovered_s is not None
    told = [str(op.value) for op in recorder.history if op.process == NEMESIS]
    assert told == ["killed n1", "resumed, started n1", "ended all faults"]
    assert [op._replace(time_ms=0) for op in read_history(path)] == [op._replace(time_ms=0) for op in recorder.history]
    findings = judge(recorder.history)
    assert findings["consistent"].verdict is Verdict.INVALID
    assert "lost" in findings["consistent"].problems[0].text


async def test_spells_overlap_each_with_what_goes_on_and_what_could_not_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def fault(name: str, *, breaks: bool = False) -> Fault:
        async def begin(around: Surroundings, rng: Random) -> str:
            await asyncio.sleep(0.05 if name == "b" else 0.0)
            if breaks:
                raise NetError("no such link")
            told.append(f"{around.fault} begins")
            return "begun"

        async def meanwhile(around: Surroundings, rng: Random) -> None:
            told.append(f"{name} goes on")
            try:
                await asyncio.Event().wait()
            finally:
                told.append(f"{name} stops")

        async def end(around: Surroundings) -> str:
            told.append(f"{around.fault} ends")
            return "ended"

        return Fault(begin, end, nothing_lacks, "", meanwhile)

    monkeypatch.setattr(interpreter, "FAULTS", {"a": fault("a"), "b": fault("b"), "c": fault("c", breaks=True)})
    around = _surroundings(tmp_path)
    recorder = Recorder(io.StringIO(), time.monotonic)
    run = Interpreter(around, Generator(WORKLOADS["register"], 7, 1), Pace(0.1, 1.0, 0.1), recorder)
    await run.perform([Spell("a", 0.1, 0.7, 1), Spell("b", 0.3, 0.5, 2), Spell("c", 0.4, 0.6, 3)])
    assert told[:-3] == [
        *("a begins", "a goes on", "b begins", "b goes on", "c goes on"),
        *("b stops", "b ends", "c stops", "c ends", "a stops", "a ends"),
    ]
    assert told[-3:] == ["a ends", "b ends", "c ends"], "at last all are ended once more"
    assert run.troubles == ["c could not: NetError('no such link')"]
    assert max(recorder.history, key=lambda op: op.took_ms).f == "b"
    assert all(50 <= op.took_ms < op.time_ms for op in recorder.history if op.f == "b" and op.value == "begun")


async def test_servers_that_never_serve_are_given_up(tmp_path: Path) -> None:
    assert await serving(_surroundings(tmp_path).cluster, time.monotonic, 0.3) is None


async def test_who_is_a_guest_ends_no_faults_but_those_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    async def end(around: Surroundings) -> str:
        await asyncio.sleep(0)
        ended.append(around.fault)
        return ""

    usual = FAULTS["kill-one"]._replace(end=end, may_end="any reason")
    monkeypatch.setattr(interpreter, "_KEEP_UP_S", 0.02)
    monkeypatch.setattr(interpreter, "FAULTS", {"usual": usual})
    given = {"given": usual}
    recorder = Recorder(io.StringIO(), time.monotonic)
    generator = Generator(WORKLOADS["register"], 7, 1)
    pace = Pace(0.1, 1.0, patience_s=0.3)
    assert await Interpreter(_surroundings(tmp_path), generator, pace, recorder, given).recover() is None
    assert set(ended) == {"given"}


async def test_a_client_goes_on_under_another_process_id_after_an_unknown_end(tmp_path: Path) -> None:
    around = _surroundings(tmp_path)
    silent = await asyncio.start_server(lambda _, writer: writer.close(), around.cluster.nodes[0].address, 8500)
    async with silent:
        recorder = Recorder(io.StringIO(), time.monotonic)
        run = Interpreter(around, Generator(WORKLOADS["register"], 7, 2), Pace(0.5, 100.0), recorder)
        task = asyncio.ensure_future(run.perform([]))
        await eventually(lambda: recorder.elapsed_s() > 1.0, what="time is up")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await around.cluster.stop()  # the recovery started it
    unknown = [op.process for op in recorder.history if op.kind is Kind.INFO and op.process != NEMESIS]
    assert len(unknown) > 2
    assert len(set(unknown)) == len(unknown)
    assert {process % 2 for process in unknown} == {0, 1}


async def test_who_ends_after_the_last_fault_is_started_again_until_all_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may meet what a fault did when the fault is over already."""
    around = _surroundings(tmp_path)
    monkeypatch.setattr(around.cluster, "program", AGENT._replace(command=("/bin/sh", "-c", "exit 3")))
    monkeypatch.setattr(interpreter, "_KEEP_UP_S", 0.05)
    failing = FAULTS["kill-one"]._replace(may_end="anything")
    monkeypatch.setattr(interpreter, "FAULTS", {"kill-one": failing})

    async def served(cluster: Cluster, elapsed_s: object, within_s: float) -> float:
        del elapsed_s, within_s
        await eventually(lambda: len(cluster.deaths) >= 3, what="it was started again and again")
        return 1.0

    monkeypatch.setattr(interpreter, "serving", served)
    with (tmp_path / "history.jsonl").open("w") as file:
        recorder = Recorder(file, time.monotonic)
        run = Interpreter(around, Generator(WORKLOADS["set"], 7, 3), Pace(1.0, 1.0), recorder)
        assert await run.recover() == 1.0
    await around.cluster.stop()


async def test_while_all_run_no_fault_is_ended_more_than_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New certificates and a reload each second kept loaded servers from ever serving again."""
    around = _surroundings(tmp_path)

    def runs(_: Node) -> bool:
        return True

    monkeypatch.setattr(around.cluster, "runs", runs)
    monkeypatch.setattr(interpreter, "_KEEP_UP_S", 0.02)
    ended: list[str] = []

    async def end(acting: Surroundings) -> str:
        await asyncio.sleep(0)
        ended.append(acting.fault)
        return ""

    faults = {"certificates-ended": FAULTS["kill-one"]._replace(end=end, may_end="anything")}
    recorder = Recorder(io.StringIO(), time.monotonic)
    pace = Pace(0.1, 1.0, patience_s=0.5)
    run = Interpreter(around, Generator(WORKLOADS["register"], 7, 1), pace, recorder, faults)
    assert await run.recover() is None
    assert ended == ["certificates-ended"]


@pytest.mark.parametrize("agents", [0, 1])
async def test_a_history_tells_whether_an_agent_was_asked(tmp_path: Path, agents: int) -> None:
    recorder = Recorder(io.StringIO(), time.monotonic)
    generator = Generator(WORKLOADS["register"], 7, 1)
    pace = Pace(0.1, 100.0, patience_s=0.1)
    await Interpreter(_surroundings(tmp_path, agents), generator, pace, recorder, {}).perform([])
    assert {op.relayed for op in recorder.history if op.process != NEMESIS} == {bool(agents)}


def test_a_recorder_tells_the_time_since_it_began() -> None:
    now = 100.0
    recorder = Recorder(io.StringIO(), lambda: now)
    now = 100.25
    recorder.note(Op(0.0, 0, Kind.INVOKE, "read"))
    assert recorder.history[0].time_ms == 250
