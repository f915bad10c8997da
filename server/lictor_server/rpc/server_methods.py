"""The methods that servers call on one another apart from what the leader does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lictor_core.calls import PROXIES_TOLD
from lictor_core.codec import unpack
from lictor_server.cluster import Meeting, Promise, ServerCard
from lictor_server.cluster.meeting import INTRODUCE, PROMISE
from lictor_server.proxies import ServerProxies

__all__ = ["server_methods"]


def server_methods(meeting: Meeting, proxies: ServerProxies) -> dict[str, Callable[[bytes], Awaitable[object]]]:
    """Each method by its name on the wire; it takes a payload and gives what is packed as the answer."""

    async def introduce(payload: bytes) -> object:
        return meeting.introduced(unpack(payload, ServerCard))

    async def promise(payload: bytes) -> object:
        meeting.promised(unpack(payload, Promise))
        return None

    async def proxies_told(payload: bytes) -> object:
        return proxies.own(unpack(payload, str))

    return {INTRODUCE: introduce, PROMISE: promise, PROXIES_TOLD: proxies_told}
