"""Programs that checks run: each in a session of its own, so that it can be ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Sequence
from typing import Final, NamedTuple

from lictor_agent.checks.status import TailBuffer
from lictor_core.durations import format_duration

__all__ = ["ProgramError", "Ran", "run_program"]

_CHUNK_BYTES: Final = 65_536
_END_OF_OUTPUT_S: Final = 0.2
"""How long to wait for the end of the output of a program that has ended: a child of it may still hold it open."""


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
        process, output = await _start(args)
    except OSError as error:
        raise ProgramError(_start_failure(args[0], error)) from None
    except ValueError as error:  # an argument that no program can be given, such as one with a lone surrogate
        raise ProgramError(f"fork/exec {args[0]}: invalid argument: {error}") from None
    try:
        async with asyncio.timeout(timeout_s):
            await _collect(process, output.stream, tail)
    except TimeoutError:
        report = f"Timed out ({format_duration(timeout_s)}) running check"
        raise ProgramError(report if not tail.total else f"{report}\n\n{tail.account()}") from None
    finally:
        await _end(process, output)
    return Ran(process.returncode or 0, tail.account())


class _Output(NamedTuple):
    """Our end of the pipe that a program prints into."""

    stream: asyncio.StreamReader
    transport: asyncio.ReadTransport


async def _start(args: Sequence[str]) -> tuple[asyncio.subprocess.Process, _Output]:
    # A pipe of our own: with asyncio's, waiting for a program would also wait for children that hold its output open.
    ours, theirs = os.pipe()
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(ours, "rb", buffering=0)
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except BaseException:
        transport.close()
        raise
    finally:
        os.close(theirs)
    return process, _Output(stream, transport)


async def _collect(process: asyncio.subprocess.Process, stream: asyncio.StreamReader, tail: TailBuffer) -> None:
    """Take in the output until the program has ended and its output too, or nearly."""
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_read_all(stream, tail))
        try:
            await process.wait()
            await asyncio.wait([reading], timeout=_END_OF_OUTPUT_S)
        finally:
            reading.cancel()


async def _read_all(stream: asyncio.StreamReader, tail: TailBuffer) -> None:
    while data := await stream.read(_CHUNK_BYTES):
        tail.write(data)


async def _end(process: asyncio.subprocess.Process, output: _Output) -> None:
    """Kill the program's whole session, unless it has ended and closed its output: then nothing of it is left to us."""
    if process.returncode is None or not output.stream.at_eof():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    output.transport.close()
    await process.wait()


def _start_failure(program: str, error: OSError) -> str:
    if "/" not in program and shutil.which(program) is None:
        return f'exec: "{program}": executable file not found in $PATH'
    return f"fork/exec {program}: {os.strerror(error.errno or 0).lower()}"
