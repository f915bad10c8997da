"""The leader ends sessions whose TTL is over. Renewals do not go through the log: the deadlines are the leader's own.

A new leader gives every session its full time anew, so a change of leader only makes sessions last longer. Only a
command in the log ends a session, so a server that wrongly believes to lead ends none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.commands import Command, Outcome, SessionDestroy
from lictor_core.errors import LictorError, RequestError
from lictor_core.records import Session
from lictor_server.endpoints.sessions import session_ttl_s
from lictor_server.figures import ServerFigures
from lictor_server.leader.pauses import PauseWatch
from lictor_server.leader.session_timers import SessionTimers
from lictor_server.poke import Poke
from lictor_server.state import Store

__all__ = ["SessionKeeper"]

RETRY_S: Final = 0.2
"""How soon a session that could not be ended is tried again."""
ENDED_AT_ONCE_MAX: Final = 64
"""Sessions whose end is in the log at once: more of them would keep clients' writes waiting."""
_IDLE_S: Final = 60.0
_PAUSE_MIN_S: Final = 0.01


class SessionKeeper:
    """Counts the TTLs of all sessions while this server leads. All methods belong to the event loop."""

    def __init__(
        self,
        store: Store,
        *,
        propose: Callable[[Command], Awaitable[Outcome]],
        leads: Callable[[], bool],
        ttl_factor: float,
        clock: Clock,
        log: FilteringBoundLogger,
        figures: ServerFigures | None = None,
    ) -> None:
        self._store = store
        self._propose = propose
        self._leads = leads
        self._ttl_factor = ttl_factor
        self._clock = clock
        self._log = log
        self._figures = figures
        self._timers = SessionTimers()
        self._counts = False
        self._poke = Poke()
        self._looks_at = 0.0

    def __len__(self) -> int:
        """Sessions whose time is counted here: 0 where this server does not lead."""
        return len(self._timers)

    def begin_anew(self) -> None:
        """This server has come to lead, or the state is another one: every session has its full time from now on."""
        self._timers.clear()
        self._counts = True
        now = self._clock.monotonic()
        for session in self._store.sessions.all():
            self._count(session, now)
        self._poke.poke()

    def forget(self) -> None:
        """The lead has changed: what was counted means nothing, since another leader may have renewed it since."""
        self._timers.clear()
        self._counts = False

    def note(self, session_ids: list[str]) -> None:
        """These sessions came or ended."""
        if not self._counts:
            return
        now = self._clock.monotonic()
        for session_id in session_ids:
            session = self._store.sessions.get(session_id)
            if session is None:
                self._timers.drop(session_id)
            else:
                self._count(session, now)
        due = self._timers.next_due()
        if due is not None and due < self._looks_at:
            self._poke.poke()

    def renew(self, session_id: str, asked_at: float) -> Session | None:
        """Begin the time of a session anew as of `asked_at`, when surely nobody else led; None when it is over."""
        session = self._store.sessions.get(session_id)
        if session is None or not self._timers.renew(session.id, asked_at):
            return None
        return session

    async def run(self) -> None:
        """End what is over, for as long as the task lives."""
        pauses = PauseWatch(self._timers.extend)
        pauses.start()
        try:
            while True:
                await self._poke.rest(await self.look())
        finally:
            pauses.stop()

    async def look(self) -> float:
        """End the sessions whose time is over; the seconds until the next look."""
        if not self._leads():
            self.forget()
        expired = self._timers.expired(self._clock.monotonic())
        for start in range(0, len(expired), ENDED_AT_ONCE_MAX):
            await asyncio.gather(*map(self._end, expired[start : start + ENDED_AT_ONCE_MAX]))
        now, due = self._clock.monotonic(), self._timers.next_due()
        wait_s = _IDLE_S if due is None else max(_PAUSE_MIN_S, min(_IDLE_S, due - now))
        self._looks_at = now + wait_s
        return wait_s

    async def _end(self, session_id: str) -> None:
        session = self._store.sessions.get(session_id)
        if session is None:
            self._timers.drop(session_id)
            return
        began = self._clock.monotonic()
        try:
            await self._propose(SessionDestroy(id=session_id))
        except LictorError as error:
            self._log.warning("session.end.failed", session=session_id, code=error.code, reason=str(error))
            self._timers.retry(session_id, self._clock.monotonic() + RETRY_S)
            return
        if self._figures is not None:
            self._figures.since(self._figures.ended_session, began)
        self._log.info("session.ttl.expired", session=session_id, name=session.name, node=session.node, ttl=session.ttl)

    def _count(self, session: Session, now: float) -> None:
        try:
            ttl_s = session_ttl_s(session)
        except RequestError as error:  # it came with a state that was saved elsewhere: such a one ends by hand
            self._log.warning("session.ttl.refused", session=session.id, reason=str(error))
            return
        if ttl_s > 0:
            self._timers.begin(session.id, ttl_s * self._ttl_factor, now)
