"""`lictor lock`: run a command while a lock, or a place in a semaphore, is held.

Keys and flags are those of Consul's `consul lock`, so that both exclude one another.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from typing import Final

import click

from lictor.api.asynchronous import AsyncClient
from lictor.api.lock_rules import LOCK_NAME
from lictor.api.locks import AsyncLock, LockSettings
from lictor.api.settings import Settings
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.child import Child, shell_words
from lictor.cli.errors import CommandError
from lictor.cli.flags import ValueKind, flag, option
from lictor.cli.terminal import fail
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.durations import parse_duration
from lictor_core.errors import LictorError, RequestError

__all__ = ["CHILD_FAILED_EXIT", "LOCK_LOST_EXIT", "command"]

CHILD_FAILED_EXIT: Final = 2
"""With -child-exit-code: the command failed."""
LOCK_LOST_EXIT: Final = 1
"""The lock was not had, or was lost while the command ran."""
_MONITOR_RETRIES: Final = "3"


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What to run under which lock."""

    words: list[str]
    prefix: str
    lock: LockSettings
    wait_s: float | None
    pass_stdin: bool
    child_exit_code: bool
    verbose: bool

    def say(self, text: str) -> None:
        """What only -verbose tells."""
        if self.verbose:
            print(text, flush=True)


@click.command(
    cls=ApiCommand,
    usage="PREFIX COMMAND...",
    examples=(
        "lictor lock service/web ./migrate.sh",
        "lictor lock -n=3 -timeout=1m jobs/import ./import.sh",
        "lictor lock -verbose deploy 'echo \"my token is $LICTOR_FENCING_TOKEN\"'",
    ),
)
@flag("-child-exit-code", "Exit with 2 when the command fails; without it a failure is only told.")
@option(
    "-monitor-retry",
    "How often in a row the watch over the lock may fail, a second apart; 0 for never.",
    metavar="number",
    kind=ValueKind.WHOLE,
    default=_MONITOR_RETRIES,
)
@option("-n", "How many may hold it at once; above 1 it is a semaphore.", kind=ValueKind.WHOLE, default="1")
@option("-name", "Name of the session; else made of the command.", metavar="name")
@flag("-pass-stdin", "Let the command read from stdin.")
@option("-shell", "Run the command by a shell, that of SHELL or /bin/sh.", kind=ValueKind.BOOLEAN, default="true")
@option("-timeout", "Wait at most so long for the lock, such as 30s; 0 waits without end.", metavar="duration")
@option("-try", "The older name of -timeout.", metavar="duration")
@flag("-verbose", "Tell what is being done.")
@pass_api
def command(
    api: Api,
    /,
    args: tuple[str, ...],
    child_exit_code: bool,
    monitor_retry: int,
    n: int,
    name: str,
    pass_stdin: bool,
    shell: bool,
    timeout: str,
    verbose: bool,
    **others: str,
) -> int:
    """Run a command while a lock is held below a prefix, or a place in a semaphore. When the lock is lost, the command
    and all that it started are ended. It finds LICTOR_FENCING_TOKEN in its environment, a number that rises with every
    holder, to hand on to whatever it changes.
    """
    if len(args) < 2:
        raise CommandError("a key prefix and a command are needed")
    if n < 1:
        raise CommandError("-n must be at least 1: somebody must be able to hold the lock")
    prefix, words = args[0].strip("/"), list(args[1:])
    if not prefix:
        raise CommandError("the key prefix is empty: name one")
    job = _Job(
        words=shell_words(words, os.environ) if shell else words,
        prefix=prefix,
        lock=LockSettings(
            limit=n,
            name=name or f"Lictor lock for '{' '.join(words)}' at '{prefix}'",
            retries=monitor_retry,
            datacenter=api.datacenter,
        ),
        wait_s=_wait_s("-timeout", timeout) if timeout else _wait_s("-try", others.get("try", "")),
        pass_stdin=pass_stdin,
        child_exit_code=child_exit_code,
        verbose=verbose,
    )
    return asyncio.run(_run(api.settings(), job))


def _wait_s(flag: str, text: str) -> float | None:
    try:
        wait_s = parse_duration(text) if text else 0.0
    except RequestError as error:
        raise CommandError(f"{flag}: {error}") from error
    if wait_s < 0:
        raise CommandError(f"{flag} must not be below 0")
    return wait_s or None


async def _run(settings: Settings, job: _Job) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncClient(settings) as client:
        key = f"{job.prefix}/{LOCK_NAME}" if job.lock.limit == 1 else job.prefix
        what = f"lock at path: {key}" if job.lock.limit == 1 else f"semaphore (limit {job.lock.limit}) at prefix: {key}"
        job.say(f"Setting up {what}")
        lock = AsyncLock(client, key, job.lock, clock=SystemClock(), rng=SystemRng())
        job.say("Attempting lock acquisition")
        if not await _had(lock, job.wait_s, stopped):
            raise CommandError("the lock was not had: stopped, or the time of -timeout was over", LOCK_LOST_EXIT)
        try:
            return await _child(job, lock, stopped)
        finally:
            job.say("Child terminated, releasing lock")
            await lock.release(delete=True)


async def _had(lock: AsyncLock, wait_s: float | None, stopped: asyncio.Event) -> bool:
    """Whether the lock was had before somebody wanted an end."""
    async with asyncio.TaskGroup() as group:
        acquiring = group.create_task(_acquired(lock, wait_s))
        stopping = group.create_task(stopped.wait())
        await asyncio.wait([acquiring, stopping], return_when=asyncio.FIRST_COMPLETED)
        acquiring.cancel()
        stopping.cancel()
    if acquiring.cancelled():
        return False
    outcome = acquiring.result()
    if isinstance(outcome, LictorError):
        raise CommandError(f"the lock was not had: {outcome}", LOCK_LOST_EXIT)
    return outcome


async def _acquired(lock: AsyncLock, wait_s: float | None) -> bool | LictorError:
    """A failure as a value: a group of tasks would wrap what one of them raises."""
    try:
        return await lock.acquire(wait_s)
    except LictorError as error:
        return error


async def _child(job: _Job, lock: AsyncLock, stopped: asyncio.Event) -> int:
    environment = {
        **os.environ,
        "CONSUL_LOCK_HELD": "true",
        "LICTOR_LOCK_HELD": "true",
        "LICTOR_LOCK_INDEX": str(lock.lock_index),
        "LICTOR_FENCING_TOKEN": str(lock.fencing_token),
    }
    job.say("Starting handler")
    sys.stdout.flush()
    child = await Child.start(job.words, environment, pass_stdin=job.pass_stdin)
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(child.wait())
        others = [group.create_task(lock.lost.wait()), group.create_task(stopped.wait())]
        await asyncio.wait([ended, *others], return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        was_ended = not ended.done()
        if was_ended:
            fail("the lock is lost: ending the command" if lock.lost.is_set() else "stopped: ending the command")
            await child.end()
    code = ended.result()
    if was_ended:
        return CHILD_FAILED_EXIT if job.child_exit_code else LOCK_LOST_EXIT
    if code:
        fail(f"the command failed: exit status {code}")
    return CHILD_FAILED_EXIT if code and job.child_exit_code else 0
