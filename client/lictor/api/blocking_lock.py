"""A lock for programs without an event loop: `AsyncLock` on a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import TypeVar

from lictor.api.asynchronous import AsyncClient
from lictor.api.locks import LockSettings
from lictor.api.settings import Settings

__all__ = ["Lock"]

T = TypeVar("T")


class Lock:
    """One lock or semaphore; a context manager. `is_held` may be asked from any thread, the rest from one.

    with Lock("deploy/lock") as lock:
        while lock.is_held and more_to_do():
            work(lock.fencing_token)
    """

    def __init__(self, key: str, settings: LockSettings | None = None, *, client: Settings | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = AsyncClient(client)
        self._lock = self._client.lock(key, settings)
        self._thread = threading.Thread(target=self._loop.run_forever, name="lictor-lock", daemon=True)
        self._thread.start()
        self._holds = False

    def __enter__(self) -> Lock:
        try:
            self.acquire()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_held(self) -> bool:
        """Whether the lock surely is held at this moment."""
        return self._holds and self._lock.is_held

    @property
    def fencing_token(self) -> int:
        """Rises with each time that anybody gets the lock: see `AsyncLock`."""
        return self._lock.fencing_token

    @property
    def lock_index(self) -> int:
        """`LockIndex` of the key: see `AsyncLock`."""
        return self._lock.lock_index

    @property
    def session_id(self) -> str:
        """The session that holds the lock: see `AsyncLock`."""
        return self._lock.session_id

    def acquire(self, wait_s: float | None = None) -> bool:
        """Wait for the lock, at most `wait_s` seconds; whether it is held. Raises as `AsyncLock.acquire` does."""
        self._holds = self._run(self._lock.acquire(wait_s))
        return self._holds

    def release(self) -> None:
        """Give the lock up."""
        self._holds = False
        self._run(self._lock.release())

    def close(self) -> None:
        """Give the lock up if it is held, and end the thread."""
        if not self._thread.is_alive():
            return
        try:
            self.release()
            self._run(self._client.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            raise
