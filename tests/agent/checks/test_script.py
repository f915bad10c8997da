"""Script checks with real programs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from lictor_agent.checks.script import check_script
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING, WARNING
from tests.support.conditions import eventually
from tests.support.processes import process_is_alive


def _shell(text: str, timeout_s: float = 10.0) -> CheckDefinition:
    return CheckDefinition(args=("/bin/sh", "-c", text), timeout_s=timeout_s)


def _lives(pid_file: Path) -> bool:
    """Whether the process whose id is in the file runs."""
    text = pid_file.read_text() if pid_file.exists() else ""
    return bool(text.strip()) and process_is_alive(int(text))


def _names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


@pytest.mark.parametrize(("code", "status"), [(0, PASSING), (1, WARNING), (2, CRITICAL), (255, CRITICAL)])
async def test_the_exit_code_is_the_status(code: int, status: str) -> None:
    assert (await check_script(_shell(f"exit {code}"), 4096)).status == status


async def test_both_outputs_are_kept_in_order() -> None:
    result = await check_script(_shell("echo fine; echo more >&2"), 4096)
    assert result.output == "fine\nmore\n"


@pytest.mark.parametrize(
    "argument",
    ["$(touch {0})", "`touch {0}`", "x; touch {0}", "x && touch {0}", "x | tee {0}", "> {0}", "x\ntouch {0}"],
)
async def test_arguments_are_given_as_they_are_and_no_shell_reads_them(tmp_path: Path, argument: str) -> None:
    planted = argument.format(tmp_path / "made")
    result = await check_script(CheckDefinition(args=("/bin/echo", planted), timeout_s=10), 4096)
    assert (result.status, result.output) == (PASSING, f"{planted}\n")
    assert _names(tmp_path) == []


async def test_an_argument_that_no_program_can_be_given_is_critical() -> None:
    result = await check_script(CheckDefinition(args=("/bin/echo", "\ud800")), 4096)
    assert result.status == CRITICAL
    assert result.output.startswith("fork/exec /bin/echo: invalid argument: ")


async def test_a_program_killed_by_a_signal_is_critical() -> None:
    assert (await check_script(_shell("kill -9 $$"), 4096)).status == CRITICAL


async def test_a_long_output_keeps_its_end() -> None:
    result = await check_script(_shell("seq 1 3000"), 10)
    assert result.output == "Captured 10 of 13893 bytes\n...\n2999\n3000\n"


async def test_a_missing_program_is_critical_with_its_reason(tmp_path: Path) -> None:
    absolute = await check_script(CheckDefinition(args=("/nowhere/at/all",)), 4096)
    assert (absolute.status, absolute.output) == (CRITICAL, "fork/exec /nowhere/at/all: no such file or directory")
    searched = await check_script(CheckDefinition(args=("no-such-program",)), 4096)
    assert searched.output == 'exec: "no-such-program": executable file not found in $PATH'
    plain = tmp_path / "plain"
    plain.write_text("text")
    denied = await check_script(CheckDefinition(args=(str(plain),)), 4096)
    assert denied.output == f"fork/exec {plain}: permission denied"


async def test_a_program_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    text = f"trap '' TERM; (trap '' TERM; sleep 60) & echo $! >{child}; echo waiting; sleep 60"
    result = await check_script(_shell(text, timeout_s=0.5), 4096)
    assert result.status == CRITICAL
    assert result.output == "Timed out (500ms) running check\n\nwaiting\n"
    await eventually(lambda: not _lives(child), what="the child is dead")


async def test_a_cancelled_check_kills_its_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(check_script(_shell(f"echo $$ >{pid}; sleep 60"), 4096))
        await eventually(lambda: _lives(pid), what="the program runs")
        task.cancel()
    assert not _lives(pid)


async def test_a_child_that_holds_the_output_open_does_not_outlive_the_check(tmp_path: Path) -> None:
    child = tmp_path / "child"
    result = await check_script(_shell(f"sleep 60 & echo $! >{child}; echo done"), 4096)
    assert (result.status, result.output) == (PASSING, "done\n")
    await eventually(lambda: not _lives(child), what="the child is dead")


async def test_no_file_descriptor_is_left_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        await check_script(_shell("exit 0"), 4096)
        await check_script(CheckDefinition(args=("/nowhere",)), 4096)
    await eventually(lambda: len(os.listdir("/proc/self/fd")) <= before + 1, what="descriptors are closed")
