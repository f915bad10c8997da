"""Who makes callers of secrets: the interface between what judges and what knows tokens."""

from __future__ import annotations

from typing import Protocol

from lictor_core.acl.caller import ANYBODY, Caller

__all__ = ["Callers", "Everybody"]


class Callers(Protocol):
    """Makes callers of secrets, by the state of this server."""

    def caller(self, secret: str) -> Caller:
        """Who shows this secret; without one anonymous.

        Raises `PermissionDeniedError` for a secret that no token has, or one that has expired.
        """
        ...


class Everybody:
    """A cluster without access control."""

    def caller(self, secret: str) -> Caller:
        """Anybody, who may do everything."""
        return ANYBODY
