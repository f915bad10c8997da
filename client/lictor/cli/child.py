"""A command that runs for as long as something holds, in a process group of its own, so that all of it can be ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from lictor.cli.errors import CommandError

__all__ = ["GRACE_S", "Child", "shell_words"]

GRACE_S: Final = 5.0
"""What a command is given to end by itself after SIGTERM; then it is killed."""


def shell_words(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """`words` as one line for the shell that `SHELL` names, else for `/bin/sh`."""
    return [environment.get("SHELL") or "/bin/sh", "-c", " ".join(words)]


class Child:
    """One running command and whatever it started. All methods belong to one event loop."""

    def __init__(self, process: asyncio.subprocess.Process, *, has_group: bool) -> None:
        self._process = process
        self._has_group = has_group

    @classmethod
    async def start(cls, words: Sequence[str], environment: Mapping[str, str], *, pass_stdin: bool) -> Child:
        """Start a command. Raises `CommandError` when it cannot be started.

        One that reads from this terminal stays in this process group: others may not read from it.
        """
        has_group = not (pass_stdin and sys.stdin.isatty())
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=None if pass_stdin else subprocess.DEVNULL,
                env=dict(environment),
                process_group=0 if has_group else None,
            )
        except OSError as error:
            raise CommandError(f"cannot start {words[0]}: {(error.strerror or str(error)).lower()}") from error
        return cls(process, has_group=has_group)

    async def wait(self) -> int:
        """The exit code, once it has ended; that of a shell for one that a signal ended."""
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    async def end(self, grace_s: float = GRACE_S) -> int:
        """End it and all that it started; the exit code."""
        self._send(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            pass
        self._send(signal.SIGKILL)  # also to what it left behind
        return await self.wait()

    def _send(self, number: signal.Signals) -> None:
        try:
            if self._has_group:
                os.killpg(self._process.pid, number)
            elif self._process.returncode is None:
                self._process.send_signal(number)
        except ProcessLookupError:
            pass
