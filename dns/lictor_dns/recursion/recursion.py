"""Questions for others: each is put to the recursors in turn, until one of them has an answer.

Shapes are Consul 1.8.7's: the client's message goes on as it came, over the transport it came by, and what comes back
goes to the client; a recursor that is silent, refuses or fails is followed by the next one, and after the last comes
SERVFAIL. Other than Consul, ids are fresh for each question, a reply to another question is no reply (RFC 5452, section
9.1), and who takes more than 512 bytes by UDP is given what it can take of an answer that has to be fetched by TCP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock, Rng
from lictor_core.errors import OverloadedError
from lictor_dns.answer import Record
from lictor_dns.names import Labels
from lictor_dns.protocol import ID_BYTES, UDP_BYTES_MIN
from lictor_dns.question import Question
from lictor_dns.recursion.exchange import NoReplyError, ask
from lictor_dns.recursion.hosts import HostNames
from lictor_dns.recursion.reply import Reply, fitted
from lictor_dns.recursion.servers import Servers
from lictor_dns.settings import DnsSettings

__all__ = ["ASKED_MAX", "ElsewhereError", "Recursion"]

ASKED_MAX: Final = 512
"""Questions that others are asked at once; each has a socket. One more fails at once."""
_ID_BITS: Final = 16

Done = Callable[[bytes | None], None]
"""Is called once with a reply without its id, or with None when there is none."""


class ElsewhereError(Exception):
    """A question is for others to answer.

    `ask(tail, done)` asks them the message that goes on with `tail` after its id, and calls `done` later, in time.
    """

    def __init__(self, ask: Callable[[bytes, Done], None]) -> None:
        super().__init__("others have to be asked")
        self.ask = ask


class Recursion:
    """Asks the recursors of `settings`; runs in the loop's tasks, ends with `close`.

    `ids` must be unpredictable: who guesses an id and a port answers in the recursor's place.
    """

    def __init__(
        self,
        settings: DnsSettings,
        clock: Clock,
        ids: Rng,
        log: FilteringBoundLogger,
        *,
        asked_max: int = ASKED_MAX,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._log = log
        self._asked_max = asked_max
        self._hosts = HostNames(self._ask_about, self._spawn, clock)
        self._tasks: set[asyncio.Task[None]] = set()
        # Who asks the same as somebody who waits, waits with them: a question that is under way many times over would
        # be easier to answer wrongly (RFC 5452, section 5).
        self._waiting: dict[tuple[bytes, bool], list[Done]] = {}
        self._closed = False
        self.follow(settings)

    def __len__(self) -> int:
        return len(self._tasks)

    def follow(self, settings: DnsSettings) -> None:
        """Ask the recursors of these settings from now on. What is under way ends as it began."""
        self._servers = Servers(settings.recursor_addresses())
        self._timeout_s = settings.recursor_timeout_s
        self._hosts.forget()

    async def close(self) -> None:
        """Ask nobody any more, and forget who waits."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def addresses(self, host: Labels, wanted: int) -> Sequence[Record]:
        """What others say of `host` to a question of type `wanted`, not older than they allow.

        Raises `ColdViewError` when they have to be asked first.
        """
        return self._hosts.addresses(host, wanted)

    def elsewhere(self, question: Question, bytes_max: int, *, is_udp: bool) -> ElsewhereError:
        """To be raised: `question` is for others. What the client is given is at most `bytes_max` long."""
        return ElsewhereError(partial(self._forward, question, bytes_max, is_udp))

    def _forward(self, question: Question, bytes_max: int, is_udp: bool, tail: bytes, done: Done) -> None:
        key = tail, is_udp
        if (waiting := self._waiting.get(key)) is not None:
            waiting.append(done)
            return
        try:
            self._spawn(self._forwarded(question, tail, bytes_max, is_udp), "dns-recursion")
        except OverloadedError:
            done(None)
        else:
            self._waiting[key] = [done]

    async def _forwarded(self, question: Question, tail: bytes, bytes_max: int, is_udp: bool) -> None:
        answer: bytes | None = None
        try:
            wants_whole = bytes_max > UDP_BYTES_MIN
            reply = await self._ask(tail, question.wire, is_udp=is_udp, wants_whole=wants_whole)
            if reply is not None:
                answer = fitted(reply, question.wire, bytes_max)[ID_BYTES:]
        finally:
            for done in self._waiting.pop((tail, is_udp)):
                if not self._closed:
                    done(answer)

    async def _ask_about(self, tail: bytes, wire: bytes) -> Reply | None:
        return await self._ask(tail, wire, is_udp=True, wants_whole=True)

    async def _ask(self, tail: bytes, wire: bytes, *, is_udp: bool, wants_whole: bool) -> Reply | None:
        """What the first recursor says that has an answer; None when none has."""
        servers = self._servers
        for recursor in servers.in_order(self._clock.monotonic()):
            try:
                reply = await ask(
                    recursor,
                    self._ids.bits(_ID_BITS),
                    tail,
                    wire,
                    is_udp=is_udp,
                    wants_whole=wants_whole,
                    timeout_s=self._timeout_s,
                )
            except NoReplyError as error:
                if servers.lost(recursor, self._clock.monotonic()):
                    self._log.warning("dns.recursor.lost", recursor=str(recursor), reason=str(error))
                continue
            if servers.answered(recursor):
                self._log.info("dns.recursor.recovered", recursor=str(recursor))
            if reply.is_answer:
                return reply
        return None

    def _spawn(self, job: Coroutine[None, None, None], name: str) -> None:
        """Run `job` beside what there is. Raises `OverloadedError` when that is as much as there may be."""
        if self._closed or len(self._tasks) >= self._asked_max:
            job.close()
            raise OverloadedError(f"{self._asked_max} questions are with recursors: ask again later")
        task = asyncio.get_running_loop().create_task(job, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
