"""How fresh a read is: what must have happened before this server answers from its own state.

The leader asks a majority, or trusts its lease. Another server asks the leader how far the log was committed when the
read came, and answers once it has applied that much itself: as fresh as the leader's own answer, without its work.
Raft thesis, section 6.4. Reads that come while a question to the leader is on its way share the next one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

from lictor_core.commands import ReadMode
from lictor_core.errors import CatchingUpError, NoLeaderError
from lictor_server.figures import ServerFigures
from lictor_server.raft import Driver

__all__ = ["Contact", "Freshness"]

_LEADER_MS = 0


@dataclasses.dataclass(frozen=True)
class Contact:
    """How old the state here may be, in milliseconds, and whether there is a leader."""

    last_ms: int = _LEADER_MS
    known_leader: bool = True


_CURRENT = Contact()


class Freshness:
    """The gate of all reads of one server."""

    def __init__(
        self,
        driver: Driver,
        read_index: Callable[[bool], Awaitable[int]],
        *,
        hold_s: float,
        figures: ServerFigures | None = None,
    ) -> None:
        """`read_index` asks the leader, whoever it is; True: let a majority confirm it.

        `hold_s` is how long a fresh read is held while nobody leads.
        """
        self._driver = driver
        self._hold_s = hold_s
        self._figures = figures
        self._rounds = {strict: _Rounds(read_index, strict=strict) for strict in (False, True)}

    async def reached(self, mode: ReadMode, max_stale_s: float = 0.0) -> Contact:
        """Return when a read of this mode may be answered from the state here.

        With `max_stale_s` above 0 a stale read is a default one while the state here may be older.

        Raises `CatchingUpError` when the state here is from before a restart or behind, `NoLeaderError` when a fresh
        read finds no leader.
        """
        if mode is ReadMode.STALE and not 0 < max_stale_s < self.age_s:
            return self.contact()
        if mode is not ReadMode.CONSISTENT and self._driver.can_serve:
            return _CURRENT
        figures = self._figures
        began = 0.0 if figures is None else figures.now()
        await self._driver.applied(await self._read_index(self._rounds[mode is ReadMode.CONSISTENT]))
        if figures is not None:
            figures.since(figures.consistent_reads, began)
        return _CURRENT

    async def fed(self, is_behind: bool) -> None:
        """Return when views may be fed; where one is ahead of the state here, once that is surely current."""
        await self.reached(ReadMode.DEFAULT if is_behind else ReadMode.STALE)

    def stop(self) -> None:
        """Ask nothing more."""
        for rounds in self._rounds.values():
            rounds.stop()

    def at_once(self, mode: ReadMode) -> bool:
        """Whether `reached` would return at once, with nothing to say about its contact."""
        return self._driver.can_serve_strictly if mode is ReadMode.CONSISTENT else self._driver.can_serve

    @property
    def age_s(self) -> float:
        """How long ago the state here was surely current; infinite before that is proven for the first time."""
        age_s = self._driver.core.age_s
        return float("inf") if age_s is None else age_s

    def contact(self) -> Contact:
        """How fresh the state here is just now. Raises `CatchingUpError` when it never was since the start.

        Between the first word of a leader and the first proof that it led, the state is as old as this server.
        """
        core = self._driver.core
        if not core.caught_up:
            raise CatchingUpError(
                "this server has not caught up with the log since its start, and does not answer from the past: "
                "retry in a second, or ask another server"
            )
        age_s = core.age_s
        return Contact(int((core.up_s if age_s is None else age_s) * 1000), core.leader is not None)

    async def _read_index(self, rounds: _Rounds) -> int:
        """The answer to the next question. One that is under way may be held itself, for as long as a read may be: who
        came behind it is not held once more.
        """
        answer = rounds.next()
        try:
            async with asyncio.timeout(self._hold_s):
                return await asyncio.shield(answer)
        except TimeoutError:
            if not self._driver.core.is_leader and self._driver.core.leader is None:
                raise NoLeaderError() from None
        return await asyncio.shield(answer)


class _Rounds:
    """Questions for the read index: one under way, and one that everybody who comes meanwhile will share."""

    def __init__(self, ask: Callable[[bool], Awaitable[int]], *, strict: bool) -> None:
        self._ask = ask
        self._strict = strict
        self._under_way: asyncio.Task[None] | None = None
        self._next: asyncio.Future[int] | None = None

    def next(self) -> asyncio.Future[int]:
        """The answer to a question that is asked after this call; others wait for it too."""
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
            self._next.add_done_callback(_looked_at)
        if self._under_way is None:
            self._under_way = loop.create_task(self._run(), name="server-read-index")
        return self._next

    async def _run(self) -> None:
        try:
            while self._next is not None:
                await asyncio.sleep(0)  # whoever reads in this pass of the loop comes along
                asked, self._next = self._next, None
                try:
                    index = await self._ask(self._strict)
                except Exception as error:  # whatever it is, who asked is told, and the next question is asked
                    asked.set_exception(error)
                else:
                    asked.set_result(index)
                finally:
                    if not asked.done():  # nothing but the end of this task leaves it open
                        asked.set_exception(NoLeaderError("this server is stopping"))
        finally:
            if self._under_way is asyncio.current_task():
                self._under_way = None

    def stop(self) -> None:
        """End the question under way; who waits for it, or for the one that was to come, is told."""
        task, self._under_way = self._under_way, None
        if task is not None:
            task.cancel()
        waited_for, self._next = self._next, None
        if waited_for is not None:
            waited_for.set_exception(NoLeaderError("this server is stopping"))


def _looked_at(future: asyncio.Future[int]) -> None:
    """Everybody who waited may have gone away: then nobody else looks at the error."""
    if not future.cancelled():
        future.exception()
