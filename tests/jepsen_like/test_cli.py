"""The command line: verdicts as exit codes, and what it refuses."""

from __future__ import annotations

import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from lictor_jepsen import cli, confine
from lictor_jepsen.cli import main
from lictor_jepsen.history import to_line
from lictor_jepsen.net import NetError
from lictor_jepsen.run import Plan
from lictor_jepsen.store import Results, RunFolder
from tests.jepsen_like.build import lines


class NoRun:
    """In the place of a process that is a run."""

    def __init__(self, command: list[str], *, process_group: int) -> None:
        assert process_group == 0
        self.command = command


def _history(folder: Path, *texts: str) -> Path:
    path = folder / "history.jsonl"
    path.write_text("".join(f"{to_line(op)}\n" for op in lines(*texts)))
    return path


def _good() -> list[str]:
    texts: list[str] = []
    for number in range(1, 11):
        texts += [f"0 invoke write {number}", f"0 ok write {number}"]
        for mode in ("default", "consistent", "stale"):
            texts += [f"0 invoke read - {mode}", f"0 ok read {number} {mode}"]
    return texts


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (_good(), 0),
        ([*_good(), "0 invoke read - default", "0 ok read 1 default"], 1),
        (["0 invoke write 1", "0 ok write 1"], 2),
    ],
    ids=["valid", "invalid", "unknown"],
)
def test_the_exit_code_of_check_is_the_verdict(tmp_path: Path, texts: list[str], code: int) -> None:
    _history(tmp_path, *texts)
    told = ["check", str(tmp_path / "history.jsonl"), "--workload=append"]
    assert CliRunner().invoke(main, told).exit_code == code
    (tmp_path / "plan.json").write_text('{"workload": "register"}')
    assert CliRunner().invoke(main, ["check", str(tmp_path)]).exit_code == code


def test_a_history_of_an_unknown_workload_is_not_judged(tmp_path: Path) -> None:
    _history(tmp_path, *_good())
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert (result.exit_code, "say --workload" in result.output) == (1, True), result.output


def test_a_file_that_is_no_history_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("nothing\n")
    result = CliRunner().invoke(main, ["check", str(path), "--workload=set"])
    assert result.exit_code == 1
    assert "line 1" in result.output


def test_a_folder_without_a_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"workload": "register"}')
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert "cannot judge" in result.output


def test_an_unknown_fault_is_refused_and_the_known_ones_are_named() -> None:
    result = CliRunner().invoke(main, ["run", "--net=loopback", "--nemesis=earthquake"])
    assert result.exit_code == 2
    assert "earthquake" in result.output
    assert "kill-one" in result.output


def test_faults_that_exclude_each_other_are_refused_at_the_same_time() -> None:
    result = CliRunner().invoke(main, ["run", "--net=loopback", "--nemesis=clock-jump+clock-jump"])
    assert result.exit_code == 2
    assert "cannot be at the same time" in result.output


def test_a_run_tells_its_seed_and_the_command_that_repeats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []

    async def perform(plan: Plan, store: Path) -> tuple[RunFolder, Results]:
        plans.append(plan)
        raise NetError("enough")

    monkeypatch.setattr(cli, "perform", perform)
    flags = ["--net=loopback", "--nemesis=kill-one+pause-one,kill-all", "--overlap=2", "--seed=77", "--program=true x"]
    said = CliRunner().invoke(main, ["run", *flags, f"--store={tmp_path}"]).output
    again = next(line.partition("torture run ")[2] for line in said.splitlines() if line.startswith("seed 77;"))
    CliRunner().invoke(main, ["run", *shlex.split(again), f"--store={tmp_path}"])
    assert len(plans) == 2
    assert plans[0] == plans[1]
    assert plans[0].faults == ("kill-one+pause-one", "kill-all")


@pytest.mark.parametrize("command", ["run", "torture"])
def test_a_product_that_is_not_there_is_refused(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--net=loopback", "--program=nowhere --at-all"])
    assert result.exit_code == 1
    assert "no program 'nowhere' on PATH" in result.output


@pytest.mark.parametrize("command", ["run", "torture"])
def test_without_namespaces_netns_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(confine, "lacks_namespaces", lambda: "no rights")
    result = CliRunner().invoke(main, [command])
    assert result.exit_code == 1
    assert "no rights; --net loopback" in result.output


@pytest.mark.parametrize(
    ("codes", "code", "runs"), [([0], 0, 1), ([1], 1, 1), ([2, 0], 0, 2), ([2, 2], 2, 2), ([2, 1], 1, 2)]
)
def test_what_is_unknown_is_run_once_more_and_for_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: list[int], code: int, runs: int
) -> None:
    asked: list[list[str]] = []

    class Run(NoRun):
        def wait(self, timeout: float | None = None) -> int:
            assert timeout is not None
            asked.append(self.command)
            return codes[len(asked) - 1]

    monkeypatch.setattr(subprocess, "Popen", Run)
    result = CliRunner().invoke(main, ["all", "--net=loopback", "--seconds=10", f"--store={tmp_path}"])
    assert result.exit_code == code, result.output
    seconds = [next(float(flag[10:]) for flag in command if flag.startswith("--seconds=")) for command in asked]
    assert seconds == [10.0, 20.0][:runs]


def test_a_run_that_does_not_come_back_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Run(NoRun):
        def wait(self, timeout: float | None = None) -> int:
            done.append(f"wait {timeout}")
            if timeout is not None:
                raise subprocess.TimeoutExpired(self.command, timeout)
            return -9

        def send_signal(self, sig: int) -> None:
            done.append(signal.Signals(sig).name)

        def kill(self) -> None:
            done.append("kill")

    monkeypatch.setattr(subprocess, "Popen", Run)
    result = CliRunner().invoke(main, ["all", "--net=loopback", "--seconds=10", f"--store={tmp_path}"])
    assert result.exit_code == 2
    assert "did not end within 250 s" in result.output
    assert done[:5] == ["wait 250.0", "SIGTERM", "wait 20.0", "kill", "wait None"]


def test_kept_runs_are_listed(tmp_path: Path) -> None:
    (tmp_path / "20260101T000000-lictor").mkdir()
    (tmp_path / "20260101T000000-lictor" / "plan.json").write_text("{}")
    result = CliRunner().invoke(main, ["list", "--store", str(tmp_path)])
    assert result.output == "unknown  20260101T000000-lictor\n"


@pytest.mark.parametrize(("command", "some"), [("workloads", "register"), ("faults", "kill-leader")])
def test_what_there_is_is_told_with_a_word_of_each(command: str, some: str) -> None:
    rows = [line.split(maxsplit=1) for line in CliRunner().invoke(main, [command]).output.splitlines()]
    assert some in {name for name, _ in rows}
