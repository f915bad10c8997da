"""Runs what others ask for: follows the events, runs each job once, and tells what became of it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.programs import run_to_end
from lictor_agent.remote_exec.job import EVENT, Call, Job, read_call, read_job
from lictor_agent.remote_exec.output import Output
from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.commands import KVSet, ReadMode
from lictor_core.errors import ClusterError, LictorError, RequestError
from lictor_core.queries import EventsQuery, KeyQuery
from lictor_core.records import UserEvent
from lictor_core.registry import ReadOptions

if TYPE_CHECKING:
    from lictor_agent.agent import Agent

__all__ = ["JOBS_MAX", "Executor", "executing"]

JOBS_MAX: Final = 16
"""Jobs at a time; another one is not taken, which whoever asks sees by its silence."""
_WAIT_S: Final = 300.0
_RETRY_FIRST_S: Final = 1.0
_RETRY_MAX_S: Final = 30.0
_WRITES_MAX: Final = 3
_END_OF_OUTPUT_S: Final = 5.0
"""How long the rest of the output is waited for once the program has ended: it may still be on its way."""
_NOT_STARTED: Final = 255
_PRIVATE: Final = 0o700


class Executor:
    """Follows the events for one agent. `run` lasts as long as the agent, and ends what runs when it is cancelled."""

    def __init__(self, agent: Agent, environment: Mapping[str, str], rng: Rng, log: FilteringBoundLogger) -> None:
        self._agent = agent
        self._environment = environment
        self._rng = rng
        self._log = log
        self._seen: set[str] | None = None
        self._jobs: set[asyncio.Task[None]] = set()

    @property
    def follows(self) -> bool:
        """Whether it knows which events there were before it came: all others are for it."""
        return self._seen is not None

    async def run(self) -> None:
        """Take jobs until this is cancelled. What was asked for before the agent came is not for it."""
        index, backoff = 0, Backoff(self._rng, first_s=_RETRY_FIRST_S, max_s=_RETRY_MAX_S)
        async with asyncio.TaskGroup() as group:
            while True:
                options = ReadOptions(mode=ReadMode.STALE, token=self._token(), min_index=index, wait_s=_WAIT_S)
                try:
                    reading = await self._agent.registry.read(EventsQuery(name=EVENT), options)
                except LictorError as error:
                    wait_s = backoff.next_s()
                    self._log.debug("exec.event.missed", reason=str(error), retry_s=wait_s)
                    await asyncio.sleep(wait_s)
                    continue
                backoff.reset()
                index = reading.index
                for event in self._news(reading.value):
                    self._take(event, group)

    def _news(self, events: list[UserEvent]) -> list[UserEvent]:
        mine = self._agent.events.mine(events)
        seen, self._seen = self._seen, {event.id for event in events}
        return [] if seen is None else [event for event in mine if event.id not in seen]

    def _take(self, event: UserEvent, group: asyncio.TaskGroup) -> None:
        try:
            call = read_call(event.payload)
        except RequestError as error:
            self._log.warning("exec.event.refused", event_id=event.id, reason=str(error))
            return
        if len(self._jobs) >= JOBS_MAX:
            self._log.warning("exec.event.refused", event_id=event.id, reason=f"{JOBS_MAX} jobs run already")
            return
        task = group.create_task(self._carry_out(call), name=f"exec {event.id}")
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _carry_out(self, call: Call) -> None:
        """One job, from its key to its exit code; what fails is logged."""
        try:
            job = await self._job(call)
            await self._put(call, self._key(call, "ack"), b"")
        except LictorError as error:
            self._log.warning("exec.job.refused", session=call.session, reason=str(error))
            return
        self._log.info("exec.job.started", session=call.session)
        output, code = Output(), _NOT_STARTED
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell(call, job, output))
            try:
                code = await self._run(job, output)
            except (OSError, ValueError) as error:
                output.write(f"{_what(error)}\n".encode())
            finally:
                output.end()
        if telling.result():
            await self._tell_exit(call, code)
        self._log.info("exec.job.finished", session=call.session, exit_code=code)

    async def _job(self, call: Call) -> Job:
        reading = await self._agent.registry.read(KeyQuery(key=call.job_key()), ReadOptions(token=self._token()))
        if reading.value is None:
            raise RequestError(f"there is no key {call.job_key()}: whoever asked is gone")
        return read_job(reading.value.value)

    async def _run(self, job: Job, output: Output) -> int:
        if job.script:
            with _script_file(job.script) as name:
                return await self._run_words(self._shell(name), output)
        return await self._run_words(job.args or self._shell(job.command), output)

    async def _run_words(self, words: list[str], output: Output) -> int:
        code = await run_to_end(
            words,
            output,
            environment=self._environment,
            spares_children=True,  # as over ssh: what it leaves running is whoever asked for it's own affair
            room=output.room,
            end_of_output_s=_END_OF_OUTPUT_S,
        )
        return code if code >= 0 else 128 - code

    def _shell(self, line: str) -> list[str]:
        return [self._environment.get("SHELL") or "/bin/sh", "-c", line]

    async def _tell(self, call: Call, job: Job, output: Output) -> bool:
        """Tell the output part by part, and by an empty part that the job still runs. False when nobody listens any
        more: the job goes on all the same, since half of it may be worse.
        """
        number, listened = 0, True
        while (part := await output.take(job.wait_s)) is not None:
            if not listened:
                continue
            try:
                await self._put(call, call.output_key(self._agent.identity.node_name, number), part)
            except LictorError as error:
                self._log.warning("exec.output.dropped", session=call.session, reason=str(error))
                listened = False
            number += 1
        return listened

    async def _tell_exit(self, call: Call, code: int) -> None:
        try:
            await self._put(call, self._key(call, "exit"), str(code).encode())
        except LictorError as error:
            self._log.warning("exec.output.dropped", session=call.session, reason=str(error))

    async def _put(self, call: Call, key: str, value: bytes) -> None:
        """Write a key under the lock of the session: with it, everything goes. Raises `LictorError`."""
        command = KVSet(key=key, value=value, acquire=call.session)
        for attempt in range(1, _WRITES_MAX + 1):
            try:
                outcome = await self._agent.registry.write(command, token=self._token())
            except ClusterError:
                if attempt == _WRITES_MAX:
                    raise
                await asyncio.sleep(self._rng.uniform(0.5, 1.0) * _RETRY_FIRST_S * attempt)
                continue
            if outcome.value is not True:
                raise RequestError(f"the key {key} is held by another session")
            return

    def _key(self, call: Call, name: str) -> str:
        return call.key(self._agent.identity.node_name, name)

    def _token(self) -> str:
        return self._agent.gate.slots.for_node


@contextmanager
def _script_file(text: bytes) -> Generator[str]:
    """A file of this user alone that a shell can run, while the block runs."""
    with tempfile.NamedTemporaryFile(prefix="rexec", delete=False) as file:
        file.write(text)
    path = Path(file.name)
    try:
        path.chmod(_PRIVATE)
        yield file.name
    finally:
        path.unlink(missing_ok=True)


def _what(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the command'} cannot be started: {error.strerror.lower()}"
    return f"the command cannot be started: {error}"


@asynccontextmanager
async def executing(agent: Agent, rng: Rng, log: FilteringBoundLogger) -> AsyncGenerator[None]:
    """Take jobs while the block runs."""
    async with asyncio.TaskGroup() as group:
        following = group.create_task(Executor(agent, dict(os.environ), rng, log).run(), name="remote exec")
        try:
            yield
        finally:
            following.cancel()
