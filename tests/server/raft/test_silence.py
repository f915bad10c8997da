"""Two machines whose network falls silent without a word, and comes back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Generator
from dataclasses import dataclass

import pytest

from lictor_server.raft.transport import RETRY_MAX_S
from lictor_server.sockets import CONNECT_TIMEOUT_S, SILENCE_MAX_S
from tests.server.raft.far_end import address_of

pytestmark = [pytest.mark.needs_root, pytest.mark.needs("ip"), pytest.mark.slow]

NOWHERE = "02:00:00:00:00:99"  # a hardware address that nobody has: what is sent there is lost


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


@dataclass(frozen=True)
class Wire:
    """Two network namespaces and the cable between them."""

    spaces: tuple[str, str]
    devices: tuple[str, str]

    def cut(self) -> None:
        """Lose everything from now on, in both directions."""
        for here, there in ((0, 2), (1, 1)):
            ip(
                *("-n", self.spaces[here], "neigh", "replace", address_of(there), "lladdr", NOWHERE),
                *("dev", self.devices[here], "nud", "permanent"),
            )

    def mend(self) -> None:
        """Lose nothing any more."""
        for here, there in ((0, 2), (1, 1)):
            ip("-n", self.spaces[here], "neigh", "del", address_of(there), "dev", self.devices[here])


@pytest.fixture
def wire() -> Generator[Wire, None, None]:
    spaces = (f"lictor-{os.getpid()}-1", f"lictor-{os.getpid()}-2")
    devices = (f"lt{os.getpid() % 10_000_000}a", f"lt{os.getpid() % 10_000_000}b")
    try:
        for space in spaces:
            ip("netns", "add", space)
        ip(
            *("link", "add", devices[0], "netns", spaces[0], "type", "veth"),
            *("peer", "name", devices[1], "netns", spaces[1]),
        )
    except subprocess.CalledProcessError as error:
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True, timeout=10)
        pytest.skip(f"this machine gives no network namespaces: {error.stderr!r:.200}")
    try:
        for number, (space, device) in enumerate(zip(spaces, devices, strict=True), 1):
            ip("-n", space, "addr", "add", f"{address_of(number)}/24", "dev", device)
            ip("-n", space, "link", "set", device, "up")
        yield Wire(spaces, devices)
    finally:
        for space in spaces:
            ip("netns", "del", space)


async def far_end(wire: Wire, number: int) -> Process:
    return await asyncio.create_subprocess_exec(
        *("ip", "netns", "exec", wire.spaces[number - 1]),
        *(sys.executable, "-m", "tests.server.raft.far_end", str(number), str(3 - number)),
        stdin=PIPE,
        stdout=PIPE,
    )


async def until(ends: list[Process], said: bytes, *, within_s: float) -> float:
    """Wait until each end said so; how long it took, in seconds."""
    began = time.monotonic()

    async def line(end: Process) -> None:
        assert end.stdout is not None
        assert (await end.stdout.readline()).strip() == said

    async with asyncio.timeout(within_s):
        await asyncio.gather(*map(line, ends))
    return time.monotonic() - began


async def test_a_silent_machine_is_given_up_and_found_again(wire: Wire) -> None:
    ends = [await far_end(wire, number) for number in (1, 2)]
    try:
        await until(ends, b"connected", within_s=30)
        wire.cut()
        # Also the end that has nothing to say notices: the kernel probes quiet connections.
        await until(ends, b"disconnected", within_s=SILENCE_MAX_S + 4)
        wire.mend()
        await until(ends, b"connected", within_s=CONNECT_TIMEOUT_S + RETRY_MAX_S + 3)
    finally:
        for end in ends:
            end.kill()
            await asyncio.wait_for(end.communicate(), 10)
