"""What tokens come to, for agents: as fresh as there is a leader for it."""

from __future__ import annotations

import asyncio
from typing import Final

from lictor_core.acl.granted import Grants
from lictor_core.commands import ReadMode
from lictor_core.errors import NoLeaderError, PermissionDeniedError
from lictor_server.acl.resolver import Resolver
from lictor_server.freshness import Freshness

__all__ = ["LEADER_S_MAX", "FreshGrants"]

LEADER_S_MAX: Final = 2.0
"""How long a token waits for the leader: agents ask while their own clients wait, and have had their answer once."""


class FreshGrants:
    """Answers `resolve_token` of core's `Registry`."""

    def __init__(self, resolver: Resolver, freshness: Freshness) -> None:
        self._resolver = resolver
        self._freshness = freshness

    async def of(self, secret: str) -> Grants:
        """What the token of `secret` comes to.

        While nobody leads, what this server has decides, since nobody can revoke a token then; but one that it does not
        have may have been made just before. Raises `PermissionDeniedError` for a token that is not there,
        `NoLeaderError` where that cannot be told, `CatchingUpError` where nothing can.
        """
        if not self._resolver.enabled:
            return self._resolver.grants(secret)
        is_fresh = self._freshness.contact().known_leader and await self._is_fresh()
        try:
            return self._resolver.grants(secret)
        except PermissionDeniedError:
            if is_fresh:
                raise
            raise NoLeaderError("No cluster leader: the token is not known here, and nobody can tell of it") from None

    async def _is_fresh(self) -> bool:
        try:
            async with asyncio.timeout(LEADER_S_MAX):
                await self._freshness.reached(ReadMode.DEFAULT)
        except (NoLeaderError, TimeoutError):
            return False
        return True
