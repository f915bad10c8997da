"""The application of the mesh: a process of its own."""

from __future__ import annotations

import asyncio
import sys

from lictor_jepsen.mesh import Broken, Line
from tests.support.ports import free_port

BOUND_S = 30.0


async def _line(port: int) -> Line:
    while True:
        try:
            return await Line.open(("127.0.0.1", port))
        except Broken:
            await asyncio.sleep(0.05)


async def test_it_says_which_service_it_is_and_sends_back_what_it_gets() -> None:
    ports = {"db": free_port(), "api": free_port()}
    pairs = [f"{name}=127.0.0.1:{port}" for name, port in ports.items()]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "lictor_jepsen.echo", *pairs)
    try:
        async with asyncio.timeout(BOUND_S):
            for name, port in ports.items():
                line = await _line(port)
                assert [await line.talk() for _ in range(3)] == [name] * 3
                line.close()
    finally:
        process.kill()
        await process.wait()
