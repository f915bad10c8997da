"""`lictor exec`: run a command on many nodes, and see what they say.

The protocol is Consul's, so that either program's agents understand either program's command.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import click

from lictor.api.asynchronous import AsyncClient
from lictor.api.calls import event, kv
from lictor.api.kept_session import KeptSession
from lictor.api.messages import Options
from lictor.api.settings import Settings
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.errors import CommandError
from lictor.cli.flags import ValueKind, flag, option
from lictor.cli.remote_exec import (
    Answer,
    AnswerKind,
    Answers,
    event_payload,
    exit_code,
    job_value,
    output_lines,
)
from lictor_agent.events import check_filters
from lictor_core.clock import SystemClock
from lictor_core.durations import parse_duration
from lictor_core.errors import LictorError, RequestError
from lictor_core.limits import KV_VALUE_BYTES_MAX
from lictor_core.records import SessionBehavior

__all__ = ["BAD_EXIT", "command"]

BAD_EXIT: Final = 2
"""The command failed on a node, or one that took it was not heard of again."""
_TERMINATED_EXIT: Final = 128 + signal.SIGTERM
_EVENT: Final = "_rexec"
_TTL_S: Final = 15.0
_LOCK_DELAY_S: Final = 15.0
_CLEAN_UP_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class _Wish:
    job: bytes
    prefix: str
    filters: dict[str, str]
    wait_s: float
    replication_s: float
    verbose: bool
    datacenter: str

    def say(self, text: str) -> None:
        """What only -verbose tells."""
        if self.verbose:
            print(text, flush=True)


@click.command(
    cls=ApiCommand,
    usage="[-|COMMAND...]",
    examples=(
        "lictor exec uptime",
        "lictor exec -service=web -tag=v1 systemctl reload nginx",
        "lictor exec -node='^db-' - < check.sh",
    ),
)
@option("-node", "Regular expression: only nodes whose name it finds.", metavar="expression")
@option("-prefix", "Where in the key-value store the command and its answers are kept.", metavar="prefix",
        default=_EVENT)  # fmt: skip
@option("-service", "Regular expression: only nodes with such a service.", metavar="expression")
@option("-shell", "Run the command by a shell; =false runs it directly.", kind=ValueKind.BOOLEAN, default="true")
@option("-tag", "Regular expression: only with such a tag on it; goes with -service.", metavar="expression")
@flag("-verbose", "Tell what is being done.")
@option("-wait", "End after so long without an answer; twice as long while a node still runs the command. 2s by "
        "default.", metavar="duration", default="2s")  # fmt: skip
@option("-wait-repl", "Wait so long before nodes are told, for servers that follow; 200ms by default.",
        metavar="duration", default="200ms")  # fmt: skip
@pass_api
def command(
    api: Api,
    args: tuple[str, ...],
    node: str,
    prefix: str,
    service: str,
    shell: bool,
    tag: str,
    verbose: bool,
    wait: str,
    wait_repl: str,
) -> int:
    """Run a command on every node that the filters find, and show what they print and how it ended. With - the command
    is a script that is read from stdin. Agents run commands only if `disable_remote_exec` is false in their
    configuration, which it is not by default.

    Exits with 2 if it failed anywhere, or if a node that began was not heard of again. The command goes on there if
    this one is ended.
    """
    if not args:
        raise CommandError("Must specify a command to execute: write it behind the flags, or - to read a script")
    if tag and not service:
        raise CommandError("Cannot provide tag filter without service filter: give -service, too")
    filters = {"node": node, "service": service, "tag": tag}
    wait_s = _seconds("wait", wait)
    wish = _Wish(
        job=_job(args, wait_s, shell=shell),
        prefix=prefix.strip("/"),
        filters=filters,
        wait_s=wait_s,
        replication_s=_seconds("wait-repl", wait_repl),
        verbose=verbose,
        datacenter=api.datacenter,
    )
    if not wish.prefix:
        raise CommandError("-prefix is empty: name one, or leave it out")
    try:
        check_filters(filters)
    except RequestError as error:
        raise CommandError(str(error)) from error
    try:
        return asyncio.run(_run(api.settings(), wish))
    except asyncio.CancelledError:  # by a signal; what there was to tidy up is tidied up
        return _TERMINATED_EXIT


def _job(args: tuple[str, ...], wait_s: float, *, shell: bool) -> bytes:
    if args == ("-",):
        if not shell:
            raise CommandError("Cannot configure -shell=false when reading from stdin: a script needs a shell")
        script = sys.stdin.buffer.read(KV_VALUE_BYTES_MAX + 1)
        if not script.strip():
            raise CommandError("the script on stdin is empty")
        job = job_value(script=script, wait_s=wait_s)
    elif shell:
        job = job_value(command=" ".join(args), wait_s=wait_s)
    else:
        job = job_value(words=list(args), wait_s=wait_s)
    if len(job) > KV_VALUE_BYTES_MAX:
        raise CommandError(
            f"the command takes {len(job)} bytes as a value of the key-value store, which takes {KV_VALUE_BYTES_MAX}: "
            "put it on the nodes first, and run it there"
        )
    return job


def _seconds(name: str, text: str) -> float:
    try:
        return max(parse_duration(text), 0.0)
    except RequestError as error:
        raise CommandError(f"-{name}: {error}") from error


async def _run(settings: Settings, wish: _Wish) -> int:
    began = time.monotonic()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with AsyncClient(settings) as client:
        session = KeptSession(client, ttl_s=_TTL_S, clock=SystemClock())
        await session.begin(
            name="Remote Exec", lock_delay_s=_LOCK_DELAY_S, behavior=SessionBehavior.DELETE, dc=wish.datacenter
        )
        wish.say(f"Created remote execution session: {session.id}")
        below = f"{wish.prefix}/{session.id}/"
        async with _cleaned_up(client, session, below, wish.datacenter):
            await _ask(client, session, below, wish)
            follower = _Follower(client, session, below, wish)
            await follower.follow()
    print(f"{follower.answers.exited} / {follower.answers.acknowledged} node(s) completed / acknowledged")
    wish.say(f"Completed in {time.monotonic() - began:.2f} seconds")
    return BAD_EXIT if follower.has_failed or follower.answers.some_run else 0


@asynccontextmanager
async def _cleaned_up(client: AsyncClient, session: KeptSession, below: str, dc: str) -> AsyncGenerator[None]:
    """Leave nothing behind, however the block ends."""
    try:
        yield
    finally:
        with suppress(LictorError, TimeoutError):
            async with asyncio.timeout(_CLEAN_UP_S):
                await client.send(kv.delete_tree(below, dc=dc))
        await session.end(dc)


async def _ask(client: AsyncClient, session: KeptSession, below: str, wish: _Wish) -> None:
    if not await client.send(kv.put(f"{below}job", wish.job, acquire=session.id, dc=wish.datacenter)):
        raise CommandError(f"the key {below}job cannot be locked: somebody else has it; try again")
    wish.say("Uploaded remote execution spec")
    await asyncio.sleep(wish.replication_s)
    fired = await client.send(
        event.fire(_EVENT, event_payload(wish.prefix, session.id), dc=wish.datacenter, **wish.filters)
    )
    wish.say(f"Fired remote execution event: {fired.id}")


class _Follower:
    """Shows what nodes answer until they are silent."""

    def __init__(self, client: AsyncClient, session: KeptSession, below: str, wish: _Wish) -> None:
        self.answers = Answers(below)
        self.has_failed = False
        self._client = client
        self._session = session
        self._below = below
        self._wish = wish

    async def follow(self) -> None:
        """Return after so long a silence as was wished for."""
        index, heard_at = 0, time.monotonic()
        while True:
            window_s = self._wish.wait_s * (2 if self.answers.some_run else 1)
            left_s = heard_at + window_s - time.monotonic()
            if left_s <= 0 and index:
                return
            if self._session.lost.is_set():
                raise CommandError("the session of this command is lost: the servers were away for too long")
            options = Options(datacenter=self._wish.datacenter, index=index, wait_s=max(left_s, 0.01))
            answer = await self._client.ask(kv.keys(self._below, options=options))
            index = answer.index
            news = self.answers.news(answer.value)
            for one in news:
                await self._show(one)
            if news:
                heard_at = time.monotonic()

    async def _show(self, answer: Answer) -> None:
        if answer.kind is AnswerKind.ACKNOWLEDGED:
            self._wish.say(f"==> {answer.node}: acknowledged")
            return
        entry = await self._client.send(kv.get(answer.key, Options(datacenter=self._wish.datacenter)))
        value = b"" if entry is None else entry.value or b""
        if answer.kind is AnswerKind.EXITED:
            code = exit_code(value)
            self.has_failed = self.has_failed or code != 0
            print(f"==> {answer.node}: finished with exit code {'unknown' if code is None else code}", flush=True)
        elif value:
            sys.stdout.flush()
            sys.stdout.buffer.write(output_lines(answer.node, value))
            sys.stdout.buffer.flush()
        else:
            self._wish.say(f"==> {answer.node}: heartbeat received")
