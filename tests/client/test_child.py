"""A command and all that it starts."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from lictor.cli.child import Child, shell_words
from lictor.cli.errors import CommandError
from tests.support.conditions import wait_until


async def started(line: str) -> Child:
    return await Child.start(["/bin/sh", "-c", line], os.environ, pass_stdin=False)


def test_the_shell_is_the_one_that_the_environment_names() -> None:
    assert shell_words(["a", "b c"], {}) == ["/bin/sh", "-c", "a b c"]
    assert shell_words(["a"], {"SHELL": "/bin/bash"}) == ["/bin/bash", "-c", "a"]


async def test_the_exit_code_is_that_of_the_command() -> None:
    for line, code in (("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 128 + signal.SIGKILL)):
        child = await started(line)
        assert await child.wait() == code


async def test_what_the_command_started_is_ended_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    child = await Child.start(
        ["/bin/sh", "-c", f"sleep 300 & echo $! > {pid}.new; mv {pid}.new {pid}; wait"], os.environ, pass_stdin=False
    )
    wait_until(pid.exists, within_s=10, what="the grandchild")
    await child.end()
    grandchild = int(pid.read_text())
    wait_until(lambda: not is_alive(grandchild), within_s=10, what="the end of the grandchild")


async def test_a_command_that_does_not_listen_is_killed_after_the_grace() -> None:
    began = time.monotonic()
    child = await Child.start(
        ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], os.environ, pass_stdin=False
    )
    assert await child.end(grace_s=0.3) in (128 + signal.SIGKILL, 128 + signal.SIGTERM)
    assert time.monotonic() - began < 10


async def test_a_command_that_cannot_be_started_is_told() -> None:
    with pytest.raises(CommandError, match="cannot start /none/such: no such file"):
        await Child.start(["/none/such"], os.environ, pass_stdin=False)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
