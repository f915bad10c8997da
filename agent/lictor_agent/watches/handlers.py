"""Who is told of a watch's news: a program that gets it on its standard input, or an address that is called with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import aiohttp
from multidict import CIMultiDict

from lictor_agent.checks.status import TailBuffer
from lictor_core.watching import HttpHandler, News, ScriptHandler

__all__ = ["OUTPUT_BYTES_MAX", "Told", "call", "run"]

OUTPUT_BYTES_MAX: Final = 4096
"""So much of the end of what a handler says goes into the log."""
_CHUNK_BYTES: Final = 65_536
_END_OF_OUTPUT_S: Final = 0.2
"""How long to wait for the end of the output of a program that has ended: a child of it may still hold it open."""


class Told(NamedTuple):
    """What became of telling: `flaw` is empty when it went well."""

    output: str
    flaw: str


async def run(handler: ScriptHandler, news: News, environment: Mapping[str, str]) -> Told:
    """Run the program of `handler` once, to its end. It is killed with all it started when this is cancelled."""
    words = list(handler.arguments) or [environment.get("SHELL") or "/bin/sh", "-c", handler.line]
    tail = TailBuffer(OUTPUT_BYTES_MAX)
    try:
        program = await _start(words, {**environment, "CONSUL_INDEX": str(news.index)})
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Told("", f"{words[0]} cannot be started: {reason.lower()}")
    try:
        await _carry_on(program, news.body + b"\n", tail)
    finally:
        await _end(program)
    code = program.process.returncode or 0
    return Told(tail.text(), "" if code == 0 else f"exit status {code}" if code > 0 else f"signal {-code}")


async def call(handler: HttpHandler, news: News) -> Told:
    """Call the address of `handler` with the news."""
    tail = TailBuffer(OUTPUT_BYTES_MAX)
    headers: CIMultiDict[str] = CIMultiDict([("X-Consul-Index", str(news.index)), ("Content-Type", "application/json")])
    headers.extend(handler.headers)
    try:
        async with (
            asyncio.timeout(handler.timeout_s),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                handler.method, handler.url, data=news.body, headers=headers, ssl=not handler.tls_skip_verify
            ) as answer,
        ):
            async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                tail.write(chunk)
    except TimeoutError:
        return Told("", f"no answer within {handler.timeout_s:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Told("", str(error) or type(error).__name__)
    return Told(tail.text(), "" if 200 <= answer.status < 300 else f"answered {answer.status}")


class _Program(NamedTuple):
    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    transport: asyncio.ReadTransport


async def _start(words: Sequence[str], environment: Mapping[str, str]) -> _Program:
    # A pipe of our own: with asyncio's, waiting for a program would also wait for children that hold its output open.
    ours, theirs = os.pipe()
    output = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(ours, "rb", buffering=0)
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
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


async def _carry_on(program: _Program, text: bytes, tail: TailBuffer) -> None:
    async with asyncio.TaskGroup() as group:
        helpers = [group.create_task(_read(program.output, tail)), group.create_task(_write(program.process, text))]
        try:
            await program.process.wait()
            await asyncio.wait(helpers, timeout=_END_OF_OUTPUT_S)
        finally:
            for helper in helpers:
                helper.cancel()


async def _read(output: asyncio.StreamReader, tail: TailBuffer) -> None:
    while data := await output.read(_CHUNK_BYTES):
        tail.write(data)


async def _write(process: asyncio.subprocess.Process, text: bytes) -> None:
    """Hand over the news; a program that does not want them has ended or closed its input."""
    stream = process.stdin
    assert stream is not None, "it was asked for"
    with contextlib.suppress(OSError, RuntimeError):
        stream.write(text)
        await stream.drain()
        stream.close()


async def _end(program: _Program) -> None:
    """Kill a program that still runs, with all it started. What it left behind when it ended is its own affair."""
    if program.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.process.pid, signal.SIGKILL)
    program.transport.close()
    if program.process.stdin is not None:
        program.process.stdin.close()
    await program.process.wait()
