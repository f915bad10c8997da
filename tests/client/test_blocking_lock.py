"""A lock without an event loop."""

from __future__ import annotations

import threading

from lictor.api.blocking import Client
from lictor.api.blocking_lock import Lock
from lictor.api.calls import kv, session
from lictor.api.locks import LockSettings
from lictor.api.settings import Settings
from tests.support.conditions import wait_until

SOON = LockSettings(lock_delay_s=0)


def test_a_lock_excludes_other_threads_and_is_given_up_at_the_end(live_settings: Settings) -> None:
    with Lock("blocking/one", SOON, client=live_settings) as lock:
        assert lock.is_held
        assert (lock.lock_index, lock.fencing_token > 0) == (1, True)
        other = Lock("blocking/one", SOON, client=live_settings)
        assert not other.acquire(0.3)
        assert not other.is_held
        lock.release()
        assert other.acquire(10)
        other.close()
        other.close()
    assert not lock.is_held
    assert "lictor-lock" not in {thread.name for thread in threading.enumerate()}


def test_a_lock_that_is_lost_is_not_held(live_settings: Settings) -> None:
    with Lock("blocking/lost", SOON, client=live_settings) as lock, Client(live_settings) as client:
        entry = client.send(kv.get("blocking/lost"))
        assert entry is not None
        client.send(session.destroy(entry.session))
        wait_until(lambda: not lock.is_held, within_s=10, what="the loss of the lock")
