"""From a secret to who asks, by the state as it is here: whoever wants it fresher sees to that before.

What a token came to is kept for as long as neither it nor any policy or role has changed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from lictor_core import topics as on
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.caller import ANYBODY, Caller
from lictor_core.acl.granted import DefaultPolicy, Grants
from lictor_core.acl.records import ANONYMOUS_ID, ANONYMOUS_SECRET, Token
from lictor_core.acl.times import ends_at
from lictor_core.clock import Clock
from lictor_core.errors import PermissionDeniedError
from lictor_server.acl.granting import granted
from lictor_server.acl.settings import AclSettings
from lictor_server.state import Store

__all__ = ["CALLERS_MAX", "UNKNOWN_TOKEN", "Resolver"]

CALLERS_MAX: Final = 4096
"""Tokens of which it is kept what they come to; those that were not used for longest are worked out anew."""
UNKNOWN_TOKEN: Final = "ACL not found"
"""What is said of a token that is not there, or not any more: Consul's words."""

_RIGHTS: Final = (on.ACL_TOKENS, on.ACL_POLICIES, on.ACL_ROLES)
_NO_TOKEN: Final = Token(
    accessor_id=ANONYMOUS_ID, secret_id="", description="", local=False, create_time="", hash="",
    create_index=0, modify_index=0,
)  # fmt: skip


@dataclass(slots=True)
class _Kept:
    token: Token
    linked_at: int
    caller: Caller
    grants: Grants
    changed_at: int = -1
    """What of access control had changed when this was found to hold, and at which index of the state that was."""
    index: int = -1


class Resolver:
    """Who asks. All methods belong to the event loop."""

    def __init__(self, store: Store, settings: AclSettings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    @property
    def enabled(self) -> bool:
        """Whether tokens mean anything."""
        return self._settings.enabled

    def caller(self, secret: str) -> Caller:
        """Who shows `secret`; who shows none is the anonymous one.

        Raises `PermissionDeniedError` for a secret that no token has, or one that has expired.
        """
        return self._found(secret).caller if self._settings.enabled else ANYBODY

    def grants(self, secret: str) -> Grants:
        """The same as agents judge by it. Raises as `caller` does."""
        if not self._settings.enabled:
            return Grants(accessor_id="", default=DefaultPolicy.DISABLED, ttl_s=self._settings.token_ttl_s)
        return self._found(secret).grants

    def grants_of(self, token: Token) -> Grants:
        """What `token` comes to as things are. Raises `PermissionDeniedError` where it has a policy that is none."""
        return Grants(
            accessor_id=token.accessor_id,
            description=token.description,
            policies=granted(self._store.acl, token, self._store.datacenter),
            default=self._settings.default,
            expires_at_s=ends_at(token.expiration_time),
            ttl_s=self._settings.token_ttl_s,
        )

    def is_over(self, token: Token) -> bool:
        """Whether `token` has expired."""
        until = ends_at(token.expiration_time)
        return until is not None and self._clock.now() >= until

    def _found(self, secret: str) -> _Kept:
        """By the secret itself while nothing of access control changes: who guesses learns nothing from a table whose
        hashes are keyed anew in each process."""
        kept = self._kept.get(secret)
        if kept is None or kept.index != self._store.index:
            kept = self._looked_up(secret, kept)
        self._kept.move_to_end(secret)
        until = kept.caller.expires_at_s
        if until is not None and self._clock.now() >= until:
            raise PermissionDeniedError(UNKNOWN_TOKEN)
        return kept

    def _looked_up(self, secret: str, kept: _Kept | None) -> _Kept:
        """What the token of `secret` comes to by the state of now; `kept` is what it came to before."""
        changed_at = self._store.stamp(_RIGHTS)
        if kept is None or kept.changed_at != changed_at:
            kept = self._judged(secret, kept)
            kept.changed_at = changed_at
        kept.index = self._store.index
        return kept

    def _judged(self, secret: str, kept: _Kept | None) -> _Kept:
        token = self._store.acl.token_of_secret(secret or ANONYMOUS_SECRET)
        if token is None:
            if secret and secret != ANONYMOUS_SECRET:
                self._kept.pop(secret, None)
                raise PermissionDeniedError(UNKNOWN_TOKEN)
            token = _NO_TOKEN  # the first leader has not written it yet
        linked_at = self._store.stamp((on.ACL_POLICIES, on.ACL_ROLES))
        if kept is None or kept.token is not token or kept.linked_at != linked_at:
            kept = self._kept[secret] = self._made(token, linked_at)
            if len(self._kept) > CALLERS_MAX:
                self._kept.popitem(last=False)
        return kept

    def _made(self, token: Token, linked_at: int) -> _Kept:
        grants = self.grants_of(token)
        caller = Caller(
            accessor_id=token.accessor_id,
            authorizer=Authorizer(grants),
            expires_at_s=grants.expires_at_s,
            stamp=max(token.modify_index, linked_at),
        )
        return _Kept(token, linked_at, caller, grants)
