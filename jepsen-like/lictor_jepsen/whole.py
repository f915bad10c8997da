"""Whether every server is a voter as itself: none is gone, new and not yet taken in, or known by an identity it lost.

A server that lost all its data comes back as another one. Until the leader has made that a voter in the place of the
old one, the cluster cannot spare a second server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from lictor_jepsen.clients.base import Refused, checked, decoded
from lictor_jepsen.http import request

__all__ = ["is_whole"]

T = TypeVar("T")

_ASK_S_MAX: Final = 1.0


class _Peer(msgspec.Struct):
    ID: str
    Voter: bool


class _Configuration(msgspec.Struct):
    Servers: tuple[_Peer, ...]


class _Config(msgspec.Struct):
    NodeID: str


class _Self(msgspec.Struct):
    Config: _Config


async def is_whole(urls: Sequence[str]) -> bool:
    """Whether each of these servers answers, and all of them say that just they are the voters."""
    selves = await asyncio.gather(*(_asked(f"{url}/v1/agent/self", _Self) for url in urls))
    sets = await asyncio.gather(*(_asked(f"{url}/v1/operator/raft/configuration", _Configuration) for url in urls))
    ids = {one.Config.NodeID for one in selves if one is not None}
    voters = [{peer.ID for peer in one.Servers if peer.Voter} for one in sets if one is not None]
    return len(ids) == len(urls) == len(voters) and all(one == ids for one in voters)


async def _asked(url: str, kind: type[T]) -> T | None:
    try:
        return decoded(checked(await request("GET", url, timeout_s=_ASK_S_MAX)), kind)
    except (OSError, Refused):
        return None
