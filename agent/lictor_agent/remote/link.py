"""The connection of an agent to one of the servers: kept while it lasts, and then to another one.

A stream of bulletins (`core.calls.ATTEND`) stays open on it. When that ends the server is lost, whoever else uses the
connection is told by the same event, and the next server is attended. A server that is silent while somebody waits for
it is asked for a sign of life, and left without one.

When a server with thousands of agents is lost, they come to the others spread over a few seconds, and each one that
finds a server silent waits longer for the next: servers that are busy with those who came would else be left by all of
them again and again, which is more work than keeping them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from contextlib import aclosing, contextmanager
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.remote.finding import LOOK_S_MAX, REASONS_MAX, Finder
from lictor_agent.remote.ranking import Ranking
from lictor_agent.remote.settings import RemoteSettings
from lictor_core.backoff import Backoff
from lictor_core.calls import ATTEND, Bulletin
from lictor_core.clock import Clock, Rng
from lictor_core.codec import unpack
from lictor_core.errors import ClusterError, ConfigurationError, IncompatibleError, LictorError, NoLeaderError
from lictor_core.membership import spread_s
from lictor_server import RpcPool

__all__ = ["NOBODY", "SILENCE_S_MAX", "ServerLink"]

NOBODY: Final = "No known Consul servers"
"""What Consul's agents answer then, to the letter: tools look for it."""
SILENCE_S_MAX: Final = 4.0
"""A server that owes answers and says nothing for so long is asked for a sign of life (`finding.LOOK_S_MAX`)."""
_LOOK_EVERY_S: Final = 1.0
_UNREADY_S: Final = 2.0
"""A server without a leader for so long is compared with the others."""
_SEARCH_EVERY_S: Final = 10.0
"""While no known server has a leader, those at the configured addresses are looked for as often as that."""
_MOVE_S: Final = 60.0
"""A better server is looked at after once to three times this, at random, so that not all agents come at once."""
PATIENCE_MAX: Final = 4
"""Servers left for their silence one after the other get up to so many times the time of the first."""
STEADY_S: Final = 30.0
"""After so long at one server patience is what it was at first."""
_LONELY_S_MIN: Final = 0.05
_LONELY_S_MAX: Final = 3.0
"""Between rounds while no server answers."""


class ServerLink:
    """Keeps to one server while `run` runs. All methods belong to one event loop."""

    def __init__(
        self, settings: RemoteSettings, pool: RpcPool, *, clock: Clock, rng: Rng, log: FilteringBoundLogger
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._clock = clock
        self._rng = rng
        self._log = log
        self._finder = Finder(settings, pool, log)
        self._ranking = Ranking(settings.node_id)
        self._ranking.add(settings.known)
        self._current = ""
        self._bulletin: Bulletin | None = None
        self._lost_at: float | None = None
        """Since when there is no server, or since when one is looked for; None while nobody looks for any."""
        self._was_connected = False
        self._connected_at = 0.0
        self._patience = 1
        self._companions = 0
        """How many agents the server in use has, this one among them."""
        self._reasons: list[str] = []
        """Why nobody was found the last time."""
        self._unready_since: float | None = None
        self._search_at = 0.0
        self._next = ""
        """Whom to attend next, before all others."""
        self._pins = 0
        self._changed = asyncio.Event()
        self._survey: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.seen_index = 0
        """How much of the log a server is known to have applied."""

    # For calls.

    @property
    def current(self) -> str:
        """`host:port` of the server in use; empty while there is none."""
        return self._current

    @property
    def servers(self) -> tuple[str, ...]:
        """All known servers."""
        return self._ranking.servers

    def at_connection(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time when a server was found, the first or another one."""
        self._callbacks.append(callback)

    async def server(self, hold_s: float) -> str:
        """The server in use, waited for up to `hold_s` after the last one was lost. Raises `NoLeaderError`."""
        if self._current:
            return self._current
        if self._lost_at is None:
            raise NoLeaderError(NOBODY)
        try:
            async with asyncio.timeout(self._lost_at + hold_s - self._clock.monotonic()):
                while not self._current:
                    await self._changed.wait()
        except TimeoutError:
            raise NoLeaderError(NOBODY) from None
        return self._current

    async def left(self, server: str) -> bool:
        """Whether another server is in use now: one that knows a leader, where `server` knows none."""
        if self._current == server:
            if self._survey is None:
                self._survey = asyncio.get_running_loop().create_task(self._compare(), name="agent-survey")
                self._survey.add_done_callback(self._note_survey)
            await asyncio.wait([self._survey])
        return self._current != server

    @contextmanager
    def pinned(self) -> Generator[None]:
        """Stay with the server while the block runs, if it stays: what is asked cannot be asked again."""
        self._pins += 1
        try:
            yield
        finally:
            self._pins -= 1

    # Finding and keeping.

    async def join(self, addresses: tuple[str, ...]) -> int:
        """Look for servers at each of `addresses` once; how many answered. Raises `ClusterError` when none did."""
        reasons: list[str] = []
        found = await self._finder.find(addresses, reasons)
        if not found:
            raise ClusterError(f"no server answered at {', '.join(addresses)}: {'; '.join(reasons[:REASONS_MAX])}")
        self._note_found(found)
        return len(found)

    async def run(self) -> None:
        """Keep to a server for ever. Raises `ConfigurationError` in a group when `retry_max` is reached."""
        if self._settings.retry_join or self._ranking.servers:
            self._lost_at = self._clock.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_after(), name="agent-servers-watched")
            await self._attend_all()

    def stop(self) -> None:
        """Compare servers no more."""
        if self._survey is not None:
            self._survey.cancel()

    async def _attend_all(self) -> None:
        longest_s = max(_LONELY_S_MIN, min(_LONELY_S_MAX, self._settings.retry_interval_s))
        backoff = Backoff(self._rng, first_s=_LONELY_S_MIN, max_s=longest_s)
        fruitless = 0
        while True:
            server, self._next = self._next or self._ranking.best(self._clock.monotonic()) or "", ""
            if server:
                if await self._attend(server):
                    backoff.reset()
                    fruitless = 0
                    await self._let_others_go_first()
                continue
            if await self._look_for():
                fruitless = 0
                if self._ranking.best(self._clock.monotonic()) is not None:
                    continue
            elif self._settings.retry_join and not self._was_connected:
                fruitless += 1
                self._check_patience(fruitless)
            counted = self._settings.retry_max > 0 and fruitless > 0
            await self._pause(self._settings.retry_interval_s if counted else backoff.next_s())
            self._ranking.forgive()

    async def _attend(self, server: str) -> bool:
        """Stay with `server` for as long as it lasts; whether it was there at all."""
        was_there = False
        patience_s = LOOK_S_MAX * self._patience
        try:
            async with aclosing(self._pool.stream(server, ATTEND, self._finder.attendance)) as items:
                async with asyncio.timeout(patience_s):
                    first = unpack(await anext(items), Bulletin)
                was_there = True
                self._settle(server, first)
                async for item in items:
                    self._hear(unpack(item, Bulletin))
            reason = "it ended the connection"
        except TimeoutError:
            reason = f"{server} does not answer within {patience_s:g} s"
            self._grow_patient()
        except StopAsyncIteration:
            reason = f"{server} tells nothing of the servers"
        except LictorError as error:
            reason = str(error)
            if isinstance(error, IncompatibleError):
                self._finder.tell_refusal(server, reason)
        self._lose(server, reason)
        return was_there

    def _settle(self, server: str, bulletin: Bulletin) -> None:
        self._current = server
        self._lost_at = None
        self._was_connected = True
        self._connected_at = self._clock.monotonic()
        self._ranking.answered(server)
        self._hear(bulletin)
        self._log.info("agent.server.connected", server=bulletin.name, address=server, servers=len(bulletin.servers))
        self._tell_change()
        for callback in self._callbacks:
            callback()

    def _hear(self, bulletin: Bulletin) -> None:
        self._bulletin = bulletin
        self._companions = bulletin.attended
        self.seen_index = max(self.seen_index, bulletin.applied_index)
        if bulletin.is_ready:
            self._ranking.replace(bulletin.servers)
            self._unready_since = None
            return
        # It may be cut off, or belong to no cluster yet, and know of nobody but itself.
        self._ranking.add(bulletin.servers)
        if self._unready_since is None:
            self._unready_since = self._clock.monotonic()

    def _lose(self, server: str, reason: str) -> None:
        now = self._clock.monotonic()
        if self._current == server:
            self._current, self._bulletin, self._unready_since = "", None, None
            self._lost_at = now
            if now - self._connected_at >= STEADY_S:
                self._patience = 1
            if self._next:
                self._log.info("agent.server.left", address=server, better=self._next)
            else:
                self._log.warning("agent.server.lost", address=server, reason=reason)
            self._tell_change()
        else:
            self._log.debug("agent.server.missed", address=server, reason=reason)
        self._pool.hang_up(server, reason)
        if not self._next:
            self._ranking.failed(server, now)

    def _grow_patient(self) -> None:
        self._patience = min(2 * self._patience, PATIENCE_MAX)

    async def _let_others_go_first(self) -> None:
        """Wait for this agent's turn among all those that lost the same server; not when it left of its own accord."""
        companions, self._companions = self._companions, 0
        if not self._next:
            await asyncio.sleep(self._rng.uniform(0.0, spread_s(companions)))

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # When nobody answers.

    async def _look_for(self) -> bool:
        """Whether servers answer at the configured addresses."""
        if not self._settings.retry_join:
            return False
        reasons: list[str] = []
        found = await self._finder.find(self._settings.retry_join, reasons)
        self._note_found(found)
        self._reasons = reasons
        return bool(found)

    def _note_found(self, found: list[Bulletin]) -> None:
        if found:
            self._ranking.add(server for bulletin in found for server in (bulletin.address, *bulletin.servers))
            self._tell_change()

    def _check_patience(self, fruitless: int) -> None:
        addresses = self._settings.retry_join
        if fruitless & (fruitless - 1) == 0:  # the first, second, fourth ... attempt: it may last for hours
            self._log.warning(
                "agent.join.failed",
                addresses=list(addresses),
                attempts=fruitless,
                reasons=self._reasons[:REASONS_MAX],
            )
        if 0 < self._settings.retry_max <= fruitless:
            raise ConfigurationError(
                f"no server answered at {', '.join(addresses)} in {fruitless} attempts (retry_max): check retry_join, "
                "or that those servers run"
            )

    async def _pause(self, pause_s: float) -> None:
        """Wait, or until somebody was found."""
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    # Is it still the right one?

    async def _look_after(self) -> None:
        move_at = self._clock.monotonic() + self._rng.uniform(_MOVE_S, 3 * _MOVE_S)
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now, server = self._clock.monotonic(), self._current
            if not server:
                continue
            silence_s = self._pool.silence_s(server)
            if silence_s is not None and silence_s >= SILENCE_S_MAX * self._patience:
                await self._want_sign_of_life(server, LOOK_S_MAX)
            elif self._unready_since is not None and now - self._unready_since >= _UNREADY_S:
                await self.left(server)
                self._unready_since = now
            elif now >= move_at:
                move_at = now + self._rng.uniform(_MOVE_S, 3 * _MOVE_S)
                await self._move_to_better(server, now)

    async def doubt(self, server: str, patience_s: float) -> None:
        """Leave `server`, if it is the one in use and gives no sign of life in that time."""
        if self._current == server:
            await self._want_sign_of_life(server, patience_s)

    async def _want_sign_of_life(self, server: str, patience_s: float) -> None:
        try:
            await self._finder.look(server, patience_s * self._patience)
        except LictorError as error:
            self._grow_patient()
            self._pool.hang_up(server, f"it is silent: {error}")

    async def _move_to_better(self, server: str, now: float) -> None:
        better = self._ranking.better(server, now)
        if better is None or self._pins:
            return
        try:
            bulletin = await self._finder.look(better)
        except LictorError as error:
            self._log.debug("agent.server.missed", address=better, reason=str(error))
            self._ranking.failed(better, now)
            return
        if bulletin.is_ready:
            self._move(server, better)

    async def _compare(self) -> None:
        """Go to a server that knows a leader, if this one knows none."""
        server = self._current
        known = self._ranking.servers
        if await self._move_to_ready(server, known) or not self._is_unready():
            return
        if self._clock.monotonic() >= self._search_at:
            self._search_at = self._clock.monotonic() + self._rng.uniform(_SEARCH_EVERY_S / 2, _SEARCH_EVERY_S)
            await self._look_for()
            await self._move_to_ready(server, [other for other in self._ranking.servers if other not in known])

    async def _move_to_ready(self, server: str, others: Iterable[str]) -> bool:
        """Whether this agent has gone to one of `others`, since that one knows a leader and `server` does not."""
        for other in others:
            if other == server or not server:
                continue
            try:
                bulletin = await self._finder.look(other)
            except LictorError:
                continue
            if bulletin.is_ready and self._is_unready() and self._move(server, other):
                await self._changed.wait()
                await self._pause(LOOK_S_MAX)
                return True
        return False

    def _is_unready(self) -> bool:
        return self._bulletin is not None and not self._bulletin.is_ready

    def _move(self, server: str, other: str) -> bool:
        """Whether this agent goes to `other` now; the connection to `server` is closed then."""
        if self._current != server or self._pins:
            return False
        self._next = other
        self._pool.hang_up(server, f"this agent moves to {other}")
        return True

    def _note_survey(self, task: asyncio.Task[None]) -> None:
        self._survey = None
        if not task.cancelled():
            task.exception()
