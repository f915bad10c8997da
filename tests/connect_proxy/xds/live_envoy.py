"""A real Envoy that runs what a snapshot becomes, without a server: for tests of what the resources mean."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final, TypeVar, cast

import aiohttp
import pytest

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders import build
from tests.connect_proxy.xds.static import envoy_program, static_bootstrap
from tests.support.ports import free_port

__all__ = ["Envoy", "envoy", "live"]

READY_S: Final = 30.0
T = TypeVar("T")


def live(test: T) -> T:
    """Marks a test that runs real Envoys."""
    return cast(T, pytest.mark.needs("envoy")(pytest.mark.slow(test)))


class Envoy:
    """A running Envoy, asked over its admin port."""

    def __init__(self, admin_port: int, process: asyncio.subprocess.Process, log: Path) -> None:
        self._admin = f"http://127.0.0.1:{admin_port}"
        self._process = process
        self._log = log

    async def is_ready(self) -> bool:
        """Whether it serves. Fails when it has ended, with its last words."""
        assert self._process.returncode is None, self._log.read_text()[-2000:]
        try:
            return (await self._asked("/ready")).startswith("LIVE")
        except aiohttp.ClientError:
            return False

    async def figure(self, name: str) -> int:
        """One counter or gauge; 0 where there is none."""
        found: dict[str, list[dict[str, object]]] = json.loads(await self._asked(f"/stats?format=json&filter=^{name}$"))
        value = next((one["value"] for one in found["stats"] if "value" in one), 0)
        return value if isinstance(value, int) else 0

    async def figures(self, part: str) -> str:
        """All figures with `part` in their names, as text."""
        return await self._asked(f"/stats?filter={part}")

    async def _asked(self, path: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(self._admin + path) as answer:
            return await answer.text()


@contextlib.asynccontextmanager
async def envoy(snapshot: ProxySnapshot, folder: Path, name: str = "envoy") -> AsyncGenerator[Envoy]:
    """Runs while the block does; entered when it serves."""
    program = envoy_program()
    assert program is not None
    admin_port = free_port()
    path, log = folder / f"{name}.json", folder / f"{name}.log"
    path.write_text(json.dumps(static_bootstrap(build(snapshot), admin_port=admin_port)))
    arguments = ["-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(program, *arguments, stdout=output, stderr=output)
    try:
        found = Envoy(admin_port, process, log)
        async with asyncio.timeout(READY_S):
            while not await found.is_ready():  # noqa: ASYNC110 another process does not set events of ours
                await asyncio.sleep(0.02)
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
