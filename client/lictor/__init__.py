"""The public face of Lictor: clients of the HTTP API, blocking and asyncio, and the command line.

What may enter: what a user of a running agent needs. What may not: anything that the agent does itself. Commands that
start a part of Lictor (`agent`, `connect proxy`) import its package when they are called: the others must start fast.

    from lictor import Client, kv
    client = Client()
    client.send(kv.put("greeting", b"salve"))
    print(client.send(kv.get("greeting")))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lictor.api.asynchronous import AsyncClient
    from lictor.api.blocking import Client
    from lictor.api.blocking_lock import Lock
    from lictor.api.calls import (
        agent,
        ca,
        catalog,
        config,
        coordinate,
        discovery_chain,
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
    from lictor.api.locks import AsyncLock, LockSettings
    from lictor.api.messages import Answer, Call, Options
    from lictor.api.settings import Settings

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncLock",
    "Call",
    "Client",
    "Lock",
    "LockSettings",
    "Options",
    "Settings",
    "agent",
    "ca",
    "catalog",
    "config",
    "coordinate",
    "discovery_chain",
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
    "Answer": "messages",
    "AsyncClient": "asynchronous",
    "AsyncLock": "locks",
    "Call": "messages",
    "Client": "blocking",
    "Lock": "blocking_lock",
    "LockSettings": "locks",
    "Options": "messages",
    "Settings": "settings",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: a command needs little of all this, and must start fast."""
    if name in _HOMES:
        return getattr(import_module(f"lictor.api.{_HOMES[name]}"), name)
    if name in __all__:
        return import_module(f"lictor.api.calls.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
