"""Tokens: made, changed, cloned, destroyed. Rules and messages are those of Consul 1.8.7."""

from __future__ import annotations

import msgspec

from lictor_core.acl.commands import AclTokensDelete, AclTokenSet
from lictor_core.acl.records import ANONYMOUS_ID, Token
from lictor_core.acl.requests import AclAnswer, TokenClone, TokenDelete, TokenWrite
from lictor_core.acl.times import seconds_of
from lictor_core.durations import format_duration
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_server.acl.hashes import hash_of_token
from lictor_server.acl.means import Means
from lictor_server.acl.names import (
    is_reserved,
    is_uuid,
    known_policies,
    known_roles,
    node_identities,
    service_identities,
    why_no_lookup,
)
from lictor_server.acl.resolver import UNKNOWN_TOKEN
from lictor_server.endpoints.writes import timestamp
from lictor_server.state.acl_answers import shown_token

__all__ = ["TokenDesk"]

_RESERVED = 'Invalid Token: UUIDs with the prefix "00000000-0000-0000-0000-0000000000" are reserved'


class TokenDesk:
    """What the leader does about tokens. Who may ask was settled before."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def write(self, order: TokenWrite) -> AclAnswer:
        """Create or replace a token."""
        given = order.token
        token = self._changed(order) if order.is_update else self._new(order)
        if given.rules or given.type:
            raise AclRefusedError("Rules cannot be specified for this token")
        return await self.put(self._linked(token, given), is_update=order.is_update)

    async def clone(self, order: TokenClone) -> AclAnswer:
        """A token like another one, with a secret of its own."""
        source = self._known(order.accessor_id)
        if source is None:
            raise PermissionDeniedError(UNKNOWN_TOKEN)
        if source.auth_method:
            raise AclRefusedError("Cannot clone a token created from an auth method")
        if source.legacy:
            raise AclRefusedError("Cannot clone a legacy ACL with this endpoint")
        shown = shown_token(self._means.acl, source)
        like = msgspec.structs.replace(
            shown, accessor_id="", secret_id="", description=order.description or shown.description
        )
        return await self.write(TokenWrite(token=like, is_update=False))

    async def delete(self, order: TokenDelete, secret: str) -> AclAnswer:
        """Destroy a token, but not the one that `secret` is of, which asks for it."""
        if not is_uuid(order.accessor_id):
            raise AclRefusedError("Accessor ID is missing or an invalid UUID")
        if order.accessor_id == ANONYMOUS_ID:
            raise AclRefusedError("Delete operation not permitted on the anonymous token")
        token = self._means.acl.token(order.accessor_id)
        if token is not None:
            if token is self._means.acl.token_of_secret(secret):
                raise AclRefusedError("Deletion of the request's authorization token is not permitted")
            await self.drop(token)
        return AclAnswer()

    async def put(self, token: Token, *, is_update: bool) -> AclAnswer:
        """Keep `token`, which was judged; it gets its hash here. The answer has it with the names of its links."""
        token = msgspec.structs.replace(token, hash=hash_of_token(token))
        await self._means.propose(AclTokenSet(token=token, is_update=is_update))
        self._means.log.info("acl.token.written", accessor_id=token.accessor_id, is_new=not is_update)
        return AclAnswer(token=self.shown(token))

    async def drop(self, token: Token) -> None:
        """Destroy a token that is there."""
        await self._means.propose(AclTokensDelete(accessor_ids=[token.accessor_id]))
        self._means.log.info("acl.token.deleted", accessor_id=token.accessor_id)

    def shown(self, token: Token) -> Token:
        """`token` as it is kept now, or as it was written where somebody has deleted it meanwhile."""
        acl = self._means.acl
        return shown_token(acl, acl.token(token.accessor_id) or token)

    def _known(self, accessor_id: str) -> Token | None:
        if flaw := why_no_lookup(accessor_id, "token"):
            raise AclRefusedError(flaw)
        token = self._means.acl.token(accessor_id)
        return None if token is None or self._means.resolver.is_over(token) else token

    def _new(self, order: TokenWrite) -> Token:
        given, acl, means = order.token, self._means.acl, self._means
        if given.accessor_id and (flaw := why_no_lookup(given.accessor_id, "token")):
            raise AclRefusedError(f"Failed acl token lookup by accessor: {flaw}")
        if given.secret_id and not is_uuid(given.secret_id):
            raise AclRefusedError("Invalid Token: SecretID is not a valid UUID")
        if is_reserved(given.accessor_id) or is_reserved(given.secret_id):
            raise AclRefusedError(_RESERVED)
        if given.accessor_id and _is_taken(means, given.accessor_id):
            raise AclRefusedError("Invalid Token: AccessorID is already in use")
        if given.secret_id and _is_taken(means, given.secret_id):
            raise AclRefusedError("Invalid Token: SecretID is already in use")
        if given.auth_method:
            raise AclRefusedError("AuthMethod field is disallowed outside of Login")
        now = means.clock.now()
        return Token(
            accessor_id=given.accessor_id or means.new_id(lambda id: acl.token(id) is not None),
            secret_id=given.secret_id or means.new_id(lambda id: acl.token_of_secret(id) is not None),
            description=given.description,
            local=given.local,
            expiration_time=self._expiration(order, now),
            create_time=timestamp(now),
            hash="",
            create_index=0,
            modify_index=0,
        )

    def _changed(self, order: TokenWrite) -> Token:
        given = order.token
        old = self._known(given.accessor_id)
        if old is None:
            raise AclRefusedError(f'Cannot find token "{given.accessor_id}"')
        shown = old.accessor_id
        if given.secret_id and given.secret_id != old.secret_id:
            raise AclRefusedError("Changing a tokens SecretID is not permitted")
        if given.local != old.local:
            raise AclRefusedError(f"cannot toggle local mode of {shown}")
        if given.auth_method and given.auth_method != old.auth_method:
            raise AclRefusedError(f"Cannot change AuthMethod of {shown}")
        if order.expires_in_s or (given.expiration_time and not _is_same_time(given, old)):
            raise AclRefusedError(f"Cannot change expiration time of {shown}")
        # A token of the older API becomes one of today's by it: its rules go, and what is linked to counts.
        return msgspec.structs.replace(old, description=given.description, legacy=False, type="", rules="")

    def _linked(self, token: Token, given: Token) -> Token:
        acl = self._means.acl
        return msgspec.structs.replace(
            token,
            policies=known_policies(acl, given.policies),
            roles=known_roles(acl, given.roles),
            service_identities=service_identities(given.service_identities, "token", local=token.local),
            node_identities=node_identities(given.node_identities, "token"),
        )

    def _expiration(self, order: TokenWrite, now: float) -> str:
        given = order.token.expiration_time
        if order.expires_in_s:
            if given:
                raise AclRefusedError("Token Expiration TTL and Expiration Time cannot both be set")
            if order.expires_in_s < 0:
                shown = format_duration(order.expires_in_s)
                raise AclRefusedError(f"Token Expiration TTL '{shown}' should be > 0")
            return self._ended(now, order.expires_in_s)
        return self._ended(now, seconds_of(given) - now) if given else ""

    def _ended(self, now: float, lasts_s: float) -> str:
        settings = self._means.settings
        if lasts_s < 0:
            raise AclRefusedError("ExpirationTime cannot be before CreateTime")
        for is_out, bound_s, words in (
            (lasts_s < settings.expiration_min_s, settings.expiration_min_s, "less"),
            (lasts_s > settings.expiration_max_s, settings.expiration_max_s, "more"),
        ):
            if is_out:
                raise AclRefusedError(
                    f"ExpirationTime cannot be {words} than {format_duration(bound_s)} in the future "
                    f"(was {format_duration(lasts_s)})"
                )
        return timestamp(now + lasts_s)


def _is_taken(means: Means, id: str) -> bool:
    """Accessors and secrets share one set of names, so that neither can be taken for the other."""
    return means.acl.token(id) is not None or means.acl.token_of_secret(id) is not None


def _is_same_time(given: Token, old: Token) -> bool:
    return bool(old.expiration_time) and seconds_of(given.expiration_time) == seconds_of(old.expiration_time)
