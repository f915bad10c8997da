"""Programs with real processes: input, output, and the end of everything that was started."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lictor_agent.checks.status import TailBuffer
from lictor_agent.programs import run_to_end
from tests.support.conditions import eventually, wait_until
from tests.support.processes import process_is_alive


def _shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


def _lives(pid_file: Path) -> bool:
    """Whether the process whose id is in the file runs."""
    text = pid_file.read_text() if pid_file.exists() else ""
    return bool(text.strip()) and process_is_alive(int(text))


async def test_a_program_gets_its_input_and_its_environment_and_its_end_is_told() -> None:
    tail = TailBuffer(4096)
    code = await run_to_end(_shell("cat; echo $NAME; exit 3"), tail, text=b"news\n", environment={"NAME": "x"})
    assert (code, tail.text()) == (3, "news\nx\n")


async def test_a_program_that_leaves_its_input_unread_is_run_to_its_end() -> None:
    assert await run_to_end(_shell("exit 0"), TailBuffer(16), text=b"x" * 1_000_000) == 0


@pytest.mark.parametrize("spares_children", [True, False])
async def test_what_a_program_left_running_is_killed_unless_it_is_spared(
    tmp_path: Path, *, spares_children: bool
) -> None:
    pid_file = tmp_path / "pid"
    words = _shell(f"sleep 30 & echo $! >{pid_file}")
    await run_to_end(words, TailBuffer(16), spares_children=spares_children)
    if spares_children:
        assert _lives(pid_file)
        await run_to_end(["/bin/kill", "-9", pid_file.read_text().strip()], TailBuffer(256))
    await eventually(lambda: not _lives(pid_file), what="the end of the child")


async def test_a_cancelled_program_is_killed_with_all_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    words = _shell(f"(echo $$ >{pid_file}.part; mv {pid_file}.part {pid_file}; exec sleep 30) & wait")
    running = asyncio.ensure_future(run_to_end(words, TailBuffer(16), spares_children=True))
    await eventually(pid_file.exists, what="a program that runs")
    running.cancel()
    await asyncio.wait([running])
    await eventually(lambda: not _lives(pid_file), what="the end of the program")


async def test_a_program_that_is_cancelled_while_it_starts_is_killed_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "pid"

    class BusyMachine(subprocess.Popen[bytes]):
        """The program has come far before asyncio hears that it was started."""

        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            wait_until(pid_file.exists, within_s=30, what="a child of the program")

    monkeypatch.setattr(subprocess, "Popen", BusyMachine)
    words = _shell(f"sleep 30 & echo $! >{pid_file}.part; mv {pid_file}.part {pid_file}; wait")
    running = asyncio.ensure_future(run_to_end(words, TailBuffer(16), text=b""))
    while not pid_file.exists():  # noqa: ASYNC110  not a step later than the machine lets it
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    await eventually(lambda: not _lives(pid_file), within_s=5, what="the end of the child")
