"""How an agent's process ends, and reloads: signals, and servers that cannot go on.

Exit codes are Consul's: 0 after leaving the cluster on purpose, 1 otherwise. Which signal leaves is set by
`leave_on_terminate` (SIGTERM) and `skip_leave_on_interrupt` (SIGINT). SIGHUP reloads the configuration.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.agent import Agent
from lictor_agent.changed_files import LOOK_EVERY_S, ChangedFiles, files_of
from lictor_agent.lease import LEAVE_S_MAX
from lictor_config.tree import Configuration
from lictor_core.errors import LictorError

__all__ = ["STOP_S_MAX", "Ending", "leaves_on"]

STOP_S_MAX: Final = 0.9
"""From the signal, or from having left, to the end of the process. What is not over by then is cut off."""
_ENDED_BY: Final = (signal.SIGINT, signal.SIGTERM)


def leaves_on(number: signal.Signals, configuration: Configuration) -> bool:
    """Whether this signal means that the agent leaves the cluster, rather than only stops."""
    if number is signal.SIGTERM:
        return configuration.leave_on_terminate
    return not configuration.skip_leave_on_interrupt


class Ending:
    """Waits for the end of one agent's process."""

    def __init__(self, agent: Agent, log: FilteringBoundLogger) -> None:
        self._agent = agent
        self._log = log
        self._asked: asyncio.Future[signal.Signals | None] = asyncio.get_running_loop().create_future()
        self._reload = asyncio.Event()

    @contextmanager
    def watching(self) -> Generator[None]:
        """Take signals while the block runs; `wait` acts on them. A SIGHUP that was held back comes now."""
        loop = asyncio.get_running_loop()
        for number in _ENDED_BY:
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        try:
            yield
        finally:
            for number in (*_ENDED_BY, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def wait(self, failed: Callable[[], Awaitable[None]]) -> int:
        """Reload when told to, until a signal says to end or the agent has left; the exit code.

        Raises what `failed` raises, in a group.
        """
        async with asyncio.TaskGroup() as group:
            steps = [failed, self._reload_on_request, self._end_when_left]
            if self._agent.configuration.auto_reload_config:
                steps.append(self._reload_on_change)
            jobs = [group.create_task(_run(step), name=step.__qualname__) for step in steps]
            number = await self._asked
            for job in jobs:
                job.cancel()
        # Whatever hangs from here on must not keep the process, or what started it, waiting.
        leaves = number is None or leaves_on(number, self._agent.configuration)
        stop_s = STOP_S_MAX + (LEAVE_S_MAX if leaves else 0.0)
        asyncio.get_running_loop().call_later(stop_s, os._exit, 0 if leaves else 1)
        self._log.info("agent.process.ending", signal="" if number is None else number.name, leaves=leaves)
        if leaves and number is not None:
            await self._agent.leave()
        return 0 if leaves else 1

    async def _end_when_left(self) -> None:
        """Somebody asked the agent to leave, by its API: nothing is left for the process to do."""
        await self._agent.left.wait()
        self._end(None)

    def _end(self, number: signal.Signals | None) -> None:
        if not self._asked.done():
            self._asked.set_result(number)

    async def _reload_on_request(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            try:
                await self._agent.reload()
            except LictorError as error:
                self._log.error("agent.reload.failed", reason=str(error))
            except Exception:
                # A mistake of ours costs a reload, not the agent with all that runs on it.
                self._log.exception("agent.reload.crashed")

    async def _reload_on_change(self) -> None:
        changed = ChangedFiles(files_of(self._agent.configuration))
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if await asyncio.to_thread(changed.look, files_of(self._agent.configuration)):
                self._log.info("agent.files.changed", reason="auto_reload_config")
                self._reload.set()


async def _run(job: Callable[[], Awaitable[None]]) -> None:
    await job()
