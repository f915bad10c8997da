"""Programs that checks run: how one ended, in the words of Consul's checks."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from typing import NamedTuple

from lictor_agent.checks.status import TailBuffer
from lictor_agent.programs import run_to_end
from lictor_core.durations import format_duration

__all__ = ["ProgramError", "Ran", "run_program"]


class ProgramError(Exception):
    """A program that could not be started, or did not end in time; its text is ready to be shown."""


class Ran(NamedTuple):
    """How a program ended (negative: by that signal), and the end of what it printed."""

    exit_code: int
    output: str


async def run_program(args: Sequence[str], timeout_s: float, output_bytes_max: int) -> Ran:
    """Run a program once. When this coroutine ends, also by cancellation, so has the program. Raises `ProgramError`."""
    tail = TailBuffer(output_bytes_max)
    try:
        async with asyncio.timeout(timeout_s):
            exit_code = await run_to_end(args, tail)
    except TimeoutError:
        report = f"Timed out ({format_duration(timeout_s)}) running check"
        raise ProgramError(report if not tail.total else f"{report}\n\n{tail.account()}") from None
    except OSError as error:
        raise ProgramError(_start_failure(args[0], error)) from None
    except ValueError as error:  # an argument that no program can be given, such as one with a lone surrogate
        raise ProgramError(f"fork/exec {args[0]}: invalid argument: {error}") from None
    return Ran(exit_code, tail.account())


def _start_failure(program: str, error: OSError) -> str:
    if "/" not in program and shutil.which(program) is None:
        return f'exec: "{program}": executable file not found in $PATH'
    return f"fork/exec {program}: {os.strerror(error.errno or 0).lower()}"
