"""The public face of Lictor: clients of the HTTP API, blocking and asyncio, and the command line.

What may enter: what a user of a running agent needs. What may not: anything that the agent does itself. Commands that
start a part of Lictor (`agent`, `connect proxy`) import its package when they are called: the others must start fast.

    from lictor import Client
    with Client() as client:
        client.kv.put("greeting", b"salve")
        print(client.kv.get("greeting"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lictor.api.asynchronous import AsyncClient
    from lictor.api.blocking import Client
    from lictor.api.blocking_lock import Lock
    from lictor.api.calls import (
        acl,
        agent,
        ca,
        catalog,
        config,
        coordinate,
        discovery_chain,
        dns,
        event,
        health,
        intentions,
        kv,
        operator,
        query,
        session,
        snapshot,
        status,
        txn,
    )
    from lictor.api.errors import AgentError, ApiError, TimedOutError, UnreachableError, UnreadableError
    from lictor.api.lock_rules import LockConflictError
    from lictor.api.locks import AsyncLock, LockSettings
    from lictor.api.messages import Answer, Call, Options
    from lictor.api.retrying import NO_RETRY, Retry
    from lictor.api.settings import Settings
    from lictor.api.watching import News, WatchSettings
    from lictor_core.errors import ConfigurationError, RequestError
    from lictor_core.records import (
        CARoots,
        CatalogService,
        Check,
        Intention,
        KVEntry,
        Member,
        Node,
        Service,
        ServiceHealth,
        Session,
        UserEvent,
    )

__all__ = [
    "NO_RETRY",
    "AgentError",
    "Answer",
    "ApiError",
    "AsyncClient",
    "AsyncLock",
    "CARoots",
    "Call",
    "CatalogService",
    "Check",
    "Client",
    "ConfigurationError",
    "Intention",
    "KVEntry",
    "Lock",
    "LockConflictError",
    "LockSettings",
    "Member",
    "News",
    "Node",
    "Options",
    "RequestError",
    "Retry",
    "Service",
    "ServiceHealth",
    "Session",
    "Settings",
    "TimedOutError",
    "UnreachableError",
    "UnreadableError",
    "UserEvent",
    "WatchSettings",
    "acl",
    "agent",
    "ca",
    "catalog",
    "config",
    "coordinate",
    "discovery_chain",
    "dns",
    "event",
    "health",
    "intentions",
    "kv",
    "operator",
    "query",
    "session",
    "snapshot",
    "status",
    "txn",
]

_HOMES: Final = {
    "AgentError": "errors",
    "Answer": "messages",
    "ApiError": "errors",
    "AsyncClient": "asynchronous",
    "AsyncLock": "locks",
    "Call": "messages",
    "Client": "blocking",
    "Lock": "blocking_lock",
    "LockConflictError": "lock_rules",
    "LockSettings": "locks",
    "NO_RETRY": "retrying",
    "News": "watching",
    "Options": "messages",
    "Retry": "retrying",
    "Settings": "settings",
    "TimedOutError": "errors",
    "UnreachableError": "errors",
    "UnreadableError": "errors",
    "WatchSettings": "watching",
}
_OF_CORE: Final = {
    "CARoots": "records",
    "CatalogService": "records",
    "Check": "records",
    "ConfigurationError": "errors",
    "Intention": "records",
    "KVEntry": "records",
    "Member": "records",
    "Node": "records",
    "RequestError": "errors",
    "Service": "records",
    "ServiceHealth": "records",
    "Session": "records",
    "UserEvent": "records",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: a command needs little of all this, and must start fast."""
    if name in _HOMES:
        return getattr(import_module(f"lictor.api.{_HOMES[name]}"), name)
    if name in _OF_CORE:
        return getattr(import_module(f"lictor_core.{_OF_CORE[name]}"), name)
    if name in __all__:
        return import_module(f"lictor.api.calls.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
