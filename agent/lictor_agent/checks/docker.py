"""Docker checks: a program runs inside a container; its exit code is the status, what it prints the output.

By Docker's HTTP API (Docker Engine API, "Exec"), on the socket or address that `DOCKER_HOST` names. A program that
takes too long is not waited for; Docker offers no way to end it.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec

from lictor_agent.checks.status import Result, TailBuffer
from lictor_config.definitions import CheckDefinition
from lictor_core.durations import format_duration
from lictor_core.records import CRITICAL, PASSING, WARNING

__all__ = ["TIMEOUT_S", "DockerChecker"]

TIMEOUT_S: Final = 30.0
"""How long all of it may take where the definition does not say."""
_DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
_ANSWER_BYTES_MAX: Final = 65_536
_CHUNK_BYTES: Final = 65_536
_MULTIPLEXED: Final = "application/vnd.docker.multiplexed-stream"
_JSON: Final = {"Content-Type": "application/json"}
_FRAME_HEAD: Final = struct.Struct(">BxxxI")


class _DockerError(Exception):
    """What Docker refused; its text is ready to be shown."""


class _Created(msgspec.Struct):
    id: str = msgspec.field(name="Id")


class _Ended(msgspec.Struct):
    exit_code: int = msgspec.field(name="ExitCode")


class DockerChecker:
    """Runs programs in containers. `environment` is where `DOCKER_HOST` is named."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._host = environment.get("DOCKER_HOST") or _DEFAULT_HOST
        self._session: aiohttp.ClientSession | None = None

    async def check(self, definition: CheckDefinition, output_bytes_max: int) -> Result:
        """Run the program of `definition` once."""
        timeout_s = definition.timeout_s or TIMEOUT_S
        tail = TailBuffer(output_bytes_max)
        try:
            async with asyncio.timeout(timeout_s):
                exit_code = await self._run(definition, tail)
        except _DockerError as error:
            return Result(CRITICAL, str(error))
        except TimeoutError:
            report = f"Timed out ({format_duration(timeout_s)}) running check"
            return Result(CRITICAL, report if not tail.total else f"{report}\n\n{tail.account()}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Result(CRITICAL, f"Docker at {self._host} cannot be asked: {str(error) or type(error).__name__}")
        return Result({0: PASSING, 1: WARNING}.get(exit_code, CRITICAL), tail.account())

    async def close(self) -> None:
        """Close what is left of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _run(self, definition: CheckDefinition, tail: TailBuffer) -> int:
        container = definition.docker_container_id
        exec_id = await self._create(container, definition.args)
        exec_path = f"/exec/{quote(exec_id, safe='')}"
        # Asked for as a terminal's, output comes as it is printed, without frames around it.
        start = msgspec.json.encode({"Detach": False, "Tty": True})
        async with self._opened().post(f"{exec_path}/start", data=start, headers=_JSON) as answer:
            if answer.status != HTTPStatus.OK:
                raise _DockerError(_refusal("start", container, exec_id, answer.status, await _text(answer)))
            async for data in _output(answer):
                tail.write(data)
        async with self._opened().get(f"{exec_path}/json") as answer:
            said = await _text(answer)
            if answer.status != HTTPStatus.OK:
                raise _DockerError(_refusal("inspect", container, exec_id, answer.status, said))
        return msgspec.json.decode(said, type=_Ended).exit_code

    async def _create(self, container: str, args: tuple[str, ...]) -> str:
        """The id of a new run of `args` in a container."""
        body = {"AttachStdin": False, "AttachStdout": True, "AttachStderr": True, "Tty": False, "Cmd": args}
        path = f"/containers/{quote(container, safe='')}/exec"
        async with self._opened().post(path, data=msgspec.json.encode(body), headers=_JSON) as answer:
            said = await _text(answer)
        match answer.status:
            case HTTPStatus.CREATED:
                return msgspec.json.decode(said, type=_Created).id
            case HTTPStatus.NOT_FOUND:
                raise _DockerError(f"create exec failed for unknown container {container}")
            case status:
                raise _DockerError(_refusal("create", container, "", status, said))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            scheme, _, rest = self._host.partition("://")
            if scheme == "unix":
                base = "http://docker"
                connector: aiohttp.BaseConnector = aiohttp.UnixConnector(rest, force_close=True, limit=0)
            elif scheme in ("tcp", "http"):
                base, connector = f"http://{rest}", aiohttp.TCPConnector(force_close=True, limit=0)
            else:
                raise ValueError("DOCKER_HOST must begin with unix://, tcp:// or http://")
            timeout = aiohttp.ClientTimeout(total=None)
            self._session = aiohttp.ClientSession(base, connector=connector, timeout=timeout)
        return self._session


async def _text(answer: aiohttp.ClientResponse) -> str:
    """The beginning of an answer's body."""
    found = b""
    async for chunk in answer.content.iter_any():
        found += chunk
        if len(found) >= _ANSWER_BYTES_MAX:
            break
    return found[:_ANSWER_BYTES_MAX].decode("utf-8", "replace").strip()


async def _output(answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    """What the program prints. Podman frames it all the same, each piece after its stream and its length."""
    if answer.content_type != _MULTIPLEXED:
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            yield chunk
        return
    while len(head := await answer.content.read(_FRAME_HEAD.size)) == _FRAME_HEAD.size:
        left = int(_FRAME_HEAD.unpack(head)[1])
        while left and (chunk := await answer.content.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk


def _refusal(what: str, container: str, exec_id: str, status: int, said: str) -> str:
    if status == HTTPStatus.CONFLICT:
        return f"{what} exec failed since container {container} is paused or stopped"
    if status == HTTPStatus.NOT_FOUND:
        return f"{what} exec failed for container {container}: invalid exec id {exec_id}"
    return f"{what} exec failed for container {container} with status {status}: {said}"
