"""Who asks: what the servers made of a token, for as long as that holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from lictor_core.acl.authorizer import EVERYTHING, Authorizer

__all__ = ["ANYBODY", "Caller"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A token as it is judged by; never its secret.

    `expires_at_s` is seconds since 1970, None for never. `stamp` grows with every change of what this token comes to:
    what was answered to it under a lower one may not be answered again.
    """

    accessor_id: str = ""
    authorizer: Authorizer = field(default=EVERYTHING)
    expires_at_s: float | None = None
    stamp: int = 0

    @property
    def scope(self) -> str:
        """As of the authorizer: callers of one scope see the same. Empty: all there is."""
        return self.authorizer.scope


ANYBODY = Caller()
"""Who asks a cluster without access control."""
