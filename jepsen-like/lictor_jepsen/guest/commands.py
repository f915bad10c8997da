"""The owner's fault commands as faults: who is hit is chosen by the seed; what was begun is ended, come what may."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Final

from lictor_jepsen.guest.file import ClusterFile, Command
from lictor_jepsen.nemesis import Fault, Surroundings
from lictor_jepsen.nemesis.base import nothing_lacks
from lictor_jepsen.net import Node

__all__ = ["Commanded", "filled_in"]

_SAID_BYTES_MAX: Final = 2_000
"""How much of what a failed command said is shown."""
_ENDS_MAX: Final = 3
"""How often a command that ends a fault is tried, when it fails."""


def filled_in(words: Sequence[str], node: Node | None, seed: int) -> list[str]:
    """The words of a command for a node, or for the whole cluster."""
    places = {"{seed}": str(seed), **({} if node is None else {"{node}": node.name, "{address}": node.address})}
    found: list[str] = []
    for word in words:
        for place, text in places.items():
            word = word.replace(place, text)
        found.append(word)
    return found


class Commanded:
    """One fault of the owner's file."""

    def __init__(self, command: Command, cluster: ClusterFile) -> None:
        self.command = command
        self._among = {"server": cluster.servers, "agent": cluster.agents, "cluster": ()}[command.per]
        self._begun: list[list[str]] = []
        """What is still to be ended, by the command that does it."""

    @property
    def fault(self) -> Fault:
        """As the nemesis takes it."""
        return Fault(self._begin, self._end, nothing_lacks, f"`{' '.join(self.command.begin)}`")

    def victim(self, rng: Random) -> tuple[Node | None, int]:
        """Who is hit, and the seed that the command is told. The same chance gives the same."""
        node = rng.choice(self._among) if self._among else None
        return node, rng.getrandbits(32)

    async def _begin(self, around: Surroundings, rng: Random) -> str:
        del around
        node, seed = self.victim(rng)
        self._begun.append(filled_in(self.command.end, node, seed))  # before: a begin that failed may have done half
        await self._run(filled_in(self.command.begin, node, seed))
        return f"{self.command.name}: {'the cluster' if node is None else node.name}"

    async def _end(self, around: Surroundings) -> str:
        del around
        return await self.end()

    async def end(self) -> str:
        """End what was begun. Raises `OSError` for what failed several times; it is tried again at the next call."""
        left, self._begun = self._begun, []
        failed: list[str] = []
        for words in left:
            for attempt in range(_ENDS_MAX):
                try:
                    await self._run(words)
                    break
                except OSError as error:
                    if attempt == _ENDS_MAX - 1:
                        self._begun.append(words)
                        failed.append(str(error))
        if failed:
            raise OSError("; ".join(failed))
        return f"ended {len(left)}"

    async def _run(self, words: Sequence[str]) -> None:
        """Run a command to its end, in time. Raises `OSError`."""
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), self.command.seconds_max)
        except (TimeoutError, asyncio.CancelledError) as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise OSError(f"`{' '.join(words)}` did not end within {self.command.seconds_max:g} s") from None
        if process.returncode:
            text = said[-_SAID_BYTES_MAX:].decode(errors="replace").strip()
            raise OSError(f"`{' '.join(words)}` failed with exit code {process.returncode}: {text}")
