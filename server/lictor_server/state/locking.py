"""Sessions and keys together: who may hold a key, and what becomes of it when the session ends.

Semantics as Consul 1.8's `api-docs/{session,kv}`; but lock delays are part of the state here, and outlive the leader.
"""

from __future__ import annotations

from typing import Final

from lictor_core.commands import KVSet, Rejection
from lictor_core.errors import RequestError
from lictor_core.limits import LOCK_DELAY_MAX_S
from lictor_core.records import CRITICAL, Session, SessionBehavior
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store

__all__ = ["acquire", "destroy", "end_sessions", "release", "why_no_session"]

_DELAY_MS_MAX: Final = int(LOCK_DELAY_MAX_S * 1000)
_NS_PER_MS: Final = 1_000_000


def why_no_session(store: Store, session: Session) -> str:
    """Why this session cannot begin; empty when it can."""
    if store.catalog.node(session.node) is None:
        return "Missing node registration"
    if store.sessions.get(session.id) is not None:
        return f"there is a session {session.id} already: give this one a new id"
    for check_id in session.check_ids():
        check = store.catalog.check_on(session.node, check_id)
        if check is None:
            return f"Missing check '{check_id}' registration"
        if check.status == CRITICAL:
            return f"Check '{check_id}' is in critical state"
    return ""


def acquire(store: Store, change: Change, command: KVSet) -> bool | Rejection:
    """Write the key as the lock of a session, if nobody else has it."""
    if store.lock_delays.bars(command.key, store.time_ms):
        return False
    session = store.sessions.get(command.acquire)
    if session is None:
        return Rejection(code=RequestError.code, message=f'invalid session "{command.acquire}"')
    entry = store.kv.get(command.key)
    if entry is not None and entry.session not in ("", session.id):
        return False
    store.kv.put(change, command.key, command.value, command.flags, session=session.id)
    return True


def release(store: Store, change: Change, command: KVSet) -> bool:
    """Write the key and give up its lock, if the session has it."""
    entry = store.kv.get(command.key)
    if entry is None or entry.session.lower() != command.release.lower():
        return False
    store.kv.put(change, command.key, command.value, command.flags, session="")
    return True


def end_sessions(store: Store, change: Change) -> None:
    """End every session whose node or check was lost by what `change` did."""
    for node in change.lost_nodes:
        for session in store.sessions.on_node(node):
            destroy(store, change, session)
    for node, check_id in change.lost_checks:
        for session in store.sessions.with_check(node, check_id):
            destroy(store, change, session)


def destroy(store: Store, change: Change, session: Session) -> None:
    """End a session: its keys are released or deleted, and barred for its lock delay; its prepared queries go."""
    delay_ms = min(session.lock_delay_ns // _NS_PER_MS, _DELAY_MS_MAX)
    for key in store.kv.held_by(session.id):
        if session.behavior is SessionBehavior.DELETE:
            store.kv.drop(change, key)
        else:
            store.kv.free(change, key)
        if delay_ms > 0:
            store.lock_delays.bar(key, store.time_ms, delay_ms)
    for query in store.prepared.of_session(session.id):
        store.prepared.drop(change, query)
    store.sessions.drop(change, session)
