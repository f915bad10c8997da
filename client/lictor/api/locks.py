"""Locks and semaphores between programs on any hosts: held by a session, which is kept alive while they are held.

    async with AsyncClient() as client, client.lock("deploy/lock") as lock:
        await work(lock.fencing_token)      # and stop when lock.lost is set

A lock excludes others only as long as its session lives. `lost` is set as soon as that is not sure any more. What
writes elsewhere should hand `fencing_token` on, so that the other side can refuse a holder that was overtaken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lictor.api.asynchronous import AsyncClient
from lictor.api.calls import kv
from lictor.api.errors import AgentError, TimedOutError, UnreachableError
from lictor.api.kept_session import KeptSession
from lictor.api.lock_rules import (
    LOCK_FLAGS,
    LOCK_NAME,
    SEMAPHORE_FLAGS,
    LockConflictError,
    Turn,
    lock_turn,
    semaphore_turn,
    without,
)
from lictor.api.messages import Call, Options
from lictor.api.retrying import NO_RETRY
from lictor_core.clock import Clock, Rng, SystemClock, SystemRng
from lictor_core.errors import PeerError, RequestError
from lictor_core.records import KVEntry

__all__ = ["AsyncLock", "LockSettings"]

_WAIT_S: Final = 60.0
_RETRY_S: Final = (0.5, 1.5)
"""The bounds of the pause before a lock that is free, but barred by its lock delay, is tried again."""
_CHANGES_MAX: Final = 100
"""Attempts to change a semaphore's list of holders against others who change it, too."""
_FAILURES: Final = (AgentError, TimedOutError, UnreachableError, PeerError)


@dataclass(frozen=True, kw_only=True)
class LockSettings:
    """How a lock is held. With a `limit` above 1 it is a semaphore, and its key is a prefix. Times are seconds.

    `retries` is how often in a row the watch over a lock that is held may fail; None: for as long as the session lives.
    """

    limit: int = 1
    name: str = ""
    value: bytes = b""
    ttl_s: float = 15.0
    lock_delay_s: float = 15.0
    retries: int | None = None
    retry_s: float = 1.0
    datacenter: str = ""


class AsyncLock:
    """One lock or semaphore, held at most once by this object. All methods belong to one event loop."""

    def __init__(
        self,
        client: AsyncClient,
        key: str,
        settings: LockSettings | None = None,
        *,
        clock: Clock | None = None,
        rng: Rng | None = None,
    ) -> None:
        # What fails is tried again here, by the rules of locks.
        self._client = client.using(retry=NO_RETRY)
        self._key = kv.check_key(key.strip("/"))
        self._settings = settings or LockSettings()
        self._clock = clock or SystemClock()
        self._rng = rng or SystemRng()
        self._session: KeptSession | None = None
        self._watch: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()
        """Set when it is not sure any more that the lock is held; `release` and another `acquire` begin anew."""
        self.fencing_token = 0
        """Rises with each time that anybody gets the lock, also after its key was deleted: a `ModifyIndex`."""
        self.lock_index = 0
        """`LockIndex` of the key: how often the lock was taken since its key was created."""
        if self._settings.limit < 1:
            raise RequestError(f"the limit of {key!r} is {self._settings.limit}: at least one must be able to hold it")

    @property
    def is_held(self) -> bool:
        """Whether the lock surely is held at this moment, also when this process stood still until just now."""
        return self._session is not None and self._session.is_sure and not self.lost.is_set()

    @property
    def session_id(self) -> str:
        """The session that holds the lock, for `txn.check_session`; empty while it is not held."""
        return "" if self._session is None else self._session.id

    async def __aenter__(self) -> AsyncLock:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.release()

    async def acquire(self, wait_s: float | None = None) -> bool:
        """Wait for the lock, at most `wait_s` seconds, and hold it; whether it is held.

        Raises `LockConflictError` when the key is used for something else, and as the client does when no agent answers
        at first; later failures are waited out for as long as the session surely lives.
        """
        assert self._session is None, "one object holds a lock once"
        settings = self._settings
        self.lost = asyncio.Event()
        session = KeptSession(self._client, ttl_s=settings.ttl_s, clock=self._clock)
        got = False
        try:
            async with asyncio.timeout(wait_s):
                await session.begin(name=settings.name, lock_delay_s=settings.lock_delay_s, dc=settings.datacenter)
                await self._until_mine(session)
                got = True
        except TimeoutError:
            return False
        finally:
            if not got:
                await self._give_up(session)
        self._session = session
        self._watch = asyncio.get_running_loop().create_task(self._guard(session), name="lock-guard")
        return True

    async def release(self, *, delete: bool = False) -> None:
        """Give the lock up, and with `delete` its keys, if nobody else wants them."""
        session, self._session = self._session, None
        if session is None:
            return
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait([watch])
        await self._give_up(session, delete=delete)

    async def _until_mine(self, session: KeptSession) -> None:
        if self._settings.limit > 1:
            await self._contend(session)
        step = self._lock_step if self._settings.limit == 1 else self._semaphore_step
        index = 0
        while not session.lost.is_set():
            try:
                mine, index = await step(session, index)
            except _FAILURES as error:
                if isinstance(error, AgentError) and error.status < 500:
                    raise
                await asyncio.sleep(self._settings.retry_s)
                mine, index = False, 0
            if mine:
                return
        raise TimedOutError("the session ended before the lock was had: the agent did not answer for its whole TTL")

    async def _lock_step(self, session: KeptSession, index: int) -> tuple[bool, int]:
        """Look once, and take the lock if it is free; whether it is held, and the index to wait for next."""
        answer = await self._client.ask(kv.get(self._key, self._options(index)))
        entry = answer.value
        match lock_turn(entry, session.id):
            case Turn.MINE:
                assert entry is not None, "what is mine is there"
                self.fencing_token, self.lock_index = entry.modify_index, entry.lock_index
                return True, 0
            case Turn.TAKEN:
                return False, answer.index
            case Turn.FREE:
                taking = kv.put(
                    self._key,
                    self._settings.value,
                    flags=LOCK_FLAGS,
                    acquire=session.id,
                    dc=self._settings.datacenter,
                )
                if not await self._client.send(taking):
                    await asyncio.sleep(self._rng.uniform(*_RETRY_S))
                return False, 0  # a look at the key tells whose it is, and the token

    async def _contend(self, session: KeptSession) -> None:
        key = f"{self._key}/{session.id}"
        taking = kv.put(
            key, self._settings.value, flags=SEMAPHORE_FLAGS, acquire=session.id, dc=self._settings.datacenter
        )
        if not await self._client.send(taking):
            raise LockConflictError(f"key {key!r} is held by somebody else: choose another prefix")

    async def _semaphore_step(self, session: KeptSession, index: int) -> tuple[bool, int]:
        answer = await self._client.ask(kv.tree(f"{self._key}/", self._options(index)))
        found = semaphore_turn(answer.value, self._key, session.id, self._settings.limit)
        match found.turn:
            case Turn.MINE:
                own = {entry.key: entry for entry in answer.value}
                self.fencing_token = own[f"{self._key}/{LOCK_NAME}"].modify_index
                self.lock_index = own[f"{self._key}/{session.id}"].lock_index
                return True, 0
            case Turn.TAKEN:
                return False, answer.index
            case Turn.FREE:
                await self._client.send(self._listing(found.body, found.cas))
                return False, 0

    def _listing(self, body: bytes, cas: int) -> Call[bool]:
        key = f"{self._key}/{LOCK_NAME}"
        return kv.put(key, body, flags=SEMAPHORE_FLAGS, cas=cas, dc=self._settings.datacenter)

    async def _guard(self, session: KeptSession) -> None:
        """Set `lost` when the session or the lock is gone."""
        ending = asyncio.get_running_loop().create_task(session.lost.wait(), name="session-end")
        watching = asyncio.get_running_loop().create_task(self._until_gone(session), name="lock-watch")
        try:
            await asyncio.wait([ending, watching], return_when=asyncio.FIRST_COMPLETED)
            self.lost.set()
        finally:
            for task in (ending, watching):
                task.cancel()
            await asyncio.wait([ending, watching])

    async def _until_gone(self, session: KeptSession) -> None:
        index, failures = 0, 0
        while True:
            try:
                held, index = await self._is_held(session, index)
            except LockConflictError:
                return
            except _FAILURES:
                failures += 1
                if self._settings.retries is not None and failures > self._settings.retries:
                    return
                await asyncio.sleep(self._settings.retry_s)
                index = 0
                continue
            failures = 0
            if not held:
                return

    async def _is_held(self, session: KeptSession, index: int) -> tuple[bool, int]:
        if self._settings.limit == 1:
            one = await self._client.ask(kv.get(self._key, self._options(index)))
            return lock_turn(one.value, session.id) is Turn.MINE, one.index
        all_of_it = await self._client.ask(kv.tree(f"{self._key}/", self._options(index)))
        found = semaphore_turn(all_of_it.value, self._key, session.id, self._settings.limit)
        return found.turn is Turn.MINE, all_of_it.index

    async def _give_up(self, session: KeptSession, *, delete: bool = False) -> None:
        """Release first: a session that ends with a lock in its hands bars the key for its lock delay."""
        if session.id:
            steps = self._lock_ends if self._settings.limit == 1 else self._semaphore_ends
            try:
                async with asyncio.timeout(self._settings.ttl_s):
                    await steps(session, delete)
            except (*_FAILURES, LockConflictError, TimeoutError):
                pass  # it is released by the end of the session
        await session.end(self._settings.datacenter)

    async def _lock_ends(self, session: KeptSession, delete: bool) -> None:
        dc = self._settings.datacenter
        await self._client.send(kv.put(self._key, self._settings.value, flags=LOCK_FLAGS, release=session.id, dc=dc))
        if not delete:
            return
        entry = await self._client.send(kv.get(self._key, self._options(0)))
        if lock_turn(entry, session.id) is Turn.FREE and entry is not None:
            await self._client.send(kv.delete(self._key, cas=entry.modify_index, dc=dc))

    async def _semaphore_ends(self, session: KeptSession, delete: bool) -> None:
        dc = self._settings.datacenter
        await self._change(lambda lock: without(lock, session.id))
        await self._client.send(kv.delete(f"{self._key}/{session.id}", dc=dc))
        if not delete:
            return
        entries = await self._client.send(kv.tree(f"{self._key}/", self._options(0)))
        lock = next((entry for entry in entries if entry.key == f"{self._key}/{LOCK_NAME}"), None)
        if lock is not None and not any(entry.session for entry in entries):
            await self._client.send(kv.delete(lock.key, cas=lock.modify_index, dc=dc))

    async def _change(self, change: Callable[[KVEntry], bytes | None]) -> None:
        """Bring a change into the list of holders, against all others who change it."""
        for _ in range(_CHANGES_MAX):
            lock = await self._client.send(kv.get(f"{self._key}/{LOCK_NAME}", self._options(0)))
            body = None if lock is None else change(lock)
            if lock is None or body is None or await self._client.send(self._listing(body, lock.modify_index)):
                return

    def _options(self, index: int) -> Options:
        return Options(consistent=True, datacenter=self._settings.datacenter, index=index, wait_s=_WAIT_S)
