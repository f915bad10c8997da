"""Programs that an agent runs: each in a session of its own, so that it can be ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

__all__ = ["Sink", "run_to_end"]

_CHUNK_BYTES: Final = 65_536
_END_OF_OUTPUT_S: Final = 0.2
"""How long to wait for the end of the output of a program that has ended: a child of it may still hold it open."""


class Sink(Protocol):
    """What takes a program's output."""

    def write(self, data: bytes) -> None:
        """Take some more."""
        ...


async def run_to_end(
    words: Sequence[str],
    sink: Sink,
    *,
    text: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    spares_children: bool = False,
    room: Callable[[], Awaitable[None]] | None = None,
    end_of_output_s: float = _END_OF_OUTPUT_S,
) -> int:
    """Run a program once and give its exit code, negative for a signal. What it prints goes to `sink`.

    `text` is what it gets on its standard input, which is empty without. A program that still runs when this is
    cancelled is killed with everything it started; what one that has ended left behind with the output open is killed
    too, unless `spares_children`. Raises `OSError`, or `ValueError` for words that no program can be given.
    """
    program = await _started(words, environment, with_input=text is not None)
    try:
        await _carry_on(program, text, _Reading(sink, room, end_of_output_s))
    finally:
        await _end(program, spares_children=spares_children)
    return program.process.returncode or 0


class _Reading(NamedTuple):
    """How the output is read; `end_s` is how long its end is waited for."""

    sink: Sink
    room: Callable[[], Awaitable[None]] | None
    end_s: float


class _Program(NamedTuple):
    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    transport: asyncio.ReadTransport


async def _started(words: Sequence[str], environment: Mapping[str, str] | None, *, with_input: bool) -> _Program:
    """Start it to the end even when cancelled: asyncio would kill it alone, and it may have children already."""
    starting = asyncio.ensure_future(_start(words, environment, with_input=with_input))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError, ValueError):
            await _end(await starting, spares_children=False)
        raise


async def _start(words: Sequence[str], environment: Mapping[str, str] | None, *, with_input: bool) -> _Program:
    # A pipe of our own: with asyncio's, waiting for a program would also wait for children that hold its output open.
    ours, theirs = os.pipe()
    output = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(ours, "rb", buffering=0)
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE if with_input else asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    except BaseException:
        transport.close()
        raise
    finally:
        os.close(theirs)
    return _Program(process, output, transport)


async def _carry_on(program: _Program, text: bytes | None, reading: _Reading) -> None:
    """Hand over the input and take in the output until the program has ended and its output too, or nearly."""
    async with asyncio.TaskGroup() as group:
        helpers = [group.create_task(_read_all(program.output, reading))]
        if text is not None:
            helpers.append(group.create_task(_write(program.process, text)))
        try:
            await program.process.wait()
            await asyncio.wait(helpers, timeout=reading.end_s)
        finally:
            for helper in helpers:
                helper.cancel()


async def _read_all(output: asyncio.StreamReader, reading: _Reading) -> None:
    while data := await output.read(_CHUNK_BYTES):
        reading.sink.write(data)
        if reading.room is not None:
            await reading.room()


async def _write(process: asyncio.subprocess.Process, text: bytes) -> None:
    """A program that does not want its input has ended or closed it."""
    stream = process.stdin
    assert stream is not None, "it was asked for"
    with contextlib.suppress(OSError, RuntimeError):
        stream.write(text)
        await stream.drain()
        stream.close()


async def _end(program: _Program, *, spares_children: bool) -> None:
    process = program.process
    if process.returncode is None or not (spares_children or program.output.at_eof()):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    program.transport.close()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
